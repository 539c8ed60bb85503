"""Checks ratings for problems before they are used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from avcues.pipeline.annotations.checking.alignment import CERTAIN, Alignment, alignment, rows_of
from avcues.pipeline.annotations.checking.change_logs import change_log_notes
from avcues.pipeline.annotations.checking.design import coverage, gaps
from avcues.pipeline.annotations.checking.raters import beside_others, contradictions, off_scale, without_series
from avcues.pipeline.annotations.ratings.exclusions import LeftOut, drop_unusable, exclusion_notes
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.series import once_per_clip, series_of
from avcues.pipeline.annotations.ratings.wording import counted


@dataclass(frozen=True, kw_only=True)
class Check:
    """The findings of a check.

    Args:
        coverage: Per setup and dimension: `over_time`, the numbers of `videos`, `raters` and `series` (the ratings of a
            clip by one rater), and `raters_per_video` (fewest, median, most).
        raters: Per rater and dimension: number of series, their mean correlation with the mean of the others and its
            standard error, and for ratings over time the lag in seconds at which it is highest.
        alignments: How well rows fit, one entry per kind of rating.
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
    """Looks for displaced rows, raters who contradict the others or use another scale, unusable series, and gaps.

    Args:
        step: Seconds per window, for ratings over time.

    Raises:
        SettingsError: The ratings would take too many windows.
    """
    all_series = series_of(annotations, step)
    series, left_out = drop_unusable(all_series)
    clips = once_per_clip(annotations)
    raters = [*beside_others(series), *beside_others(clips)]
    measurements = (alignment(rows) for rows in rows_of(annotations, all_series, clips))
    alignments = [measured for measured in measurements if measured is not None]
    problems = [line for measured in alignments for line in _misplaced(measured)]
    problems += [*contradictions(raters), *off_scale(all_series), *off_scale(clips)]
    covered = coverage(annotations)
    notes = [
        *without_series(all_series, series),
        *exclusion_notes(left_out),
        *change_log_notes(annotations),
        *gaps(annotations, covered),
        *(_in_place(measured) for measured in alignments if not measured.shift),
    ]
    return Check(
        coverage=tuple(covered),
        raters=tuple(raters),
        alignments=tuple(alignments),
        left_out=left_out,
        problems=tuple(problems),
        notes=tuple(notes),
    )


def _misplaced(aligned: Alignment) -> list[str]:
    lines = []
    shift = aligned.shift
    if shift:
        move = f"{counted(abs(shift), 'row')} {'up' if shift < 0 else 'down'}"
        lines.append(
            f"{aligned.dimensions}: rows are displaced: {aligned.agreeing} of {len(aligned.best)} raters agree best "
            f"with the others at shift {shift}, i.e. moved {move} (standard score {aligned.score(shift):.1f} there, "
            f"{aligned.score(0):.1f} unmoved); correct the source and import it again"
        )
    for rater, (shift, score) in aligned.displaced.items():
        lines.append(
            f"{aligned.dimensions}: rows of rater {rater} are displaced: they agree with the others only at shift "
            f"{shift} (standard score {score:.1f}); correct the source and import it again"
        )
    return lines


def _in_place(aligned: Alignment) -> str:
    if aligned.certain:
        return f"{aligned.dimensions}: rows are in place"
    if aligned.score(0) >= CERTAIN:
        return (
            f"{aligned.dimensions}: all raters saw the clips in one order, so a displacement of all rows cannot be "
            "detected"
        )
    return f"{aligned.dimensions}: raters agree too little to detect displaced rows"
