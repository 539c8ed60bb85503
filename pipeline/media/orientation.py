"""Display orientation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def apply_rotation(image: npt.NDArray[np.uint8], rotation: int) -> npt.NDArray[np.uint8]:
    """Turns an (H, W, 3) image counter-clockwise by the display rotation, in degrees, to the nearest quarter."""
    quarters = round(rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image
