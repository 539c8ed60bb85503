"""Chooses the GPU of a worker: the workers of a machine share the GPUs of their environment evenly."""

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
    """Values of CUDA_VISIBLE_DEVICES that each select one GPU, determined without loading CUDA.

    If the variable is set (by a batch system, dask-cuda or the user), these are its entries, in its order.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return tuple(name.strip() for name in visible.split(",") if name.strip() and name.strip() != "-1")
    return tuple(str(i) for i, _ in enumerate(line for line in _nvidia_smi().splitlines() if line.startswith("GPU ")))


class GpuSlot:
    """The lowest free number among the processes of this machine that share some GPUs.

    These numbers spread processes evenly over the GPUs, no matter who started them, and also when some start later or
    die. The number becomes free after `close`, or when this process ends.
    """

    def __init__(self, gpus: Sequence[str]) -> None:
        # Jobs of a batch system may give the same numbers to different GPUs; nvidia-smi distinguishes them.
        gpus_key = hashlib.sha256(
            f"{gpus} {os.environ.get('CUDA_VISIBLE_DEVICES')} {_nvidia_smi()}".encode()
        ).hexdigest()
        self._socket = socket.socket(socket.AF_UNIX)
        for self.number in itertools.count():
            try:
                # A socket name without a file, which only one process at a time can bind.
                self._socket.bind(f"\0avcues-gpu-{gpus_key[:32]}-{self.number}")
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
        completed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return completed.stdout
