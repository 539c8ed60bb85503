"""The child process of a worker: processes one video after the other, and loads the networks only once.

`avcues.pipeline.runtime.worker_child` starts `python -m avcues.pipeline.runtime.worker_main FD`. Over the socket FD,
this process receives names of modules, which it imports, or a video and the work to do on it (None: the same work as
before), and sends progress and a result back. A crash, a hang or a lack of memory ends only this process.
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
    """Handles messages until the other end of the socket is closed, or no message arrives for ten minutes."""
    connection = Connection(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    faulthandler.enable()
    sys.setswitchinterval(_SWITCH_S)
    threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()
    work: Work | None = None
    while connection.poll(_IDLE_S):
        try:
            message = connection.recv()
        except EOFError:
            return
        if isinstance(message, list):
            for name in message:
                importlib.import_module(name)
            continue
        video, pickled_work = message
        work = pickle.loads(pickled_work) if pickled_work else work  # the same work keeps its loaded networks
        assert work is not None
        connection.send(work.process(video, lambda *report: connection.send(report)))


def _exit_with_parent(parent: int) -> None:
    """Ends this process when its parent has ended, even in the middle of a video."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


if __name__ == "__main__":
    main()
