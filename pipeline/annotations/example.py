"""A small made-up study to try the commands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import chain, repeat
from typing import NamedTuple

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


class _Part(NamedTuple):
    """Consecutive rows of one rater, clip, setup and dimension."""

    rater: str
    video_id: str
    setup: str
    dimension: str
    time: Values | None = None
    value: Values | None = None
    label: Sequence[str] | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.label or ()) if self.value is None else len(self.value)


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
    parts: list[_Part] = []
    felt = {video_id: _felt(rng, windows) for video_id, windows in videos.items()}
    for rater in range(len(_NOISE)):
        exposures = [(video_id, setup) for video_id in videos for setup in SETUPS]
        for video_id, setup in (exposures[i] for i in rng.permutation(len(exposures))):
            keys = (f"r{rater + 1}", video_id, setup)
            untouched = rater == len(_NOISE) - 1 and (video_id, setup) == (next(iter(videos)), "visual")
            parts += _rated(rng, felt[video_id][setup], rater, keys, float(step), untouched)
    raters = {
        "rater": [f"r{i + 1}" for i in range(len(_NOISE))],
        "age": [23, 31, 45, 27, 22, 38],
        "gender": ["female", "male", "female", "male", "female", "male"],
        "years_formal_training": [0, 5, 8, 1, 0, 12],
    }
    return import_tidy(
        _tidy(parts),
        range_=(-1, 1),
        ranges={"liking": (1, 5)},
        levels={"liking": "ordinal"},
        raters=pa.table(raters),
    )


def _felt(rng: np.random.Generator, windows: int) -> dict[str, Values]:
    """By setup, (2, windows) arousal and valence that the clip evokes."""
    music, visual = (np.stack([_drifting(rng, windows) for _ in range(2)]) for _ in range(2))
    mixed = _MUSIC_SHARE * music + (1 - _MUSIC_SHARE) * visual
    return {"music": music, "visual": visual, "audiovisual": mixed / np.hypot(_MUSIC_SHARE, 1 - _MUSIC_SHARE)}


def _drifting(rng: np.random.Generator, windows: int) -> Values:
    """(windows,) slow movement about a random level."""
    steps = np.convolve(rng.normal(size=windows + 40), np.hanning(20) / 5, "valid")[:windows]
    return np.asarray(rng.normal(0, 0.3) + 0.4 * steps)


def _rated(
    rng: np.random.Generator,
    felt: Values,
    rater: int,
    keys: tuple[str, str, str],
    step_s: float,
    untouched: bool,
) -> list[_Part]:
    """The ratings of one clip by one rater in one setup."""
    windows, late = felt.shape[1], min(_LAGS[rater], felt.shape[1] - 1)
    delayed = np.concatenate([np.repeat(felt[:, :1], late, 1), felt[:, : windows - late]], 1)
    noise = np.cumsum(rng.normal(0, 0.3 * _NOISE[rater], delayed.shape), 1)
    rated = np.clip(delayed + noise - noise.mean(1, keepdims=True), -1, 1).round(3)
    time = np.asarray(np.arange(windows) * step_s, np.float64)
    parts = [
        _Part(*keys, dimension, time=time, value=np.zeros(windows) if untouched else rated[i])
        for i, dimension in enumerate(("arousal", "valence"))
    ]
    arousal, valence = felt.mean(1) + rng.normal(0, _NOISE[rater], 2)
    liking = np.clip(np.rint(3 + 2 * valence + rng.normal(0, 0.5)), 1, 5)
    chosen = {("happy" if valence > 0 else "tense") if arousal > 0 else ("calm" if valence > 0 else "sad")}
    chosen |= {MOODS[rng.integers(len(MOODS))]} if rng.random() < _NOISE[rater] else set()
    parts.append(_Part(*keys, "liking", value=np.array([liking])))
    return [*parts, _Part(*keys, "mood", label=sorted(chosen))]


def _tidy(parts: Sequence[_Part]) -> pa.Table:
    """All parts as one tidy table, built at once because each Arrow table costs about 30 kB."""
    counts = np.array([part.rows for part in parts])
    columns: dict[str, pa.Array] = {}
    for i, name in enumerate(("rater", "video_id", "setup", "dimension")):
        words = list(dict.fromkeys(part[i] for part in parts))
        code_of_word = {word: number for number, word in enumerate(words)}
        codes = np.repeat(np.array([code_of_word[part[i]] for part in parts], np.int32), counts)
        columns[name] = pa.DictionaryArray.from_arrays(codes, words)
    for name in ("time", "value"):
        numbers = [getattr(part, name) for part in parts]
        missing = np.repeat([number is None for number in numbers], counts)
        filled = (np.zeros(n) if array is None else array for array, n in zip(numbers, counts, strict=True))
        columns[name] = pa.array(np.concatenate(list(filled)), mask=missing)
    labels = chain.from_iterable(repeat(None, part.rows) if part.label is None else part.label for part in parts)
    columns["label"] = pa.array(list(labels), pa.string())
    return pa.table(columns)
