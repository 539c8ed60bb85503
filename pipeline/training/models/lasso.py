"""The linear baseline of the study: LASSO on the features of the window itself."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.training.models.estimator import Estimator, FitTask, Inputs
from avcues.pipeline.training.protocol import Protocol

if TYPE_CHECKING:
    from torch import Tensor

_PENALTIES = 100
_SMALLEST = 1e-3  # penalty, as a share of the one that leaves no coefficient
_AT_A_TIME = 10
_INNER_FOLDS = 5
_ITERATIONS = 5000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear:
    """A linear function of scaled columns.

    Args:
        weights: (K,) of the scaled columns.
        intercept: The prediction where all scaled columns are 0.
        alpha: The weight of the penalty that cross-validation chose.
        unconverged: How many of the fits stopped before they had converged.
    """

    weights: Floats
    intercept: float
    alpha: float = 0.0
    unconverged: int = 0

    def predict(self, scaled: npt.NDArray[np.float32]) -> Floats:
        """(rows,) of (rows, K) scaled columns."""
        return np.asarray(scaled.astype(np.float64) @ self.weights + self.intercept)


class Lasso(Estimator):
    """LASSO on the features of the window itself.

    Args:
        linear: What was fitted.
    """

    title = "LASSO"
    description = "LASSO on the features of the same window, with the penalty chosen by cross-validation over videos"

    def __init__(self, linear: Linear) -> None:
        self.linear = linear

    @classmethod
    def fit(cls, task: FitTask) -> Self:
        (features,) = task.inputs.values()
        rows = task.labelled(task.parts.train)
        if not len(rows):
            raise SettingsError(f"no training video of a fold has a label of {task.dimension}: label more videos")
        return cls(fit_lasso(features[rows], task.target().values[rows, 0], task.samples.window(rows)[0]))

    def outputs(self, inputs: Inputs, rows: npt.NDArray[np.int64]) -> Floats:
        (features,) = inputs.values()
        return self.linear.predict(features[rows])[:, None]

    def tensors(self) -> dict[str, Tensor]:
        import torch

        intercept = torch.tensor([self.linear.intercept]).double()
        return {"coefficients": torch.from_numpy(self.linear.weights), "intercept": intercept}

    @classmethod
    def load(
        cls, tensors: Mapping[str, Tensor], columns: Mapping[str, int], outputs: int, protocol: Protocol, shares: bool
    ) -> Self:
        (width,) = columns.values()
        weights, intercept = tensors["coefficients"].numpy(), tensors["intercept"].numpy()
        if weights.shape != (width,) or intercept.shape != (1,):
            raise RuntimeError(f"coefficients of shape {weights.shape} for {width} columns")
        return cls(Linear(weights=weights.astype(np.float64), intercept=float(intercept[0])))

    @property
    def coefficients(self) -> Floats:
        return self.linear.weights

    @property
    def unconverged(self) -> int:
        return self.linear.unconverged


def fit_lasso(scaled: npt.NDArray[np.float32], labels: Floats, videos: npt.NDArray[np.int64]) -> Linear:
    """Fits the model with the penalty that does best in an inner cross-validation by video.

    Penalties are scikit-learn's: 100 on a logarithmic scale, from the smallest that leaves no coefficient to a
    thousandth of it. They are tried from the largest down, and no further once ten in a row have not lowered the error
    on held-out videos: the smallest ones take most of the time, and do not converge where columns outnumber rows.

    Args:
        scaled: (rows, K) without NaN.
        labels: (rows,) without NaN.
        videos: (rows,) the video of each row.

    Raises:
        SettingsError: There is only one video.
    """
    from sklearn import linear_model
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import GroupKFold

    inner = min(_INNER_FOLDS, len(np.unique(videos)))
    if inner < 2:
        raise SettingsError("lasso chooses its penalty by cross-validation: it needs 2 training videos or more")
    x = scaled.astype(np.float64, order="F")
    largest = np.abs((x - x.mean(axis=0)).T @ (labels - labels.mean())).max() / len(labels)
    if largest <= np.finfo(float).eps:  # constant labels
        return Linear(weights=np.zeros(x.shape[1]), intercept=float(labels.mean()))
    penalties = np.geomspace(largest, largest * _SMALLEST, _PENALTIES)
    paths = [_Path(x, labels, *split) for split in GroupKFold(inner).split(x, labels, videos)]
    errors: list[float] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        for first in range(0, _PENALTIES, _AT_A_TIME):
            errors += np.mean([path.errors(penalties[first : first + _AT_A_TIME]) for path in paths], axis=0).tolist()
            if int(np.argmin(errors)) < first:
                break
        best = float(penalties[np.argmin(errors)])
        model = linear_model.Lasso(best, max_iter=_ITERATIONS).fit(x, labels)
    return Linear(
        weights=model.coef_,
        intercept=float(model.intercept_),
        alpha=best,
        unconverged=sum(issubclass(warning.category, ConvergenceWarning) for warning in caught),
    )


class _Path:
    """The fits of one inner fold, from the largest penalty down; each begins where the last one ended."""

    def __init__(self, x: Floats, labels: Floats, train: npt.NDArray[np.int64], test: npt.NDArray[np.int64]) -> None:
        self._x, self._labels, self._train, self._test = x, labels, train, test
        self._gram: Floats | None = None
        self._coefficients: Floats | None = None

    def errors(self, penalties: Floats) -> Floats:
        """(penalties,) mean squared errors on the videos that are held out."""
        from sklearn.linear_model import lasso_path

        # Made anew each time, so that memory holds one copy of the features, not one per inner fold.
        x, labels = self._x[self._train], self._labels[self._train]
        centre, mean = x.mean(axis=0), labels.mean()
        x -= centre
        if self._gram is None and len(x) > x.shape[1]:
            self._gram = x.T @ x
        _, paths, _ = lasso_path(
            np.asfortranarray(x),
            labels - mean,
            alphas=penalties,
            precompute=False if self._gram is None else self._gram,
            coef_init=self._coefficients,
            copy_X=False,
            max_iter=_ITERATIONS,
        )
        self._coefficients = paths[:, -1]
        predicted = (self._x[self._test] - centre) @ paths + mean
        return np.asarray(((predicted - self._labels[self._test, None]) ** 2).mean(axis=0))
