"""The same results on every machine: seeds derived from names, and sums in a fixed order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager


def seed_of(*parts: object) -> int:
    """A seed that depends on `parts` alone: the same on every machine and in any order of jobs."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:6], "big")


@contextmanager
def one_thread() -> Iterator[None]:
    """Limits torch and the libraries under NumPy to one thread, so that sums have the same order on every machine."""
    import torch
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)
