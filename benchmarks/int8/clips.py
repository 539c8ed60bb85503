"""Clips for calibration and evaluation: those that avcues cuts from videos, and slow zooms into photographs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

import avcues
from avcues.extractors.actions import Actions
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import ClipBatch

Clips = npt.NDArray[np.uint8]
_FRAMES, _SIDE, _SHORT_SIDE = 64, 224, 256


def clips_of_video(path: Path) -> Clips:
    """(N, 64, 224, 224, 3): the clips of a video that `actions` measures."""
    batches: list[Clips] = []

    def record(extractor: Actions, batch: ClipBatch) -> npt.NDArray[np.float32]:
        batches.append(batch.clips.copy())
        return np.full((len(batch.clips), 400), 1 / 400, np.float32)

    setup, process = Actions.setup, Actions.process_clips
    Actions.setup, Actions.process_clips = _load_nothing, record  # type: ignore[method-assign]
    try:
        avcues.extract(path, features=["actions"])
    finally:
        Actions.setup, Actions.process_clips = setup, process  # type: ignore[method-assign]
    return np.concatenate(batches)


def clip_of_photograph(path: Path, seed: int) -> Clips:
    """(1, 64, 224, 224, 3): a move and zoom between two random squares of a photograph."""
    generator = np.random.default_rng(seed)
    image = cv2.cvtColor(np.asarray(cv2.imread(str(path))), cv2.COLOR_BGR2RGB)
    scale = 1.5 * _SIDE / min(image.shape[:2])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=interpolation)
    height, width = image.shape[:2]
    squares = [
        np.array([generator.uniform(0, width - side), generator.uniform(0, height - side), side])
        for side in (_SIDE, generator.uniform(_SIDE, min(height, width)))
    ]
    if generator.random() < 0.5:
        squares.reverse()
    frames = []
    for part in np.linspace(0, 1, _FRAMES):
        left, top, side = squares[0] + part * (squares[1] - squares[0])
        zoom = _SIDE / side
        shift = np.array([[zoom, 0, -left * zoom], [0, zoom, -top * zoom]])
        frames.append(cv2.warpAffine(image, shift, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR))
    return np.stack(frames)[None].astype(np.uint8)


def clips_of(paths: Sequence[Path], most_per_video: int | None = None) -> Clips:
    """Clips of videos and photographs in the order of the paths; at most `most_per_video` of each, evenly spaced."""
    clips = []
    for seed, path in enumerate(paths):
        if _is_photograph(path):
            clips.append(clip_of_photograph(path, seed))
        else:
            all_clips = clips_of_video(path)
            count = min(len(all_clips), most_per_video or len(all_clips))
            clips.append(all_clips[np.linspace(0, len(all_clips) - 1, count).round().astype(int)])
    return np.concatenate(clips)


def _load_nothing(extractor: Actions, compute: Compute) -> None:
    pass


def _is_photograph(path: Path) -> bool:
    with av.open(str(path)) as container:
        return container.format.name.endswith("_pipe") or container.format.name == "image2"
