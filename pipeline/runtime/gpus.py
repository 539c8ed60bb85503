"""Which GPU a worker uses: what its environment names, shared evenly by the workers of a machine."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import socket
import subprocess
from collections.abc import Sequence
from functools import cache


@cache
def visible_gpus() -> tuple[str, ...]:
    """What CUDA_VISIBLE_DEVICES may be set to for one GPU each; determined without loading CUDA.

    Where the variable is set (by a batch system, dask-cuda or the user), these are its entries, in its order.
    """
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return tuple(name.strip() for name in chosen.split(",") if name.strip() and name.strip() != "-1")
    return tuple(str(i) for i, _ in enumerate(x for x in _nvidia_smi().splitlines() if x.startswith("GPU ")))


class GpuSlot:
    """A number among the processes of this machine that share some GPUs: the lowest free one.

    So they are spread evenly whoever started them, also when some join later or are lost. It is free again after
    `close`, or when this process ends.
    """

    def __init__(self, gpus: Sequence[str]) -> None:
        # Jobs of a batch system may give the same numbers to different GPUs; nvidia-smi tells them apart.
        shared = hashlib.sha256(f"{gpus} {os.environ.get('CUDA_VISIBLE_DEVICES')} {_nvidia_smi()}".encode()).hexdigest()
        self._socket = socket.socket(socket.AF_UNIX)
        for self.number in itertools.count():
            try:
                # A name without a file, which the system gives to one process at a time.
                self._socket.bind(f"\0avcues-gpu-{shared[:32]}-{self.number}")
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise

    def close(self) -> None:
        """Frees the number."""
        self._socket.close()


@cache
def _nvidia_smi() -> str:
    try:
        finished = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return finished.stdout
