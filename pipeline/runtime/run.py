"""Runs an extraction: from the user's request to finished tables and a record of every video."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Precision
from avcues.extractors.int8.processor import multiplies_exactly
from avcues.extractors.openvino_import import cpu_has_bf16
from avcues.pipeline.errors import RunStoppedError
from avcues.pipeline.extraction.stamp_check import StampCheck
from avcues.pipeline.runtime import cluster
from avcues.pipeline.runtime.distribute import distribute
from avcues.pipeline.runtime.gpus import visible_gpus
from avcues.pipeline.runtime.inputs import Inputs, collect
from avcues.pipeline.runtime.machine import memory_bytes
from avcues.pipeline.runtime.observer import Observer, RunPlan
from avcues.pipeline.runtime.request import Request, Workers
from avcues.pipeline.runtime.resolve import resolve
from avcues.pipeline.runtime.resolved_run import ResolvedRun
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.runtime.weights import describe_networks
from avcues.pipeline.runtime.worker_child import EXTRACTION, WorkerChild
from avcues.pipeline.runtime.worker_process import WorkerProcess
from avcues.pipeline.store.files import prepare_output
from avcues.pipeline.store.layout import manifest_path, unfinished_files, videos_with_table, worker_probe_path
from avcues.pipeline.store.lock import OutputLock
from avcues.pipeline.store.manifest import pin
from avcues.pipeline.store.records import VideoResult, remember_requested
from avcues.pipeline.store.video_input import VideoInput

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location


def run(
    paths: Sequence[str],
    request: Request,
    workers: Workers = Workers(),
    *,
    max_failures: int | None = None,
    observer: Observer = Observer(),
    child: WorkerChild | None = None,
) -> Generator[VideoResult]:
    """Makes the missing tables of all videos, and yields a result per video.

    The paths and settings are checked at once; work begins when the first result is requested. Closing the iterator
    ends the run; finished tables are kept.

    Args:
        paths: Files, folders, patterns, lists or URLs, as on the command line.
        request: What to compute, and where to write it.
        workers: The workers of the run.
        max_failures: The run stops after this many failed videos.
        observer: Receives reports on the progress of the run.
        child: A child process that was started before the run, for a run with one worker.

    Raises:
        AvcuesError: Nothing was started because of the input, the settings, the weights, or the output folder.
        RunStoppedError: The run stopped before its end: after `max_failures`, because of an error that every other
            video would meet too, or because the scheduler is lost.
    """
    extractors = request.settings.create_extractors()
    return _run(collect(paths, request.shard), request, extractors, workers, max_failures, observer, child)


def _run(
    inputs: Inputs,
    request: Request,
    extractors: Sequence[BaseExtractor],
    workers: Workers,
    max_failures: int | None,
    observer: Observer,
    child: WorkerChild | None,
) -> Generator[VideoResult]:
    if workers.count is not None:
        workers = replace(workers, count=min(workers.count, len(inputs.videos)))
    with closing(WorkerProcess(child)) as process:
        resolved = _resolved(inputs, request, extractors, workers, process, observer)
        prepare_output(resolved.out)
        with OutputLock(resolved.out):
            try:
                _begin(inputs, resolved, observer)
                finished: set[str] = set()
                unchanged_results, remaining_videos = _split_unchanged(inputs, resolved)
                yield from unchanged_results
                finished.update(result.video_id for result in unchanged_results)
                with _results(remaining_videos, resolved, workers, process, observer) as results:
                    for result in _until_stopped(results, len(inputs.problems), max_failures):
                        yield result
                        if result.state == "done":
                            finished.add(result.video_id)
                            _require_manifest(resolved.out)
                _require_tables(resolved, finished)
            finally:
                _remove_unfinished(resolved.out)


def _resolved(
    inputs: Inputs,
    request: Request,
    extractors: Sequence[BaseExtractor],
    workers: Workers,
    process: WorkerProcess,
    observer: Observer,
) -> ResolvedRun:
    """The request with all choices resolved that depend on this machine, the output folder and the weights."""
    gpus: tuple[str, ...] | None = ()
    if any(extractor.uses_network for extractor in extractors) and request.settings.compute.device in ("auto", "cuda"):
        gpus = visible_gpus() if workers.scheduler is None else None
    if workers.scheduler is None:
        request = replace(request, settings=adapted_to_machine(request.settings, observer))
        if workers.count == 1 or (workers.count is None and len(inputs.videos) == 1):
            # The child starts up while the weights and the folder are checked.
            process.child.start(gpus, debug=request.debug)
            modules = (module for extractor in extractors for module in extractor.imports)
            process.child.load(list(dict.fromkeys((EXTRACTION, *modules))))
    return resolve(request, gpus=gpus, on_download=observer.on_download)


def adapted_to_machine(settings: Settings, observer: Observer) -> Settings:
    """The settings with a precision that this machine supports; replaces a precision that it lacks, with a note.

    Raises:
        AvcuesError: This machine does not have the device.
    """
    compute = settings.compute
    if compute.device != "auto":  # "auto" cannot fail, and checking would load torch
        compute.resolved()
    if compute.precision == "fp32":
        return settings
    on_cpu = compute.resolved().device == "cpu"
    precision: Precision = compute.precision
    if precision == "int8" and not (on_cpu and multiplies_exactly()):
        reason = (
            "this processor has no exact 8-bit products (VNNI)" if on_cpu else "int8 is for processors, not for GPUs"
        )
        precision = "bf16" if not on_cpu or cpu_has_bf16() else "fp32"
        observer.on_note(f"{reason}: {precision} is used")
    elif on_cpu and not cpu_has_bf16():
        replacement = "layers that are not in 8 bits are computed in fp32" if precision == "int8" else "fp32 is used"
        observer.on_note(f"this processor has no bf16: {replacement}")
        precision = "int8+fp32" if precision == "int8" else "fp32"
    return replace(settings, compute=replace(compute, precision=precision))


def _begin(inputs: Inputs, resolved: ResolvedRun, observer: Observer) -> None:
    """Prepares the output folder and reports the plan."""
    for note in inputs.notes:
        observer.on_note(note)
    _remove_unfinished(resolved.out)
    ids = [video.video_id for video in inputs.videos]
    pin(resolved.out, resolved.measurements.manifest, overwrite=resolved.overwrite, video_ids=ids)
    remember_requested(ids, resolved.out)
    for extractor in resolved.measurements.extractors:
        extractor.prepare(observer.on_note)
    observer.on_plan(
        RunPlan(
            videos=len(inputs.videos),
            problems=inputs.problems,
            networks=tuple(describe_networks(resolved.measurements.extractors)),
            left_out=resolved.left_out,
        )
    )


def _until_stopped(
    results: Iterator[VideoResult], failure_count: int, max_failures: int | None
) -> Generator[VideoResult]:
    for result in results:
        yield result
        failure_count += result.state == "failed"
        if result.ends_run:
            raise RunStoppedError(f"every other video would fail in the same way: {result.error}")
        if max_failures is not None and failure_count >= max_failures:
            raise RunStoppedError(f"after {failure_count} failures; the limit was `max_failures={max_failures}`")


def _split_unchanged(inputs: Inputs, resolved: ResolvedRun) -> tuple[list[VideoResult], Sequence[VideoInput]]:
    """Results of the videos that have not changed, and the other videos."""
    if resolved.overwrite or resolved.verify:
        return [], inputs.videos
    stamp_check = StampCheck(resolved.measurements, resolved.out)
    results = [(video, stamp_check.result(video)) for video in inputs.videos]
    unchanged_results = [
        replace(result, left_out=dict(resolved.left_out)) for _, result in results if result is not None
    ]
    return unchanged_results, [video for video, result in results if result is None]


@contextmanager
def _results(
    remaining_videos: Sequence[VideoInput],
    resolved: ResolvedRun,
    workers: Workers,
    process: WorkerProcess,
    observer: Observer,
) -> Iterator[Iterator[VideoResult]]:
    """A context with the results, in the order in which videos finish. Leaving it ends all work."""
    if workers.scheduler is None:
        count = workers.count
        if count is None:
            count = cluster.default_workers(
                len(remaining_videos), resolved.gpus or (), workers.per_gpu, uses_networks=resolved.uses_networks
            )
        resolved = resolved.for_worker(memory_bytes() // max(1, count), cluster.threads_per_worker(max(1, count)))
        workers = replace(workers, count=count)
    probe = worker_probe_path(resolved.out, resolved.id)
    with distribute(
        remaining_videos, resolved, workers, process, observer, folder=resolved.out, probe=probe
    ) as results:
        yield results


def _require_manifest(out: Location) -> None:
    """Checks that nobody has removed the output folder.

    Raises:
        RunStoppedError: The folder was removed.
    """
    if not manifest_path(out).exists():
        raise RunStoppedError(f"{out}: was removed or emptied during the run; run the same command again")


def _require_tables(resolved: ResolvedRun, finished: Collection[str]) -> None:
    """Checks that the tables of all finished videos exist.

    Raises:
        RunStoppedError: Some were removed during the run.
    """
    for table in resolved.measurements.manifest.tables:
        missing = set(finished) - set(videos_with_table(resolved.out, table))
        if missing:
            raise RunStoppedError(
                f"{resolved.out / table}: tables of {len(missing)} videos were removed during the run "
                f"({min(missing)}, ...); run the same command again"
            )


def _remove_unfinished(out: Location) -> None:
    """Removes files that a killed run left unfinished."""
    for path in unfinished_files(out):
        path.unlink(missing_ok=True)
