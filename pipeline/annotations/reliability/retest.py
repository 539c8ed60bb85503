"""Test-retest reliability: how far raters agree with themselves when they rate a clip again.

After Koo and Li 2016, A guideline of selecting and reporting intraclass correlation coefficients, Journal of
Chiropractic Medicine 15(2), ratings once per clip are compared by ICC(2,1), absolute agreement of single ratings; the
standard error of measurement is that of Weir 2005, Journal of Strength and Conditioning Research 19(1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.ratings.choices import choices_of
from avcues.pipeline.annotations.ratings.schema import RATING_SCHEMA, Annotations
from avcues.pipeline.annotations.ratings.series import Series, once_per_clip, series_of
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap, Coefficient, mean_of
from avcues.pipeline.annotations.statistics.consensus import Values, ccc, pearson
from avcues.pipeline.annotations.statistics.intervals import IDENTITY
from avcues.pipeline.annotations.statistics.intraclass import intraclass

Ints = npt.NDArray[np.int64]
Key = tuple[str, str | None, str, str, str]
"""Setup, round, dimension, video, rater."""

_NONE_VARIES = "no rating given twice varies"


@dataclass(frozen=True, kw_only=True)
class Retest:
    """How far raters agree with their own first ratings on one dimension in one setup.

    Args:
        setup: Name of the setup.
        round: Name of the round; None: there is only one.
        dimension: Name of the dimension.
        kind: "over time", "once per clip" or "labels".
        raters: Number of raters who rated a clip again.
        videos: Number of videos.
        pairs: Number of series, ratings or choices that were given twice.
        coefficients: Over time, "ccc" and "pearson", means over series; once per clip, "icc2" over all pairs; for both,
            "difference", the mean of second minus first. For labels, "overlap": labels chosen both times as a share of
            those chosen at least once.
        standard_error: Standard error of measurement in the unit of the dimension: the standard deviation of the
            differences (for series, of their means) divided by the square root of 2; None: for labels, or one pair.
        by_rater: By rater, the mean "ccc" or "overlap", or the "icc2" over the rater's clips.
        unpaired: Number of repetitions without a first rating, which are ignored.
        later: Number of third and later ratings, which are ignored.
    """

    setup: str
    round: str | None
    dimension: str
    kind: str
    raters: int
    videos: int
    pairs: int
    coefficients: Mapping[str, Coefficient]
    standard_error: float | None
    by_rater: Mapping[str, Coefficient]
    unpaired: int
    later: int


@dataclass(frozen=True)
class _Pair:
    """A rater's first and second rating of a clip."""

    video: str
    rater: str
    first: Any
    second: Any


def retest_reliability(
    annotations: Annotations, step: Fraction = Fraction(1, 2), bootstrap: Bootstrap = Bootstrap()
) -> tuple[Retest, ...]:
    """One entry per setup, round and dimension that was rated again.

    Args:
        step: Seconds per window, for ratings over time.
    """
    if not len(annotations.repeats):
        return ()
    repeat = annotations.repeats["repeat"]
    second_ratings = annotations.repeats.filter(pc.equal(repeat, 1)).select(RATING_SCHEMA.names)
    second = replace(annotations, ratings=second_ratings, repeats=annotations.repeats.slice(0, 0))
    first = annotations.select(videos=second.videos)
    values_by_kind = (_values_by_kind(first, step), _values_by_kind(second, step))
    later_keys = _keys(annotations.repeats.filter(pc.greater(repeat, 1)))
    rows = []
    for kind, first_values in values_by_kind[0].items():
        second_values = values_by_kind[1][kind]
        cells = sorted({key[:3] for key in second_values}, key=str)
        for setup, round_, dimension in cells:
            keys = sorted(key for key in second_values if key[:3] == (setup, round_, dimension))
            pairs = [
                _Pair(key[3], key[4], first_values[key], second_values[key]) for key in keys if key in first_values
            ]
            if not pairs:
                continue
            rows.append(
                Retest(
                    setup=setup,
                    round=round_,
                    dimension=dimension,
                    kind=kind,
                    raters=len({pair.rater for pair in pairs}),
                    videos=len({pair.video for pair in pairs}),
                    pairs=len(pairs),
                    **_coefficients(kind, pairs, bootstrap),
                    unpaired=len(keys) - len(pairs),
                    later=sum(key[:3] == (setup, round_, dimension) for key in later_keys),
                )
            )
    return tuple(rows)


def _values_by_kind(annotations: Annotations, step: Fraction) -> dict[str, dict[Key, Any]]:
    """By kind and key: (windows,) values over time, one number, or (labels,) whether each label was chosen."""
    values_by_kind: dict[str, dict[Key, Any]] = {"over time": {}, "once per clip": {}, "labels": {}}
    series = series_of(annotations, step)
    for i, key in enumerate(_series_keys(series)):
        course = np.full(int(series.reaches[i]), np.nan)
        rows = slice(series.first[i], series.first[i + 1])
        course[series.window[rows]] = series.value[rows]
        values_by_kind["over time"][key] = course
    clips = once_per_clip(annotations)
    keys = _series_keys(clips)
    for series_index, video, value in zip(clips.series_index, clips.window, clips.value, strict=True):
        setup, round_, dimension, _, rater = keys[series_index]
        values_by_kind["once per clip"][setup, round_, dimension, clips.names["video_id"][video], rater] = float(value)
    for dimension in annotations.nominal():
        choices = choices_of(annotations, dimension.name, step)
        for row in range(len(choices.chosen)):
            names = choices.names
            round_ = names["round"][choices.round[row]] if choices.round[row] >= 0 else None
            cell = (names["setup"][choices.setup[row]], round_, dimension.name)
            clip_and_rater = (names["video"][choices.video[row]], names["rater"][choices.rater[row]])
            if choices.window[row] < 0:
                values_by_kind["labels"][(*cell, *clip_and_rater)] = choices.chosen[row]
    return values_by_kind


def _series_keys(series: Series) -> list[Key]:
    columns = [series.labelled(name).to_pylist() for name in ("setup", "round", "dimension", "video_id", "rater")]
    return list(zip(*columns, strict=True))


def _keys(ratings: pa.Table) -> set[Key]:
    columns = [
        ratings[name].cast(pa.string()).to_pylist() for name in ("setup", "round", "dimension", "video_id", "rater")
    ]
    return set(zip(*columns, strict=True))


def _coefficients(kind: str, pairs: list[_Pair], bootstrap: Bootstrap) -> dict[str, Any]:
    """`coefficients`, `standard_error` and `by_rater`."""
    videos = np.unique([pair.video for pair in pairs], return_inverse=True)[1]
    raters = np.unique([pair.rater for pair in pairs], return_inverse=True)[1]
    names = sorted({pair.rater for pair in pairs})
    if kind == "labels":
        shares = np.array([_overlap(pair.first, pair.second) for pair in pairs])
        return {
            "coefficients": {"overlap": mean_of(shares, videos, bootstrap, "no label was chosen")},
            "standard_error": None,
            "by_rater": _by_rater(names, raters, shares, videos, bootstrap),
        }
    if kind == "over time":
        shared_courses = [_shared(pair) for pair in pairs]
        agreement = np.array([float(ccc(*course)) for course in shared_courses])
        correlation = np.array([float(pearson(*course)) for course in shared_courses])
        means = np.array([np.nanmean(course, axis=1) for course in shared_courses])
        coefficients = {
            "ccc": mean_of(agreement, videos, bootstrap, _NONE_VARIES),
            "pearson": mean_of(correlation, videos, bootstrap, _NONE_VARIES),
        }
        by_rater = _by_rater(names, raters, agreement, videos, bootstrap)
    else:
        means = np.array([(pair.first, pair.second) for pair in pairs])
        coefficients = {"icc2": intraclass(means.T)["icc2"]}
        by_rater = {name: intraclass(means[raters == i].T)["icc2"] for i, name in enumerate(names)}
    difference = means[:, 1] - means[:, 0]
    coefficients["difference"] = mean_of(difference, videos, bootstrap, _NONE_VARIES, IDENTITY)
    error = float(np.std(difference, ddof=1) / np.sqrt(2)) if len(pairs) > 1 else None
    return {"coefficients": coefficients, "standard_error": error, "by_rater": by_rater}


def _by_rater(
    names: list[str], raters: Ints, values: Values, videos: Ints, bootstrap: Bootstrap
) -> dict[str, Coefficient]:
    return {
        name: mean_of(values[raters == i], videos[raters == i], bootstrap, _NONE_VARIES) for i, name in enumerate(names)
    }


def _shared(pair: _Pair) -> Values:
    """(2, windows) both series, NaN in windows that one of them lacks."""
    length = min(len(pair.first), len(pair.second))
    courses = np.stack([pair.first[:length], pair.second[:length]])
    return np.where(np.isfinite(courses).all(0), courses, np.nan)


def _overlap(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> float:
    """Jaccard's index; 1 where no label was chosen either time."""
    union = int((first | second).sum())
    return float((first & second).sum() / union) if union else 1.0
