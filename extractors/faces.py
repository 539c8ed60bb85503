"""The faces of a batch of frames, and what becomes of them per frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from avcues.extractors.face_detectors import CenterFace, Faces, YuNet


def faces_of_batch(
    detector: YuNet | CenterFace, images: Sequence[npt.NDArray[np.uint8]] | npt.NDArray[np.uint8], min_px: int
) -> tuple[npt.NDArray[np.intp], Faces]:
    """The (N,) positions of the faces' frames in the batch, in order, and the (N, 5) faces.

    Args:
        images: (H, W, 3) uint8 RGB frames.
        min_px: Smallest width and height of a face.
    """
    detected = [detector(image) for image in images]
    large = [faces[(faces[:, 2:4] >= min_px).all(axis=1)] for faces in detected]
    return np.repeat(np.arange(len(large)), [len(faces) for faces in large]), np.concatenate(large)


def per_frame(
    count: int,
    frames: npt.NDArray[np.intp],
    boxes: npt.NDArray[np.float32],
    values: npt.NDArray[np.float32],
    reduce: Callable[[npt.NDArray[np.float32], npt.NDArray[np.float32]], npt.NDArray[np.float32]],
) -> npt.NDArray[np.float32]:
    """(count, C) rows: `reduce` of the (n, C) values and (n,) areas of each frame's n faces; NaN without a face."""
    rows = np.full((count, values.shape[1]), np.nan, np.float32)
    areas = boxes[:, 2] * boxes[:, 3]
    for frame in np.unique(frames):
        is_on_frame = frames == frame
        rows[frame] = reduce(values[is_on_frame], areas[is_on_frame])
    return rows


def values_of_largest(values: npt.NDArray[np.float32], areas: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return values[areas.argmax()]
