"""Device, precision, threads and weights of extractors, decided in one place."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from avcues.errors import AvcuesError
from avcues.models_cache.cache import Weights, WeightsFinder

if TYPE_CHECKING:
    from torch import Tensor, nn

    from avcues.extractors.int8.table import Int8Table

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["fp32", "bf16", "int8", "int8+fp32"]
"""On a processor without bf16, "int8" becomes "int8+fp32": layers that are not in 8 bits stay in fp32."""
Network = Callable[["Tensor"], tuple["Tensor", "Tensor"]]
"""Maps a batch to (B, classes) logits and the (B, width) embedding that they are computed from."""

# NVIDIA's cards, its boards (Jetson), AMD's cards, and Windows' GPUs in WSL.
_GPU_DEVICE_FILES = ("nvidia*", "nvmap", "nvgpu*", "kfd", "dxg")


@dataclass(frozen=True, kw_only=True)
class Compute:
    """Device, precision, threads and weights of extractors.

    Args:
        device: "auto" takes CUDA, then MPS, then the CPU.
        precision: "fp32"; "bf16" is faster and moves probabilities by about 0.01 at most; "int8" is faster still and
            moves them by 0.02 on average and 0.06 at most. An extractor that would move them more, or gain no speed,
            uses the next higher precision and reports it; see `BaseExtractor.precision_in`.
        threads: Number of batches that are processed at the same time, each by one thread. If a library split a batch
            over threads, their number would change the order of sums, and so the values.
        weights: Finds weights files by name, as in `compute.weights.resolve("scenes/resnet50").path`.
    """

    device: Device = "auto"
    precision: Precision = "fp32"
    threads: int = 1
    weights: WeightsFinder = field(default_factory=WeightsFinder)

    def resolved(self) -> Compute:
        """A copy with a definite device.

        Raises:
            AvcuesError: torch does not see the requested device.
        """
        if self.device == "cpu" or (self.device == "auto" and not _may_have_gpu()):
            return replace(self, device="cpu")
        import torch

        available: dict[Device, bool] = {
            "cuda": torch.cuda.is_available(),
            "mps": torch.backends.mps.is_available(),
            "cpu": True,
        }
        if self.device == "auto":
            return replace(self, device=next(name for name, is_available in available.items() if is_available))
        if not available[self.device]:
            raise AvcuesError(
                f"`device={self.device}`: torch {torch.__version__} sees no such device on this machine; use auto"
            )
        return self

    @property
    def in_8_bits(self) -> bool:
        """Whether layers are computed in 8 bits."""
        return self.precision.startswith("int8")

    def in_fp32(self) -> Compute:
        """A copy with single precision."""
        return replace(self, precision="fp32")

    def configure_libraries(self) -> None:
        """Limits the libraries of this process to one thread per batch."""
        import cv2
        from threadpoolctl import threadpool_limits

        cv2.setNumThreads(1)
        threadpool_limits(limits=1)
        torch = sys.modules.get("torch")
        if torch is None:  # no network is in use
            return
        torch.set_num_threads(1)
        if self.device == "cuda":
            # TensorFloat-32 would make "fp32" depend on the card.
            torch.backends.cuda.matmul.allow_tf32 = False
            torch.backends.cudnn.allow_tf32 = False

    def prepare_for_inference(self, network: nn.Module, example: Tensor | None = None) -> Network:
        """Makes a network ready for inference on the device.

        On a CPU, OpenVINO compiles the network: it takes half of torch's time and gives the same logits to 1e-5. In
        bf16 it does so only for a network that consists of the parts `features` and `head`; the head stays in fp32.
        Elsewhere torch runs the network, with 2-D and 3-D convolutions in the channels-last layout. In bf16, the
        submodules that the network lists in `fp32_modules` stay in fp32; a network that has a method `round_to_bf16`
        rounds itself.

        Args:
            network: The network. In 8 bits, its method `prepare_for_int8` is called first.
            example: An input of two items; None: torch runs the network everywhere.

        Raises:
            AvcuesError: The precision is int8, and the device or processor would compute other values.
        """
        import torch
        from torch import nn

        on_device = self._rounded(network)
        if example is not None and self.device == "cpu" and (not self._in_bf16 or hasattr(on_device, "head")):
            from avcues.extractors.openvino_network import OpenVinoNetwork

            return OpenVinoNetwork.from_network(on_device, example, "bf16" if self._in_bf16 else "fp32", self.threads)
        for module in on_device.modules():
            if isinstance(module, nn.Conv2d):
                module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            elif isinstance(module, nn.Conv3d):
                module.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        return on_device

    def load_for_inference(
        self,
        load: Callable[[Path], nn.Module],
        weights: Weights,
        example: Tensor,
        head: nn.Module | None = None,
        int8_table: Int8Table | None = None,
    ) -> Network:
        """The network in a weights file, ready for inference as by `prepare_for_inference`.

        On a CPU it is loaded once per machine, because its converted form is kept in the user's cache folder.

        Args:
            load: Loads the network.
            weights: The file.
            example: An input of two items. OpenVINO compiles the network again for each other shape of an item, and for
                each number of items.
            head: An untrained copy of the network's head, if the network consists of `features` and `head`.
            int8_table: The layers to compute in 8 bits, if `in_8_bits`.

        Raises:
            AvcuesError: The precision is int8, and the device or processor would compute other values.
        """
        if self.in_8_bits:
            self._check_8_bits()
        if self.device != "cpu" or (self._in_bf16 and head is None):
            return self.prepare_for_inference(load(weights.path), example)
        from avcues.extractors.openvino_network import OpenVinoNetwork

        if head is not None:
            _keep_in_fp32(head)
        source = Path(inspect.getsourcefile(inspect.unwrap(load)) or "").read_bytes()
        return OpenVinoNetwork.from_weights(
            lambda: self._rounded(load(weights.path)),
            repr((weights.sha256, self.precision, source)),
            example,
            "bf16" if self._in_bf16 else "fp32",
            self.threads,
            head,
            int8_table if self.in_8_bits else None,
        )

    @property
    def _in_bf16(self) -> bool:
        """Whether the layers that are not in 8 bits are computed in bf16."""
        return self.precision in ("bf16", "int8")

    def _rounded(self, network: nn.Module) -> nn.Module:
        """The network on the device, in this precision."""
        on_device = network.to(self.device).eval().requires_grad_(False)
        if self.in_8_bits:
            self._check_8_bits()
            on_device.prepare_for_int8()  # type: ignore[operator]
        if self._in_bf16:
            getattr(on_device, "round_to_bf16", lambda: None)()
            for name in getattr(on_device, "fp32_modules", ()):
                _keep_in_fp32(on_device.get_submodule(name))
        return on_device

    def _check_8_bits(self) -> None:
        from avcues.extractors.int8.processor import multiplies_exactly

        if self.device != "cpu":
            raise AvcuesError(f"`precision=int8` runs only on a CPU, not on {self.device}; use bf16")
        if not multiplies_exactly():
            raise AvcuesError(
                "`precision=int8`: this processor does not compute 8-bit products exactly (no VNNI); use bf16"
            )

    def autocast(self) -> AbstractContextManager[None]:
        """A context that runs its block in this precision, without gradients."""
        import torch

        return _Inference(torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bf16"))


class _Inference(AbstractContextManager[None]):
    def __init__(self, autocast: AbstractContextManager[None]) -> None:
        import torch

        self._contexts = (torch.inference_mode(), autocast)

    def __enter__(self) -> None:
        for context in self._contexts:
            context.__enter__()

    def __exit__(self, *error: object) -> None:
        for context in reversed(self._contexts):
            context.__exit__(*error)  # type: ignore[arg-type]


def _may_have_gpu() -> bool:
    """Whether this machine may have a GPU that torch sees; on Linux decided by device files, without loading torch."""
    if sys.platform != "linux":
        return True
    return any(True for pattern in _GPU_DEVICE_FILES for _ in Path("/dev").glob(pattern))


def _keep_in_fp32(module: nn.Module) -> None:
    import torch

    forward = module.forward

    def in_fp32(x: torch.Tensor) -> torch.Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return forward(x.float())

    module.forward = in_fp32
