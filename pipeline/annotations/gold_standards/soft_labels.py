"""Soft labels: the distribution over raters per clip or window, which keeps disagreement instead of averaging it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.annotations.gold_standards.gold import one_round
from avcues.pipeline.annotations.ratings.choices import choices_of
from avcues.pipeline.annotations.ratings.exclusions import SHORTEST, LeftOut, drop_unusable, merged
from avcues.pipeline.annotations.ratings.keys import words
from avcues.pipeline.annotations.ratings.raters import raters_by_video
from avcues.pipeline.annotations.ratings.schema import Annotations, Dimension
from avcues.pipeline.annotations.ratings.series import once_per_clip, series_of
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.store.parquet import METADATA_KEY
from avcues.version import __version__

KIND = "soft labels"
MOST_VALUES = 11
"""Numbers with more distinct values than this are counted in bins."""

Ints = npt.NDArray[np.int64]

_MAX_WINDOWS = 1 << 24  # more than the windows of any video


def soft_labels(
    annotations: Annotations,
    dimensions: Collection[str] | None = None,
    *,
    bins: int = 5,
    step: Fraction = Fraction(1, 2),
    round_: str | None = None,
    shortest: float = SHORTEST,
    keep_constant: bool = False,
) -> dict[str, pa.Table]:
    """The share of raters who gave each value, fell into each bin of values, or chose each label.

    Args:
        annotations: Ratings of any kind.
        dimensions: Names, all of them rated over time or all once per clip; None: all.
        bins: Number of bins of equal width over the range of a dimension with more than 11 distinct values.
        step: Seconds per window, for ratings over time.
        round_: Name of the round to use; required if there are several.
        shortest: As for `Recipe`.
        keep_constant: As for `Recipe`.

    Returns:
        By setup a table that `--labels` reads: `video_id`, `window` (over time only), for each value, middle of a bin
        or label a target `<dimension>=<value>` (0 to 1), and the number of raters `<dimension>_n`. The shares of
        numbers sum to 1; those of labels do if each rater chose one. The metadata key `avcues` counts the series that
        were left out (`left_out`).

    Raises:
        SettingsError: A dimension is unknown, a range needed for bins is not known, there are several rounds and none
            is named, or some dimensions are rated over time and some once per clip.
    """
    annotations = one_round(annotations, round_)
    chosen_dimensions = [annotations.dimension(name) for name in dimensions or annotations.dimensions]
    timed = {dimension.name: annotations.over_time(dimension.name) for dimension in chosen_dimensions}
    if len(set(timed.values())) > 1:
        named = [", ".join(name for name in timed if timed[name] == over_time) for over_time in (True, False)]
        raise SettingsError(f"rated over time: {named[0]}; once per clip: {named[1]}; name dimensions of one kind")
    exclusions = {"shortest": shortest, "keep_constant": keep_constant}
    left_out: list[LeftOut] = []
    shares = [
        _of_dimension(annotations, dimension, bins, step, exclusions, left_out) for dimension in chosen_dimensions
    ]
    tables = {}
    raters = raters_by_video(annotations)
    for i, setup in enumerate(annotations.setups):
        parts = [part for part in shares if (part.setup == i).any()]
        if parts:
            metadata = {"setup": setup, "step": str(step), "raters": raters, "ratings": dict(annotations.origin)}
            metadata["left_out"] = {reason: len(dropped) for reason, dropped in merged(left_out).items()}
            tables[setup] = _table(parts, i, annotations.videos, metadata)
    return tables


class _Shares:
    """(N, K) shares of raters in `values`, with the setup, video and window (-1: the whole clip) of each row."""

    def __init__(
        self, dimension: str, names: list[str], rows: Sequence[Ints], chosen: npt.NDArray[Any], sums_to_one: bool
    ) -> None:
        """Counts raters.

        Args:
            rows: Setup, video and window of each rating, (R,) each.
            chosen: (R,) the index of the name that each rating gives, or (R, K) whether it gives each name.
            sums_to_one: Whether every rater gives exactly one name per row.
        """
        self.dimension, self.names, self.sums_to_one = dimension, names, sums_to_one
        setup, video, window = rows
        places, row = np.unique((setup * (1 << 31) + video) * _MAX_WINDOWS + window + 1, return_inverse=True)
        first, window = np.divmod(places, _MAX_WINDOWS)
        self.setup, self.video = np.divmod(first, 1 << 31)
        self.window = window - 1
        self.raters = np.bincount(row)
        if chosen.ndim == 1:
            total = np.bincount(row * len(names) + chosen, minlength=len(places) * len(names))
            total = total.reshape(len(places), len(names))
        else:
            total = np.stack([np.bincount(row, column, len(places)) for column in chosen.T], 1)
        self.values = total / self.raters[:, None]


def _of_dimension(
    annotations: Annotations,
    dimension: Dimension,
    bins: int,
    step: Fraction,
    exclusions: Mapping[str, Any],
    left_out: list[LeftOut],
) -> _Shares:
    if dimension.level == "nominal":
        choices = choices_of(annotations, dimension.name, step)
        rows = (choices.setup, choices.video, choices.window)
        sums_to_one = bool((choices.chosen.sum(1) == 1).all())
        return _Shares(dimension.name, list(dimension.labels), rows, choices.chosen.astype(np.float64), sums_to_one)
    part = annotations.select(dimensions=[dimension.name])
    setups = _indices_of(part.setups, annotations.setups)
    videos = _indices_of(part.videos, annotations.videos)
    if annotations.over_time(dimension.name):
        series, dropped = drop_unusable(series_of(part, step), **exclusions)
        left_out.append(dropped)
        video, window = series.codes["video_id"][series.series_index], series.window.astype(np.int64)
    else:
        series = once_per_clip(part)
        video, window = series.window.astype(np.int64), np.full(len(series.value), -1)
    rows = (setups[series.codes["setup"][series.series_index]], videos[video], window)
    names, code = _categories(series.value, dimension, bins)
    return _Shares(dimension.name, names, rows, code, True)


def _indices_of(names: Sequence[str], all_names: Sequence[str]) -> Ints:
    """The index of each name in `all_names`."""
    index = {name: i for i, name in enumerate(all_names)}
    return np.array([index[name] for name in names], np.int64)


def _categories(value: npt.NDArray[np.float64], dimension: Dimension, bins: int) -> tuple[list[str], Ints]:
    """The names of distinct values or bins, and the index of each value's name."""
    distinct, code = np.unique(value, return_inverse=True)
    low, high = dimension.low, dimension.high
    if low is not None and high is not None and (distinct % 1 == 0).all() and low % 1 == high % 1 == 0:
        steps = np.arange(low, high + 1)
        if len(steps) <= MOST_VALUES:
            return [f"{step:g}" for step in steps], (value - low).astype(np.int64)
    if len(distinct) <= MOST_VALUES:
        return [f"{number:g}" for number in distinct], code.astype(np.int64)
    if bins < 2:
        raise SettingsError(f"bins = {bins}; expected at least 2")
    if low is None or high is None:
        raise SettingsError(
            f"the range of {dimension.name} is not known, which bins need; import the ratings again with `range_`"
        )
    width = (high - low) / bins
    middles = [f"{low + (i + 0.5) * width:g}" for i in range(bins)]
    return middles, np.clip(np.floor((value - low) / width), 0, bins - 1).astype(np.int64)


def _table(parts: list[_Shares], setup: int, videos: Sequence[str], extra_metadata: Mapping[str, Any]) -> pa.Table:
    """The table of soft labels of a setup, with `extra_metadata` added to its metadata."""
    keys = np.unique(np.concatenate([_key(part)[part.setup == setup] for part in parts]))
    columns: dict[str, pa.Array] = {"video_id": words(keys // _MAX_WINDOWS, videos)}
    over_time = bool((keys % _MAX_WINDOWS > 0).any())
    if over_time:
        columns["window"] = pa.array((keys % _MAX_WINDOWS - 1).astype(np.int32))
    targets: list[dict[str, Any]] = []
    groups = []
    for part in parts:
        rows = _key(part)[part.setup == setup]
        position = np.searchsorted(rows, keys).clip(0, len(rows) - 1)
        missing = rows[position] != keys
        names = [f"{part.dimension}={label}" for label in part.names]
        for i, target in enumerate(names):
            columns[target] = pa.array(part.values[part.setup == setup][position, i], mask=missing)
            targets.append({"name": target, "n": f"{part.dimension}_n", "low": 0, "high": 1, "level": "interval"})
        columns[f"{part.dimension}_n"] = pa.array(
            part.raters[part.setup == setup][position].astype(np.int32), mask=missing
        )
        groups += [names] if part.sums_to_one else []
    described = {
        "avcues": __version__,
        "kind": KIND,
        "targets": targets,
        "sums_to_one": groups,
        "fitted_on": {},
        **extra_metadata,
    }
    return pa.table(columns).replace_schema_metadata({METADATA_KEY: json.dumps(described)})


def _key(shares: _Shares) -> Ints:
    return np.asarray(shares.video * _MAX_WINDOWS + shares.window + 1)
