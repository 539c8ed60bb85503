"""Faces of one person, linked from window to window within a shot."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avcues.extractors.protocol import Column, Columns, Items

MAX_GAP_S = 1.0
MAX_DISTANCE = 1.0  # mean heights of the two faces
MAX_HEIGHT_RATIO = 1.5

TRACK = Column(
    name="track",
    unit="1",
    meaning="number within the video, from 0; the same for faces of one shot that are at most 1 s and one face height "
    "apart and differ in height by a factor of 1.5 at most",
    dtype="int32",
    low=0,
)


def link_faces(faces: Items) -> Columns:
    """Numbers the faces of a video by person and shot, from their boxes alone.

    A face may continue a track of its shot whose latest face lies at most `MAX_GAP_S` or one window back. The middles
    of the two faces must be at most `MAX_DISTANCE` mean heights apart, and their heights must differ by a factor of at
    most `MAX_HEIGHT_RATIO`. As many tracks as possible are continued, with the least sum of distances (Kuhn 1955, The
    Hungarian method for the assignment problem). Every other face begins a track. Two people who change places within
    one step also swap their numbers.

    Args:
        faces: Items with `x`, `y`, `width` and `height` in pixels.

    Returns:
        (N,) numbers in the column `track`, counted from 0 in the order of first appearance.
    """
    boxes = np.column_stack([np.asarray(faces.columns[side], float) for side in ("x", "y", "width", "height")])
    max_gap_s = max(MAX_GAP_S, faces.step)
    tracks = np.zeros(len(boxes), np.int32)
    last_face: dict[int, int] = {}  # the latest face of every track that may be continued
    track_count = 0
    for time in np.unique(faces.times):
        current = np.flatnonzero(faces.times == time)
        shot = faces.shots[current[0]]
        last_face = {
            track: face
            for track, face in last_face.items()
            if faces.shots[face] == shot and time - faces.times[face] <= max_gap_s + 1e-9
        }
        continued = _continued_boxes(boxes[list(last_face.values())], boxes[current])
        open_tracks = list(last_face)
        for row, face in enumerate(current):
            if row in continued:
                tracks[face] = open_tracks[continued[row]]
            else:
                tracks[face] = track_count
                track_count += 1
            last_face[int(tracks[face])] = int(face)
    return {TRACK.name: tracks}


def _continued_boxes(earlier: npt.NDArray[np.float64], later: npt.NDArray[np.float64]) -> dict[int, int]:
    """Maps the row of each later box that continues an earlier box to the row of the earlier box.

    Args:
        earlier: (M, 4) x, y, width, height.
        later: (N, 4) x, y, width, height.
    """
    from scipy.optimize import linear_sum_assignment

    middles = [boxes[:, :2] + boxes[:, 2:] / 2 for boxes in (later, earlier)]
    heights = [np.maximum(boxes[:, 3], 1e-9) for boxes in (later, earlier)]
    distances = np.linalg.norm(middles[0][:, None] - middles[1], axis=2) / ((heights[0][:, None] + heights[1]) / 2)
    growth = np.abs(np.log(heights[0][:, None] / heights[1]))
    possible = (distances <= MAX_DISTANCE) & (growth <= np.log(MAX_HEIGHT_RATIO))
    # An impossible pair costs more than all possible ones together, so that it is taken only when nothing is left.
    costs = np.where(possible, distances, MAX_DISTANCE * (len(earlier) + len(later) + 1))
    return {
        int(row): int(column)
        for row, column in zip(*linear_sum_assignment(costs), strict=True)
        if possible[row, column]
    }
