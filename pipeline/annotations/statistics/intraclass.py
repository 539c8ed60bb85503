"""Intraclass correlations, Cronbach's alpha, and the reliability of means of more raters.

Sources: Shrout and Fleiss 1979, Intraclass correlations: uses in assessing rater reliability, Psychological Bulletin
86(2); their intervals and names as McGraw and Wong 1996, Forming inferences about some intraclass correlation
coefficients, Psychological Methods 1(1), have them; Feldt 1965 for the interval of alpha.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.statistics.coefficients import Coefficient, undefined
from avcues.pipeline.annotations.statistics.consensus import Values

ICC = ("icc1", "icc2", "icc3", "icc1k", "icc2k", "icc3k")
INTRACLASS = (*ICC, "cronbach_alpha")
INTRACLASS_TITLES = {
    "icc1": "ICC(1,1)",
    "icc2": "ICC(2,1)",
    "icc3": "ICC(3,1)",
    "icc1k": "ICC(1,k)",
    "icc2k": "ICC(2,k)",
    "icc3k": "ICC(3,k)",
    "cronbach_alpha": "Cronbach's α",
}

_TWO_WAY = ("icc2", "icc3", "icc2k", "icc3k", "cronbach_alpha")
_TAIL = 0.025  # probability beyond either end of an interval
_FLAT = 1e-12
_NO_COMPLETE = "fewer than two items are rated by all raters; ICC(1) needs no such items"
_SAME = "all ratings are the same"


class _Squares(NamedTuple):
    """Mean squares of n items by k raters."""

    n: int
    k: int
    items: float
    raters: float
    residual: float


def intraclass(ratings: npt.ArrayLike, *, intervals: bool = True) -> Mapping[str, Coefficient]:
    """All six intraclass correlations of Shrout and Fleiss, and Cronbach's alpha, with 95 % intervals.

    | name               | raters                                    | McGraw and Wong     |
    |--------------------|-------------------------------------------|---------------------|
    | `icc1`, `icc1k`    | are chosen anew for each item             | ICC(1), ICC(k)      |
    | `icc2`, `icc2k`    | stand for others; agreement               | ICC(A,1), ICC(A,k)  |
    | `icc3`, `icc3k`    | are the only ones of interest; consistency | ICC(C,1), ICC(C,k) |
    | `cronbach_alpha`   | equals `icc3k`                            |                     |

    Intervals are exact under normality (F distribution), that of `icc2` is Satterthwaite's approximation. They take
    items as independent, which half seconds of one clip are not.

    Args:
        ratings: (raters, items); NaN is missing. `icc1` and `icc1k` use all items with two ratings, k being the number
            of ratings that they have on average; the others use the items that all raters rated.
        intervals: Whether intervals are computed.

    Returns:
        Coefficients by name of `INTRACLASS`; `n` is the number of items. Undefined coefficients have a reason.

    >>> six = intraclass([[9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2], [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]])
    >>> round(six["icc1"].value, 2), round(six["icc2"].value, 2), round(six["icc3k"].value, 2)
    (0.17, 0.29, 0.91)
    """
    x = np.asarray(ratings, np.float64)
    complete = x[:, np.isfinite(x).all(0)].T
    one_way = _one_way(x, intervals)
    if complete.shape[1] < 2:
        two_way = dict.fromkeys(_TWO_WAY, undefined("there is one rater"))
    elif len(complete) < 2:
        two_way = dict.fromkeys(_TWO_WAY, undefined(_NO_COMPLETE))
    else:
        two_way = _two_way(_squares(complete), intervals)
    all_coefficients = one_way | two_way
    return {name: all_coefficients[name] for name in INTRACLASS}


def cronbach_alpha(ratings: npt.ArrayLike) -> Coefficient:
    """Cronbach's alpha of the raters' mean, with Feldt's 95 % interval.

    Cronbach 1951, Coefficient alpha and the internal structure of tests, Psychometrika 16(3). Raters are what items are
    in a test: high alpha says that their mean orders the items reliably, whatever their levels.

    Args:
        ratings: (raters, items); NaN is missing, and only items that all raters rated count.
    """
    return intraclass(ratings)["cronbach_alpha"]


def spearman_brown(reliability: npt.ArrayLike, raters: npt.ArrayLike) -> Values:
    """The reliability of the mean of several raters, from that of one.

    Spearman 1910 and Brown 1910, British Journal of Psychology 3(3): k r / (1 + (k - 1) r).

    Args:
        reliability: Reliability of one rater, such as an ICC of single ratings; broadcast against `raters`.
        raters: Number of raters; if `reliability` is that of a mean, the ratio to its number of raters.

    >>> spearman_brown(0.3, [1, 2, 5, 10]).round(3).tolist()
    [0.3, 0.462, 0.682, 0.811]
    """
    r, k = np.asarray(reliability, np.float64), np.asarray(raters, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(k * r / (1 + (k - 1) * r))


def raters_needed(reliability: float, target: float) -> int | None:
    """The smallest number of raters whose mean reaches a reliability; None: no number does.

    >>> raters_needed(0.3, 0.8), raters_needed(0.0, 0.8)
    (10, None)
    """
    if not 0 < reliability <= 1 or not 0 < target < 1:
        return None
    return max(1, int(np.ceil(round(target * (1 - reliability) / (reliability * (1 - target)), 9))))


def _squares(x: Values) -> _Squares:
    """The mean squares of (items, raters) without gaps."""
    n, k = x.shape
    mean, item_means, rater_means = x.mean(), x.mean(1), x.mean(0)
    residual = x - item_means[:, None] - rater_means[None] + mean
    return _Squares(
        n=n,
        k=k,
        items=float(k * ((item_means - mean) ** 2).sum() / (n - 1)),
        raters=float(n * ((rater_means - mean) ** 2).sum() / (k - 1)),
        residual=float((residual**2).sum() / ((n - 1) * (k - 1))),
    )


def _one_way(x: Values, intervals: bool) -> dict[str, Coefficient]:
    rated = np.isfinite(x)
    x, rated = x[:, rated.sum(0) > 1], rated[:, rated.sum(0) > 1]
    n, count = x.shape[1], rated.sum(0).astype(np.float64)
    if n < 2:
        return dict.fromkeys(("icc1", "icc1k"), undefined("fewer than two items have two ratings"))
    total = count.sum()
    filled = np.where(rated, x, 0)
    means, mean = filled.sum(0) / count, filled.sum() / total
    within = float((np.where(rated, x - means, 0) ** 2).sum() / (total - n))
    between = float((count * (means - mean) ** 2).sum() / (n - 1))
    # The effective number of ratings per item: Snedecor and Cochran 1967.
    k = float((total - (count**2).sum() / total) / (n - 1))
    if max(within, between) <= (_FLAT * mean) ** 2:
        return dict.fromkeys(("icc1", "icc1k"), undefined(_SAME))
    ratio = between / within if within > 0 else np.inf
    return _correlations_of_ratio("icc1", ratio, (n, k), (n - 1, total - n) if intervals else None)


def _two_way(m: _Squares, intervals: bool) -> dict[str, Coefficient]:
    size = max(m.items, m.raters, m.residual)
    if size == 0:
        return dict.fromkeys(_TWO_WAY, undefined(_SAME))
    n, k = m.n, m.k
    ratio = m.items / m.residual if m.residual > _FLAT * size else np.inf
    consistency = _correlations_of_ratio("icc3", ratio, (n, k), (n - 1, (n - 1) * (k - 1)) if intervals else None)
    single = (m.items - m.residual) / (m.items + (k - 1) * m.residual + k * (m.raters - m.residual) / n)
    average = (m.items - m.residual) / (m.items + (m.raters - m.residual) / n)
    agreement = {"icc2": Coefficient(value=single, n=n), "icc2k": Coefficient(value=average, n=n)}
    if intervals:
        ends = _agreement_interval(m, single)
        agreement["icc2"] = Coefficient(value=single, low=ends[0], high=ends[1], n=n)
        low, high = spearman_brown(ends, k).tolist()
        agreement["icc2k"] = Coefficient(value=average, low=low, high=high, n=n)
    return consistency | agreement | {"cronbach_alpha": consistency["icc3k"]}


def _correlations_of_ratio(
    name: str, ratio: float, size: tuple[int, float], df: tuple[float, float] | None
) -> dict[str, Coefficient]:
    """A correlation of one rater, and of the mean of k.

    Args:
        ratio: Ratio of mean squares, F.
        size: Number of items and number of ratings per item.
        df: Degrees of freedom of F; None: no interval.
    """
    from scipy.stats import f

    n, k = size
    ratios = [ratio] if df is None else [ratio, ratio / f.isf(_TAIL, *df), ratio * f.isf(_TAIL, *df[::-1])]
    by_name = {}
    for key, formula in (
        (name, lambda value: 1.0 if np.isinf(value) else (value - 1) / (value + k - 1)),
        (f"{name}k", lambda value: 1 - 1 / value if value > 0 else -np.inf),
    ):
        value, *ends = (float(formula(ratio_or_end)) for ratio_or_end in ratios)
        low, high = ends or (None, None)
        by_name[key] = (
            Coefficient(value=value, low=low, high=high, n=n)
            if np.isfinite(value)
            else undefined("items do not differ at all")
        )
    return by_name


def _agreement_interval(m: _Squares, value: float) -> tuple[float, float]:
    """Shrout and Fleiss, appendix: the raters' variance has degrees of freedom by Satterthwaite's approximation."""
    from scipy.stats import f

    n, k = m.n, m.k
    if m.residual == 0 and m.raters == 0:
        return 1.0, 1.0
    ratio = m.raters / m.residual if m.residual > 0 else np.inf
    weight = n * (1 + (k - 1) * value) - k * value
    if np.isinf(ratio):
        # The residual vanishes: the degrees of freedom are those of the raters.
        df = float(k - 1)
    else:
        df = (k - 1) * (n - 1) * (k * value * ratio + weight) ** 2
        df /= (n - 1) * k**2 * value**2 * ratio**2 + weight**2
    upper, lower = f.isf(_TAIL, n - 1, df), f.isf(_TAIL, df, n - 1)
    rater_term = k * m.raters + (k * n - k - n) * m.residual
    low = n * (m.items - upper * m.residual) / (upper * rater_term + n * m.items)
    high = n * (lower * m.items - m.residual) / (rater_term + n * lower * m.items)
    return float(low), float(high)
