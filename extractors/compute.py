"""Where numbers are computed: device, precision and threads, decided in one place."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar

import cv2
from threadpoolctl import threadpool_limits

from models_cache import AvcuesError

if TYPE_CHECKING:
    from torch import nn

    Network = TypeVar("Network", bound=nn.Module)

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True, kw_only=True)
class Compute:
    """What an extractor may use.

    Args:
        device: "auto" takes CUDA, then MPS, then the CPU.
        precision: "fp32"; "bf16" is faster and moves probabilities by up to 0.01 (an extractor for which it would be
            more, or not faster, stays with fp32 and says so).
        threads: Intra-op threads of each library.
    """

    device: Device = "auto"
    precision: Precision = "fp32"
    threads: int = 1

    def resolved(self) -> Compute:
        """The same with a definite device.

        Raises:
            AvcuesError: The wanted device is not there.
        """
        import torch

        there: dict[Device, bool] = {
            "cuda": torch.cuda.is_available(),
            "mps": torch.backends.mps.is_available(),
            "cpu": True,
        }
        if self.device == "auto":
            return replace(self, device=next(name for name, is_there in there.items() if is_there))
        if not there[self.device]:
            raise AvcuesError(f"--device {self.device}: torch {torch.__version__} sees no such device here; use auto")
        return self

    def apply(self) -> None:
        """Sets the thread counts of this process's libraries; sums, and so values, may depend on them."""
        cv2.setNumThreads(self.threads)
        threadpool_limits(limits=self.threads)
        torch = sys.modules.get("torch")
        if torch is None:  # no network is in use
            return
        torch.set_num_threads(self.threads)
        if self.device == "cuda":
            # TensorFloat-32 would make "fp32" depend on the card.
            torch.backends.cuda.matmul.allow_tf32 = False
            torch.backends.cudnn.allow_tf32 = False

    def place(self, network: Network) -> Network:
        """Moves a network to the device, ready for inference, its 2-D or 3-D convolutions in channels-last layout.

        Submodules that the network lists in `fp32_modules` stay in fp32 when the precision is bf16.
        """
        import torch
        from torch import nn

        placed = network.to(self.device).eval().requires_grad_(False)
        for module in placed.modules():
            if isinstance(module, nn.Conv2d):
                module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            elif isinstance(module, nn.Conv3d):
                module.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        if self.precision == "bf16":
            for name in getattr(placed, "fp32_modules", ()):
                _keep_in_fp32(placed.get_submodule(name))
        return placed

    def autocast(self) -> AbstractContextManager[None]:
        """Runs what is inside in the wanted precision, without gradients."""
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


def _keep_in_fp32(module: nn.Module) -> None:
    import torch

    forward = module.forward

    def in_fp32(x: torch.Tensor) -> torch.Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return forward(x.float())

    module.forward = in_fp32
