"""Least squares of the multimodal rating on the unimodal ones, raters pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Term:
    """A coefficient with its standard error, t value, two-sided p value and 95 % interval."""

    coefficient: float
    standard_error: float
    t: float
    p: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Regression:
    """Ordinary least squares.

    Args:
        target: The setup whose ratings are explained.
        plain: By term, with standard errors for independent rows.
        clustered: The same with standard errors clustered by clip; None: too few clips.
        r_squared: Share of the variance explained.
        n: Number of ratings.
        df: Degrees of freedom of the residuals.
        clips: Number of clips.
    """

    target: str
    plain: Mapping[str, Term]
    clustered: Mapping[str, Term] | None
    r_squared: float
    n: int
    df: int
    clips: int


def regression(ratings: Values, complete: npt.NDArray[np.bool_], setups: Sequence[str]) -> Regression | str:
    """Regresses the last setup on the others and a constant.

    Args:
        ratings: (raters, videos, setups).
        complete: (raters, videos) whether a rater's ratings of a video take part.

    Returns:
        The regression, or why there is none.
    """
    rows, clip = ratings[complete], np.nonzero(complete)[1]
    terms = ["const", *setups[:-1]]
    design = np.column_stack([np.ones(len(rows)), rows[:, :-1]])
    if len(rows) <= len(terms):
        return f"{len(rows)} ratings of clips rated in every setup, too few for {len(terms)} terms"
    if np.linalg.matrix_rank(design) < len(terms):
        return "the ratings of a setup are constant, or a combination of those of other setups"
    if np.ptp(rows[:, -1]) == 0:
        return f"all ratings in {setups[-1]} are the same"
    try:
        from statsmodels.api import OLS
    except ImportError:
        return "statsmodels is not installed; pip install 'avcues[train]'"
    model = OLS(rows[:, -1], design)
    plain = model.fit()
    clips = len(np.unique(clip))
    clustered = None
    if clips > len(terms):
        clustered = _terms(terms, model.fit(cov_type="cluster", cov_kwds={"groups": clip}, use_t=True))
    return Regression(
        target=setups[-1],
        plain=_terms(terms, plain),
        clustered=clustered,
        r_squared=float(plain.rsquared),
        n=len(rows),
        df=int(plain.df_resid),
        clips=clips,
    )


def _terms(names: Sequence[str], fitted: object) -> dict[str, Term]:
    columns = (getattr(fitted, name) for name in ("params", "bse", "tvalues", "pvalues"))
    rows = zip(names, *columns, fitted.conf_int(), strict=True)  # type: ignore[attr-defined]
    return {
        name: Term(
            coefficient=float(coefficient),
            standard_error=float(error),
            t=float(t),
            p=float(p),
            low=float(interval[0]),
            high=float(interval[1]),
        )
        for name, coefficient, error, t, p, interval in rows
    }
