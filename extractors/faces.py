"""Detects the faces of a batch of frames, and reduces values of faces to one row per frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from avcues.extractors.face_detectors import CenterFace, Faces, YuNet


def detect_faces(
    detector: YuNet | CenterFace, images: Sequence[npt.NDArray[np.uint8]] | npt.NDArray[np.uint8], min_px: int
) -> tuple[npt.NDArray[np.intp], Faces]:
    """Detects faces: (N,) ascending positions of their frames in the batch, and the (N, 5) faces.

    Args:
        images: (H, W, 3) uint8 RGB frames.
        min_px: Smallest width and height of a face.
    """
    detections = [detector(image) for image in images]
    large_enough = [faces[(faces[:, 2:4] >= min_px).all(axis=1)] for faces in detections]
    return np.repeat(np.arange(len(large_enough)), [len(faces) for faces in large_enough]), np.concatenate(large_enough)


def reduce_per_frame(
    frame_count: int,
    frames: npt.NDArray[np.intp],
    boxes: npt.NDArray[np.float32],
    values: npt.NDArray[np.float32],
    reduce: Callable[[npt.NDArray[np.float32], npt.NDArray[np.float32]], npt.NDArray[np.float32]],
) -> npt.NDArray[np.float32]:
    """(frame_count, C): `reduce` of the (n, C) values and (n,) areas of each frame's n faces; NaN without a face."""
    rows = np.full((frame_count, values.shape[1]), np.nan, np.float32)
    areas = boxes[:, 2] * boxes[:, 3]
    for frame in np.unique(frames):
        is_on_frame = frames == frame
        rows[frame] = reduce(values[is_on_frame], areas[is_on_frame])
    return rows


def values_of_largest(values: npt.NDArray[np.float32], areas: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(C,) values of the largest face, from the (n, C) values and (n,) areas of a frame's n faces."""
    return values[areas.argmax()]
