"""A model as another package would bring it: ridge regression on the features of the window, in one file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import torch

from avcues.pipeline.training import Estimator, FitTask, Protocol


class Ridge(Estimator):
    """Ridge regression with a penalty of 100."""

    title = "ridge"
    description = "Ridge regression on the features of the same window"

    def __init__(self, weights: np.ndarray, intercept: float) -> None:
        self.weights, self.intercept = weights, intercept

    @classmethod
    def fit(cls, task: FitTask) -> Self:
        (features,) = task.inputs.values()
        rows = task.labelled_rows(task.parts.train)
        x, y = features[rows].astype(float), task.target().values[rows, 0]
        centre, mean = x.mean(axis=0), y.mean()
        inner = (x - centre).T @ (x - centre) + 100 * np.eye(x.shape[1])
        weights = np.linalg.solve(inner, (x - centre).T @ (y - mean))
        return cls(weights, float(mean - centre @ weights))

    def outputs(self, inputs: Mapping[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
        (features,) = inputs.values()
        return (features[rows] @ self.weights + self.intercept)[:, None]

    def tensors(self) -> dict[str, torch.Tensor]:
        return {"weights": torch.from_numpy(self.weights), "intercept": torch.tensor([self.intercept]).double()}

    @classmethod
    def load(
        cls,
        tensors: Mapping[str, torch.Tensor],
        columns: Mapping[str, int],
        outputs: int,
        protocol: Protocol,
        shares: bool,
    ) -> Self:
        return cls(tensors["weights"].numpy(), float(tensors["intercept"][0]))
