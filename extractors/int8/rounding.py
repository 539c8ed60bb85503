"""Weights to 8 bits, so that the sums that a layer computes stay what they are on average."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_LARGEST = 127
_LEAST_MEAN = 1e-9


def round_weights(
    weight: npt.NDArray[np.float32], input_means: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Rounds the weights of a convolution.

    Each rounded on its own, they would shift whole feature maps, because inputs after a ReLU are positive: the error of
    a weight, times the mean of what it is multiplied with, is therefore carried on to the next weight of the same
    filter, from the input channel of the largest mean to that of the least. All in double precision and in a fixed
    order, so that every machine rounds alike.

    Args:
        weight: (outputs, inputs, ...).
        input_means: (inputs,) means of what each channel is multiplied with.

    Returns:
        Whole numbers of -127..127, and the scale of each output: weight = scale * number.
    """
    rows = weight.reshape(len(weight), -1).astype(np.float64)
    means = np.repeat(input_means.astype(np.float64), rows.shape[1] // len(input_means))
    scale = np.maximum(np.abs(rows).max(axis=1), 1e-12) / _LARGEST
    wanted = rows / scale[:, None]
    rounded = np.empty_like(wanted)
    error = np.zeros(len(rows))
    for i in np.argsort(-means, kind="stable"):
        mean = means[i]
        carried = np.clip(error / mean, -0.5, 0.5) if mean > _LEAST_MEAN else 0.0
        rounded[:, i] = np.clip(np.rint(wanted[:, i] + carried), -_LARGEST, _LARGEST)
        error += (wanted[:, i] - rounded[:, i]) * mean
    return rounded.astype(np.int8).reshape(weight.shape), scale.astype(np.float32)
