"""A linear mixed model of setup effects, with raters, videos, and videos in a setup as random effects.

Without random effects, raters who use the scale differently and videos that evoke more or less could look like effects
of the setup, or hide them; and ratings of one rater, or of one clip, are not independent. Fitted by restricted maximum
likelihood, profiled over the variance ratios as in Bates et al. 2015, Fitting linear mixed-effects models using lme4,
Journal of Statistical Software 67(1). statsmodels fits the same model, but takes minutes where effects are crossed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from avcues.pipeline.annotations.ratings.series import Series
from avcues.pipeline.annotations.reliability.median_tests import rated_values

Values = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_STARTS = (0.2, 1.0)
_MANY_LEVELS = 500  # with more levels of random effects, a second start of the fit takes too long
_Z = 1.959963984540054
_FEWEST_OF_EACH = 2


@dataclass(frozen=True, kw_only=True)
class Effect:
    """How much higher a setup is rated than the reference; `z` and `p` are Wald's, the interval is 95 %."""

    estimate: float
    standard_error: float
    z: float
    p: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class MixedModel:
    """Ratings by setup, with random intercepts of raters, videos, and videos in a setup.

    Args:
        dimension: Name of the dimension.
        kind: "over time", with the mean of each series as its value, or "once per clip".
        round: Name of the round; None: there is only one.
        reference: The first setup, which all others are compared with.
        intercept: Mean rating in the reference.
        effects: Effects by setup.
        chi_square: Statistic of Wald's test of all effects together.
        df: Degrees of freedom of the test.
        p: p value of the test.
        variances: Variances of "rater", "video", "clip" (a video in a setup; missing if each has one rating) and
            "residual".
        ratings: Number of ratings or series.
        raters: Number of raters.
        videos: Number of videos.
        reason: Why there is no model; the numbers are then NaN or empty.
    """

    dimension: str
    kind: str
    round: str | None
    reference: str
    intercept: float | None
    effects: Mapping[str, Effect]
    chi_square: float | None
    df: int | None
    p: float | None
    variances: Mapping[str, float]
    ratings: int
    raters: int
    videos: int
    reason: str | None = None


def mixed_models(series: Series, clips: Series, round_: str | None) -> list[MixedModel]:
    """One model per dimension that is rated in several setups.

    Args:
        series: Ratings over time.
        clips: Ratings once per clip.
    """
    models = []
    for kind, names, value, key in rated_values(series, clips, _means):
        for code in np.unique(key["dimension"]):
            rows = key["dimension"] == code
            setups, setup = np.unique(key["setup"][rows], return_inverse=True)
            if len(setups) > 1:
                model_key = {"dimension": names["dimension"][code], "kind": kind, "round": round_}
                named = [names["setup"][setup] for setup in setups]
                models.append(_model(value[rows], setup, key["rater"][rows], key["video_id"][rows], named, model_key))
    return models


def _means(series: Series) -> Values:
    return np.asarray(series.reduce(np.add.reduceat) / series.lengths)


def _model(value: Values, setup: Ints, rater: Ints, video: Ints, names: Sequence[str], model_key: Any) -> MixedModel:
    from scipy.stats import chi2, norm

    rater, video = (np.unique(codes, return_inverse=True)[1] for codes in (rater, video))
    sizes: dict[str, Any] = {"ratings": len(value), "raters": int(rater.max()) + 1, "videos": int(video.max()) + 1}
    reason = None
    if min(sizes["raters"], sizes["videos"]) < _FEWEST_OF_EACH:
        reason = "fewer than two raters or videos"
    elif np.ptp(value) == 0:
        reason = "all ratings are the same"
    elif len(value) <= sizes["raters"] + sizes["videos"] + len(names):
        reason = "too few ratings for as many raters and videos"
    if reason is not None:
        undefined: dict[str, Any] = {"intercept": None, "chi_square": None, "df": None, "p": None}
        return MixedModel(
            **model_key, **sizes, **undefined, reference=names[0], effects={}, variances={}, reason=reason
        )
    design = np.column_stack([np.ones(len(value)), *(setup == i for i in range(1, len(names)))]).astype(np.float64)
    groups = {"rater": rater, "video": video}
    clip = np.unique(video * len(names) + setup, return_inverse=True)[1]
    if clip.max() + 1 < len(value):
        groups["clip"] = clip
    coefficients, covariance, variances = fit_crossed_effects(value, design, list(groups.values()))
    effects = {}
    for i, name in enumerate(names[1:], 1):
        error = float(np.sqrt(covariance[i, i]))
        estimate = float(coefficients[i])
        effects[name] = Effect(
            estimate=estimate,
            standard_error=error,
            z=estimate / error,
            p=float(2 * norm.sf(abs(estimate) / error)),
            low=estimate - _Z * error,
            high=estimate + _Z * error,
        )
    wald = float(coefficients[1:] @ np.linalg.solve(covariance[1:, 1:], coefficients[1:]))
    return MixedModel(
        **model_key,
        **sizes,
        reference=names[0],
        intercept=float(coefficients[0]),
        effects=effects,
        chi_square=wald,
        df=len(names) - 1,
        p=float(chi2.sf(wald, len(names) - 1)),
        variances=dict(zip((*groups, "residual"), variances, strict=True)),
    )


def fit_crossed_effects(
    value: Values, design: Values, groups: Sequence[Ints]
) -> tuple[Values, Values, tuple[float, ...]]:
    """A linear model with one random intercept per level of each grouping, by restricted maximum likelihood.

    Args:
        value: (n,) ratings.
        design: (n, p) of full rank.
        groups: (n,) codes from 0 on, per grouping.

    Returns:
        (p,) coefficients, (p, p) their covariance, and the variance of each grouping and of the residuals.
    """
    from scipy.optimize import minimize
    from scipy.sparse import csc_array, diags_array, eye_array
    from scipy.sparse.linalg import splu

    n, p = design.shape
    levels = [int(group.max()) + 1 for group in groups]
    first = np.concatenate([[0], np.cumsum(levels)])
    column = np.concatenate([begin + group for begin, group in zip(first, groups, strict=False)])
    random = csc_array((np.ones(len(column)), (np.tile(np.arange(n), len(groups)), column)), shape=(n, int(first[-1])))
    grouping_of_level = np.repeat(np.arange(len(groups)), levels)
    fixed = np.column_stack([design, value])
    random_random, random_fixed, fixed_fixed = random.T @ random, random.T @ fixed, fixed.T @ fixed

    def profile(ratios: Values) -> tuple[float, Values, Values, float]:
        """The deviance, the coefficients, their covariance divided by the residual variance, and that variance."""
        scale = np.sqrt(ratios)[grouping_of_level]
        scaled = diags_array(scale) @ random_random @ diags_array(scale) + eye_array(len(scale))
        # A clip belongs to one video, and raters are few, so the factor stays sparse.
        factor = splu(csc_array(scaled), "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        half = scale[:, None] * random_fixed
        moments = fixed_fixed - half.T @ factor.solve(half)
        inverse = np.linalg.inv(moments[:p, :p])
        coefficients = inverse @ moments[:p, p]
        residual = float(moments[p, p] - moments[:p, p] @ coefficients) / (n - p)
        logarithm = np.log(np.abs(factor.U.diagonal())).sum() + np.linalg.slogdet(moments[:p, :p])[1]
        return float(logarithm + (n - p) * np.log(max(residual, 1e-300))), coefficients, inverse, residual

    bounds = [(0.0, None)] * len(groups)
    # On matrices this small, threads slow the fit down, on a busy machine 200 times.
    with threadpool_limits(1):
        fits = [
            minimize(lambda r: profile(r)[0], [start] * len(groups), method="L-BFGS-B", bounds=bounds)
            for start in (_STARTS if len(grouping_of_level) < _MANY_LEVELS else _STARTS[:1])
        ]
        best = min(fits, key=lambda fit: fit.fun).x
        _, coefficients, inverse, residual = profile(best)
    return coefficients, residual * inverse, (*(float(ratio * residual) for ratio in best), residual)
