"""Runs networks on the CPU by OpenVINO."""

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
    """A torch network with two outputs, compiled by OpenVINO. Several threads may call it at once.

    Args:
        network: The network to compile. If it has a `head`, only its part `features` is compiled, and torch runs the
            head.
        example: An input of two items; later batches may have any size.
        precision: "bf16" is ignored by processors without it; see `cpu_has_bf16`.
        threads: Number of calls that run at the same time, each in one thread.
        int8_table: The layers that compute in 8 bits; all others compute in `precision`.
    """

    def __init__(
        self, network: nn.Module, example: Tensor, precision: str, threads: int, int8_table: Int8Table | None = None
    ) -> None:
        self._head = getattr(network, "head", None)
        part = network.get_submodule("features") if hasattr(network, "head") else network
        core = openvino().Core()
        self._compiled = core.compile_model(
            _cached_model(part, example, int8_table),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" and cpu_has_bf16() else "f32",
                "NUM_STREAMS": threads,
                "INFERENCE_NUM_THREADS": threads,
                # Several processes would all be pinned to the same cores.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._thread_state = threading.local()

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and embedding of a batch."""
        if not hasattr(self._thread_state, "request"):
            self._thread_state.request = self._compiled.create_infer_request()
        result = self._thread_state.request.infer({0: x.contiguous().numpy()}, share_inputs=True)
        if self._head is not None:
            outputs: tuple[Tensor, Tensor] = self._head(torch.from_numpy(result[0].copy()))
            return outputs
        return torch.from_numpy(result[0].copy()), torch.from_numpy(result[1].copy())


def _cached_model(network: nn.Module, example: Tensor, int8_table: Int8Table | None) -> Any:
    """The network as an OpenVINO model, from the user's cache folder, because converting it takes some seconds."""

    def save(folder: Path) -> None:
        openvino().save_model(
            _convert_model(network, example, int8_table), folder / "network.xml", compress_to_fp16=False
        )

    try:
        folder = build_once(f"openvino-{_fingerprint(network, example, int8_table)}", save)
    except OSError:  # the disk is full
        return _convert_model(network, example, int8_table)
    return openvino().Core().read_model(folder / "network.xml")


def _convert_model(network: nn.Module, example: Tensor, int8_table: Int8Table | None) -> Any:
    with torch.no_grad():
        exported = torch.export.export(network, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    model = openvino().convert_model(exported)
    pad_within_pools(model)
    if int8_table is not None:
        to_int8(model, network, int8_table)
    return model


def _fingerprint(network: nn.Module, example: Tensor, int8_table: Int8Table | None) -> str:
    """A hash of everything that the converted network depends on."""
    digest = hashlib.sha256(repr((example.shape, example.dtype, type(network).__qualname__)).encode())
    for library in ("torch", "openvino"):
        digest.update(importlib.metadata.version(library).encode())
    digest.update(Path(inspect.getsourcefile(type(network)) or "").read_bytes())
    digest.update(getattr(network, "identity", "").encode())  # for networks that their class alone does not identify
    if int8_table is not None:
        digest.update(int8_table.sha256.encode())
    for module in (openvino_pools, *((conversion, rounding) if int8_table is not None else ())):
        digest.update(Path(module.__file__ or "").read_bytes())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()[:24]
