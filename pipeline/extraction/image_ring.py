"""Keeps the latest images of a video: in memory if they are small, else in a temporary file."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
LazyImage = Callable[[], Image]
"""Makes the image when it is called, so that frames outside all clips are never scaled."""

MAX_BYTES = 64 << 20


class ImageRing:
    """Keeps the latest images.

    Args:
        capacity: Number of images.
        max_bytes: Memory that the images may take in total; if they need more, a file holds them.
    """

    def __init__(self, capacity: int, max_bytes: int = MAX_BYTES) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._count = 0
        self._file: BinaryIO | None = None
        self._slot_bytes = 0

    def store(self, image: Image) -> LazyImage:
        """Stores the next image, and returns a function that reads it back."""
        if image.nbytes * self._capacity <= self._max_bytes:
            return lambda: image
        if self._file is None:
            self._file, self._slot_bytes = tempfile.TemporaryFile(), image.nbytes  # noqa: SIM115  (closed with the ring)
        if image.nbytes > self._slot_bytes:  # the frame size of the stream has grown
            return lambda: image
        file, shape, size = self._file, image.shape, image.nbytes
        start = self._count % self._capacity * self._slot_bytes
        self._count += 1
        if os.pwrite(file.fileno(), np.ascontiguousarray(image).data, start) < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), tempfile.gettempdir())
        return lambda: np.frombuffer(os.pread(file.fileno(), size, start), np.uint8).reshape(shape)
