"""How many raters a study needs: the reliability of the raters' mean by their number.

It is estimated from the ratings of a pilot study in two ways: by the formula of Spearman 1910 and Brown 1910 (British
Journal of Psychology 3(3)), which extrapolates the ICC of one rater to any number; and by resampling, as the
concordance of the means of two disjoint groups of raters, which makes no assumption but ends at half of the raters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.ratings.series import Series
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.annotations.reliability.setup_agreement import SetupAgreement
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap, Coefficient
from avcues.pipeline.annotations.statistics.consensus import Values, ccc
from avcues.pipeline.annotations.statistics.intraclass import raters_needed, spearman_brown

NUMBERS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30)
TARGETS = (0.7, 0.8, 0.9)
_DRAWS = 20


@dataclass(frozen=True, kw_only=True)
class RaterPlan:
    """The reliability of the raters' mean by their number, on one dimension in one setup.

    Args:
        setup: Name of the setup.
        round: Name of the round; None: there is only one.
        dimension: Name of the dimension.
        kind: "over time" or "once per clip".
        single: The ICC of one rater, which the formula extrapolates: ICC(2,1), or ICC(1,1) if no clips are rated by all
            raters.
        coefficient: Name of `single`: "icc2" or "icc1".
        expected: By number of raters, the reliability of their mean by the formula.
        interval: By number of raters, the formula applied to both ends of the interval of `single`; empty: it has none.
        resampled: By number of raters, mean concordance of two disjoint groups of this size.
        needed: By reliability, the smallest number of raters that reaches it by the formula; None: no number does.
    """

    setup: str
    round: str | None
    dimension: str
    kind: str
    single: Coefficient
    coefficient: str
    expected: Mapping[int, float]
    interval: Mapping[int, tuple[float, float]]
    resampled: Mapping[int, float]
    needed: Mapping[float, int | None]


def rater_plans(
    measured: Sequence[SetupAgreement], series: Series, clips: Series, bootstrap: Bootstrap
) -> list[RaterPlan]:
    """One plan per setup and dimension that is rated in numbers.

    Args:
        measured: Agreement of the same ratings.
        series: Ratings over time.
        clips: Ratings once per clip.
    """
    resampled = {"over time": resampled_reliability(series, bootstrap.seed)}
    resampled["once per clip"] = resampled_reliability(clips, bootstrap.seed)
    plans = []
    for row in measured:
        if row.kind == "labels":
            continue
        name = "icc2" if row.coefficients["icc2"].value is not None else "icc1"
        single = row.coefficients[name]
        expected: dict[int, float] = {}
        interval: dict[int, tuple[float, float]] = {}
        if single.value is not None:
            expected = dict(zip(NUMBERS, spearman_brown(single.value, NUMBERS).tolist(), strict=True))
        if single.low is not None and single.high is not None:
            ends = [spearman_brown(max(end, 0.0), NUMBERS).tolist() for end in (single.low, single.high)]
            interval = dict(zip(NUMBERS, zip(*ends, strict=True), strict=True))
        plans.append(
            RaterPlan(
                setup=row.setup,
                round=row.round,
                dimension=row.dimension,
                kind=row.kind,
                single=single,
                coefficient=name,
                expected=expected,
                interval=interval,
                resampled=resampled[row.kind].get((row.setup, row.dimension), {}),
                needed={
                    target: None if single.value is None else raters_needed(single.value, target) for target in TARGETS
                },
            )
        )
    return plans


def resampled_reliability(series: Series, seed: int = 0) -> dict[tuple[str, str], dict[int, float]]:
    """By setup and dimension, by number of raters m: mean CCC of the means of two disjoint groups of m raters.

    Args:
        series: Ratings over time (the mean is over videos and draws) or once per clip (over draws).
    """
    random = np.random.default_rng(seed)
    sums: dict[tuple[str, str, int], list[Values]] = {}
    for cells in series.cells():
        raters = (cells.rater >= 0).sum(1)
        names = [
            (series.names["setup"][setup], series.names["dimension"][dimension])
            for setup, dimension in zip(cells.codes["setup"], cells.codes["dimension"], strict=True)
        ]
        for m in range(1, int(raters.max(initial=0)) // 2 + 1):
            large_enough = np.flatnonzero(raters >= 2 * m)
            for _ in range(_DRAWS):
                first, second = _two_groups(cells.values[large_enough], cells.rater[large_enough] >= 0, m, random)
                for cell, value in zip(large_enough, ccc(first, second), strict=True):
                    sums.setdefault((*names[cell], m), []).append(value)
    reliabilities: dict[tuple[str, str], dict[int, float]] = {}
    for (setup, dimension, m), values in sorted(sums.items()):
        defined = np.array(values)[np.isfinite(values)]
        if len(defined):
            reliabilities.setdefault((setup, dimension), {})[m] = float(defined.mean())
    return reliabilities


def _two_groups(
    ratings: Values, rated: npt.NDArray[np.bool_], m: int, random: np.random.Generator
) -> tuple[Values, Values]:
    """(C, W) means of two groups of m raters of (C, R, W) ratings."""
    order = np.argsort(np.where(rated, random.random(rated.shape), 2.0), axis=1)
    # Only windows that the whole group rated are used: a mean of fewer raters is less reliable.
    first, second = (
        np.take_along_axis(ratings, chosen[:, :, None], axis=1).mean(1)
        for chosen in (order[:, :m], order[:, m : 2 * m])
    )
    return first, second


def raters_needed_in_words(plan: RaterPlan, target: float) -> str:
    """The number of raters that reach a reliability, and the reliability of other numbers, as text."""
    if plan.single.value is None:
        return f"not known: {plan.single.reason}"
    needed = raters_needed(plan.single.value, target)
    answer = "no number of raters reaches" if needed is None else f"{counted(needed, 'rater')} for"
    parts = []
    for number in (1, 2, 3, 5, 10, 20):
        text = f"{number}: {plan.expected[number]:.2f}"
        parts.append(text + (f" ({plan.resampled[number]:.2f} resampled)" if number in plan.resampled else ""))
    return f"{answer} a reliability of {target:g}; by number of raters {', '.join(parts)}"
