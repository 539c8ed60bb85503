"""Which labels raters choose, and whether that depends on the setup, on the clip or on the rater.

Every chosen label counts once, as in Chua et al. 2022. But the choices of one rater are not independent, which makes
the p value of chi-square too small for profiles of raters. A second p value comes from permutations: of profiles over
raters, or of setups and the like within each rater.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.ratings.choices import Choices, choices_of
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.reliability.groups import Grouping
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap, Coefficient, estimate
from avcues.pipeline.annotations.statistics.intervals import CORRELATION, OfSums

Values = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

OVER_ALL = "all setups"
"""Key for all setups together; not "all", which may be the name of a setup."""

_SHOWN = 5
_FEW_EXPECTED = 5
_CHUNK_VALUES = 1 << 22


@dataclass(frozen=True, kw_only=True)
class ChiSquare:
    """A test of whether the choice of labels depends on a grouping.

    Args:
        by: Name of the grouping.
        groups: Names, in the order of `counts`.
        counts: By label, how often it was chosen in each group.
        expected: By label, the counts expected if the grouping had no influence.
        statistic: Pearson's chi-square; None: not defined.
        df: Degrees of freedom.
        p: From the chi-square distribution.
        p_permuted: Share of permutations with a statistic at least as large; None: no permutations.
        cramers_v: Size of the effect, 0 to 1. It has no interval: resampling videos inflates it.
        few_expected: Share of cells with an expected count below 5, for which the distribution is a poor approximation.
        deviating: The labels that deviate most, each with the group of its largest adjusted residual (Haberman 1973):
            `label`, `group`, `count`, `expected`, `residual`.
        reason: Why there is no statistic.
    """

    by: str
    groups: tuple[str, ...]
    counts: Mapping[str, tuple[int, ...]]
    expected: Mapping[str, tuple[float, ...]]
    statistic: float | None
    df: int | None
    p: float | None
    p_permuted: float | None
    cramers_v: float | None
    few_expected: float | None
    deviating: tuple[Mapping[str, Any], ...]
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class LabelStatistics:
    """Statistics of the chosen labels.

    Args:
        dimension: Name of the dimension.
        by_setup: By setup, and for all setups together (`OVER_ALL`): `ratings`, `choices` (labels chosen), labels per
            rating (mean and median), and the mean number of distinct labels per stimulus (a video in a setup).
        tests: One per grouping.
        correlations: The pairs of labels whose choices correlate most, with the phi coefficient.
    """

    dimension: str
    by_setup: Mapping[str, Mapping[str, float]]
    tests: tuple[ChiSquare, ...]
    correlations: tuple[tuple[str, str, Coefficient], ...]


def label_statistics(
    annotations: Annotations,
    dimension: str,
    groups: Sequence[Grouping],
    bootstrap: Bootstrap,
    step: Fraction = Fraction(1, 2),
) -> LabelStatistics:
    """Counts and tests of the labels of a dimension.

    Args:
        groups: Groupings of the same annotations, from `groups.groupings`.
        bootstrap: Number and seed of permutations and of samples for intervals.
        step: Seconds per window, for labels over time: those of one rater in one window are one rating.
    """
    choices = choices_of(annotations, dimension, step)
    by_setup = {name: _described(choices.filter(choices.setup == i)) for i, name in enumerate(annotations.setups)}
    by_setup[OVER_ALL] = _described(choices)
    return LabelStatistics(
        dimension=dimension,
        by_setup={name: described for name, described in by_setup.items() if described},
        tests=tuple(_chi_square(choices, grouping, bootstrap) for grouping in groups),
        correlations=_strongest_correlations(choices, bootstrap),
    )


def _described(choices: Choices) -> dict[str, float]:
    if not len(choices.video):
        return {}
    per_rating = choices.chosen.sum(1)
    _, stimulus = np.unique(choices.video * len(choices.names["setup"]) + choices.setup, return_inverse=True)
    chosen = np.zeros((int(stimulus.max()) + 1, len(choices.labels)), bool)
    np.logical_or.at(chosen, stimulus, choices.chosen)
    return {
        "ratings": len(choices.video),
        "choices": int(per_rating.sum()),
        "labels_per_rating_mean": float(per_rating.mean()),
        "labels_per_rating_median": float(np.median(per_rating)),
        "unique_labels_per_stimulus": float(chosen.sum(1).mean()),
    }


def correlations(choices: Choices) -> tuple[tuple[str, ...], Values]:
    """The (L,) labels that were chosen by some ratings and not by others, and (L, L) phi coefficients of their choices.

    Phi is Pearson's correlation of two truth values, here whether a rating has each of two labels.
    """
    varying = np.flatnonzero(choices.chosen.any(0) & ~choices.chosen.all(0))
    phi: Values = np.atleast_2d(np.corrcoef(choices.chosen[:, varying].T.astype(np.float64)))
    return tuple(choices.labels[i] for i in varying), phi.reshape(len(varying), len(varying))


def _strongest_correlations(choices: Choices, bootstrap: Bootstrap) -> tuple[tuple[str, str, Coefficient], ...]:
    names, phi = correlations(choices)
    if len(names) < 2:
        return ()
    first, second = np.triu_indices(len(names), 1)
    strongest = np.argsort(-np.abs(phi[first, second]), kind="stable")[: 2 * _SHOWN]
    _, video = np.unique(choices.video, return_inverse=True)
    chosen = choices.chosen[:, [choices.labels.index(name) for name in names]].astype(np.float64)
    return tuple(
        (names[first[i]], names[second[i]], phi_of(chosen[:, first[i]], chosen[:, second[i]], video, bootstrap))
        for i in strongest
    )


def phi_of(a: Values, b: Values, video: Ints, bootstrap: Bootstrap) -> Coefficient:
    """The correlation of two truth values, with an interval over videos."""
    sums = np.stack([np.bincount(video, values) for values in (np.ones_like(a), a, b, a * b)], 1).astype(np.float64)

    def phi(total: Values) -> Values:
        n, count_a, count_b, count_both = np.moveaxis(total, -1, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(
                (n * count_both - count_a * count_b) / np.sqrt(count_a * (n - count_a) * count_b * (n - count_b))
            )

    reason = "one of the labels was chosen always or never"
    return estimate(OfSums(sums, phi), bootstrap, reason, scale=CORRELATION)


def _chi_square(choices: Choices, by: Grouping, bootstrap: Bootstrap) -> ChiSquare:
    group = by.of(choices.rater, choices.video, choices.setup, choices.round)
    choices, group = choices.filter(group >= 0), group[group >= 0]
    table = _table(choices.chosen, group, len(by.groups))
    labels = [name for name, row in zip(choices.labels, table, strict=True) if row.sum()]
    used, table = table.sum(1) > 0, table[table.sum(1) > 0]
    reason = None
    if len(labels) < 2:
        reason = "fewer than two labels were chosen"
    elif (table.sum(0) > 0).sum() < 2:
        reason = "all choices are in one group"
    if reason is not None or (table.sum(0) == 0).any():
        return _untested(by, labels, table, reason or "a group has no choices")
    from scipy.stats import chi2

    statistic, expected = _statistic(table[None])
    df = (len(table) - 1) * (table.shape[1] - 1)
    total, rows, columns = table.sum(), table.sum(1, keepdims=True), table.sum(0, keepdims=True)
    residual = np.asarray((table - expected[0]) / np.sqrt(expected[0] * (1 - rows / total) * (1 - columns / total)))
    label_group = np.abs(residual).argmax(1)
    most_deviating = np.argsort(-np.abs(residual).max(1), kind="stable")[:_SHOWN]
    chosen = choices.chosen[:, used]
    permuted = _permuted(chosen, choices.rater, group, by, bootstrap)
    return ChiSquare(
        by=by.name,
        groups=by.groups,
        counts={name: tuple(row) for name, row in zip(labels, table.astype(int).tolist(), strict=True)},
        expected={name: tuple(row) for name, row in zip(labels, expected[0].round(2).tolist(), strict=True)},
        statistic=float(statistic[0]),
        df=df,
        p=float(chi2.sf(statistic[0], df)),
        p_permuted=None
        if permuted is None
        else float((1 + (permuted >= statistic[0] - 1e-9).sum()) / (1 + len(permuted))),
        cramers_v=float(np.sqrt(statistic[0] / (total * (min(table.shape) - 1)))),
        few_expected=float((expected < _FEW_EXPECTED).mean()),
        deviating=tuple(
            {
                "label": labels[i],
                "group": by.groups[j],
                "count": int(table[i, j]),
                "expected": round(float(expected[0, i, j]), 1),
                "residual": round(float(residual[i, j]), 2),
            }
            for i, j in zip(most_deviating, label_group[most_deviating], strict=True)
        ),
        reason=None,
    )


def _untested(by: Grouping, labels: Sequence[str], table: Values, reason: str) -> ChiSquare:
    return ChiSquare(
        by=by.name,
        groups=by.groups,
        counts={name: tuple(row) for name, row in zip(labels, table.astype(int).tolist(), strict=True)},
        expected={},
        statistic=None,
        df=None,
        p=None,
        p_permuted=None,
        cramers_v=None,
        few_expected=None,
        deviating=(),
        reason=reason,
    )


def _table(chosen: npt.NDArray[np.bool_], group: Ints, groups: int) -> Values:
    """(labels, groups) choices."""
    return np.stack([chosen[group == i].sum(0) for i in range(groups)], 1).astype(np.float64)


def _statistic(tables: Values) -> tuple[Values, Values]:
    """(B,) chi-square and (B, labels, groups) expected counts of tables; NaN where a group is empty."""
    rows, columns = tables.sum(2, keepdims=True), tables.sum(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = rows * columns / rows.sum(1, keepdims=True)
        # A label without choices adds nothing.
        parts = np.where(rows > 0, (tables - expected) ** 2 / expected, 0)
    return parts.sum((1, 2)), expected


def _permuted(
    chosen: npt.NDArray[np.bool_], rater: Ints, group: Ints, by: Grouping, bootstrap: Bootstrap
) -> Values | None:
    """(B,) the statistic after permuting groups; None without replicates."""
    if bootstrap.replicates == 0:
        return None
    rng = np.random.default_rng(bootstrap.seed)
    if by.of_raters:
        raters, first, rater = np.unique(rater, return_index=True, return_inverse=True)
        rows = np.zeros((len(raters), chosen.shape[1]))
        np.add.at(rows, rater, chosen)
        group, rater = group[first], np.zeros(len(raters), np.int64)
    else:
        rows = chosen.astype(np.float64)
    by_rater = np.argsort(rater, kind="stable")
    rows, group, rater = rows[by_rater], group[by_rater], rater[by_rater]
    permuted_statistics = []
    size = max(1, _CHUNK_VALUES // len(group))
    for start in range(0, bootstrap.replicates, size):
        keys = rng.random((min(size, bootstrap.replicates - start), len(group))) + rater
        permuted_group = group[np.argsort(keys, axis=1)]
        tables = np.stack([(permuted_group == i).astype(np.float64) @ rows for i in range(len(by.groups))], 2)
        permuted_statistics.append(_statistic(tables)[0])
    return np.concatenate(permuted_statistics)
