"""The process that does the work: one video after the other, with the networks loaded once.

`python -m avcues.pipeline.runtime.worker_main FD [MODULE...]` is started by `avcues.pipeline.runtime.worker_process`,
imports the modules while it waits, and talks over the socket FD. A crash, a hang or a lack of memory ends this process
alone.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path

from avcues.extractors.base import BaseExtractor
from avcues.models_cache.cache import weights_from
from avcues.pipeline.extraction.video import Measurements, process_video
from avcues.pipeline.runtime.job import Job
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store.records import VideoResult, failure
from avcues.pipeline.store.video_input import VideoInput

VideoProgress = Callable[[str, float, float | None], None]
"""Called with how far a video is: its id, the seconds of it that are done, and its length, if known."""

_IDLE_S = 600.0
_SWITCH_S = 0.0001  # Python's 5 ms would let a thread that loads a library slow the decoder down


def work(video: VideoInput, job: Job, progress: VideoProgress) -> VideoResult:
    """Processes one video in this process. Errors are returned, not raised."""
    progress(video.video_id, 0.0, None)
    settings = job.settings
    with weights_from(job.weights_dir):
        try:
            extractors = _extractors(_Key(settings, job.weights_dir))
        except Exception as error:
            return failure(video, error)
        return process_video(
            video,
            Measurements(
                extractors=extractors,
                step=settings.step,
                compute=settings.compute,
                trust_headers=job.trust_headers,
            ),
            job.out,
            overwrite=job.overwrite,
            verify=job.verify,
            debug=job.debug,
            progress=lambda done, total: progress(video.video_id, done, total),
        )


def main() -> None:
    """Works on what comes over the socket until its other end is closed or nothing comes for a long while."""
    connection = Connection(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    faulthandler.enable()
    sys.setswitchinterval(_SWITCH_S)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    for name in sys.argv[2:]:
        importlib.import_module(name)
    while connection.poll(_IDLE_S):
        try:
            video, job = connection.recv()
        except EOFError:
            return
        connection.send(work(video, job, lambda *report: connection.send(report)))


def _end_with(parent: int) -> None:
    """Ends this process when the one that started it is gone, in the middle of a video too."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


class _Key:
    """What extractors depend on, as a cache key: settings hold dictionaries, which have no hash."""

    def __init__(self, settings: Settings, weights_dir: Path | None) -> None:
        self.settings = settings
        self._text = repr((settings, weights_dir))

    def __hash__(self) -> int:
        return hash(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._text == other._text


@lru_cache(maxsize=1)
def _extractors(key: _Key) -> list[BaseExtractor]:
    """The extractors of this process; what they load stays loaded from video to video."""
    return key.settings.create_extractors()


def forget_extractors() -> None:
    """Drops what the extractors of this process have loaded; the next video loads it again."""
    _extractors.cache_clear()
    gc.collect()


if __name__ == "__main__":
    main()
