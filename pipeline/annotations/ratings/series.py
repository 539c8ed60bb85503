"""Ratings over time on a grid of windows: one series per rater, video, setup, round and dimension.

A rating at `time` seconds belongs to the window that contains it, floor(time / step); several of one rater in a window
are averaged; a gap of up to `GAP` windows is filled by linear interpolation, a longer one stays missing. In a dimension
that holds (`Dimension.hold`) a value lasts until the next one, see `change_logs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.annotations.ratings.change_logs import windows_of_log
from avcues.pipeline.annotations.ratings.keys import Codes, codes, combined, is_in, runs, separated, starts
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.windows import bridged, one_per_window
from avcues.pipeline.errors import SettingsError

Values = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

MOST_WINDOWS = 2_000_000
"""Most windows of one series."""

GAP = 2
"""Longest gap, in windows, that is interpolated."""

# time / step is rounded, as for labels, so that 0.3 s lies in window 3 of 0.1 s although its float is below 3 * 0.1.
_DECIMALS = 6
_BATCH_VALUES = 1 << 19

CELL = ("setup", "round", "dimension", "video_id")
_KEYS = (*CELL, "rater")


@dataclass(frozen=True, kw_only=True, repr=False)
class Series:
    """Series of many raters, one after the other; those of one cell (setup, round, dimension, video) are neighbours.

    Args:
        names: Names behind the codes of each key.
        codes: (S,) codes of each key; -1 where a series has no round.
        first: (S + 1,) index in `window` and `value` at which each series begins.
        window: (N,) windows, ascending within a series.
        value: (N,) never NaN.
        step: Seconds per window.
    """

    names: Mapping[str, tuple[str, ...]]
    codes: Mapping[str, Codes]
    first: npt.NDArray[np.int64]
    window: npt.NDArray[np.int32]
    value: Values
    step: Fraction

    def __len__(self) -> int:
        return len(self.first) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(S,) windows with a value."""
        return np.diff(self.first)

    @property
    def begins(self) -> npt.NDArray[np.int64]:
        """(S,) the first window with a value."""
        return self.window[self.first[:-1]].astype(np.int64)

    @property
    def reaches(self) -> npt.NDArray[np.int64]:
        """(S,) the window after the last one with a value."""
        return self.window[self.first[1:] - 1].astype(np.int64) + 1

    @property
    def series_index(self) -> npt.NDArray[np.int64]:
        """(N,) the series that each value belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def filter(self, mask: npt.NDArray[np.bool_]) -> Series:
        """The series for which `mask`, (S,), is true."""
        values = np.repeat(mask, self.lengths)
        first = np.concatenate([[0], np.cumsum(self.lengths[mask])])
        chosen = {name: code[mask] for name, code in self.codes.items()}
        return replace(self, codes=chosen, first=first, window=self.window[values], value=self.value[values])

    def shared_with(self, other: Series) -> Series:
        """The series of the same raters, clips and dimensions as those of `other`."""
        return self.filter(np.isin(self._key(_KEYS), other._key(_KEYS)))

    def first_windows(self, windows: int) -> Series:
        """Only the first `windows` windows; series without a value in them are dropped."""
        is_within = self.window < windows
        lengths = np.bincount(self.series_index[is_within], minlength=len(self))
        first = np.concatenate([[0], np.cumsum(lengths)])
        return replace(self, first=first, window=self.window[is_within], value=self.value[is_within]).filter(
            lengths > 0
        )

    def reduce(self, reduceat: Callable[[Values, npt.NDArray[np.int64]], Values]) -> Values:
        """(S,) one number per series, computed by the `reduceat` of a ufunc such as `np.add`."""
        return reduceat(self.value, self.first[:-1]) if len(self) else np.zeros(0)

    def labelled(self, key: str) -> pa.Array:
        """(S,) the names of a key; null where a series has none."""
        code = self.codes[key]
        return pa.array(self.names[key], pa.string()).take(pa.array(code, mask=code < 0))

    def cells(self) -> Iterator[Cells]:
        """All cells, in batches of similar size."""
        begins = np.append(starts(self._key(CELL)), len(self))
        ends = self.first[1:]
        end_window = np.zeros(len(self), np.int64) if not len(self) else self.window[ends - 1] + 1
        raters = np.diff(begins)
        begin = 0
        while begin < len(raters):
            end, most_raters, most_windows = begin, 0, 0
            while end < len(raters):
                windows_with_next = max(most_windows, int(end_window[begins[end] : begins[end + 1]].max()))
                raters_with_next = max(most_raters, int(raters[end]))
                values = (end + 1 - begin) * raters_with_next * windows_with_next
                if end > begin and values > _BATCH_VALUES // raters_with_next:
                    break
                end, most_raters, most_windows = end + 1, raters_with_next, windows_with_next
            yield self._stack(begins[begin : end + 1], most_raters, most_windows)
            begin = end

    def _key(self, names: Sequence[str]) -> Codes:
        return combined([(self.codes[name], len(self.names[name])) for name in names])

    def _stack(self, begins: npt.NDArray[np.intp], raters: int, windows: int) -> Cells:
        series = np.arange(begins[0], begins[-1])
        cell = np.repeat(np.arange(len(begins) - 1), np.diff(begins))
        slot = series - begins[cell]
        values = np.full((len(begins) - 1, raters, windows), np.nan)
        span = slice(self.first[begins[0]], self.first[begins[-1]])
        lengths = self.lengths[series]
        values[np.repeat(cell, lengths), np.repeat(slot, lengths), self.window[span]] = self.value[span]
        rater = np.full((len(begins) - 1, raters), -1)
        rater[cell, slot] = self.codes["rater"][series]
        return Cells(codes={name: self.codes[name][begins[:-1]] for name in CELL}, rater=rater, values=values)


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A batch of cells (setup, round, dimension, video), stacked into arrays.

    Args:
        codes: (C,) codes of each key of `CELL`.
        rater: (C, R) codes of raters, -1 where a cell has fewer.
        values: (C, R, W) ratings; NaN where a rater gave none.
    """

    codes: Mapping[str, Codes]
    rater: Codes
    values: Values


def series_of(
    annotations: Annotations,
    step: Fraction = Fraction(1, 2),
    *,
    delays: float | Mapping[str, float] = 0.0,
    gap: int = GAP,
) -> Series:
    """Puts ratings over time on a grid of windows.

    Args:
        annotations: Ratings over time; others are ignored.
        step: Seconds per window.
        delays: Seconds by which ratings are moved earlier, for all raters or by rater; ratings moved before 0 s are
            dropped.
        gap: Longest gap, in windows, that is interpolated.

    Raises:
        SettingsError: The grid would have more than `MOST_WINDOWS` windows.
    """
    names = _names(annotations)
    rows = _rated(annotations, over_time=True)
    ratings = annotations.ratings
    time = ratings["time"].to_numpy()[rows]
    if isinstance(delays, Mapping):
        late_s = np.array([delays.get(rater, 0.0) for rater in names["rater"]])
        time = time - late_s[codes(ratings["rater"], names["rater"])[rows]]
    elif delays:
        time = time - delays
    _require_grid(time, step)
    window = np.floor(np.round(time / float(step), _DECIMALS)).astype(np.int32)
    key = combined((codes(ratings[name], names[name])[rows], len(names[name])) for name in _KEYS)
    value = ratings["value"].to_numpy()[rows]
    is_log = is_in(ratings["dimension"], [d.name for d in annotations.dimensions.values() if d.hold])[rows]
    if is_log.any():
        end = _ends(annotations, names)[codes(ratings["video_id"], names["video_id"])[rows]]
        late_s = annotations.ratings["time"].to_numpy()[rows] - time
        held_windows = windows_of_log(key[is_log], time[is_log], value[is_log], (end - late_s)[is_log], float(step))
        key, window, value = (
            np.concatenate([column[~is_log], filled.astype(column.dtype)])
            for column, filled in zip((key, window, value), held_windows, strict=True)
        )
    del time
    if delays and (window < 0).any():
        is_visible = window >= 0
        window, value, key = window[is_visible], value[is_visible], key[is_visible]
    return _series(names, key, window, value, step, gap)


def _require_grid(time: Values, step: Fraction) -> None:
    """Makes sure that the grid fits into memory, whatever a file holds."""
    longest = float(np.nanmax(time, initial=0))
    if not longest / float(step) <= MOST_WINDOWS:
        raise SettingsError(
            f"ratings up to {longest:g} s would take {longest / float(step):.3g} windows of {float(step):g} s, more "
            f"than {MOST_WINDOWS}; give a longer `step`, or import the ratings again with the unit of their times"
        )


def _ends(annotations: Annotations, names: Mapping[str, tuple[str, ...]]) -> Values:
    """(videos,) the end of each video in seconds: its length if it is known, else its last rating by any rater."""
    last_rating = np.zeros(len(names["video_id"]))
    timed = annotations.ratings["time"].is_valid().to_numpy()
    video = codes(annotations.ratings["video_id"], names["video_id"])[timed]
    np.maximum.at(last_rating, video, annotations.ratings["time"].to_numpy()[timed])
    lengths_s = annotations.origin.get("ends_s", {})
    return np.array(
        [lengths_s.get(name, end) for name, end in zip(names["video_id"], last_rating, strict=True)], np.float64
    )


def once_per_clip(annotations: Annotations) -> Series:
    """Numbers given once per clip, as series over clips: `window` is the index of the video in `names`.

    These series belong to no single video, so a cell holds the ratings of all clips in one setup.
    """
    names = _names(annotations)
    rows = _rated(annotations, over_time=False)
    ratings = annotations.ratings
    clip = codes(ratings["video_id"], names["video_id"])[rows].astype(np.int32)
    row_codes = {name: codes(ratings[name], names[name])[rows] for name in _KEYS}
    row_codes["video_id"] = np.full(len(clip), -1)
    key = combined((row_codes[name], len(names[name])) for name in _KEYS)
    return _series(names, key, clip, ratings["value"].to_numpy()[rows], Fraction(1), 0)


def _names(annotations: Annotations) -> dict[str, tuple[str, ...]]:
    """The names behind the codes of each key."""
    return {
        "setup": annotations.setups,
        "round": annotations.rounds,
        "dimension": tuple(annotations.dimensions),
        "video_id": annotations.videos,
        "rater": annotations.rater_ids,
    }


def _rated(annotations: Annotations, over_time: bool) -> npt.NDArray[np.bool_] | slice:
    """The rows that hold numbers: those over time, or those given once per clip."""
    timed = annotations.ratings["time"].is_valid().to_numpy()
    chosen = (timed if over_time else ~timed) & annotations.ratings["value"].is_valid().to_numpy()
    return slice(None) if chosen.all() else chosen


def _series(
    names: Mapping[str, tuple[str, ...]],
    key: Codes,
    window: npt.NDArray[np.int32],
    value: Values,
    step: Fraction,
    gap: int,
) -> Series:
    """Builds series from rows in any order; `key` identifies the series of each row."""
    distinct, run_key, begins = runs(key)
    series_index = np.repeat(run_key.astype(np.int32), np.diff(np.append(begins, len(key))))
    del key
    series_index, window, value = one_per_window(series_index, window, value)
    series_index, window, value = bridged(series_index, window, value, gap)
    parts = separated(distinct, [len(names[name]) for name in _KEYS])
    return Series(
        names=names,
        codes=dict(zip(_KEYS, parts, strict=True)),
        first=np.concatenate([[0], np.cumsum(np.bincount(series_index, minlength=len(distinct)))]),
        window=window,
        value=value,
        step=step,
    )
