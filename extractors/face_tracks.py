"""Faces of one person, linked from window to window within a shot."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avcues.extractors.protocol import Column, Columns, Items

MEMORY_S = 1.0
FARTHEST = 1.0
MOST_GROWTH = 1.5

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

    A face continues a track of its shot that was last seen in the window before, or in the windows of the second
    before, if its middle is at most `FARTHEST` mean heights from that face's and neither is more than `MOST_GROWTH`
    times as high as the other. Of all ways to continue, the one with the most continued tracks is taken, and among
    those the one with the least sum of distances (Kuhn 1955, The Hungarian method for the assignment problem). Every
    other face begins a track. At half-second steps two people who change places within a step change numbers.

    Args:
        faces: Items with `x`, `y`, `width` and `height` in pixels.

    Returns:
        (N,) numbers in the column `track`, counted from 0 in the order of first appearance.
    """
    boxes = np.column_stack([np.asarray(faces.columns[side], float) for side in ("x", "y", "width", "height")])
    memory_s = max(MEMORY_S, faces.step)
    tracks = np.zeros(len(boxes), np.int32)
    last_face: dict[int, int] = {}  # the latest face of every track that may be continued
    begun = 0
    for time in np.unique(faces.times):
        now = np.flatnonzero(faces.times == time)
        shot = faces.shots[now[0]]
        last_face = {
            track: face
            for track, face in last_face.items()
            if faces.shots[face] == shot and time - faces.times[face] <= memory_s + 1e-9
        }
        continued = _pairs(boxes[list(last_face.values())], boxes[now])
        earlier = list(last_face)
        for place, face in enumerate(now):
            if place in continued:
                tracks[face] = earlier[continued[place]]
            else:
                tracks[face] = begun
                begun += 1
            last_face[int(tracks[face])] = int(face)
    return {TRACK.name: tracks}


def _pairs(before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> dict[int, int]:
    """For each box of `after` that continues a box of `before`: the row of that box.

    Args:
        before: (M, 4) x, y, width, height.
        after: (N, 4), likewise.
    """
    from scipy.optimize import linear_sum_assignment

    middles = [boxes[:, :2] + boxes[:, 2:] / 2 for boxes in (after, before)]
    heights = [np.maximum(boxes[:, 3], 1e-9) for boxes in (after, before)]
    distances = np.linalg.norm(middles[0][:, None] - middles[1], axis=2) / ((heights[0][:, None] + heights[1]) / 2)
    growth = np.abs(np.log(heights[0][:, None] / heights[1]))
    possible = (distances <= FARTHEST) & (growth <= np.log(MOST_GROWTH))
    # An impossible pair costs more than all possible ones together, so that it is taken only when nothing is left.
    costs = np.where(possible, distances, FARTHEST * (len(before) + len(after) + 1))
    return {
        int(row): int(column)
        for row, column in zip(*linear_sum_assignment(costs), strict=True)
        if possible[row, column]
    }
