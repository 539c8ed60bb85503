"""Problems of ratings, and remarks that matter before they are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from avcues.pipeline.annotations.checking.alignment import CERTAIN, Alignment, alignment, rows_of
from avcues.pipeline.annotations.ratings.exclusions import LeftOut, in_words, usable
from avcues.pipeline.annotations.ratings.keys import codes, combined, runs, separated
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.series import Series, once_per_clip, series_of
from avcues.pipeline.annotations.ratings.wording import counted, listed
from avcues.pipeline.annotations.statistics.consensus import Values, mean_of_others, pearson

_LAGS = tuple(range(-6, 7))
_FEWEST_SERIES = 5
_AGAINST = -3.0
"""Standard score of a rater's mean correlation with the others below which the rater contradicts them."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """The findings of a check.

    Args:
        coverage: Per setup and dimension: `over_time`, the numbers of `videos`, `raters` and `series` (the ratings of a
            clip by one rater), and `raters_per_video` (fewest, median, most).
        raters: Per rater and dimension: number of series, their mean correlation with the mean of the others and its
            standard error, and for ratings over time the lag in seconds at which it is highest.
        alignments: Per kind of rating.
        left_out: Series that gold standards and agreement leave out, by reason.
        problems: What to resolve before the ratings are used, one line each.
        notes: Remarks, one line each.
    """

    coverage: tuple[Mapping[str, Any], ...]
    raters: tuple[Mapping[str, Any], ...]
    alignments: tuple[Alignment, ...]
    left_out: LeftOut
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    def coverage_in_words(self) -> list[str]:
        """One line per setup and dimension."""
        lines = []
        for row in self.coverage:
            fewest, median, most = row["raters_per_video"]
            series = (
                counted(row["series"], "series", "series") if row["over_time"] else counted(row["series"], "rating")
            )
            counts = f"{counted(row['videos'], 'video')}, {counted(row['raters'], 'rater')}, {series}"
            per_video = f"{fewest} to {most}, median {median:g}" if fewest < most else f"{fewest}"
            lines.append(f"{row['setup']} {row['dimension']}: {counts}; raters per video: {per_video}")
        return lines


def check(annotations: Annotations, step: Fraction = Fraction(1, 2)) -> Check:
    """Looks for displaced rows, raters who contradict the others, unusable series, and gaps in the design.

    Args:
        step: Seconds per window, for ratings over time.
    """
    every = series_of(annotations, step)
    series, left_out = usable(every)
    clips = once_per_clip(annotations)
    against = [*_against_others(series), *_against_others(clips)]
    alignments = [found for rows in rows_of(annotations, every, clips) if (found := alignment(rows)) is not None]
    problems = [line for found in alignments for line in _misplaced(found)]
    problems += [
        f"rater {row['rater']} contradicts the others in {row['dimension']}: mean correlation {row['correlation']:.2f} "
        f"over {row['series']} series"
        for row in against
        if row["series"] >= _FEWEST_SERIES and row["correlation"] < _AGAINST * (row["standard_error"] or 0) < 0
    ]
    coverage = _coverage(annotations)
    notes = [
        *_of_constant(every, series),
        *in_words(left_out),
        *_of_design(annotations, coverage),
        *(_in_place(found) for found in alignments if not found.shift),
    ]
    return Check(
        coverage=tuple(coverage),
        raters=tuple(against),
        alignments=tuple(alignments),
        left_out=left_out,
        problems=tuple(problems),
        notes=tuple(notes),
    )


def _misplaced(found: Alignment) -> list[str]:
    lines = []
    if found.shift:
        move = f"{abs(found.shift)} {'row' if abs(found.shift) == 1 else 'rows'} {'up' if found.shift < 0 else 'down'}"
        lines.append(
            f"{found.what}: rows are displaced: {found.agreeing} of {len(found.best)} raters agree best with the "
            f"others at shift {found.shift}, i.e. moved {move} (standard score {found.score(found.shift):.1f} there, "
            f"{found.score(0):.1f} unmoved); correct the source and import it again"
        )
    for rater, (shift, score) in found.displaced.items():
        lines.append(
            f"{found.what}: rows of rater {rater} are displaced: they agree with the others only at shift {shift} "
            f"(standard score {score:.1f}); correct the source and import it again"
        )
    return lines


def _in_place(found: Alignment) -> str:
    if found.certain:
        return f"{found.what}: rows are in place"
    if found.score(0) >= CERTAIN:
        return f"{found.what}: all raters saw the clips in one order, so a displacement of all rows cannot be detected"
    return f"{found.what}: raters agree too little to detect displaced rows"


def _against_others(series: Series) -> list[dict[str, Any]]:
    """Per rater and dimension the correlation with the mean of the others; in series over clips, that over clips."""
    rater, dimension, scores = [], [], []
    for cells in series.cells():
        others = mean_of_others(cells.values)
        over_time = cells.codes["video_id"][0] >= 0
        lagged = [_shifted(cells.values, lag) for lag in _LAGS] if over_time else [cells.values]
        score = np.stack([pearson(one, others) for one in lagged], -1)
        cell, slot = np.nonzero(cells.rater >= 0)
        rater.append(cells.rater[cell, slot])
        dimension.append(cells.codes["dimension"][cell])
        scores.append(score[cell, slot])
    if not rater:
        return []
    who, what, score = np.concatenate(rater), np.concatenate(dimension), np.concatenate(scores)
    rows = []
    for one in np.unique(what * len(series.names["rater"]) + who):
        of_one = score[(what == one // len(series.names["rater"])) & (who == one % len(series.names["rater"]))]
        rows.append(_of_rater(series, one, of_one))
    return rows


def _of_rater(series: Series, one: int, score: Values) -> dict[str, Any]:
    unmoved = score[:, score.shape[1] // 2]
    unmoved = unmoved[np.isfinite(unmoved)]
    row: dict[str, Any] = {
        "rater": series.names["rater"][one % len(series.names["rater"])],
        "dimension": series.names["dimension"][one // len(series.names["rater"])],
        "series": len(unmoved),
        "correlation": round(float(unmoved.mean()), 4) if len(unmoved) else None,
        "standard_error": round(float(unmoved.std(ddof=1) / np.sqrt(len(unmoved))), 4) if len(unmoved) > 1 else None,
        "lag_s": None,
    }
    if score.shape[1] > 1 and np.isfinite(score).any():
        known = np.isfinite(score).all(1)
        if known.any():
            row["lag_s"] = _LAGS[int(score[known].mean(0).argmax())] * float(series.step)
    return row


def _shifted(values: Values, lag: int) -> Values:
    """(..., windows) what was rated `lag` windows later."""
    moved = np.full_like(values, np.nan)
    if lag >= 0:
        moved[..., : values.shape[-1] - lag] = values[..., lag:]
    else:
        moved[..., -lag:] = values[..., :lag]
    return moved


def _of_constant(every: Series, usable_series: Series) -> list[str]:
    """Raters of whom no series in some dimension is left."""
    raters, dimensions = every.names["rater"], every.names["dimension"]
    before, after = (one.codes["dimension"] * len(raters) + one.codes["rater"] for one in (every, usable_series))
    gone = np.setdiff1d(before, after)
    if not len(gone):
        return []
    named = [f"{raters[one % len(raters)]} ({dimensions[one // len(raters)]})" for one in gone]
    return [f"no usable series of {counted(len(named), 'rater')}: {listed(named)}"]


def _coverage(annotations: Annotations) -> list[dict[str, Any]]:
    names: dict[str, Sequence[str]] = {
        "setup": annotations.setups,
        "dimension": tuple(annotations.dimensions),
        "video_id": annotations.videos,
        "rater": annotations.rater_ids,
        "round": annotations.rounds,
    }
    sizes = [len(words) for words in names.values()]
    distinct, _, _ = runs(
        combined((codes(annotations.ratings[name], words), len(words)) for name, words in names.items())
    )
    setup, dimension, video, rater, _ = separated(distinct, sizes)
    rows = []
    for i, j in product(range(sizes[0]), range(sizes[1])):
        of_it = (setup == i) & (dimension == j)
        if not of_it.any():
            continue
        pairs = np.unique(video[of_it] * sizes[3] + rater[of_it])
        per_video = np.bincount(pairs // sizes[3])
        per_video = per_video[per_video > 0]
        rows.append(
            {
                "setup": names["setup"][i],
                "dimension": names["dimension"][j],
                "over_time": annotations.over_time(names["dimension"][j]),
                "videos": len(per_video),
                "raters": len(np.unique(rater[of_it])),
                "series": int(of_it.sum()),
                "raters_per_video": [int(per_video.min()), float(np.median(per_video)), int(per_video.max())],
            }
        )
    return rows


def _of_design(annotations: Annotations, coverage: Sequence[Mapping[str, Any]]) -> list[str]:
    notes = []
    names = {"rater": annotations.rater_ids, "setup": annotations.setups, "video_id": annotations.videos}
    sizes = [len(words) for words in names.values()]
    distinct, _, _ = runs(
        combined((codes(annotations.ratings[name], words), len(words)) for name, words in names.items())
    )
    rater, setup, video = separated(distinct, sizes)
    clips = np.bincount(np.unique(rater * sizes[2] + video) // sizes[2], minlength=sizes[0])
    once = [name for name, count in zip(names["rater"], clips, strict=True) if count == 1]
    if once:
        notes.append(f"one video only by {counted(len(once), 'rater')}, whose agreement is uncertain: {listed(once)}")
    single = [f"{row['setup']} {row['dimension']}" for row in coverage if row["raters_per_video"][0] < 2]
    if single:
        notes.append(f"videos with one rater, so without agreement, in {listed(single)}")
    setups = np.bincount(np.unique(video * sizes[1] + setup) // sizes[1], minlength=sizes[2])
    partial = [name for name, count in zip(names["video_id"], setups, strict=True) if count < sizes[1]]
    if partial:
        notes.append(f"not rated in every setup: {counted(len(partial), 'video')} ({listed(partial)})")
    return notes
