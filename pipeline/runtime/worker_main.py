"""The process that does the work: one video after the other, with the networks loaded once.

`python -m avcues.pipeline.runtime.worker_main FD` is started by `avcues.pipeline.runtime.worker_child`, and talks over
the socket FD: it is sent names of modules, which it imports while it waits, or a video and the work to be done on it
(None: the same as before), and sends progress and a result back. A crash, a hang or a lack of memory ends this process
alone.
"""

from __future__ import annotations

import faulthandler
import importlib
import os
import pickle
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection

from avcues.pipeline.runtime.work import Work

_IDLE_S = 600.0
_SWITCH_S = 0.0001  # Python's 5 ms would let a thread that loads a library slow the decoder down


def main() -> None:
    """Works on what comes over the socket until its other end is closed or nothing comes for a long while."""
    connection = Connection(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    faulthandler.enable()
    sys.setswitchinterval(_SWITCH_S)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    work: Work | None = None
    while connection.poll(_IDLE_S):
        try:
            order = connection.recv()
        except EOFError:
            return
        if isinstance(order, list):
            for name in order:
                importlib.import_module(name)
            continue
        video, packed = order
        work = (
            pickle.loads(packed) if packed else work
        )  # the same as for the video before: what it has loaded stays loaded
        assert work is not None
        connection.send(work.process(video, lambda *report: connection.send(report)))


def _end_with(parent: int) -> None:
    """Ends this process when the one that started it is gone, in the middle of a video too."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


if __name__ == "__main__":
    main()
