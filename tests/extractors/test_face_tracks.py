"""Faces of one person keep their number within a shot, and only there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import permutations
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import Clip, extract

from avcues.extractors.expressions import Expressions
from avcues.extractors.face_tracks import _continued_boxes, link_faces
from avcues.extractors.protocol import FrameBatch, Items
from avcues.models_cache import WeightsError
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.runtime.weights import resolve_weights

STEP = 0.5
Face = tuple[int, int, float, float, float]  # window, shot, middle from the left, middle from the top, height


def tracks(faces: Sequence[Face], step: float = STEP) -> list[int]:
    """Numbers of square faces."""
    windows, shots, x, y, height = (np.array(values) for values in zip(*faces, strict=True))
    boxes = {"x": x - height / 2, "y": y - height / 2, "width": height, "height": height}
    items = Items({name: side.astype(np.float32) for name, side in boxes.items()}, windows * step, shots, step)
    return link_faces(items)["track"].tolist()


def test_two_people_who_walk_past_each_other_keep_their_numbers() -> None:
    walk = [(w, 0, 100 + 40 * w, 200, 100) for w in range(12)]
    other = [(w, 0, 540 - 40 * w, 420, 100) for w in range(12)]
    faces = sorted(walk + other, key=lambda face: (face[0], face[2]))  # their order in the table changes half-way
    numbers = tracks(faces)
    of_walk = {number for face, number in zip(faces, numbers, strict=True) if face[3] == 200}
    of_other = {number for face, number in zip(faces, numbers, strict=True) if face[3] == 420}
    assert (of_walk, of_other) == ({0}, {1})


@pytest.mark.parametrize(
    ("change", "continues"),
    [
        ((1, 0, 140, 200, 100), True),
        ((1, 1, 140, 200, 100), False),  # another shot
        ((2, 0, 140, 200, 100), True),  # a window without the face
        ((3, 0, 140, 200, 100), False),  # two windows without it
        ((1, 0, 199, 200, 100), True),
        ((1, 0, 202, 200, 100), False),  # farther than its own height
        ((1, 0, 100, 200, 149), True),
        ((1, 0, 100, 200, 152), False),  # grown by more than half
        ((1, 0, 100, 200, 67), True),
        ((1, 0, 100, 200, 65), False),
    ],
)
def test_what_continues_a_face(change: Face, continues: bool) -> None:
    first = (0, 0, 100, 200, 100)
    assert tracks([first, change]) == [0, 0 if continues else 1]


def test_a_long_step_remembers_the_window_before() -> None:
    assert tracks([(0, 0, 100, 200, 100), (1, 0, 110, 200, 100), (3, 0, 110, 200, 100)], step=2) == [0, 0, 1]


def test_no_shot_and_no_face() -> None:
    assert tracks([(0, -1, 100, 200, 100), (1, -1, 100, 200, 100)]) == [0, 0]
    empty = {side: np.empty(0, np.float32) for side in ("x", "y", "width", "height")}
    assert link_faces(Items(empty, np.empty(0), np.empty(0, np.int32), STEP))["track"].tolist() == []


def test_pairs_are_the_best_of_all_assignments() -> None:
    """Against every assignment, tried one by one: most pairs first, then the least sum of distances."""
    random = np.random.default_rng(0)
    for _ in range(200):
        before, after = (
            np.column_stack([random.uniform(0, 300, (n, 2)), np.full((n, 2), 100.0)]) for n in random.integers(1, 5, 2)
        )
        distance = np.linalg.norm(after[:, None, :2] - before[None, :, :2], axis=2) / 100
        best = (0, 0.0)
        rows = [*range(len(after))]
        for columns in permutations([*range(len(before)), *[-1] * len(rows)], len(rows)):
            pairs = [(r, c) for r, c in zip(rows, columns, strict=True) if c >= 0 and distance[r, c] <= 1]
            best = max(best, (len(pairs), -sum(distance[pair] for pair in pairs)))
        chosen = _continued_boxes(before, after)
        assert len(chosen) == best[0]
        assert sum(distance[row, column] for row, column in chosen.items()) == pytest.approx(-best[1])


def test_a_face_that_moves_is_one_until_the_cut(media: Callable[[str], Path], tmp_path: Path) -> None:
    """A real face crosses a grey ground in 3 s, 50 px a window; after a cut it is elsewhere for 2 s."""
    try:
        settings, _ = resolve_weights(Settings(features=("expressions",)), None, lambda *_: None)
    except WeightsError as error:
        pytest.skip(str(error))
    (expressions,) = (e for e in settings.create_extractors() if isinstance(e, Expressions))
    expressions.setup(settings.compute.resolved())
    face = face_of(media("real60.mp4"), expressions)
    ground = np.random.default_rng(0).integers(80, 100, (480, 960, 3), np.uint8)
    frames = []
    for i in range(100):
        picture = ground.copy() if i < 60 else 255 - ground
        left = 60 + 5 * i if i < 60 else 650
        picture[100 : 100 + len(face), left : left + face.shape[1]] = face
        frames.append((Fraction(i, 20), picture))
    path = Clip(frames=frames, size=(960, 480)).write(tmp_path / "walk.mp4")
    measured = extract(path, tmp_path / "out", features=("expressions",), options=settings.options)
    shots = measured.column("shots", "start").tolist()
    assert shots == [0, 3]
    windows, numbers = (measured.column("faces", name).tolist() for name in ("window", "track"))
    assert windows == [*range(10)]
    assert numbers == [0] * 6 + [1] * 4


def face_of(video: Path, expressions: Expressions) -> np.ndarray:
    """A face of a video with a third of its size around it, about 200 px high."""
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            image = frame.to_ndarray(format="rgb24")
            faces = expressions.process_frames(FrameBatch(image[None], (0.0,)))["faces"]
            if len(faces["score"]) == 1 and faces["score"][0] > 0.9:
                x, y, width, height = (int(faces[side][0]) for side in ("x", "y", "width", "height"))
                crop = image[max(0, y - height // 3) : y + height * 4 // 3, max(0, x - width // 3) : x + width * 4 // 3]
                scale = 200 / height
                return cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            if frame.time > 5:
                pytest.skip("the stand-in of the test clip shows no face")
    raise AssertionError("no frames")
