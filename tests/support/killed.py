"""A process that is killed at its n-th file operation."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

_OPERATIONS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "ctypes.dlsym", "shutil.rmtree")


def killed_at(operation: int, do: Callable[[], object]) -> bool:
    """Runs a function in a forked process that is killed before its n-th file operation; False if it has fewer."""
    process = os.fork()
    if process == 0:
        seen = 0

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal seen
            if event in _OPERATIONS:
                seen += 1
                if seen > operation:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            do()
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitpid(process, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "it failed instead of being killed"
    return os.WIFSIGNALED(status)
