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
_MIN_PENALTY_RATIO = 1e-3  # to the smallest penalty that leaves no coefficient
_PENALTIES_PER_STEP = 10
_INNER_FOLDS = 5
_ITERATIONS = 5000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear:
    """A linear function of scaled columns.

    Args:
        weights: (K,) of the scaled columns.
        intercept: The prediction where all scaled columns are 0.
        alpha: The penalty that cross-validation chose.
        unconverged_fits: How many fits stopped before they converged.
    """

    weights: Floats
    intercept: float
    alpha: float = 0.0
    unconverged_fits: int = 0

    def predict(self, scaled: npt.NDArray[np.float32]) -> Floats:
        """(rows,) predictions from (rows, K) scaled columns."""
        return np.asarray(scaled.astype(np.float64) @ self.weights + self.intercept)


class Lasso(Estimator):
    """LASSO on the features of the window itself.

    Args:
        linear: The fitted function.
    """

    title = "LASSO"
    description = "LASSO on the features of the same window, with the penalty chosen by cross-validation over videos"

    def __init__(self, linear: Linear) -> None:
        self.linear = linear

    @classmethod
    def fit(cls, task: FitTask) -> Self:
        (features,) = task.inputs.values()
        rows = task.labelled_rows(task.parts.train)
        if not len(rows):
            raise SettingsError(f"no training video of a fold has a label of {task.dimension}: label more videos")
        return cls(fit_lasso(features[rows], task.target().values[rows, 0], task.samples.videos_and_windows(rows)[0]))

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
    def unconverged_fits(self) -> int:
        return self.linear.unconverged_fits


def fit_lasso(scaled: npt.NDArray[np.float32], labels: Floats, videos: npt.NDArray[np.int64]) -> Linear:
    """Fits LASSO with the penalty that has the lowest error in an inner cross-validation over videos.

    As in scikit-learn, there are 100 penalties on a logarithmic scale, from the smallest that leaves no coefficient
    down to a thousandth of it. The search starts at the largest and stops after ten penalties in a row that do not
    lower the error on held-out videos: the smallest penalties take most of the time, and do not converge if columns
    outnumber rows.

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

    inner_folds = min(_INNER_FOLDS, len(np.unique(videos)))
    if inner_folds < 2:
        raise SettingsError("lasso chooses its penalty by cross-validation: it needs at least 2 training videos")
    x = scaled.astype(np.float64, order="F")
    largest = np.abs((x - x.mean(axis=0)).T @ (labels - labels.mean())).max() / len(labels)
    if largest <= np.finfo(float).eps:  # constant labels
        return Linear(weights=np.zeros(x.shape[1]), intercept=float(labels.mean()))
    penalties = np.geomspace(largest, largest * _MIN_PENALTY_RATIO, _PENALTIES)
    paths = [_RegularisationPath(x, labels, *split) for split in GroupKFold(inner_folds).split(x, labels, videos)]
    errors: list[float] = []
    with warnings.catch_warnings(record=True) as caught_warnings:
        warnings.simplefilter("always", ConvergenceWarning)
        for first in range(0, _PENALTIES, _PENALTIES_PER_STEP):
            errors += np.mean(
                [path.errors(penalties[first : first + _PENALTIES_PER_STEP]) for path in paths], axis=0
            ).tolist()
            if int(np.argmin(errors)) < first:
                break
        best_penalty = float(penalties[np.argmin(errors)])
        model = linear_model.Lasso(best_penalty, max_iter=_ITERATIONS).fit(x, labels)
    return Linear(
        weights=model.coef_,
        intercept=float(model.intercept_),
        alpha=best_penalty,
        unconverged_fits=sum(issubclass(warning.category, ConvergenceWarning) for warning in caught_warnings),
    )


class _RegularisationPath:
    """The fits of one inner fold, from the largest penalty down; each starts from the coefficients of the last."""

    def __init__(self, x: Floats, labels: Floats, train: npt.NDArray[np.int64], test: npt.NDArray[np.int64]) -> None:
        self._x, self._labels, self._train, self._test = x, labels, train, test
        self._gram: Floats | None = None
        self._coefficients: Floats | None = None

    def errors(self, penalties: Floats) -> Floats:
        """(penalties,) mean squared errors on the held-out videos."""
        from sklearn.linear_model import lasso_path

        # Not stored, so that memory holds one copy of the features, not one per inner fold.
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
