"""Extraction from Python: `avcues.extract` and `avcues.extract_many`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.runtime.user_settings import Models, Options, make_settings, parse_memory_limit

if TYPE_CHECKING:
    from avcues.extractors.compute import Device, Precision
    from avcues.pipeline.media.reading import Reading
    from avcues.pipeline.runtime.extracted_video import ExtractedVideo
    from avcues.pipeline.runtime.request import Request, Workers
    from avcues.pipeline.store.records import VideoResult


def extract(
    media: str | Path,
    *,
    features: Sequence[str] | None = None,
    step: float | str | Fraction = Fraction(1, 2),
    options: Options | None = None,
    models: Models | None = None,
    device: Device = "auto",
    precision: Precision = "fp32",
    weights_dir: str | Path | None = None,
    reading: Reading | None = None,
    trust_headers: bool = False,
    progress: bool = False,
) -> ExtractedVideo:
    """Extracts the features of one video, in this process and in memory.

    The values are those that `extract_many` writes. A crash in a codec or a network ends this process; `extract_many`
    protects against that, and against videos that hang or need too much memory.

    Args:
        media: Path or URL of a video or audio file.
        features: Names as in `features()`, of extra tables, and "all"; None: all. `shots` and the timeline are
            always included.
        step: Window length in seconds, a multiple of 0.02, at least 0.1.
        options: Options by feature.
        models: Models of the hub by the name of the feature that each becomes: "<owner>/<name>", the path of a folder,
            or options such as `{"source": "<owner>/<name>", "layer": 9}`.
        device: "auto" takes a GPU if torch sees one.
        precision: "bf16" is faster and moves probabilities by about 0.01 at most; "int8" is faster still and moves
            those of actions by 0.02 on average and 0.06 at most.
        weights_dir: A folder with your own weights files.
        reading: Which streams are read, and how; None: as players do.
        trust_headers: Also decode a file whose headers claim over 8192 x 8192 pixels, 64 audio channels, or a sample
            rate outside 1 to 768 kHz.
        progress: Show a progress bar.

    Raises:
        MediaError: The file cannot be read as audio or video.
        WeightsError: The weights of a feature that was named could not be found or downloaded.
        SettingsError: A setting is unknown or has a bad value.

    Examples:
        >>> import avcues
        >>> result = avcues.extract("clip.mp4", features=["color", "lighting"])
        >>> list(result)
        ['shots', 'timeline', 'color', 'lighting']
        >>> result["color"].column_names[:5]
        ['video_id', 'window', 'start', 'end', 'hue_000']
    """
    from dataclasses import replace

    from rich.console import Console

    from avcues.pipeline.extraction.video import measure_video
    from avcues.pipeline.runtime import cluster
    from avcues.pipeline.runtime.extracted_video import ExtractedVideo
    from avcues.pipeline.runtime.inputs import collect
    from avcues.pipeline.runtime.observer import RunPlan
    from avcues.pipeline.runtime.progress import ProgressBars
    from avcues.pipeline.runtime.run import adapted_to_machine
    from avcues.pipeline.runtime.weights import resolve_weights

    settings = make_settings(
        features=features,
        step=step,
        options=options,
        models=models,
        device=device,
        precision=precision,
        weights_dir=weights_dir,
        reading=reading,
    )
    settings.create_extractors()
    videos = collect([str(media)]).videos
    if len(videos) != 1:
        raise InputError(f"{media}: names {len(videos)} videos; use extract_many for more than one")
    with ProgressBars(Console(stderr=True), visible=progress) as bars:
        settings = adapted_to_machine(settings, bars)
        compute = replace(settings.compute, threads=cluster.threads_per_worker(1))
        settings, left_out = resolve_weights(replace(settings, compute=compute), None, bars.on_download)
        bars.on_plan(RunPlan(videos=1, problems=(), networks=(), left_out=left_out))
        measurements = settings.measurements(trust_headers=trust_headers)
        video = videos[0]
        bars.on_progress(video.video_id, 0.0, None)
        tables = measure_video(video, measurements, lambda done, total: bars.on_progress(video.video_id, done, total))
    return ExtractedVideo(video.video_id, tables, left_out)


def extract_many(
    media: Sequence[str | Path],
    out: str | Path,
    *,
    features: Sequence[str] | None = None,
    step: float | str | Fraction = Fraction(1, 2),
    options: Options | None = None,
    models: Models | None = None,
    device: Device = "auto",
    precision: Precision = "fp32",
    weights_dir: str | Path | None = None,
    reading: Reading | None = None,
    overwrite: bool = False,
    trust_headers: bool = False,
    verify: bool = False,
    workers: int | Literal["auto"] = "auto",
    workers_per_gpu: int | None = None,
    scheduler: str | None = None,
    resources: Mapping[str, float] | None = None,
    time_limit_s: float | None = None,
    memory_limit: int | str | None = "auto",
    max_failures: int | None = None,
    progress: bool = False,
) -> Iterator[VideoResult]:
    """Writes the features of many videos as Parquet tables, as `avcues extract` does, and yields a result per video.

    Each video is processed in its own process: a video that crashes, hangs or exceeds a limit gives a result whose
    `state` is "failed", with the cause, and does not affect other videos. Tables that are up to date are kept, so
    another call resumes a run. The inputs and settings are checked immediately; the work begins when the first result
    is requested, and ends when the iterator is closed.

    Args:
        media: Files, folders, patterns, CSV or Parquet lists with the columns video_id and path, or URLs.
        out: Folder or URL of the tables: `out/<table>/<video_id>.parquet`.
        features: Names as in `features()`, of extra tables, and "all"; None: all. Features that are not named are
            left out if their weights are missing and cannot be downloaded.
        step: Window length in seconds, a multiple of 0.02, at least 0.1.
        options: Options by feature.
        models: Models of the hub by the name of the feature that each becomes: "<owner>/<name>", the path of a folder,
            or options such as `{"source": "<owner>/<name>", "layer": 9}`.
        device: "auto" takes a GPU if torch sees one.
        precision: "bf16" is faster and moves probabilities by about 0.01 at most; "int8" is faster still and moves
            those of actions by 0.02 on average and 0.06 at most.
        weights_dir: A folder with your own weights files; workers of a cluster must see it.
        reading: Which streams are read, and how; None: as players do.
        overwrite: Compute tables again even if they are up to date.
        trust_headers: Also decode files whose headers claim over 8192 x 8192 pixels, 64 audio channels, or a sample
            rate outside 1 to 768 kHz.
        verify: Read every table that is kept, and compute it again if its content is damaged.
        workers: Worker processes; "auto": as many as cores, memory and GPUs allow; 0: this process, without protection.
        workers_per_gpu: With workers="auto": the most workers that share a GPU; None: 4.
        scheduler: Address of a running Dask scheduler, such as "tcp://host:8786".
        resources: With a scheduler: what a worker must offer, such as {"GPU": 1}.
        time_limit_s: A video that takes longer fails.
        memory_limit: A video that needs more memory fails; bytes, or text such as "4GiB". "auto": 90 % of its worker's
            share of the machine, but at least 6 GiB if the machine has them; None: no limit.
        max_failures: Stop after this many failed videos.
        progress: Show progress bars.

    Yields:
        One `VideoResult` per video, in the order in which they finish.

    Raises:
        AvcuesError: The inputs, settings, weights or output folder do not allow a start.
        RunStoppedError: The run stopped before its end; finished videos remain.

    Examples:
        >>> import avcues
        >>> for result in avcues.extract_many(["clip.mp4"], "features", features=["color"], workers=0):
        ...     print(result.video_id, result.state, result.tables["color"])
        clip done 8
    """
    from avcues.pipeline.runtime.request import Limits, Request, Workers
    from avcues.pipeline.store.location import location

    request = Request(
        settings=make_settings(
            features=features,
            step=step,
            options=options,
            models=models,
            device=device,
            precision=precision,
            weights_dir=weights_dir,
            reading=reading,
        ),
        out=location(str(out)),
        overwrite=overwrite,
        trust_headers=trust_headers,
        verify=verify,
        limits=Limits(time_s=time_limit_s, memory_bytes=parse_memory_limit(memory_limit)),
    )
    if workers != "auto" and not isinstance(workers, int):
        raise SettingsError(f"`workers={workers}`: expected a number of processes, 0, or auto")
    count = None if workers == "auto" else workers
    worker_options = Workers(count=count, per_gpu=workers_per_gpu, scheduler=scheduler, resources=resources)
    return _extract_many([str(path) for path in media], request, worker_options, max_failures, show_bars=progress)


def _extract_many(
    paths: Sequence[str], request: Request, workers: Workers, max_failures: int | None, *, show_bars: bool
) -> Iterator[VideoResult]:
    from rich.console import Console

    from avcues.pipeline.runtime.progress import ProgressBars
    from avcues.pipeline.runtime.run import run

    bars = ProgressBars(Console(stderr=True), visible=show_bars)
    results = run(paths, request, workers, max_failures=max_failures, observer=bars)

    def results_with_bars() -> Iterator[VideoResult]:
        with bars:
            for result in results:
                bars.on_result(result)
                yield result

    return results_with_bars()
