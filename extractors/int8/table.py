"""Tables of the input ranges of a network's layers, measured during development and pinned to its weights."""

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
    """The inputs of a convolution.

    Args:
        max_input: Largest value over all calibration clips and over all layers with the same input; becomes level 255.
        means: Mean of each input channel, (inputs,).
    """

    max_input: float
    means: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Int8Table:
    """The layers of a network that compute in 8 bits; other layers are not changed.

    Args:
        weights_sha256: SHA-256 of the weights file that the table was measured with.
        layers: Layers by the name of the module.
        sha256: SHA-256 of the table itself.
    """

    weights_sha256: str
    layers: dict[str, Layer]
    sha256: str

    def check(self, name: str, weights_sha256: str) -> None:
        """Raises a `WeightsError` if the table belongs to other weights."""
        if weights_sha256 != self.weights_sha256:
            raise WeightsError(
                f"{name}: its int8 table was measured with other weights (sha256 {self.weights_sha256[:12]}, not "
                f"{weights_sha256[:12]}); use bf16"
            )


def has_table(asset: str) -> bool:
    """Whether the weights "<task>/<variant>" have a table."""
    return _table_path(asset).exists()


@cache
def load_table(asset: str) -> Int8Table:
    """The table of the weights "<task>/<variant>".

    Raises:
        OSError: The weights have no table; check with `has_table`.
    """
    from safetensors import safe_open

    path = _table_path(asset)
    with safe_open(path, "np") as file:
        metadata = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    names = [key.removesuffix(".means") for key in tensors if key.endswith(".means")]
    layers = {name: Layer(float(tensors[f"{name}.largest"]), tensors[f"{name}.means"]) for name in sorted(names)}
    return Int8Table(metadata["weights_sha256"], layers, sha256(path))


def _table_path(asset: str) -> Path:
    return _TABLES / f"{asset.replace('/', '-')}.safetensors"
