"""Two baselines that ignore the video; every model has to beat them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avcues.pipeline.training.samples import Floats, Samples

BASELINES = ("train_mean", "time_only")
_RIDGE = 1.0


def train_mean(gold: Floats, train: npt.NDArray[np.int64], test: npt.NDArray[np.int64]) -> Floats:
    """The mean labels of the training rows, for every test row.

    Args:
        gold: (rows, P) labels.
        train: Indices of training rows.
        test: Indices of test rows.

    Returns:
        (test, P).
    """
    return np.column_stack([np.full(len(test), column[train].mean()) for column in gold.T])


def time_only(samples: Samples, gold: Floats, train: npt.NDArray[np.int64], test: npt.NDArray[np.int64]) -> Floats:
    """Ridge regression on the window number as a category: the mean time course of the training videos.

    The penalty of 1 shrinks each window's mean towards the overall mean as one more video would.

    Returns:
        (test, P).
    """
    train_windows, test_windows = samples.videos_and_windows(train)[1], samples.videos_and_windows(test)[1]
    counts = np.bincount(train_windows)
    predicted = []
    for column in gold.T:
        mean = column[train].mean()
        course = np.bincount(train_windows, column[train] - mean) / (counts + _RIDGE)
        in_course = test_windows < len(course)
        predicted.append(mean + np.where(in_course, course[np.minimum(test_windows, len(course) - 1)], 0.0))
    return np.column_stack(predicted)
