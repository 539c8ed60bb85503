"""Importing a module without the `__init__` of its package, where that imports much that is not used here.

Another thread that imports the same package meanwhile would get an empty one. So this happens only in processes of our
own, which call `allow`; in a user's process, where any thread may import anything, packages are imported as they are.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.RLock()
_allowed = False


def allow() -> None:
    """Says that this process is our own: no code but ours starts threads in it."""
    global _allowed
    _allowed = True


@contextmanager
def without_init(package: str) -> Iterator[None]:
    """Inside the `with` block, modules of a package are imported without running the package's own `__init__`.

    They stay private to whoever imports them there: afterwards the package can be imported as if nothing had happened,
    with modules of its own. If it is imported already, its modules are used. Without `allow`, nothing is special.

    Args:
        package: Name of a top-level package; its modules must not need what its `__init__` does.
    """
    if not _allowed:
        yield
        return
    with _lock:
        spec = importlib.util.find_spec(package) if package not in sys.modules else None
        if spec is None:  # imported already, or not installed: the import says so
            yield
            return
        sys.modules[package] = importlib.util.module_from_spec(spec)
        try:
            yield
        finally:
            for name in [name for name in sys.modules if name.partition(".")[0] == package]:
                del sys.modules[name]
