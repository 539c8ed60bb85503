"""Gives the videos of a run to those who do the work: this process, another one, or a cluster."""

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
def results_of(
    videos: Sequence[VideoInput],
    work: Work,
    workers: Workers,
    process: WorkerProcess,
    observer: Observer,
    *,
    folder: Location,
    mark: Location,
    in_order: bool = False,
) -> Iterator[Iterator[VideoResult]]:
    """The results of all videos, each as it comes; leaving the `with` block ends all work.

    Args:
        workers: Their `count` is a number, unless they belong to a running cluster.
        process: Does the work of a single worker.
        folder: Must be seen by the workers of a running cluster.
        mark: As in `avcues.pipeline.runtime.cluster.existing_cluster`.
        in_order: Yield the results in the order of the videos.

    Raises:
        AvcuesError: The cluster cannot be reached, or its workers cannot do the job.
        RunStoppedError: The scheduler is gone, or no worker came.
    """
    if not videos:
        yield iter(())
        return
    if workers.scheduler is not None:
        connection = cluster.existing_cluster(workers.scheduler, folder, mark, debug=work.debug)
    elif workers.count == 0:
        yield backends.run_in_this_process(iter(videos), work, observer.progress)
        return
    elif workers.count == 1:
        yield backends.run_in_process(iter(videos), work, process, observer.progress)
        return
    else:
        assert workers.count is not None
        connection = cluster.local_cluster(workers.count, debug=work.debug)
    with connection as client, ExitStack() as stack:
        stack.callback(cluster.stop_workers, client, work.id)
        dask_cluster = backends.Cluster(
            client=client,
            local=workers.scheduler is None,
            resources=None if workers.resources is None else dict(workers.resources),
            wait_s=workers.wait_s,
        )
        observer.workers(dask_cluster.slots(), cluster.dashboard_link(client, local=dask_cluster.local))
        yield backends.run_on_cluster(
            iter(videos), work, dask_cluster, progress=observer.progress, note=observer.note, in_order=in_order
        )
