"""A model that kills the process that predicts a video of four windows, as the system does where memory runs out."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

import numpy as np
from ridge_model import Ridge

WINDOWS = 4
SPARE = "DEADLY_MODEL_SPARES"
"""An environment variable under which it kills nothing, so that it can be trained."""


class Deadly(Ridge):
    """Ridge regression, on longer videos."""

    title = "deadly"

    def outputs(self, inputs: Mapping[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
        if len(next(iter(inputs.values()))) == WINDOWS and SPARE not in os.environ:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().outputs(inputs, rows)
