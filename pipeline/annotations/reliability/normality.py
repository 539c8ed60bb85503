"""Whether ratings are normally distributed: Kolmogorov-Smirnov, with Lilliefors' correction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avcues.pipeline.annotations.ratings.series import Series
from avcues.pipeline.annotations.reliability.median_tests import rated_values

_FEWEST = 4
_LEAST_P, _GREATEST_P = 0.001, 0.2


@dataclass(frozen=True, kw_only=True)
class Normality:
    """A test of the values of one dimension in one setup.

    Mean and standard deviation are estimated from the same values, for which the p of the plain Kolmogorov-Smirnov test
    is much too large: Lilliefors 1967, On the Kolmogorov-Smirnov test for normality with mean and variance unknown,
    Journal of the American Statistical Association 62. Its tabulated p ends at .001 and .2.

    Args:
        dimension: Name of the dimension.
        setup: Name of the setup.
        kind: "over time", with the median of each series as its value, or "once per clip".
        round: Name of the round; None: there is only one.
        n: Number of values.
        d: Largest distance between the distribution of the values and the normal one; None: not defined.
        p: p value of D, limited to .001 to .2.
        skewness: Third standardised moment.
        reason: Why there is no statistic.
    """

    dimension: str
    setup: str
    kind: str
    round: str | None
    n: int
    d: float | None
    p: float | None
    skewness: float | None
    reason: str | None = None

    @property
    def p_in_words(self) -> str:
        """The p value as text; "< .001" or "> .2" at the ends of the table."""
        if self.p is None:
            return "–"
        if self.p <= _LEAST_P:
            return "< .001"
        return "> .2" if self.p >= _GREATEST_P else f"{self.p:.3f}".removeprefix("0")


def normality_tests(series: Series, clips: Series, round_: str | None) -> list[Normality]:
    """One test per setup and dimension.

    Args:
        series: Ratings over time.
        clips: Ratings once per clip.
    """
    tests = []
    for kind, names, value, key in rated_values(series, clips):
        for dimension, setup in sorted(set(zip(key["dimension"].tolist(), key["setup"].tolist(), strict=True))):
            chosen = value[(key["dimension"] == dimension) & (key["setup"] == setup)]
            test_key = {"dimension": names["dimension"][dimension], "setup": names["setup"][setup]}
            tests.append(_test(chosen, test_key, kind, round_))
    return tests


def _test(value: np.ndarray, test_key: dict[str, str], kind: str, round_: str | None) -> Normality:
    from scipy.stats import skew

    reason = None
    if len(value) < _FEWEST:
        reason = f"fewer than {_FEWEST} values"
    elif np.ptp(value) == 0:
        reason = "all values are the same"
    else:
        try:
            from statsmodels.stats.diagnostic import lilliefors
        except ImportError:
            reason = "statsmodels is not installed; pip install 'avcues[train]'"
    if reason is not None:
        return Normality(
            **test_key, kind=kind, round=round_, n=len(value), d=None, p=None, skewness=None, reason=reason
        )
    d, p = lilliefors(value, dist="norm", pvalmethod="table")
    return Normality(
        **test_key, kind=kind, round=round_, n=len(value), d=float(d), p=float(p), skewness=float(skew(value))
    )
