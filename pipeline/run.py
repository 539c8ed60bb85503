"""One run: from what the user asked for to finished tables, a record of every video and a closing summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from extractors.compute import cpu_has_bf16
from extractors.protocol import Extractor
from pipeline import batch, cluster
from pipeline.console import Display, Downloads
from pipeline.inputs import Inputs, collect
from pipeline.interrupts import terminable
from pipeline.isolation import Engine
from pipeline.lock import OutputLock
from pipeline.preflight import prepare_output
from pipeline.result import Job, VideoResult
from pipeline.settings import Settings, pin, read_pin
from pipeline.status import remember_inputs
from pipeline.storage import left_over
from pipeline.weights import describe_networks, settle

if TYPE_CHECKING:
    from pipeline.storage import Location

EXIT_SOME_FAILED = 1


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How a run is carried out; nothing of it changes a value.

    Args:
        workers: Worker processes; None: as many as the machine carries; 0: work in this process.
        workers_per_gpu: At most so many workers share a GPU.
        scheduler: Address of a Dask scheduler that is there already.
        resources: What workers of that scheduler must have.
        max_failures: The run stops when so many videos have failed.
        log_json: Write one JSON object per video instead of lines and bars.
    """

    workers: int | None = None
    workers_per_gpu: int | None = None
    scheduler: str | None = None
    resources: Mapping[str, float] | None = None
    time_limit_s: float | None = None
    memory_limit_bytes: int | None = None
    max_failures: int | None = None
    overwrite: bool = False
    log_json: bool = False
    debug: bool = False


def run(paths: Sequence[str], out: Location, settings: Settings, how: Execution) -> int:
    """Makes the tables of all videos, as far as they are missing.

    Returns:
        The exit code: 0 if all are done.

    Raises:
        AvcuesError: Nothing was started, because of the input or the settings.
        KeyboardInterrupt: The run was ended from outside; what is done stays done.
    """
    console = Console(stderr=True)
    extractors = settings.create_extractors()
    networks = any(hasattr(extractor, "weights") for extractor in extractors)
    gpus: tuple[str, ...] = ()
    if how.scheduler is None:
        settings = _on_this_machine(settings, console)
        if networks and settings.compute.device in ("auto", "cuda"):
            gpus = cluster.visible_gpus()
    named = collect(paths)
    with closing(Engine()) as engine:
        if how.scheduler is None and (how.workers == 1 or (how.workers is None and len(named.videos) == 1)):
            # It gets ready while we look around.
            engine.start(gpus, debug=how.debug, imports=_imports(extractors))
        with Downloads(console) as downloads:
            settings, left_out = settle(settings, None if how.overwrite else read_pin(out), downloads.fetching)
        job = Job(
            settings=settings,
            out=out.absolute(),  # workers may stand elsewhere
            overwrite=how.overwrite,
            debug=how.debug,
            left_out=left_out,
            time_limit_s=how.time_limit_s,
            memory_limit_bytes=how.memory_limit_bytes,
            gpus=gpus,
        )
        prepare_output(out)
        with terminable(), OutputLock(out):
            return _work(named, job, how, engine, console)


def _work(named: Inputs, job: Job, how: Execution, engine: Engine, console: Console) -> int:
    """Runs the job on an output folder that is ours; returns the exit code."""
    out = job.out
    _remove_left_over(out)
    extractors = job.settings.create_extractors()
    ids = {video.video_id for video in named.videos}
    pin(out, job.settings, extractors, overwrite=how.overwrite, video_ids=ids)
    remember_inputs(named.videos, out)
    _announce(console, extractors, job.left_out, named)
    display = Display(console, len(named.videos), len(named.problems), log_json=how.log_json)
    try:
        with display, _results(named, job, how, engine, display, console) as results:
            stopped = _follow(results, display, how.max_failures)
        if stopped:
            console.print(f"[red]stopped[/] {escape(stopped)}", soft_wrap=True)
    except batch.SchedulerLostError as error:
        console.print(f"[red]stopped[/] {escape(str(error))}", soft_wrap=True)
        stopped = str(error)
    finally:
        _remove_left_over(out)
        display.summarise(str(out))
    return EXIT_SOME_FAILED if display.failed or stopped else 0


def _follow(results: Iterator[VideoResult], display: Display, max_failures: int | None) -> str | None:
    """Shows each result; returns why the run stopped before its end, if it did."""
    for result in results:
        display.finished(result)
        if result.ends_run:
            return f"every other video would meet this too: {result.error}"
        if max_failures is not None and display.failed >= max_failures:
            return f"after {display.failed} failures; the limit was --max-failures {max_failures}"
    return None


@contextmanager
def _results(
    named: Inputs, job: Job, how: Execution, engine: Engine, display: Display, console: Console
) -> Iterator[Iterator[VideoResult]]:
    """The results as they come; in the end, nothing is at work any more."""
    videos = iter(named.videos)
    if how.scheduler is not None:
        connection = cluster.existing_cluster(how.scheduler, job.out, debug=how.debug)
    else:
        workers = how.workers
        if workers is None:
            workers = cluster.default_workers(len(named.videos), job.gpus, how.workers_per_gpu)
        job = _with_threads(job, cluster.threads_per_worker(max(1, workers)))
        if workers == 0:
            yield batch.run_here(videos, job, display.observe)
            return
        if workers == 1:
            yield batch.run_in_engine(videos, job, engine, display.observe)
            return
        connection = cluster.local_cluster(workers, debug=how.debug)
    with connection as client, ExitStack() as stack:
        stack.callback(cluster.stop_workers, client, job.run)
        where = batch.Cluster(client=client, local=how.scheduler is None, resources=how.resources)
        if not how.log_json:
            console.print(
                f"workers  {where.slots()}, dashboard {client.dashboard_link}", soft_wrap=True, highlight=False
            )
        yield batch.run_on_cluster(videos, job, where, observer=display.observe, tell=console.print)


def _on_this_machine(settings: Settings, console: Console) -> Settings:
    """The settings, if the device is there; without bf16 on a processor that has none."""
    compute = settings.compute
    if compute.device != "auto":  # else it is not worth loading torch for
        compute.resolved()
    if compute.precision == "bf16" and not cpu_has_bf16() and compute.resolved().device == "cpu":
        console.print("[yellow]note[/]     this processor has no bf16: fp32 is used")
        return replace(settings, compute=replace(compute, precision="fp32"))
    return settings


def _imports(extractors: Sequence[Extractor]) -> list[str]:
    return list(dict.fromkeys(module for extractor in extractors for module in getattr(extractor, "imports", ())))


def _with_threads(job: Job, threads: int) -> Job:
    return replace(job, settings=replace(job.settings, compute=replace(job.settings.compute, threads=threads)))


def _remove_left_over(out: Location) -> None:
    """Takes away what a run that was killed had not finished writing."""
    for place in left_over(out):
        place.unlink(missing_ok=True)


def _announce(console: Console, extractors: Sequence[Extractor], left_out: Mapping[str, str], named: Inputs) -> None:
    """Says what will be used and what will not, before the work begins."""
    for line in describe_networks(extractors):
        console.print(f"using    {line}", soft_wrap=True, highlight=False)
    for extractor in extractors:
        prepare = getattr(extractor, "prepare", None)
        if prepare is not None:
            prepare(lambda text: console.print(text, soft_wrap=True, highlight=False))
    for feature, reason in left_out.items():
        console.print(f"[yellow]left out[/] {feature}: {escape(reason)}", soft_wrap=True)
    for problem in named.problems:
        console.print(f"[red]failed[/]  {escape(problem)}", soft_wrap=True)
