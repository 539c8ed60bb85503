"""Whether ratings are in the rows of the clips that they belong to.

A file whose labels slipped by a row looks sound: every rater has as many rows as before. But one rater's ratings of a
clip no longer agree with those of the others until the rows are moved back. So each rater's rows are moved by -3 to 3
places, in the order in which the rater saw the clips, and compared with the mean of the other raters' rows of the same
video:

    agreement of a rater at a shift = (sum_i a_i . c_i - mean) / standard deviation,

where a_i is the rating that the i-th clip gets at that shift, c_i the others' mean for the clip, and mean and standard
deviation are taken over all orders of the rater's rows (Hoeffding 1951, A combinatorial central limit theorem, Annals
of Mathematical Statistics 22): a standard score. A shift of -1 moves rows up: row i + 1 belongs to clip i.

Two faults are distinguished. If the rows of all raters slipped, all are moved alike; if those of one rater slipped,
that rater alone is moved. The first can be detected only if raters saw the clips in different orders: with one order
for all, rows that slipped alike still agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.ratings.keys import codes, combined, starts
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.series import Series

Values = npt.NDArray[np.float64]

SHIFTS = tuple(range(-3, 4))
SHARE = 0.8
"""Share of raters who must agree best at the same shift for all rows to count as displaced."""

CERTAIN = 5.0
"""Standard score needed for an alarm: of all raters together, or of one rater moved alone."""

_CLEARLY = 2.0  # a shift is clear if its score is this many times the score it is compared with

_FEWEST_ROWS = 5
_FEWEST_RATERS = 2
_BLOCKS = 20  # ratings over time are compared by the means of this many blocks


@dataclass(frozen=True, kw_only=True, repr=False)
class RowsInOrder:
    """The ratings to compare, one row per rater and clip, in the order in which each rater saw the clips.

    Args:
        dimensions: The dimensions, in words.
        raters: Names of the raters.
        rater: (N,) codes, ascending.
        video: (N,) codes.
        values: (N, F) numbers; NaN is missing; a row of only NaN was not rated.
    """

    dimensions: str
    raters: tuple[str, ...]
    rater: npt.NDArray[np.int64]
    video: npt.NDArray[np.int64]
    values: Values


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """How well rows fit at each shift.

    Args:
        dimensions: The dimensions, in words.
        raters: By rater, standard scores at `SHIFTS` if all raters are moved alike; none if rows are too few.
        scores: Standard scores of all raters together at `SHIFTS`.
        best: By rater, the shift with the highest score.
        displaced: By rater who is displaced alone, the shift in addition to that of all raters, and its standard score.
    """

    dimensions: str
    raters: Mapping[str, tuple[float, ...]]
    scores: tuple[float, ...]
    best: Mapping[str, int]
    displaced: Mapping[str, tuple[int, float]]

    @property
    def shift(self) -> int:
        """The shift by which all rows are displaced; 0 unless it is certain."""
        counts = Counter(self.best.values())
        shift = max(SHIFTS, key=lambda candidate: (counts[candidate], -abs(candidate)))
        score, unmoved = self.score(shift), self.score(0)
        is_certain = score >= CERTAIN and score >= _CLEARLY * unmoved and counts[shift] >= SHARE * len(self.best)
        return shift if is_certain else 0

    @property
    def agreeing(self) -> int:
        """Number of raters whose highest score is at `shift`."""
        return sum(best == self.shift for best in self.best.values())

    @property
    def certain(self) -> bool:
        """Whether raters agree at `shift`, and clearly less at any other."""
        other_scores = (self.score(shift) for shift in SHIFTS if shift != self.shift)
        return self.score(self.shift) >= max(CERTAIN, _CLEARLY * max(other_scores))

    def score(self, shift: int) -> float:
        """Standard score of all raters together."""
        return self.scores[SHIFTS.index(shift)]


def alignment(rows: RowsInOrder) -> Alignment | None:
    """Finds the shift at which rows agree; None with too few raters or rows, or without variation."""
    scores = np.stack([_scores(rows, shift) for shift in SHIFTS], 1)
    comparable = np.flatnonzero(np.isfinite(scores).all(1))
    if len(comparable) < _FEWEST_RATERS:
        return None
    aligned = Alignment(
        dimensions=rows.dimensions,
        raters={rows.raters[i]: tuple(scores[i].round(3).tolist()) for i in comparable},
        scores=tuple((scores[comparable].sum(0) / np.sqrt(len(comparable))).round(3).tolist()),
        best={rows.raters[i]: SHIFTS[scores[i].argmax()] for i in comparable},
        displaced={},
    )
    return replace(aligned, displaced=_displaced_alone(rows, aligned.shift))


def rows_of(annotations: Annotations, series: Series, clips: Series) -> list[RowsInOrder]:
    """The rows to compare: labels, numbers once per clip, and numbers over time, each kind on its own.

    Args:
        series: The annotations' ratings over time.
        clips: The annotations' ratings once per clip.
    """
    exposures = annotations.exposures
    raters, videos, setups, rounds = annotations.rater_ids, annotations.videos, annotations.setups, annotations.rounds
    names = {"rater": raters, "video_id": videos, "setup": setups, "round": rounds}
    rating_codes = {name: codes(exposures[name], words) for name, words in names.items()}
    order = np.lexsort((exposures["order"].fill_null(0).to_numpy(), rating_codes["rater"]))
    order = order[(rating_codes["rater"][order] >= 0) & (rating_codes["video_id"][order] >= 0)]
    key = combined([(rating_codes[name][order], len(words)) for name, words in names.items()])
    aligned = []
    for kind, values in _ratings_by_kind(annotations, series, clips, names, key):
        if np.isfinite(values).any():
            aligned.append(
                RowsInOrder(
                    dimensions=kind,
                    raters=raters,
                    rater=rating_codes["rater"][order],
                    video=rating_codes["video_id"][order],
                    values=values,
                )
            )
    return aligned


def _ratings_by_kind(
    annotations: Annotations,
    series: Series,
    clips: Series,
    names: dict[str, tuple[str, ...]],
    key: npt.NDArray[np.int64],
) -> list[tuple[str, Values]]:
    """By kind of rating, the values of each row of `key`."""
    kinds = []
    labels = [dimension for dimension in annotations.nominal() if not annotations.over_time(dimension.name)]
    for dimension in labels:
        chosen = annotations.select(dimensions=[dimension.name]).ratings
        row = _row_of(combined([(codes(chosen[name], words), len(words)) for name, words in names.items()]), key)
        label = codes(chosen["label"], dimension.labels)
        table = np.full((len(key), len(dimension.labels)), np.nan)
        table[row[row >= 0]] = 0
        table[row[(row >= 0) & (label >= 0)], label[(row >= 0) & (label >= 0)]] = 1
        kinds.append((dimension.name, table))
    return [*kinds, *(_numbers(numbers, names, key) for numbers in (clips, series) if len(numbers))]


def _numbers(series: Series, names: dict[str, tuple[str, ...]], key: npt.NDArray[np.int64]) -> tuple[str, Values]:
    """Names of the dimensions, and (rows, dimensions * blocks) block means; ratings once per clip have one block."""
    over_clips = series.codes["video_id"][0] < 0
    width = 1 if over_clips else -(-(int(series.window.max()) + 1) // _BLOCKS)
    first_of_block = starts(series.series_index * (int(series.window.max()) // width + 1) + series.window // width)
    series_index, block = series.series_index[first_of_block], series.window[first_of_block] // width
    value = np.add.reduceat(series.value, first_of_block) / np.diff(np.append(first_of_block, len(series.value)))
    code = {name: series.codes[name][series_index] for name in (*names, "dimension")}
    if over_clips:
        code["video_id"], block = block.astype(np.int64), np.zeros_like(block)
    row = _row_of(combined((code[name], len(words)) for name, words in names.items()), key)
    used, dimension = np.unique(code["dimension"], return_inverse=True)
    table = np.full((len(key), len(used), int(block.max()) + 1), np.nan)
    table[row[row >= 0], dimension[row >= 0], block[row >= 0]] = value[row >= 0]
    return ", ".join(series.names["dimension"][i] for i in used), table.reshape(len(key), -1)


def _row_of(keys: npt.NDArray[np.int64], row_keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The index in `row_keys` of each key, -1 where missing."""
    order = np.argsort(row_keys)
    nearest = order[np.searchsorted(row_keys[order], keys).clip(0, len(row_keys) - 1)]
    return np.where(row_keys[nearest] == keys, nearest, -1)


def _moved(rows: RowsInOrder, shift: int) -> Values:
    """(N, F) standardised rows after a shift within each rater; NaN where no row is moved to."""
    source = np.arange(len(rows.rater)) - shift
    inside = (source >= 0) & (source < len(source))
    source = source.clip(0, len(source) - 1)
    inside &= rows.rater[source] == rows.rater
    shifted = np.where(inside[:, None], rows.values[source], np.nan)
    is_rated = np.isfinite(shifted)
    count = np.maximum(is_rated.sum(0), 1)
    mean = np.where(is_rated, shifted, 0).sum(0) / count
    deviation = np.sqrt((np.where(is_rated, shifted - mean, 0) ** 2).sum(0) / count)
    varying = deviation > 1e-9 * np.maximum(1, np.abs(mean))
    scaled = (shifted[:, varying] - mean[varying]) / deviation[varying]
    return np.where(is_rated.any(-1, keepdims=True), np.nan_to_num(scaled), np.nan)


def _mean_of_others(rows: RowsInOrder, values: Values) -> Values:
    """(N, F) the mean of the other raters' rows of the same video; NaN where no other rater has one."""
    is_rated = np.asarray(np.isfinite(values).all(1))
    filled = np.where(is_rated[:, None], values, 0)
    videos = int(rows.video.max()) + 1
    series, series_index = np.unique(rows.rater * videos + rows.video, return_inverse=True)
    series_sums, video_sums = (np.zeros((size, values.shape[1])) for size in (len(series), videos))
    np.add.at(series_sums, series_index, filled)
    np.add.at(video_sums, rows.video, filled)
    count_own, count = np.bincount(series_index, is_rated), np.bincount(rows.video, is_rated, minlength=videos)
    with np.errstate(invalid="ignore"):
        return (video_sums[rows.video] - series_sums[series_index]) / (count[rows.video] - count_own[series_index])[
            :, None
        ]


def _scores(rows: RowsInOrder, shift: int) -> Values:
    """(raters,) standard scores when all raters are moved alike."""
    values = _moved(rows, shift)
    return _standard_scores(rows, values, _mean_of_others(rows, values))


def _displaced_alone(rows: RowsInOrder, shift: int) -> dict[str, tuple[int, float]]:
    """Raters who agree with the others, all moved by `shift`, only after a further shift of their own."""
    other_values = _mean_of_others(rows, _moved(rows, shift))
    own_scores = np.stack(
        [_standard_scores(rows, _moved(rows, shift + own_shift), other_values) for own_shift in SHIFTS], 1
    )
    own_scores = np.where(np.isfinite(own_scores), own_scores, 0)
    best, unmoved = own_scores.max(1), own_scores[:, SHIFTS.index(0)]
    aligned = np.flatnonzero((best >= CERTAIN) & (best - unmoved >= CERTAIN) & (best >= _CLEARLY * unmoved))
    return {rows.raters[i]: (SHIFTS[own_scores[i].argmax()], round(float(best[i]), 3)) for i in aligned}


def _standard_scores(rows: RowsInOrder, values: Values, other_values: Values) -> Values:
    """(raters,) standard scores of the products of own and other values; NaN with too few rows or no variation."""
    raters = len(rows.raters)
    features = min(values.shape[1], other_values.shape[1])
    if features == 0 or values.shape[1] != other_values.shape[1]:
        return np.full(raters, np.nan)
    comparable = np.isfinite(values).all(1) & np.isfinite(other_values).all(1)
    count = np.bincount(rows.rater[comparable], minlength=raters)
    first = np.concatenate([[0], np.cumsum(count)])
    slot = np.arange(comparable.sum()) - first[rows.rater[comparable]]
    a, c = np.zeros((2, raters, max(1, int(count.max())), features))
    a[rows.rater[comparable], slot], c[rows.rater[comparable], slot] = values[comparable], other_values[comparable]
    is_rated = np.arange(a.shape[1]) < count[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        a, c = (np.where(is_rated[..., None], x - x.sum(1, keepdims=True) / count[:, None, None], 0) for x in (a, c))
        squares = ((a.swapaxes(1, 2) @ a) * (c.swapaxes(1, 2) @ c)).sum((1, 2))
        score = (a * c).sum((1, 2)) / np.sqrt(squares / (count - 1))
    return np.where((count >= _FEWEST_ROWS) & (squares > 0), score, np.nan)
