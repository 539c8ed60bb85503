"""Correlation, concordance, and the evaluator weighted estimator of several raters.

Arrays are (..., raters, samples); NaN is a missing rating. Undefined results are NaN; reports give the reason.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Weights = Literal["others", "all", "pairwise-ccc"]
WEIGHTS: tuple[Weights, ...] = get_args(Weights)

# A series that varies by less than this share of its mean is constant: only float rounding varies.
_FLAT = 1e-12


class _Moments(NamedTuple):
    """Moments of two series over the samples that both have; variances and covariance divide by their number."""

    mean_a: Values
    mean_b: Values
    variance_a: Values
    variance_b: Values
    covariance: Values


def pearson(a: npt.ArrayLike, b: npt.ArrayLike) -> Values:
    """Pearson's correlation along the last axis, over the samples that both have.

    Args:
        a: (..., samples); NaN is missing.
        b: The same; leading axes are broadcast.

    Returns:
        (...) -1 to 1; NaN where either is constant.

    >>> float(pearson([1, 2, 3], [2, 4, float("nan")]))
    1.0
    """
    m = _moments(np.asarray(a, np.float64), np.asarray(b, np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        coefficient = m.covariance / np.sqrt(m.variance_a * m.variance_b)
    return np.asarray(np.clip(coefficient, -1, 1))


def ccc(a: npt.ArrayLike, b: npt.ArrayLike) -> Values:
    """Lin's concordance correlation coefficient along the last axis, over the samples that both have.

    2 cov(a, b) / (var(a) + var(b) + (mean(a) - mean(b))^2), with variances and covariance divided by n (Lin 1989,
    Biometrics 45, 255-268).

    Args:
        a: (..., samples); NaN is missing.
        b: The same; leading axes are broadcast.

    Returns:
        (...) -1 to 1; 0 where one is constant, NaN where both are constant and equal.

    >>> round(float(ccc([3, -0.5, 2, 7], [2.5, 0, 2, 8])), 6)
    0.976789
    """
    m = _moments(np.asarray(a, np.float64), np.asarray(b, np.float64))
    total = m.variance_a + m.variance_b + (m.mean_a - m.mean_b) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        coefficient = 2 * m.covariance / total
    return np.where(total <= (_FLAT**2) * (m.mean_a**2 + m.mean_b**2), np.nan, coefficient)


def ewe(
    ratings: npt.ArrayLike, weights: Weights = "others", *, clip: bool = True
) -> tuple[Values, Values, npt.NDArray[np.bool_]]:
    """The evaluator weighted estimator: the mean over raters, each weighted by agreement with the rest.

    After Grimm and Kroschel 2005, Evaluation of natural emotions using self assessment manikins (ASRU).

    Args:
        ratings: (..., raters, samples); NaN is missing.
        weights: A rater's correlation with the mean of the "others", or with the mean of "all", which includes the
            rater and so favours those who vary most; or "pairwise-ccc", the mean CCC with each other rater.
        clip: Set negative weights to 0, so that the estimate stays within the range of the ratings.

    Returns:
        (..., samples) the estimate; (..., raters) the weights, 0 where undefined; (...) whether all weights were 0, in
        which case the estimate is the plain mean.

    >>> value, weight, plain = ewe([[0, 0.1, 0.3, 0.2], [0.1, 0.1, 0.5, 0.3], [0.3, 0.2, 0.1, 0.2]], "all")
    >>> weight.round(2).tolist(), value.round(2).tolist()
    ([0.95, 0.99, 0.0], [0.05, 0.1, 0.4, 0.25])
    """
    x = np.asarray(ratings, np.float64)
    weight = np.nan_to_num(rater_weights(x, weights))
    if clip:
        weight = np.maximum(weight, 0)
    plain = np.asarray(~weight.any(-1))
    used = np.where(plain[..., None], 1.0, weight)
    return weighted_mean(x, used), weight, plain


def rater_weights(ratings: Values, weights: Weights) -> Values:
    """(..., raters) agreement of each rater with the rest, -1 to 1; NaN where undefined."""
    if weights == "all":
        return pearson(ratings, _mean(ratings)[..., None, :])
    if weights == "others":
        return pearson(ratings, mean_of_others(ratings))
    agreement = pairwise_ccc(ratings)
    is_own = np.eye(ratings.shape[-2], dtype=bool)
    return _mean(np.where(is_own, np.nan, agreement).swapaxes(-1, -2))


def pairwise_ccc(ratings: Values) -> Values:
    """(..., raters, raters) concordance of every pair."""
    return ccc(ratings[..., :, None, :], ratings[..., None, :, :])


def mean_of_others(ratings: Values) -> Values:
    """(..., raters, samples) the mean of all raters but one; NaN where no other rated the sample."""
    rated = np.isfinite(ratings)
    filled = np.where(rated, ratings, 0)
    # Subtracting the rater from a total would leave float errors where the others are constant.
    without_self = 1 - np.eye(ratings.shape[-2])
    with np.errstate(invalid="ignore"):
        return np.asarray((without_self @ filled) / (without_self @ rated.astype(np.float64)))


def others_of_each(ratings: Values) -> Values:
    """(..., raters, raters, samples) for each rater, the ratings of all raters, with the rater's own as NaN."""
    is_own = np.eye(ratings.shape[-2], dtype=bool)
    return np.where(is_own[..., None], np.nan, ratings[..., None, :, :])


def leave_one_out_ccc(ratings: npt.ArrayLike, weights: Weights = "others") -> Values:
    """The CCC of each rater with the EWE of the others, whose mean and weights exclude that rater.

    Section 6.3 of Chua et al. 2022, arXiv 2202.10453.

    Args:
        ratings: (..., raters, samples); NaN is missing.
        weights: Weights of the estimator, as for `ewe`; the study's are "all".

    Returns:
        (..., raters) -1 to 1; NaN where undefined.

    >>> leave_one_out_ccc([[0, 0.1, 0.3, 0.2], [0.1, 0.1, 0.5, 0.3], [0.3, 0.2, 0.1, 0.2]], "all").round(3).tolist()
    [0.7, 0.7, -0.736]
    """
    x = np.asarray(ratings, np.float64)
    return ccc(x, ewe(others_of_each(x), weights)[0])


def weighted_mean(ratings: Values, weights: Values) -> Values:
    """(..., samples) the mean over the raters who rated the sample; NaN where their weights are all 0."""
    rated = np.isfinite(ratings)
    total = np.einsum("...rt,...r->...t", rated.astype(np.float64), weights)
    summed = np.einsum("...rt,...r->...t", np.where(rated, ratings, 0), weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total == 0, np.nan, summed / total)


def _mean(ratings: Values) -> Values:
    """(..., samples) the plain mean over raters."""
    rated = np.isfinite(ratings)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(rated, ratings, 0).sum(-2) / rated.sum(-2))


def _moments(a: Values, b: Values) -> _Moments:
    common = np.isfinite(a) & np.isfinite(b)
    count = common.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_a, mean_b = (np.where(common, x, 0).sum(-1) / count for x in (a, b))
        from_a = np.where(common, a - mean_a[..., None], 0)
        from_b = np.where(common, b - mean_b[..., None], 0)
        variance_a, variance_b = ((x * x).sum(-1) / count for x in (from_a, from_b))
        covariance = (from_a * from_b).sum(-1) / count
    variance_a, variance_b = (
        np.where(variance <= (_FLAT * mean) ** 2, 0, variance)
        for variance, mean in ((variance_a, mean_a), (variance_b, mean_b))
    )
    return _Moments(mean_a, mean_b, variance_a, variance_b, covariance)
