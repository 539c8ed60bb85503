"""What is known of the layers of a network with certain weights, measured at development time and pinned here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from avcues.models_cache import WeightsError
from avcues.models_cache.hashing import sha256

_TABLES = Path(__file__).parent / "tables"


@dataclass(frozen=True)
class Layer:
    """What a convolution reads.

    Args:
        largest: Largest value over all calibration clips, and of all layers that read the same; 255 stands for 255.
        means: Mean of each input channel, (inputs,).
    """

    largest: float
    means: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Int8Table:
    """The layers of a network that compute in 8 bits; all others keep the precision of the rest.

    Args:
        weights_sha256: Of the weights file whose layers these are.
        layers: By the name of the module.
        sha256: Of the table itself.
    """

    weights_sha256: str
    layers: dict[str, Layer]
    sha256: str

    def check(self, name: str, weights_sha256: str) -> None:
        """Raises a `WeightsError` if the table is that of other weights."""
        if weights_sha256 != self.weights_sha256:
            raise WeightsError(
                f"{name}: its ranges for int8 are those of other weights (sha256 {self.weights_sha256[:12]}, not "
                f"{weights_sha256[:12]}); use bf16"
            )


def has_table(asset: str) -> bool:
    """Whether the weights "<task>/<variant>" have a table."""
    return _path(asset).exists()


@cache
def table_of(asset: str) -> Int8Table:
    """The table of the weights "<task>/<variant>".

    Raises:
        OSError: They have none; see `has_table`.
    """
    from safetensors import safe_open

    path = _path(asset)
    with safe_open(path, "np") as file:
        metadata = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    names = [key.removesuffix(".means") for key in tensors if key.endswith(".means")]
    layers = {name: Layer(float(tensors[f"{name}.largest"]), tensors[f"{name}.means"]) for name in sorted(names)}
    return Int8Table(metadata["weights_sha256"], layers, sha256(path))


def _path(asset: str) -> Path:
    return _TABLES / f"{asset.replace('/', '-')}.safetensors"
