"""The process that works for one thread of a worker: it does nothing for a run that has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from avcues.pipeline.runtime import worker_process
from avcues.pipeline.runtime.request import Request
from avcues.pipeline.runtime.resolve import resolve
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.runtime.worker_child import WorkerChild
from avcues.pipeline.runtime.worker_process import process_isolated, stop_processes
from avcues.pipeline.store.video_input import VideoInput


def test_a_run_that_ends_while_the_process_starts_gets_no_work_done(
    media: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = resolve(Request(settings=Settings(features=("color",)), out=tmp_path / "out"))
    start = WorkerChild.start
    stopping = threading.Thread(target=stop_processes, args=(run.id,))

    def stopped_meanwhile(child: WorkerChild, *arguments: Any, **options: Any) -> None:
        stopping.start()
        while run.id not in worker_process._stopped:
            pass
        start(child, *arguments, **options)

    monkeypatch.setattr(WorkerChild, "start", stopped_meanwhile)
    video = VideoInput("tiny4", str(media("tiny4.mp4")))
    result = process_isolated(video, run, lambda *report: None)
    stopping.join()
    with closing(worker_process._processes.pop(threading.get_ident())):
        assert (result.state, result.error_class) == ("failed", "StoppedError")
        assert not (tmp_path / "out").exists()
