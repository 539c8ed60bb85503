"""Runs networks on the CPU by OpenVINO."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from avcues.extractors import openvino_pools
from avcues.extractors.build_once import build_once
from avcues.extractors.int8 import conversion, rounding
from avcues.extractors.int8.conversion import to_int8
from avcues.extractors.int8.table import Int8Table
from avcues.extractors.openvino_import import cpu_has_bf16, openvino
from avcues.extractors.openvino_pools import pad_within_pools

_MOST_SHAPES = 8


class CompiledModel:
    """An OpenVINO model with one input, compiled for the processor. Several threads may call it at once.

    Args:
        model: The model.
        precision: "bf16" is ignored by processors without it; see `cpu_has_bf16`.
        threads: Number of calls that run at the same time, each in one thread.
        per_shape: Whether to compile the model again for each shape of the input. This takes time once, and saves some
            in every call: OpenVINO then knows where each layer may write its output.
    """

    def __init__(self, model: Any, precision: str, threads: int, *, per_shape: bool = False) -> None:
        self._model = model
        self._options = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" and cpu_has_bf16() else "f32",
            "NUM_STREAMS": threads,
            "INFERENCE_NUM_THREADS": threads,
            # Several processes would all be pinned to the same cores.
            "ENABLE_CPU_PINNING": False,
        }
        self._per_shape = per_shape
        self._compiled: dict[tuple[int, ...], Any] = {} if per_shape else {(): self._compile(model)}
        self._lock = threading.Lock()
        self._thread_state = threading.local()

    def __call__(self, x: npt.NDArray[Any]) -> list[npt.NDArray[np.float32]]:
        """The outputs of the model for an input."""
        shape = x.shape if self._per_shape else ()
        if getattr(self._thread_state, "shape", None) != shape:
            self._thread_state.request = self._compiled_for(shape).create_infer_request()
            self._thread_state.shape = shape
        result = self._thread_state.request.infer({0: np.ascontiguousarray(x)}, share_inputs=True)
        return [result[i].copy() for i in range(len(self._model.outputs))]

    def _compiled_for(self, shape: tuple[int, ...]) -> Any:
        with self._lock:
            if shape not in self._compiled:
                if len(self._compiled) == _MOST_SHAPES:
                    del self._compiled[next(iter(self._compiled))]
                fixed = self._model.clone()
                fixed.reshape(list(shape))
                self._compiled[shape] = self._compile(fixed)
            return self._compiled[shape]

    def _compile(self, model: Any) -> Any:
        return openvino().Core().compile_model(model, "CPU", self._options)


class OpenVinoNetwork:
    """A torch network with two outputs, compiled by OpenVINO. Several threads may call it at once.

    Args:
        network: The network to compile. If it has a `head`, only its part `features` is compiled, and torch runs the
            head. If its `has_one_shape` is true, it is compiled for each shape of its input.
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
        model = cached_model(
            _fingerprint_of_network(part, example, int8_table), lambda: _convert_model(part, example, int8_table)
        )
        self._model = CompiledModel(model, precision, threads, per_shape=getattr(network, "has_one_shape", False))

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and embedding of a batch."""
        first, *others = map(torch.from_numpy, self._model(x.numpy()))
        if self._head is not None:
            outputs: tuple[Tensor, Tensor] = self._head(first)
            return outputs
        return first, others[0]


def cached_model(name: str, convert: Callable[[], Any]) -> Any:
    """An OpenVINO model from the user's cache folder, because converting a network takes some seconds.

    Args:
        name: A `fingerprint` of everything that the model depends on.
        convert: Makes the model.
    """

    def save(folder: Path) -> None:
        openvino().save_model(convert(), folder / "network.xml", compress_to_fp16=False)

    try:
        folder = build_once(f"openvino-{name}", save)
    except OSError:  # the disk is full
        return convert()
    return openvino().Core().read_model(folder / "network.xml")


def fingerprint(*parts: object) -> str:
    """A hash of what a model depends on, and of the versions of the libraries that convert it."""
    versions = [importlib.metadata.version(library) for library in ("torch", "openvino")]
    return hashlib.sha256(repr((versions, parts)).encode()).hexdigest()[:24]


def _convert_model(network: nn.Module, example: Tensor, int8_table: Int8Table | None) -> Any:
    with torch.no_grad():
        exported = torch.export.export(network, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    model = openvino().convert_model(exported)
    pad_within_pools(model)
    if int8_table is not None:
        to_int8(model, network, int8_table)
    return model


def _fingerprint_of_network(network: nn.Module, example: Tensor, int8_table: Int8Table | None) -> str:
    digest = hashlib.sha256(Path(inspect.getsourcefile(type(network)) or "").read_bytes())
    for module in (openvino_pools, *((conversion, rounding) if int8_table is not None else ())):
        digest.update(Path(module.__file__ or "").read_bytes())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    # The class of a network alone may not determine what it computes.
    identity = getattr(network, "identity", "")
    table = None if int8_table is None else int8_table.sha256
    return fingerprint(example.shape, example.dtype, type(network).__qualname__, identity, table, digest.hexdigest())
