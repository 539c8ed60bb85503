"""`avcues extract`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import typer

from avcues.pipeline.cli import extract_options as options
from avcues.pipeline.cli.errors import OneLineErrors
from avcues.pipeline.cli.extract_settings import feature_options, model_options
from avcues.pipeline.cli.option_values import parse_list, parse_resources, parse_shard, parse_workers
from avcues.pipeline.cli.show_run import show_run


def extract(
    paths: options.Paths,
    out: options.OutputFolder,
    features: options.Features = "all",
    step: options.Step = "0.5",
    audio_rate: options.AudioRate = "48000",
    set_: options.Assignments = [],  # noqa: B006  (typer copies it)
    picture: options.Picture = "display",
    bars: options.Bars = "keep",
    video_stream: options.VideoStream = None,
    audio_stream: options.AudioStream = None,
    downmix: options.Downmix = "standard",
    overwrite: options.Overwrite = False,
    verify: options.Verify = False,
    model: options.HubModels = [],  # noqa: B006
    variant: options.Variants = [],  # noqa: B006
    weights_dir: options.WeightsDir = None,
    device: options.Device = "auto",
    precision: options.Precision = "fp32",
    workers: options.Workers = "auto",
    workers_per_gpu: options.WorkersPerGpu = None,
    scheduler: options.Scheduler = None,
    resources: options.Resources = [],  # noqa: B006
    wait: options.Wait = None,
    shard: options.Shard = None,
    log_json: options.LogJson = False,
    dry_run: options.DryRun = False,
    debug: options.Debug = False,
    time_limit: options.TimeLimit = None,
    memory_limit: options.MemoryLimit = "auto",
    trust_headers: options.TrustHeaders = False,
    fail_fast: options.FailFast = False,
    max_failures: options.MaxFailures = None,
) -> None:
    """Extracts the feature tables of videos.

    [bold]avcues extract[/] clip.mp4 --out features

    [bold]avcues extract[/] "videos/**/*.mkv" --out features --features emobase,color --workers 8

    [bold]avcues extract[/] s3://bucket/videos --out s3://bucket/features --scheduler tcp://host:8786

    Run it again to continue where it stopped: tables that are up to date are kept.

    Exit codes: 0 all done, 1 some videos failed (the others are done), 2 nothing was started, 130 or 143 ended by
    Ctrl-C or SIGTERM.
    """
    from avcues.pipeline.runtime.worker_child import EXTRACTION, WorkerChild

    with OneLineErrors(debug), closing(WorkerChild()) as child:
        count = parse_workers(workers)
        if not (scheduler or dry_run) and (count == 1 or (count is None and _is_one_file(paths))):
            child.start(debug=debug)
            child.load([EXTRACTION])  # it imports what it needs while this process does
        from avcues.pipeline.media.reading import Reading
        from avcues.pipeline.runtime.request import Limits, Request, Workers
        from avcues.pipeline.runtime.user_settings import make_settings, parse_memory_limit
        from avcues.pipeline.store.location import location

        feature_names = parse_list(features) or []
        request = Request(
            settings=make_settings(
                features=feature_names,
                step=step,
                options=feature_options(audio_rate, feature_names, set_, variant),
                models=model_options(model),
                device=device,
                precision=precision,
                weights_dir=weights_dir,
                reading=Reading(
                    video_stream=video_stream,
                    audio_stream=audio_stream,
                    downmix=downmix,
                    picture=picture,
                    bars=bars,
                ),
            ),
            out=location(out),
            overwrite=overwrite,
            trust_headers=trust_headers,
            verify=verify,
            debug=debug,
            shard=parse_shard(shard),
            limits=Limits(time_s=time_limit, memory_bytes=parse_memory_limit(memory_limit)),
        )
        if dry_run:
            from avcues.pipeline.cli.plan import show_plan

            raise typer.Exit(show_plan(paths, request))
        worker_settings = Workers(
            count=count,
            per_gpu=workers_per_gpu,
            scheduler=scheduler,
            resources=parse_resources(resources),
            wait_s=wait,
        )
        code = show_run(
            paths,
            request,
            worker_settings,
            max_failures=1 if fail_fast else max_failures,
            log_json=log_json,
            child=child,
        )
    raise typer.Exit(code)


def _is_one_file(paths: list[str]) -> bool:
    """Whether exactly one media file is named; a list of videos would have to be read first."""
    return len(paths) == 1 and Path(paths[0]).suffix not in (".csv", ".parquet") and Path(paths[0]).is_file()
