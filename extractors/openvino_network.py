"""Networks on the CPU by OpenVINO."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from extractors.made_once import made_once


class OpenVinoNetwork:
    """A torch network, compiled; may be called from several threads at once.

    Args:
        input_shape: Shape of an input without the batch dimension.
        threads: Calls that are worked on at once, each by one thread.
    """

    def __init__(self, network: nn.Module, input_shape: Sequence[int], threads: int) -> None:
        import openvino as ov

        self._compiled = ov.Core().compile_model(
            _converted(network, input_shape),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "f32",
                "NUM_STREAMS": threads,
                "INFERENCE_NUM_THREADS": threads,
                # Several processes would all be pinned to the same cores.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._of_thread = threading.local()

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs of a float32 batch."""
        if not hasattr(self._of_thread, "request"):
            self._of_thread.request = self._compiled.create_infer_request()
        result = self._of_thread.request.infer({0: x.contiguous().numpy()}, share_inputs=True)
        return torch.from_numpy(result[0].copy())


def _converted(network: nn.Module, input_shape: Sequence[int]) -> Any:
    """OpenVINO's form of the network; kept in the user's cache folder, because making it takes some seconds."""
    import openvino as ov

    def save(folder: Path) -> None:
        ov.save_model(_convert(network, input_shape), folder / "network.xml", compress_to_fp16=False)

    try:
        folder = made_once(f"openvino-{_fingerprint(network, input_shape)}", save)
    except OSError:  # no room
        return _convert(network, input_shape)
    return ov.Core().read_model(folder / "network.xml")


def _convert(network: nn.Module, input_shape: Sequence[int]) -> Any:
    import openvino as ov

    with torch.no_grad():
        exported = torch.export.export(
            network, (torch.zeros(2, *input_shape),), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},)
        )
    return ov.convert_model(exported)


def _fingerprint(network: nn.Module, input_shape: Sequence[int]) -> str:
    """Names everything that the converted network depends on."""
    digest = hashlib.sha256(repr((tuple(input_shape), type(network).__qualname__)).encode())
    for library in ("torch", "openvino"):
        digest.update(importlib.metadata.version(library).encode())
    digest.update(Path(inspect.getsourcefile(type(network)) or "").read_bytes())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()[:24]
