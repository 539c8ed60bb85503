"""The same results on every machine: seeds that depend on names alone, and sums in one order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager


def seed_of(*parts: object) -> int:
    """A seed that depends on what it is for, and on nothing else."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:6], "big")


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums in the same order on every machine: one thread for torch and for the libraries under NumPy."""
    import torch
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)
