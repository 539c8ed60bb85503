"""One run: from what the user asked for to finished tables and a record of every video."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

from avcues.extractors.openvino_import import cpu_has_bf16
from avcues.models_cache.cache import weights_from
from avcues.pipeline.errors import RunStoppedError, SettingsError
from avcues.pipeline.runtime import backends, cluster
from avcues.pipeline.runtime.gpus import visible_gpus
from avcues.pipeline.runtime.inputs import Inputs, collect
from avcues.pipeline.runtime.job import Job
from avcues.pipeline.runtime.machine import memory_bytes
from avcues.pipeline.runtime.observer import Observer, Plan
from avcues.pipeline.runtime.weights import describe_networks, settle
from avcues.pipeline.runtime.worker_process import WorkerProcess
from avcues.pipeline.store.files import prepare_output
from avcues.pipeline.store.layout import manifest_path, unfinished_files, videos_with_table, worker_probe_path
from avcues.pipeline.store.lock import OutputLock
from avcues.pipeline.store.manifest import pin, read_manifest
from avcues.pipeline.store.records import VideoResult, remember_requested

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Who does the work; none of it changes a value.

    Args:
        count: Worker processes; None: as many as suit the machine; 0: work in this process, without limits.
        per_gpu: With `count` None: the most workers that share a GPU; None: 4.
        scheduler: Address of a running Dask scheduler, whose workers do the work.
        resources: What a worker of that scheduler must offer, as `dask worker --resources` names it.

    Raises:
        SettingsError: A number is out of range, or resources are named without a scheduler.
    """

    count: int | None = None
    per_gpu: int | None = None
    scheduler: str | None = None
    resources: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 0:
            raise SettingsError(f"--workers {self.count}: expected a number of processes, 0, or auto")
        if self.per_gpu is not None and self.per_gpu < 1:
            raise SettingsError(f"--workers-per-gpu {self.per_gpu}: expected 1 or more")
        for name, amount in (self.resources or {}).items():
            if not (name and 0 < amount < inf):
                raise SettingsError(f"--resources {name}={amount:g}: expected NAME=AMOUNT, such as GPU=1")
        if self.resources and self.scheduler is None:
            raise SettingsError("--resources needs --scheduler: it chooses among the workers of a running cluster")


def run(
    paths: Sequence[str],
    job: Job,
    workers: Workers = Workers(),
    *,
    max_failures: int | None = None,
    observer: Observer = Observer(),
) -> Generator[VideoResult]:
    """Makes the missing tables of all videos, and yields a result per video.

    The paths and settings are checked at once; work begins when the first result is requested. Closing the iterator
    ends the run; finished tables are kept.

    Args:
        paths: As the command line takes them: files, folders, patterns, lists, URLs.
        job: What to compute, and where to write it.
        workers: Who does the work.
        max_failures: The run stops after this many failed videos.
        observer: Is told how the run goes on.

    Raises:
        AvcuesError: Nothing was started because of the input, the settings, the weights, or the output folder.
        RunStoppedError: The run stopped before its end: after `max_failures`, because of an error that every other
            video would meet too, or because the scheduler is lost.
    """
    job.settings.create_extractors()
    return _run(collect(paths), job, workers, max_failures, observer)


def _run(
    inputs: Inputs, job: Job, workers: Workers, max_failures: int | None, observer: Observer
) -> Generator[VideoResult]:
    if workers.count is not None:
        workers = replace(workers, count=min(workers.count, len(inputs.videos)))
    with closing(WorkerProcess()) as process, weights_from(job.weights_dir):
        job = _prepared(inputs, job, workers, process, observer)
        prepare_output(job.out)
        with OutputLock(job.out):
            try:
                _begin(inputs, job, observer)
                done = set()
                with _results(inputs, job, workers, process, observer) as results:
                    for result in _until_stopped(results, len(inputs.problems), max_failures):
                        yield result
                        if result.state == "done":
                            done.add(result.video_id)
                            _require_manifest(job.out)
                _require_tables(job, done)
            finally:
                _remove_unfinished(job)


def _prepared(inputs: Inputs, job: Job, workers: Workers, process: WorkerProcess, observer: Observer) -> Job:
    """The job with what this machine, the output folder and the weights leave of it."""
    extractors = job.settings.create_extractors()
    gpus: tuple[str, ...] | None = ()
    if any(extractor.weights for extractor in extractors) and job.settings.compute.device in ("auto", "cuda"):
        gpus = visible_gpus() if workers.scheduler is None else None
    if workers.scheduler is None:
        job = _on_this_machine(job, observer)
        if workers.count == 1 or (workers.count is None and len(inputs.videos) == 1):
            # It starts up while the weights and the folder are checked.
            imports = [module for extractor in extractors for module in extractor.imports]
            process.start(gpus, debug=job.debug, imports=list(dict.fromkeys(imports)))
    manifest = None if job.overwrite else read_manifest(job.out)
    settings, left_out = settle(job.settings, manifest, observer.downloading)
    # Workers may stand in another folder.
    return replace(job, settings=settings, left_out=left_out, gpus=gpus, out=job.out.absolute())


def _begin(inputs: Inputs, job: Job, observer: Observer) -> None:
    """Prepares the output folder and reports the plan."""
    _remove_unfinished(job)
    extractors = job.settings.create_extractors()
    ids = [video.video_id for video in inputs.videos]
    pin(job.out, job.settings.manifest(extractors), overwrite=job.overwrite, video_ids=ids)
    remember_requested(ids, job.out)
    for extractor in extractors:
        extractor.prepare(observer.note)
    observer.planned(
        Plan(
            videos=len(inputs.videos),
            problems=inputs.problems,
            networks=tuple(describe_networks(extractors)),
            left_out=job.left_out,
        )
    )


def _until_stopped(results: Iterator[VideoResult], failed: int, max_failures: int | None) -> Generator[VideoResult]:
    for result in results:
        yield result
        failed += result.state == "failed"
        if result.ends_run:
            raise RunStoppedError(f"every other video would meet this too: {result.error}")
        if max_failures is not None and failed >= max_failures:
            raise RunStoppedError(f"after {failed} failures; the limit was --max-failures {max_failures}")


@contextmanager
def _results(
    inputs: Inputs, job: Job, workers: Workers, process: WorkerProcess, observer: Observer
) -> Iterator[Iterator[VideoResult]]:
    """The results as they come; when the block ends, so has all work."""
    videos = iter(inputs.videos)
    if workers.scheduler is not None:
        connection = cluster.existing_cluster(
            workers.scheduler, job.out, worker_probe_path(job.out, job.run), debug=job.debug
        )
    else:
        count = workers.count
        if count is None:
            networks = any(extractor.weights for extractor in job.settings.create_extractors())
            count = cluster.default_workers(len(inputs.videos), job.gpus or (), workers.per_gpu, networks=networks)
        job = job.with_threads(cluster.threads_per_worker(max(1, count)))
        job = job.with_share(memory_bytes() // max(1, count))
        if count == 0:
            yield backends.run_here(videos, job, observer.progress)
            return
        if count == 1:
            yield backends.run_in_process(videos, job, process, observer.progress)
            return
        connection = cluster.local_cluster(count, debug=job.debug, processes=False)
    with connection as client, ExitStack() as stack:
        stack.callback(cluster.stop_workers, client, job.run)
        where = backends.Cluster(client=client, local=workers.scheduler is None, resources=workers.resources)
        observer.workers(where.slots(), cluster.dashboard_link(client, local=where.local))
        try:
            yield backends.run_on_cluster(videos, job, where, progress=observer.progress, note=observer.note)
        except backends.SchedulerLostError as error:
            raise RunStoppedError(str(error)) from error


def _on_this_machine(job: Job, observer: Observer) -> Job:
    """The job, if the device is there; without bf16 on a processor that has none."""
    compute = job.settings.compute
    if compute.device != "auto":  # else it is not worth loading torch for
        compute.resolved()
    if compute.precision == "bf16" and not cpu_has_bf16() and compute.resolved().device == "cpu":
        observer.note("this processor has no bf16: fp32 is used")
        return replace(job, settings=replace(job.settings, compute=replace(compute, precision="fp32")))
    return job


def _require_manifest(out: Location) -> None:
    """Ends the run if somebody removed the output folder meanwhile.

    Raises:
        RunStoppedError: They did.
    """
    if not manifest_path(out).exists():
        raise RunStoppedError(f"{out}: was removed or emptied during the run; run the same command again")


def _require_tables(job: Job, done: Collection[str]) -> None:
    """Makes sure that the tables of all finished videos are there.

    Raises:
        RunStoppedError: Some were removed during the run.
    """
    for table in job.settings.manifest(job.settings.create_extractors()).tables:
        lacking = set(done) - set(videos_with_table(job.out, table))
        if lacking:
            raise RunStoppedError(
                f"{job.out / table}: tables of {len(lacking)} videos were removed during the run "
                f"({min(lacking)}, ...); run the same command again"
            )


def _remove_unfinished(job: Job) -> None:
    """Removes what a killed run had not finished writing."""
    for place in unfinished_files(job.out):
        place.unlink(missing_ok=True)
