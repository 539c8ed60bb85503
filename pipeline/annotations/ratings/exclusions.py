"""Constant and short series, which gold standards and agreement leave out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.annotations.ratings.keys import combined
from avcues.pipeline.annotations.ratings.schema import KEYS, Annotations
from avcues.pipeline.annotations.ratings.series import CELL, Series
from avcues.pipeline.annotations.ratings.wording import counted, listed
from avcues.pipeline.errors import SettingsError

SHORTEST = 0.9
"""Share of the median length of a cell's series (one video, setup and dimension) that a series must cover."""

LeftOut = Mapping[str, tuple[str, ...]]
"""By reason, the series left out, each as "rater video setup dimension"."""

_KEYS_OF_SIBLINGS = (*(key for key in CELL if key != "dimension"), "rater")
_REMEDIES = {"constant": "`keep_constant` keeps them", "short": "`shortest` says how short a series may be"}


def drop_unusable(
    series: Series,
    *,
    windows: int | None = None,
    whole_clips: bool = False,
    shortest: float = SHORTEST,
    keep_constant: bool = False,
) -> tuple[Series, LeftOut]:
    """Leaves out constant and short series, and names them by reason.

    Args:
        windows: Number of first windows to use: a series must reach their end and have values in the share `shortest`
            of them. None: use all windows, and compare lengths with the median.
        whole_clips: Leave out all of a rater's series of a clip if one of them is left out.
        shortest: Share of the median length over the series of the same video, setup and dimension, 0 to 1.
        keep_constant: Keep series that do not vary.

    Raises:
        SettingsError: `shortest` is not a share.
    """
    if not 0 <= shortest <= 1:
        raise SettingsError(f"`shortest={shortest:g}`: expected a share, 0 to 1")
    if not len(series):
        return series, {}
    after_windows: tuple[str, ...] = ()
    reaches = series.reaches
    if windows is not None:
        inside = series.begins < windows
        after_windows = _series_names(series, ~inside)
        series, reaches = series.first_windows(windows), reaches[inside]
    constant = series.reduce(np.maximum.reduceat) == series.reduce(np.minimum.reduceat)
    if keep_constant:
        constant = np.zeros(len(series), bool)
    cell = combined([(series.codes[name], len(series.names[name])) for name in CELL])
    if windows is None:
        short = series.lengths < _median_by(cell, series.lengths) * shortest
    else:
        # Holes in a series that reaches the end stay missing.
        short = (reaches < windows) | (series.lengths < shortest * windows)
    if whole_clips:
        constant, short = _mark_siblings(series, constant), _mark_siblings(series, short)
    left_out = {
        "constant": _series_names(series, constant & ~short),
        "short": (*_series_names(series, short), *after_windows),
    }
    return series.filter(~constant & ~short), {reason: names for reason, names in left_out.items() if names}


def holes(series: Series) -> list[str]:
    """A note on series that are used although they have holes too long to be interpolated."""
    broken = series.reaches - series.begins > series.lengths
    if not broken.any():
        return []
    missing = int((series.reaches - series.begins - series.lengths)[broken].sum())
    names = _series_names(series, broken)
    return [
        f"used with holes: {counted(len(names), 'series', 'series')} without {counted(missing, 'window')} in between "
        f"({listed(names)})"
    ]


def repeats_left_out(annotations: Annotations) -> list[str]:
    """A note on repeated ratings, which are used for test-retest reliability only."""
    if not len(annotations.repeats):
        return []
    keys = [annotations.repeats[name].cast(pa.string()) for name in (*KEYS, "repeat")]
    count = len(pa.table(keys, [*KEYS, "repeat"]).group_by([*KEYS, "repeat"]).aggregate([]))
    return [f"not used: {counted(count, 'repeated rating')} (for test-retest reliability)"]


def exclusion_notes(left_out: LeftOut, fate: str = "left out") -> list[str]:
    """One line per reason for leaving out series; `fate` is the phrase for what happens to them."""
    return [
        f"{fate}: {len(names)} {reason} series ({listed(names)}); {_REMEDIES[reason]}"
        for reason, names in left_out.items()
    ]


def merged(parts: list[LeftOut]) -> LeftOut:
    """Merges what several parts of a study leave out."""
    by_reason: dict[str, tuple[str, ...]] = {}
    for part in parts:
        for reason, names in part.items():
            by_reason[reason] = (*by_reason.get(reason, ()), *names)
    return by_reason


def _mark_siblings(series: Series, marked: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Marks every series whose rater and clip have a marked series in any dimension."""
    key = combined([(series.codes[name], len(series.names[name])) for name in _KEYS_OF_SIBLINGS])
    return np.isin(key, key[marked])


def _median_by(group: npt.NDArray[np.int64], value: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The median of each value's group."""
    order = np.lexsort((value, group))
    begins = np.searchsorted(group[order], group)
    ends = np.searchsorted(group[order], group, side="right")
    ordered = value[order]
    return np.asarray((ordered[(begins + ends - 1) // 2] + ordered[(begins + ends) // 2]) / 2)


def _series_names(series: Series, mask: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    chosen = series.filter(mask)
    columns = [chosen.labelled(key).to_pylist() for key in ("rater", "video_id", "setup", "dimension")]
    return tuple(f"{' '.join(row)}" for row in zip(*columns, strict=True))
