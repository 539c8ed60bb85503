"""The linear baseline of the study: LASSO on the features of the window itself."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.errors import SettingsError

_ALPHAS = 100
_INNER_FOLDS = 5
_ITERATIONS = 5000


@dataclass(frozen=True, kw_only=True, eq=False)
class Lasso:
    """A linear model.

    Args:
        coefficients: (K,) of the scaled columns.
        alpha: The weight of the penalty that cross-validation chose.
        unconverged: How often the fit ended before it had converged.
    """

    coefficients: npt.NDArray[np.float64]
    intercept: float
    alpha: float = 0.0
    unconverged: int = 0

    def predict(self, scaled: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """(rows, 1) of (rows, K) scaled columns."""
        return (scaled.astype(np.float64) @ self.coefficients + self.intercept)[:, None]


def fit_lasso(scaled: npt.NDArray[np.float32], labels: npt.NDArray[np.float64], videos: npt.NDArray[np.int64]) -> Lasso:
    """Fits the model, with the penalty that does best in an inner cross-validation by video.

    Args:
        scaled: (rows, K) float32 without NaN.
        labels: (rows,).
        videos: (rows,) which video each row is of.

    Raises:
        SettingsError: There is one video only.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LassoCV
    from sklearn.model_selection import GroupKFold

    inner = min(_INNER_FOLDS, len(np.unique(videos)))
    if inner < 2:
        raise SettingsError("lasso chooses its penalty by cross-validation: it needs 2 training videos or more")
    splits = list(GroupKFold(inner).split(scaled, labels, videos))
    model = LassoCV(alphas=_ALPHAS, cv=splits, max_iter=_ITERATIONS)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(scaled.astype(np.float64), labels)
    unconverged = sum(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return Lasso(
        coefficients=model.coef_, intercept=float(model.intercept_), alpha=float(model.alpha_), unconverged=unconverged
    )
