"""The last images of a video: in memory if they are small, else in a temporary file."""

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
"""Makes the image when it is called: frames that no clip samples need not be scaled."""

MAX_BYTES = 64 << 20


class ImageRing:
    """Keeps the last `places` images.

    Args:
        places: How many images are kept.
        most_bytes: Memory that they may take together; beyond it they go to a file.
    """

    def __init__(self, places: int, most_bytes: int = MAX_BYTES) -> None:
        self._places = places
        self._most_bytes = most_bytes
        self._count = 0
        self._file: BinaryIO | None = None
        self._place_bytes = 0

    def keep(self, image: Image) -> LazyImage:
        """Stores the next image, and returns a function that gives it back."""
        if image.nbytes * self._places <= self._most_bytes:
            return lambda: image
        if self._file is None:
            self._file, self._place_bytes = tempfile.TemporaryFile(), image.nbytes  # noqa: SIM115  (closed with the ring)
        if image.nbytes > self._place_bytes:  # the frames of the stream have grown
            return lambda: image
        file, shape, size = self._file, image.shape, image.nbytes
        start = self._count % self._places * self._place_bytes
        self._count += 1
        if os.pwrite(file.fileno(), np.ascontiguousarray(image).data, start) < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), tempfile.gettempdir())
        return lambda: np.frombuffer(os.pread(file.fileno(), size, start), np.uint8).reshape(shape)
