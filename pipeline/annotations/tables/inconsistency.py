"""Tables of how far ratings differ between setups, and of the polarity and labels of inconsistent ratings.

After Tables 5, 7 and 8 of Du et al. 2023. Where the study's tables do so, several rounds are compared on the clips that
all of them share.
"""

from __future__ import annotations

from collections.abc import Sequence

from avcues.pipeline.annotations.across_setups.inconsistency import GROUPS
from avcues.pipeline.annotations.across_setups.label_agreement import LabelAgreement
from avcues.pipeline.annotations.across_setups.perspectives import Perspective
from avcues.pipeline.annotations.across_setups.polarity import POLARITIES
from avcues.pipeline.annotations.results import NotShownError, Results
from avcues.pipeline.annotations.tables.perspectives import on_all_clips
from avcues.pipeline.paper.numbers import columns_of
from avcues.pipeline.paper.table import PaperTable, decimal, percent
from avcues.pipeline.paper.text import file_name

_ALL = "all"
_MOST_COLUMNS = 10
"""With more raters, raters are rows instead of columns."""


def difference_scores(results: Results, dimension: str) -> PaperTable:
    """Difference scores of every pair of setups by rater, with mean and variance (ddof 0) over raters, in every round.

    After Table 5 of Du et al. 2023.

    Raises:
        NotShownError: There is one setup only, or no clip was rated in two.
    """
    measured = results.perspectives[dimension]
    parts = _on_common_clips(measured.rounds)
    numbers = []
    for part in parts:
        for pair in part.differences:
            scored = {name: score for name, score in pair.raters.items() if score.value is not None}
            if not scored:
                continue
            numbers += [
                (part.round, *pair.setups, name, score.value, score.low, score.high, score.n)
                for name, score in scored.items()
            ]
            numbers.append(
                (part.round, *pair.setups, "mean", pair.mean.value, pair.mean.low, pair.mean.high, pair.mean.n)
            )
            numbers.append((part.round, *pair.setups, "variance", pair.variance, None, None, len(scored)))
    uses_means = not numbers
    if uses_means:
        numbers = [
            (
                part.round,
                *pair.setups,
                "mean over raters",
                pair.mean.value,
                pair.mean.low,
                pair.mean.high,
                next(iter(pair.raters.values())).n,
            )
            for part in parts
            for pair in part.clip_means.differences
            if pair.mean.value is not None
        ]
    if not numbers:
        raise NotShownError(f"no clip was rated for {dimension} in two setups")
    raters = sorted({row[3] for row in numbers} - {"mean", "variance"}) + ([] if uses_means else ["mean", "variance"])
    rounds = list(dict.fromkeys(row[0] for row in numbers))
    values = {(row[0], row[1], row[2], row[3]): row[4] for row in numbers}
    pairs = list(dict.fromkeys((row[1], row[2]) for row in numbers))
    has_rounds = len(rounds) > 1
    by_rater = {
        f"{name}{f', {round_}' if has_rounds else ''}": [
            decimal(values.get((round_, *pair, name)), 2) for pair in pairs
        ]
        for name in raters
        for round_ in rounds
    }
    named = [" and ".join(pair) for pair in pairs]
    header: tuple[str, ...]
    if len(by_rater) > _MOST_COLUMNS:
        header, rows = ("rater", *named), tuple((name, *scores) for name, scores in by_rater.items())
    else:
        header, rows = ("setups", *by_rater), tuple(zip(named, *by_rater.values(), strict=True))
    note = (
        " No rater met a clip in two setups: the means over raters are compared, with the noise of both groups."
        if uses_means
        else ""
    )
    common = (
        f" On the {parts[0].videos} clips that all rounds share." if has_rounds and parts[0].clips == "common" else ""
    )
    return PaperTable(
        name=file_name("difference_scores", dimension),
        caption=f"Difference scores of {dimension}: root mean squared difference of a rater's ratings of the same "
        "clips in two "
        f"setups.{note}{common}",
        header=header,
        rows=rows,
        numbers=columns_of(("round", "setup", "other_setup", "rater", "value", "low", "high", "n"), numbers),
    )


def inconsistency_by_polarity(results: Results, dimension: str) -> PaperTable:
    """How many ratings in the setup with everything are consistent, weakly or strongly inconsistent, by polarity.

    After Table 7 of Du et al. 2023.

    Raises:
        NotShownError: There is one setup only, no rater rated a clip in all, or neutral values are not known.
    """
    measured = results.perspectives[dimension]
    parts = [part for part in on_all_clips(measured.rounds) if part.groups_by_polarity]
    if not parts:
        reasons = measured.rounds[0].reasons
        raise NotShownError(reasons.get("inconsistency") or reasons.get("polarity") or f"{dimension} is not rated")
    has_rounds = len(parts) > 1
    numbers = []
    for part in parts:
        counts = dict(part.groups_by_polarity)
        counts["inconsistent"] = tuple(a + b for a, b in zip(counts["weak"], counts["strong"], strict=True))
        numbers += [
            (part.round, group, name, count)
            for group in (_ALL, GROUPS[0], "inconsistent", *GROUPS[1:])
            for name, count in zip(POLARITIES, counts[group], strict=True)
        ]
    by_row = {
        (round_, group): [n for r, g, _, n in numbers if (r, g) == (round_, group)] for round_, group, _, _ in numbers
    }
    totals = {round_: [max(1, n) for n in row] for (round_, group), row in by_row.items() if group == _ALL}
    scored = parts[0].inconsistency
    threshold = (
        ""
        if scored is None or scored.threshold is None
        else f" Strong: {decimal(scored.threshold, 2)} or more ({scored.rule})."
    )
    return PaperTable(
        name=file_name("inconsistency_by_polarity", dimension),
        caption=f"Ratings of {dimension} in {measured.against} by inconsistency between setups and by polarity, with "
        "shares of the "
        f"ratings of each polarity.{threshold}",
        header=(*(["round"] if has_rounds else []), "group", *POLARITIES, "sum"),
        rows=tuple(
            (
                *([round_ or ""] if has_rounds else []),
                group,
                *(f"{n} ({percent(n / total)})" for n, total in zip(row, totals[round_], strict=True)),
                str(sum(row)),
            )
            for (round_, group), row in by_row.items()
        ),
        numbers=columns_of(("round", "group", "polarity", "ratings"), numbers),
        texts=2 if has_rounds else 1,
    )


def label_agreement(results: Results, dimension: str, labels: str) -> PaperTable:
    """Among strongly inconsistent ratings, in which single setups the labels of the full setup were also chosen.

    After Table 8 of Du et al. 2023.

    Args:
        dimension: Name of a dimension rated in numbers.
        labels: Name of a dimension rated in labels.

    Raises:
        NotShownError: There is one setup only, or no rater rated a clip in all.
    """
    measured = results.perspectives[dimension]
    counted: list[tuple[str | None, LabelAgreement]] = [
        (part.round, labelled)
        for part in on_all_clips(measured.rounds)
        for labelled in part.label_agreement
        if labelled.dimension == labels
    ]
    if not counted:
        raise NotShownError(measured.rounds[0].reasons.get("inconsistency", f"{labels} is not rated in labels"))
    has_rounds = len(counted) > 1
    other_setups = counted[0][1].setups
    keys = ("chosen", "matched", *other_setups)
    rows, numbers = [], []
    for round_, labelled in counted:
        for name, row in (
            *labelled.labels.items(),
            ("all labels", labelled.total),
            ("ratings with one or more", labelled.ratings),
        ):
            rows.append((*([round_ or ""] if has_rounds else []), name, *(str(row[key]) for key in keys)))
            numbers += [(round_, name, key, row[key]) for key in keys]
    return PaperTable(
        name=file_name("label_agreement", labels, *([dimension] if len(results.annotations.numeric()) > 1 else [])),
        caption=f"Among strongly inconsistent ratings of {dimension}: how often a label of {labels} given in "
        f"{measured.against} was "
        "also given by the same rater in other setups.",
        header=(*(["round"] if has_rounds else []), "label", measured.against, "any other", *other_setups),
        rows=tuple(rows),
        numbers=columns_of(("round", "label", "setup", "count"), numbers),
        texts=2 if has_rounds else 1,
    )


def _on_common_clips(rounds: Sequence[Perspective]) -> list[Perspective]:
    """The results on the clips that all rounds share, or on all clips if these are the same."""
    return [part for part in rounds if part.clips == "common"] or list(rounds)
