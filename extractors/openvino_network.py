"""Runs networks on the CPU by OpenVINO."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import threading
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from avcues.extractors.build_once import build_once, hash_of_code
from avcues.extractors.int8.conversion import to_int8
from avcues.extractors.int8.table import Int8Table
from avcues.extractors.openvino_import import core, cpu_has_bf16, openvino
from avcues.extractors.openvino_pools import pad_within_pools

_MAX_SHAPES = 8


class CompiledModel:
    """An OpenVINO model with one input, compiled for the processor. Several threads may call it at once.

    Args:
        model: The model.
        precision: "bf16" is ignored by processors without it; see `cpu_has_bf16`.
        threads: Number of calls that run at the same time, each in one thread.
        per_shape: Whether to compile the model for each shape of the input. This takes longer at first, but makes
            every call faster, because OpenVINO can then plan its memory.
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
                if len(self._compiled) == _MAX_SHAPES:
                    del self._compiled[next(iter(self._compiled))]
                reshaped_model = self._model.clone()
                reshaped_model.reshape(list(shape))
                self._compiled[shape] = self._compile(reshaped_model)
            return self._compiled[shape]

    def _compile(self, model: Any) -> Any:
        return core().compile_model(model, "CPU", self._options)


class OpenVinoNetwork:
    """A torch network with two outputs, compiled by OpenVINO. Several threads may call it at once.

    Args:
        model: The network without its head, if it has one.
        head: Torch module that computes both outputs from the output of `model`; None if `model` computes both.
    """

    def __init__(self, model: CompiledModel, head: nn.Module | None = None) -> None:
        self._model = model
        self._head = head

    @classmethod
    def from_network(cls, network: nn.Module, example: Tensor, precision: str, threads: int) -> OpenVinoNetwork:
        """Compiles a network. If it has a `head`, only its part `features` is compiled.

        Args:
            network: The network.
            example: An input of two items; later batches may have any size.
            precision: As in `CompiledModel`.
            threads: As in `CompiledModel`.
        """
        part = _without_head(network)
        model = cached_model(_fingerprint_of_network(part, example), lambda: _convert_model(part, example, None))
        return cls(CompiledModel(model, precision, threads), getattr(network, "head", None))

    @classmethod
    def from_weights(
        cls,
        load: Callable[[], nn.Module],
        identity: str,
        example: Tensor,
        precision: str,
        threads: int,
        head: nn.Module | None,
        int8_table: Int8Table | None,
    ) -> OpenVinoNetwork:
        """Compiles a network, for each shape of its input, and loads it only if it was not converted before.

        Args:
            load: Loads the network.
            identity: Text that differs for networks that differ: names the weights file, the precision and the code.
            example: An input of two items.
            precision: As in `CompiledModel`.
            threads: As in `CompiledModel`.
            head: An untrained copy of the network's head, which receives the network's tensors; None if the network
                has no head.
            int8_table: The layers that compute in 8 bits; all others compute in `precision`.
        """
        load_once = cache(load)
        table_sha256 = None if int8_table is None else int8_table.sha256
        name = fingerprint(identity, example.shape, example.dtype, table_sha256)
        model = cached_model(name, lambda: _convert_model(_without_head(load_once()), example, int8_table))
        if head is not None:
            tensors = _cached_tensors(name, lambda: _tensors_of(load_once().get_submodule("head")))
            for key, tensor in _tensors_of(head).items():
                tensor.copy_(tensors[key])
        return cls(CompiledModel(model, precision, threads, per_shape=True), head)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and embedding of a batch."""
        first_output, *other_outputs = map(torch.from_numpy, self._model(x.numpy()))
        if self._head is not None:
            outputs: tuple[Tensor, Tensor] = self._head(first_output)
            return outputs
        return first_output, other_outputs[0]


def _without_head(network: nn.Module) -> nn.Module:
    return network.get_submodule("features") if hasattr(network, "head") else network


def _tensors_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach() for name, tensor in (*module.named_parameters(), *module.named_buffers())}


def _cached_tensors(name: str, load_tensors: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors of a head, from the user's cache folder."""
    from safetensors.torch import load_file, save_file

    try:
        folder = build_once(f"head-{name}", lambda folder: save_file(load_tensors(), folder / "head.safetensors"))
    except OSError:  # the disk is full
        return load_tensors()
    return load_file(folder / "head.safetensors")


def cached_model(name: str, convert: Callable[[], Any]) -> Any:
    """An OpenVINO model from the user's cache folder, because converting a network takes some seconds.

    Args:
        name: A `fingerprint` of everything that the model depends on.
        convert: Makes the model.
    """

    convert_once = cache(convert)

    def save(folder: Path) -> None:
        model = convert_once()
        try:
            openvino().save_model(model, folder / "network.xml", compress_to_fp16=False)
        except RuntimeError as error:  # OpenVINO's error for a full disk, too
            raise OSError(f"{folder}: {error}") from error

    try:
        folder = build_once(f"openvino-{name}", save)
    except OSError:  # the disk is full
        return convert_once()
    return core().read_model(folder / "network.xml")


def fingerprint(*parts: object) -> str:
    """A hash of what a model depends on, of avcues' own code, and of the libraries that build and convert networks."""
    versions = [(library, _version(library)) for library in ("torch", "torchvision", "pytorchvideo", "openvino")]
    return hashlib.sha256(repr((versions, hash_of_code(), parts)).encode()).hexdigest()[:24]


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def _convert_model(network: nn.Module, example: Tensor, int8_table: Int8Table | None) -> Any:
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of torch's own code, which users cannot mend
        exported = torch.export.export(network, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
        model = openvino().convert_model(exported)
    pad_within_pools(model)
    if int8_table is not None:
        to_int8(model, network, int8_table)
    return model


def _fingerprint_of_network(network: nn.Module, example: Tensor) -> str:
    digest = hashlib.sha256(Path(inspect.getsourcefile(type(network)) or "").read_bytes())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    identity = getattr(network, "identity", "")  # distinguishes networks of one class that compute differently
    return fingerprint(example.shape, example.dtype, type(network).__qualname__, identity, digest.hexdigest())
