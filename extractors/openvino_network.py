"""Networks on the CPU by OpenVINO."""

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


class Compiled:
    """A model, compiled for the processor; may be called from several threads at once.

    Args:
        model: OpenVINO's form of a network of one input.
        precision: "bf16" is ignored by processors without it; see `cpu_has_bf16`.
        threads: Calls that are worked on at once, each by one thread.
        by_shape: Compile anew for each shape of the input: faster for inputs of few shapes, because results of fixed
            shape can be written to where the next layer reads them.
    """

    def __init__(self, model: Any, precision: str, threads: int, *, by_shape: bool = False) -> None:
        self._model = model
        self._options = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" and cpu_has_bf16() else "f32",
            "NUM_STREAMS": threads,
            "INFERENCE_NUM_THREADS": threads,
            # Several processes would all be pinned to the same cores.
            "ENABLE_CPU_PINNING": False,
        }
        self._by_shape = by_shape
        self._compiled: dict[tuple[int, ...], Any] = {} if by_shape else {(): self._compile(model)}
        self._lock = threading.Lock()
        self._of_thread = threading.local()

    def __call__(self, x: npt.NDArray[Any]) -> list[npt.NDArray[np.float32]]:
        """The outputs."""
        shape = x.shape if self._by_shape else ()
        requests = self._of_thread.__dict__.setdefault("requests", {})
        if shape not in requests:
            requests.clear()
            requests[shape] = self._compiled_for(shape).create_infer_request()
        result = requests[shape].infer({0: np.ascontiguousarray(x)}, share_inputs=True)
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
        by_shape = getattr(network, "reads_one_shape", False)
        self._compiled = Compiled(_converted(compiled, example, int8), precision, threads, by_shape=by_shape)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and embedding of a batch."""
        outputs = [torch.from_numpy(output) for output in self._compiled(x.numpy())]
        if self._head is not None:
            both: tuple[Tensor, Tensor] = self._head(outputs[0])
            return both
        return outputs[0], outputs[1]


def kept(name: str, convert: Callable[[], Any]) -> Any:
    """OpenVINO's form of a network; kept in the user's cache folder, because making it takes some seconds.

    Args:
        name: Must hold everything that the form depends on; see `fingerprint`.
        convert: Makes it.
    """

    def save(folder: Path) -> None:
        openvino().save_model(convert(), folder / "network.xml", compress_to_fp16=False)

    try:
        folder = build_once(f"openvino-{name}", save)
    except OSError:  # no room
        return convert()
    return openvino().Core().read_model(folder / "network.xml")


def fingerprint(*parts: object) -> str:
    """Names a conversion by what it depends on, and by the versions of the libraries that convert."""
    versions = [importlib.metadata.version(library) for library in ("torch", "openvino")]
    return hashlib.sha256(repr((versions, parts)).encode()).hexdigest()[:24]


def _converted(network: nn.Module, example: Tensor, int8: Int8Table | None) -> Any:
    return kept(_fingerprint_of(network, example, int8), lambda: _convert(network, example, int8))


def _convert(network: nn.Module, example: Tensor, int8: Int8Table | None) -> Any:
    with torch.no_grad():
        exported = torch.export.export(network, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    model = openvino().convert_model(exported)
    pad_within_pools(model)
    if int8 is not None:
        to_int8(model, network, int8)
    return model


def _fingerprint_of(network: nn.Module, example: Tensor, int8: Int8Table | None) -> str:
    """Names everything that the converted network depends on."""
    digest = hashlib.sha256()
    digest.update(Path(inspect.getsourcefile(type(network)) or "").read_bytes())
    digest.update(getattr(network, "identity", "").encode())  # of one whose class does not say what it computes
    if int8 is not None:
        digest.update(int8.sha256.encode())
    for module in (openvino_pools, *((conversion, rounding) if int8 is not None else ())):
        digest.update(Path(module.__file__ or "").read_bytes())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return fingerprint(example.shape, example.dtype, type(network).__qualname__, digest.hexdigest())
