"""A small made-up study to try the commands on."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.annotations.importing.formats.tidy import import_tidy
from avcues.pipeline.annotations.ratings.schema import Annotations

SETUPS = ("music", "visual", "audiovisual")
MOODS = ("calm", "happy", "sad", "tense")
VIDEOS: Mapping[str, int] = {f"clip{i:02d}": 120 for i in range(1, 13)}
"""The default: ids and numbers of windows."""

_NOISE = (0.05, 0.08, 0.1, 0.12, 0.15, 0.4)
_LAGS = (1, 2, 2, 3, 3, 4)
_MUSIC_SHARE = 0.6

Values = npt.NDArray[np.float64]


def example(videos: Mapping[str, int] = VIDEOS, *, step: Fraction = Fraction(1, 2), seed: int = 0) -> Annotations:
    """Six raters of every video in three setups, each with a noise level and a reaction lag.

    `arousal` and `valence` (-1 to 1) are rated over time, `liking` (1 to 5) and labels of `mood` once per clip. The
    response to music with pictures is mostly that to the music. Rater r6 is careless and left one series constant.

    Args:
        videos: Number of windows by video id.
        step: Seconds per window.
        seed: Seed of the random numbers.
    """
    rng = np.random.default_rng(seed)
    parts: list[pa.Table] = []
    felt = {video_id: _felt(rng, windows) for video_id, windows in videos.items()}
    for rater in range(len(_NOISE)):
        exposures = [(video_id, setup) for video_id in videos for setup in SETUPS]
        for video_id, setup in (exposures[i] for i in rng.permutation(len(exposures))):
            keys = {"rater": f"r{rater + 1}", "video_id": video_id, "setup": setup}
            untouched = rater == len(_NOISE) - 1 and (video_id, setup) == (next(iter(videos)), "visual")
            parts += _rated(rng, felt[video_id][setup], rater, keys, float(step), untouched)
    raters = {
        "rater": [f"r{i + 1}" for i in range(len(_NOISE))],
        "age": [23, 31, 45, 27, 22, 38],
        "gender": ["female", "male", "female", "male", "female", "male"],
        "years_formal_training": [0, 5, 8, 1, 0, 12],
    }
    return import_tidy(
        pa.concat_tables(parts).unify_dictionaries(),
        range_=(-1, 1),
        ranges={"liking": (1, 5)},
        levels={"liking": "ordinal"},
        raters=pa.table(raters),
    )


def _felt(rng: np.random.Generator, windows: int) -> dict[str, Values]:
    """By setup (2, windows) arousal and valence that the clip calls forth."""
    music, visual = (np.stack([_drifting(rng, windows) for _ in range(2)]) for _ in range(2))
    mixed = _MUSIC_SHARE * music + (1 - _MUSIC_SHARE) * visual
    return {"music": music, "visual": visual, "audiovisual": mixed / np.hypot(_MUSIC_SHARE, 1 - _MUSIC_SHARE)}


def _drifting(rng: np.random.Generator, windows: int) -> Values:
    """A level, and slow movement about it."""
    steps = np.convolve(rng.normal(size=windows + 40), np.hanning(20) / 5, "valid")[:windows]
    return np.asarray(rng.normal(0, 0.3) + 0.4 * steps)


def _rated(
    rng: np.random.Generator, felt: Values, rater: int, keys: Mapping[str, str], step_s: float, untouched: bool
) -> list[pa.Table]:
    """What one rater says of one clip in one setup."""
    windows, late = felt.shape[1], min(_LAGS[rater], felt.shape[1] - 1)
    delayed = np.concatenate([np.repeat(felt[:, :1], late, 1), felt[:, : windows - late]], 1)
    noise = np.cumsum(rng.normal(0, 0.3 * _NOISE[rater], delayed.shape), 1)
    rated = np.clip(delayed + noise - noise.mean(1, keepdims=True), -1, 1).round(3)
    time = np.arange(windows) * step_s
    parts = [
        _rows(keys, dimension, time=time, value=np.zeros(windows) if untouched else rated[i])
        for i, dimension in enumerate(("arousal", "valence"))
    ]
    arousal, valence = felt.mean(1) + rng.normal(0, _NOISE[rater], 2)
    liking = np.clip(np.rint(3 + 2 * valence + rng.normal(0, 0.5)), 1, 5)
    chosen = {("happy" if valence > 0 else "tense") if arousal > 0 else ("calm" if valence > 0 else "sad")}
    chosen |= {MOODS[rng.integers(len(MOODS))]} if rng.random() < _NOISE[rater] else set()
    parts.append(_rows(keys, "liking", value=np.array([liking])))
    return [*parts, _rows(keys, "mood", label=sorted(chosen))]


def _rows(keys: Mapping[str, str], dimension: str, **columns: object) -> pa.Table:
    """Tidy rows with the columns of a rating that are not given null."""
    arrays = {name: pa.array(values) for name, values in columns.items()}
    rows = len(next(iter(arrays.values())))
    words = {**keys, "dimension": dimension}
    zeros = pa.array(np.zeros(rows, np.int32))
    named = {name: pa.DictionaryArray.from_arrays(zeros, [word]) for name, word in words.items()}
    empty = {"time": pa.float64(), "value": pa.float64(), "label": pa.string()}
    return pa.table({**named, **{name: arrays.get(name, pa.nulls(rows, kind)) for name, kind in empty.items()}})
