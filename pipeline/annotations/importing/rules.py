"""The rules that ratings must meet, and the one-line errors for those that do not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.importing.repeats import looks_repeated
from avcues.pipeline.annotations.importing.times import proposal, suspicion
from avcues.pipeline.annotations.ratings.keys import among, codes, combined, runs
from avcues.pipeline.annotations.ratings.schema import KEYS, LONGEST_S, RATING_SCHEMA, Dimension
from avcues.pipeline.annotations.ratings.wording import counted, listed
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import bare_id, normalised

REQUIRED = ("rater", "video_id", "setup", "dimension")

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.integer]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where consecutive ratings come from.

    Args:
        name: Of the file.
        ratings: How many.
        rows: (ratings,) the file's row of each, counted from 1 below the header; None: one row per rating.
    """

    name: str
    ratings: int
    rows: Rows | None = None


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where all ratings come from, for messages.

    Args:
        name: Of all sources together.
        parts: In the order of the ratings.
    """

    name: str
    parts: Sequence[Source]

    def row(self, rating: int, beside: int | None = None) -> str:
        """The row of a rating, such as "row 3", with its file unless it is that of the rating `beside`."""
        file, row = self._place(rating)
        same = beside is not None and self._place(beside)[0] is file
        return f"row {row}" if same else f"{file.name}: row {row}"

    def first(self, mask: Mask) -> str:
        """The row of the first rating for which a mask is true."""
        return self.row(int(np.argmax(mask)))

    def both(self, first: int, second: int) -> str:
        """The rows of two ratings."""
        (file, row), (other_file, other_row) = self._place(first), self._place(second)
        if file is other_file:
            return f"{file.name}: rows {row} and {other_row}"
        return f"{file.name}: row {row} and {other_file.name}: row {other_row}"

    def _place(self, rating: int) -> tuple[Source, int]:
        for part in self.parts:
            if rating < part.ratings:
                return part, rating + 1 if part.rows is None else int(part.rows[rating])
            rating -= part.ratings
        raise IndexError(rating)


def validated(
    ratings: pa.Table, dimensions: Mapping[str, Dimension], sources: Sources, repeat: npt.NDArray[np.int64]
) -> tuple[pa.Table, list[str], Mask]:
    """The ratings that can be used.

    Args:
        ratings: By `RATING_SCHEMA`, in the order of the sources.
        dimensions: Of all ratings, with the ranges that are known.
        repeat: (N,) how many times the rater had rated the clip before.

    Returns:
        The ratings, a note for everything that was changed or left out, and which of the rows remain.

    Raises:
        InputError: A key is missing; a time is negative or not finite; a value is infinite or outside its range; a
            dimension has both numbers and labels, or both times and none; a rating appears twice.
    """
    for name in REQUIRED:
        if ratings[name].null_count:
            raise InputError(f"{sources.first(_nulls(ratings[name]))}: {name} is empty")
    time, value = (ratings[name].to_numpy() for name in ("time", "value"))
    untimed = _nulls(ratings["time"])
    wrong = ~untimed & ~(np.isfinite(time) & (time >= 0))
    if wrong.any():
        raise InputError(f"{sources.first(wrong)}: time is {time[wrong][0]:g}; expected seconds from 0 on")
    if len(time) and np.nanmax(time, initial=0) > LONGEST_S:
        late = time > LONGEST_S
        raise InputError(
            f"{sources.first(late)}: time is {time[late][0]:.15g}; expected seconds from the start of the video, at "
            f"most {LONGEST_S} (24 h): {proposal(time[~untimed])}"
        )
    if np.isinf(value).any():
        raise InputError(f"{sources.first(np.isinf(value))}: value is infinite; expected a number")
    without = _nulls(ratings["round"])
    if without.any() and not without.all():
        at, other = int(np.argmax(without)), int(np.argmin(without))
        raise InputError(f"{sources.row(at)}: round is empty, but not in {sources.row(other, at)}")
    labelled, empty = ~_nulls(ratings["label"]), np.zeros(len(ratings), bool)
    for dimension in dimensions.values():
        rows = among(ratings["dimension"], [dimension.name])
        _require_level(dimension, rows & (labelled if dimension.level != "nominal" else ~np.isnan(value)), sources)
        _require_times(dimension, rows, untimed, sources)
        _require_range(dimension, rows, value, sources)
        empty |= rows & np.isnan(value) & (dimension.level != "nominal")
    notes = _require_series(ratings, sources, repeat)
    if empty.any():
        notes.append(f"left out: {counted(int(empty.sum()), 'row')} without a value")
        ratings = ratings.filter(pa.array(~empty))
    at = RATING_SCHEMA.get_field_index("value")
    finite = pc.if_else(pc.is_nan(ratings["value"]), None, ratings["value"])
    return ratings.set_column(at, RATING_SCHEMA.field(at), finite), notes, ~empty


def known_only(ratings: pa.Table, known: Collection[str] | None, where: str) -> tuple[pa.Table, list[str]]:
    """The ratings of known videos, and notes that count the others; None: all videos are known.

    Raises:
        InputError: No video is known.
    """
    if known is None:
        return ratings, []
    ratings, notes = _as_in_dataset(ratings, known)
    rated_ids = set(ratings["video_id"].unique().to_pylist())
    foreign, unrated = sorted(rated_ids - set(known)), sorted(set(known) - rated_ids)
    if not rated_ids & set(known):
        raise InputError(
            f"{where}: no rated video is in the dataset; rated are {listed(foreign)}, the dataset has {listed(unrated)}"
        )
    notes += [f"no rating of {counted(len(unrated), 'video')} of the dataset: {listed(unrated)}"] if unrated else []
    if foreign:
        in_dataset = among(ratings["video_id"], known)
        notes.append(
            f"left out: {counted(int((~in_dataset).sum()), 'rating')} of {counted(len(foreign), 'video')} that the "
            f"dataset does not have: {listed(foreign)}"
        )
        ratings = ratings.filter(pa.array(in_dataset))
    return ratings, notes


def _as_in_dataset(ratings: pa.Table, known: Collection[str]) -> tuple[pa.Table, list[str]]:
    """Ids of videos as the dataset spells them, and a note on those that a file or program had changed.

    Accents may be composed or not; folders, the suffix of a media file and leading zeros may be there or lost.
    """
    spelled = {normalised(video_id): video_id for video_id in known}
    bare: dict[str, list[str]] = {}
    for video_id in known:
        bare.setdefault(bare_id(video_id), []).append(video_id)
    words = ratings["video_id"].combine_chunks()
    if isinstance(words, pa.ChunkedArray):
        words = words.chunk(0)
    names, changed = [], []
    for name in words.dictionary.to_pylist():
        matched = name if name in known else spelled.get(name)
        candidates = bare.get(bare_id(name), [])
        if matched is None and len(candidates) == 1:
            matched = candidates[0]
            changed.append(f"{name} as {matched}")
        names.append(name if matched is None else matched)
    notes = [f"ids were matched but for folders, suffixes or leading zeros: {listed(changed)}"] if changed else []
    distinct = list(dict.fromkeys(names))
    place = pa.array([distinct.index(name) for name in names], pa.int32())
    column = pa.DictionaryArray.from_arrays(place.take(words.indices), pa.array(distinct, pa.string()))
    at = RATING_SCHEMA.get_field_index("video_id")
    return ratings.set_column(at, RATING_SCHEMA.field("video_id"), column), notes


def require_setups(ratings: pa.Table, allowed: Collection[str] | None, sources: Sources) -> None:
    """Makes sure that every setup is one of the allowed ones; None: all are.

    Raises:
        InputError: One is not.
    """
    foreign = np.zeros(len(ratings), bool) if allowed is None else ~among(ratings["setup"], allowed)
    if foreign.any():
        setup = ratings["setup"][int(np.argmax(foreign))].as_py()
        raise InputError(f'{sources.first(foreign)}: setup is "{setup}"; expected one of {", ".join(allowed or ())}')


def _require_level(dimension: Dimension, wrong: Mask, sources: Sources) -> None:
    if wrong.any():
        given_kind, expected = ("a number", "a label") if dimension.level == "nominal" else ("a label", "a number")
        raise InputError(
            f"{sources.first(wrong)}: {dimension.name} has {given_kind}; expected {expected}, because it is "
            f"{dimension.level}"
        )


def _require_times(dimension: Dimension, rows: Mask, untimed: Mask, sources: Sources) -> None:
    timed, timeless = rows & ~untimed, rows & untimed
    if timed.any() and timeless.any():
        at, other = int(np.argmax(timeless)), int(np.argmax(timed))
        raise InputError(
            f"{sources.row(at)}: {dimension.name} has no time here, but has one in {sources.row(other, at)}; "
            "use a separate dimension for what is rated once per clip"
        )


def _require_range(dimension: Dimension, rows: Mask, value: npt.NDArray[np.float64], sources: Sources) -> None:
    low = -np.inf if dimension.low is None else dimension.low
    high = np.inf if dimension.high is None else dimension.high
    outside = rows & ((value < low) | (value > high))
    if outside.any():
        raise InputError(
            f"{sources.first(outside)}: {dimension.name} is {value[outside][0]:g}; expected {low:g} to {high:g}"
        )


def series_keys(ratings: pa.Table) -> npt.NDArray[np.int64]:
    """(N,) one number for each rater, video, setup, round and dimension."""
    names = {name: [word for word in ratings[name].unique().to_pylist() if word is not None] for name in KEYS}
    return combined((codes(ratings[name], names[name]), len(names[name])) for name in KEYS)


def _require_series(ratings: pa.Table, sources: Sources, repeat: npt.NDArray[np.int64]) -> list[str]:
    """Makes sure that no rating appears twice; says how many series are not in the order of their times."""
    series = combined([(series_keys(ratings), 0), (repeat, int(repeat.max(initial=0)) + 1)])
    time = ratings["time"].to_numpy()
    distinct, run_keys, _ = runs(series)
    doubts = list(suspicion(time, series))
    if len(distinct) == len(run_keys) and (time[1:] > time[:-1])[series[1:] == series[:-1]].all():
        return doubts
    labels = [word for word in ratings["label"].unique().to_pylist() if word is not None]
    time, label = np.nan_to_num(time, nan=-1), codes(ratings["label"], labels)
    order = np.lexsort((label, time, series))
    same_series, later = series[order[1:]] == series[order[:-1]], np.diff(time[order]) > 0
    is_duplicate = same_series & ~later & (label[order[1:]] == label[order[:-1]])
    if is_duplicate.any():
        at = int(np.argmax(is_duplicate))
        first, second = sorted((int(order[at]), int(order[at + 1])))
        row = ratings.slice(first, 1).to_pylist()[0]
        what = ", ".join(f"{row[name]}" for name in (*REQUIRED, "time", "label") if row[name] is not None)
        raise InputError(
            f"{sources.both(first, second)} are the same rating ({what}); expected it once, or `repeated` if the rater "
            "rated the clip again"
        )
    unsorted = np.unique(series[order[1:]][same_series & later & (np.diff(order) < 0)])
    for one in unsorted:
        rows = np.flatnonzero(series == one)
        if label[rows[0]] < 0 and looks_repeated(time[rows]):
            row = ratings.slice(int(rows[0]), 1).to_pylist()[0]
            what = ", ".join(f"{row[name]}" for name in REQUIRED)
            raise InputError(
                f"{sources.row(int(rows[0]))}: the times of {what} run through the clip twice; give `repeated` if the "
                "rater rated it again, or else sort them"
            )
    if not len(unsorted):
        return doubts
    return [*doubts, f"times out of order in {counted(len(unsorted), 'series', 'series')}; sorted by time"]


def _nulls(column: pa.ChunkedArray) -> Mask:
    return np.asarray(column.is_null().to_numpy(), bool)
