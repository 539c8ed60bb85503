"""Networks on the CPU by OpenVINO."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import threading
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from avcues.extractors import openvino_pools
from avcues.extractors.build_once import build_once
from avcues.extractors.int8 import conversion, rounding
from avcues.extractors.int8.conversion import to_int8
from avcues.extractors.int8.table import Int8Table
from avcues.extractors.openvino_import import cpu_has_bf16, openvino
from avcues.extractors.openvino_pools import pad_within_pools


class OpenVinoNetwork:
    """A torch network of two outputs, compiled; may be called from several threads at once.

    Args:
        network: Compiled whole, or its part `features` if it has a `head`, which torch then runs.
        example: An input, of two items; any other number may follow.
        precision: "bf16" is ignored by processors without it; see `cpu_has_bf16`.
        threads: Calls that are worked on at once, each by one thread.
        int8: The layers that compute in 8 bits; the others do in `precision`.
    """

    def __init__(
        self, network: nn.Module, example: Tensor, precision: str, threads: int, int8: Int8Table | None = None
    ) -> None:
        self._head = getattr(network, "head", None)
        compiled = network.get_submodule("features") if hasattr(network, "head") else network
        core = openvino().Core()
        self._compiled = core.compile_model(
            _converted(compiled, example, int8),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" and cpu_has_bf16() else "f32",
                "NUM_STREAMS": threads,
                "INFERENCE_NUM_THREADS": threads,
                # Several processes would all be pinned to the same cores.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._of_thread = threading.local()

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and embedding of a batch."""
        if not hasattr(self._of_thread, "request"):
            self._of_thread.request = self._compiled.create_infer_request()
        result = self._of_thread.request.infer({0: x.contiguous().numpy()}, share_inputs=True)
        if self._head is not None:
            both: tuple[Tensor, Tensor] = self._head(torch.from_numpy(result[0].copy()))
            return both
        return torch.from_numpy(result[0].copy()), torch.from_numpy(result[1].copy())


def _converted(network: nn.Module, example: Tensor, int8: Int8Table | None) -> Any:
    """OpenVINO's form of the network; kept in the user's cache folder, because making it takes some seconds."""

    def save(folder: Path) -> None:
        openvino().save_model(_convert(network, example, int8), folder / "network.xml", compress_to_fp16=False)

    try:
        folder = build_once(f"openvino-{_fingerprint(network, example, int8)}", save)
    except OSError:  # no room
        return _convert(network, example, int8)
    return openvino().Core().read_model(folder / "network.xml")


def _convert(network: nn.Module, example: Tensor, int8: Int8Table | None) -> Any:
    with torch.no_grad():
        exported = torch.export.export(network, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    model = openvino().convert_model(exported)
    pad_within_pools(model)
    if int8 is not None:
        to_int8(model, network, int8)
    return model


def _fingerprint(network: nn.Module, example: Tensor, int8: Int8Table | None) -> str:
    """Names everything that the converted network depends on."""
    digest = hashlib.sha256(repr((example.shape, example.dtype, type(network).__qualname__)).encode())
    for library in ("torch", "openvino"):
        digest.update(importlib.metadata.version(library).encode())
    digest.update(Path(inspect.getsourcefile(type(network)) or "").read_bytes())
    digest.update(getattr(network, "identity", "").encode())  # of one whose class does not say what it computes
    if int8 is not None:
        digest.update(int8.sha256.encode())
    for module in (openvino_pools, *((conversion, rounding) if int8 is not None else ())):
        digest.update(Path(module.__file__ or "").read_bytes())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()[:24]
