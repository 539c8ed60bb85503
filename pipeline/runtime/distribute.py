"""Distributes the videos of a run: to this process, a child process, or a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from avcues.pipeline.runtime import backends, cluster

if TYPE_CHECKING:
    from avcues.pipeline.runtime.observer import Observer
    from avcues.pipeline.runtime.request import Workers
    from avcues.pipeline.runtime.work import Work
    from avcues.pipeline.runtime.worker_process import WorkerProcess
    from avcues.pipeline.store.location import Location
    from avcues.pipeline.store.records import VideoResult
    from avcues.pipeline.store.video_input import VideoInput


@contextmanager
def distribute(
    videos: Sequence[VideoInput],
    work: Work,
    workers: Workers,
    process: WorkerProcess,
    observer: Observer,
    *,
    folder: Location,
    probe: Location,
    in_order: bool = False,
) -> Iterator[Iterator[VideoResult]]:
    """A context with the results of all videos, as they arrive. Leaving it ends all work.

    Args:
        videos: The videos.
        work: The work to do on each video.
        workers: The workers; `count` is a number unless they belong to a running cluster.
        process: The child process, for a single worker.
        observer: Receives reports.
        folder: The output folder, to which the workers of a running cluster must have access.
        probe: As in `avcues.pipeline.runtime.cluster.existing_cluster`.
        in_order: Yield the results in the order of the videos.

    Raises:
        AvcuesError: The cluster cannot be reached, or its workers cannot do the job.
        RunStoppedError: The connection to the scheduler was lost, or no worker connected in time.
    """
    if not videos:
        yield iter(())
        return
    if workers.scheduler is not None:
        connection = cluster.existing_cluster(workers.scheduler, folder, probe, wait_s=workers.wait_s, debug=work.debug)
    elif workers.count == 0:
        yield backends.run_in_this_process(iter(videos), work, observer.on_progress)
        return
    elif workers.count == 1:
        yield backends.run_in_child_process(iter(videos), work, process, observer.on_progress)
        return
    else:
        assert workers.count is not None
        connection = cluster.local_cluster(workers.count, debug=work.debug)
    with connection as client, ExitStack() as stack:
        stack.callback(cluster.stop_workers, client, work.id)
        dask_cluster = backends.Cluster(
            client=client,
            is_local=workers.scheduler is None,
            resources=None if workers.resources is None else dict(workers.resources),
            wait_s=workers.wait_s,
        )
        observer.on_workers(dask_cluster.slots(), cluster.dashboard_link(client, is_local=dask_cluster.is_local))
        yield backends.run_on_cluster(
            iter(videos), work, dask_cluster, progress=observer.on_progress, note=observer.on_note, in_order=in_order
        )
