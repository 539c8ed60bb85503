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

_BESIDES_DIMENSION = (*(key for key in CELL if key != "dimension"), "rater")
_REMEDIES = {"constant": "`keep_constant` keeps them", "short": "`shortest` says how short a series may be"}


def usable(
    series: Series,
    *,
    windows: int | None = None,
    whole_clips: bool = False,
    shortest: float = SHORTEST,
    keep_constant: bool = False,
) -> tuple[Series, LeftOut]:
    """The series that vary and are long enough, and those that are not, by reason.

    Args:
        windows: Only the first windows count: a series must reach their end, and have the share `shortest`
            of them; None: all windows, and `shortest` of the median decides.
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
    beyond: tuple[str, ...] = ()
    reaches = series.reaches
    if windows is not None:
        inside = series.begins < windows
        beyond = _series_names(series, ~inside)
        series, reaches = series.until(windows), reaches[inside]
    constant = series.reduce(np.maximum.reduceat) == series.reduce(np.minimum.reduceat)
    if keep_constant:
        constant = np.zeros(len(series), bool)
    cell = combined([(series.codes[name], len(series.names[name])) for name in CELL])
    if windows is None:
        short = series.lengths < _median_by(cell, series.lengths) * shortest
    else:
        # A rater who rates until the end leaves holes at most, which stay missing.
        short = (reaches < windows) | (series.lengths < shortest * windows)
    if whole_clips:
        constant, short = _spread(series, constant), _spread(series, short)
    left_out = {"constant": _series_names(series, constant & ~short), "short": (*_series_names(series, short), *beyond)}
    return series.where(~constant & ~short), {reason: names for reason, names in left_out.items() if names}


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


def in_words(left_out: LeftOut, fate: str = "left out") -> list[str]:
    """One line per reason; `fate` says what happens to the series."""
    return [
        f"{fate}: {len(names)} {reason} series ({listed(names)}); {_REMEDIES[reason]}"
        for reason, names in left_out.items()
    ]


def merged(parts: list[LeftOut]) -> LeftOut:
    """What several parts of a study leave out, together."""
    by_reason: dict[str, tuple[str, ...]] = {}
    for part in parts:
        for reason, names in part.items():
            by_reason[reason] = (*by_reason.get(reason, ()), *names)
    return by_reason


def _spread(series: Series, marked: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Marks every series of which a sibling in another dimension is marked."""
    key = combined([(series.codes[name], len(series.names[name])) for name in _BESIDES_DIMENSION])
    return np.isin(key, key[marked])


def _median_by(group: npt.NDArray[np.int64], value: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """For each value the median of its group."""
    order = np.lexsort((value, group))
    begins = np.searchsorted(group[order], group)
    ends = np.searchsorted(group[order], group, side="right")
    ordered = value[order]
    return np.asarray((ordered[(begins + ends - 1) // 2] + ordered[(begins + ends) // 2]) / 2)


def _series_names(series: Series, mask: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    chosen = series.where(mask)
    columns = [chosen.labelled(key).to_pylist() for key in ("rater", "video_id", "setup", "dimension")]
    return tuple(f"{' '.join(row)}" for row in zip(*columns, strict=True))
