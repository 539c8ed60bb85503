"""Rounds weights to 8 bits so that the mean outputs of a layer do not change."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_MAX_INTEGER = 127
_MIN_MEAN = 1e-9


def round_weights(
    weight: npt.NDArray[np.float32], input_means: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Rounds the weights of a convolution.

    Rounding each weight independently would shift whole feature maps, because inputs after a ReLU are positive. So the
    error of a weight, times the mean of its input, is carried over to the next weight of the same filter, from the
    input channel with the largest mean to that with the smallest. Double precision and a fixed order give the same
    integers on every machine.

    Args:
        weight: (outputs, inputs, ...).
        input_means: (inputs,) mean of each input channel.

    Returns:
        Integers from -127 to 127, and the scale of each output: weight = scale * integer.
    """
    rows = weight.reshape(len(weight), -1).astype(np.float64)
    means = np.repeat(input_means.astype(np.float64), rows.shape[1] // len(input_means))
    scale = np.maximum(np.abs(rows).max(axis=1), 1e-12) / _MAX_INTEGER
    scaled = rows / scale[:, None]
    rounded = np.empty_like(scaled)
    error = np.zeros(len(rows))
    for i in np.argsort(-means, kind="stable"):
        mean = means[i]
        carried = np.clip(error / mean, -0.5, 0.5) if mean > _MIN_MEAN else 0.0
        rounded[:, i] = np.clip(np.rint(scaled[:, i] + carried), -_MAX_INTEGER, _MAX_INTEGER)
        error += (scaled[:, i] - rounded[:, i]) * mean
    return rounded.astype(np.int8).reshape(weight.shape), scale.astype(np.float32)
