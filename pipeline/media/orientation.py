"""Display orientation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def apply_rotation(image: npt.NDArray[np.uint8], rotation: int) -> npt.NDArray[np.uint8]:
    """Turns an image upright.

    Args:
        image: (H, W, 3).
        rotation: Display rotation in degrees counter-clockwise; rounded to a quarter turn.
    """
    quarters = round(rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image
