"""Display orientation: quarter turns and mirroring, from the display matrix of a frame."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Orientation:
    """One of eight ways to turn a coded picture upright: transpose it first, then flip it.

    Args:
        transposed: Rows become columns.
        flipped_horizontally: Left and right are swapped, after transposing.
        flipped_vertically: Top and bottom are swapped, after transposing.
    """

    transposed: bool = False
    flipped_horizontally: bool = False
    flipped_vertically: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Orientation:
        """The orientation from a frame's display matrix; angles are rounded to quarter turns.

        PyAV's `VideoFrame.rotation` does not distinguish a mirrored picture from a turned one.
        """
        side_data: Mapping[str, Any] = frame.side_data
        matrix = side_data.get("DISPLAYMATRIX")
        if matrix is None:
            return UPRIGHT
        # Column x and row y of the coded picture are shown at column ax + cy and row bx + dy.
        a, b, _, c, d = struct.unpack_from("<5i", bytes(matrix))
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(True, c < 0, b < 0)
        return cls(False, a < 0, d < 0)

    @property
    def rotation(self) -> int:
        """Degrees counter-clockwise, 0, 90, 180 or 270, by which the picture is turned after mirroring."""
        if self.transposed:
            return 270 if self.flipped_horizontally else 90
        return 180 if self.flipped_vertically else 0

    @property
    def mirrored(self) -> bool:
        """Whether left and right of the coded picture are swapped before it is turned."""
        return (self.transposed + self.flipped_horizontally + self.flipped_vertically) % 2 == 1

    def apply(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Turns an image upright, (H, W, 3) or (H, W)."""
        if self == UPRIGHT:
            return image
        upright = image.swapaxes(0, 1) if self.transposed else image
        if self.flipped_horizontally:
            upright = upright[:, ::-1]
        return np.ascontiguousarray(upright[::-1] if self.flipped_vertically else upright)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the upright picture."""
        return (height, width) if self.transposed else (width, height)


UPRIGHT = Orientation()
