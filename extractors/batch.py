"""Inputs of extractors: batches of frames and clips, pairs of frames, and the items of a video."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avcues.extractors.table import Columns


@dataclass(frozen=True)
class FrameBatch:
    """Upright frames of one size.

    Args:
        images: (B, H, W, 3) uint8 RGB as a viewer sees them: upright, with square pixels, in BT.709.
        times: Presentation times in seconds, one per frame.
    """

    images: npt.NDArray[np.uint8]
    times: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.images)

    def frame_size_columns(self, item_count: int) -> dict[str, npt.NDArray[np.int32]]:
        """The columns `FRAME_SIZE` for a number of items on these frames."""
        height, width = self.images.shape[1:3]
        return {
            "frame_width": np.full(item_count, width, np.int32),
            "frame_height": np.full(item_count, height, np.int32),
        }


@dataclass(frozen=True)
class Items:
    """The items of one table that `process_frames` measured in a whole video, in the order of time.

    Args:
        columns: Arrays of N values, by column name.
        times: (N,) seconds; starts of the windows that show the items.
        shots: (N,) number of the shot on screen at that time; -1 without a shot.
        step: Window length in seconds.
    """

    columns: Columns
    times: npt.NDArray[np.float64]
    shots: npt.NDArray[np.int32]
    step: float


@dataclass(frozen=True)
class ClipBatch:
    """Clips of consecutive frames at the extractor's clip rate.

    Args:
        clips: (B, T, H, W, 3) uint8 RGB, upright.
    """

    clips: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.clips)


@dataclass(frozen=True)
class FramePair:
    """Two frames of one shot.

    Args:
        images: (H, W) uint8 brightness, upright, square pixels.
        seconds: Time between the two frames.
    """

    images: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
    seconds: float
