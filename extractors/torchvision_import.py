"""Imports torchvision beside a torch build that lacks the libraries that torchvision was built for.

The wheels on the package index are linked to CUDA; beside a CPU-only torch their operators cannot be loaded, and
`import torchvision` stops at "operator torchvision::nms does not exist". The models and transforms need none of the
operators, so the import succeeds once `nms` is declared, with an implementation of our own.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

_library: Any = None  # torch removes the operators when this object is deleted
_lock = threading.Lock()


def torchvision() -> Any:
    """The package `torchvision`, imported with its models, operators and transforms; any thread may call this."""
    with _lock:
        return _import_once()


@cache
def _import_once() -> Any:
    try:
        with _without_compiler():
            return _import()
    except (ImportError, AttributeError):  # another version of torchvision needs more of the compiler
        _forget_torchvision()
        return _import()


def _import() -> Any:
    try:
        import torchvision as package
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        _forget_torchvision()
        _declare_nms()
        import torchvision as package

        # Its check would refuse to call the operator, because the compiled ones are missing.
        package.extension._has_ops = lambda: True
    import torchvision.models
    import torchvision.ops
    import torchvision.transforms.v2

    return package


def _forget_torchvision() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]


@contextmanager
def _without_compiler() -> Iterator[None]:
    """Keeps torch's compiler from being imported, which would take longer than torch itself.

    torchvision only asks the compiler whether it can compile, and tells it which functions not to compile; avcues
    compiles nothing.
    """
    if "torch._dynamo" in sys.modules:
        yield
        return
    compiler, utilities = ModuleType("torch._dynamo"), ModuleType("torch._dynamo.utils")
    compiler.disable = lambda function, *_, **__: function  # type: ignore[attr-defined]
    utilities.is_compile_supported = lambda device: False  # type: ignore[attr-defined]
    sys.modules |= {"torch._dynamo": compiler, "torch._dynamo.utils": utilities}
    try:
        yield
    finally:
        del sys.modules["torch._dynamo"], sys.modules["torch._dynamo.utils"]


def _declare_nms() -> None:
    global _library
    if _library is not None:
        return
    _library = torch.library.Library("torchvision", "DEF")
    _library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _library.impl("nms", nms, "CPU")


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Non-maximum suppression: indices of the selected boxes, by decreasing score.

    Args:
        boxes: (N, 4) x1, y1, x2, y2.
        scores: (N,) confidences.
        iou_threshold: A box that overlaps a better one by more than this is dropped.
    """
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    areas = (x2 - x1) * (y2 - y1)
    order = torch.sort(scores, descending=True, stable=True).indices
    selected = []
    while order.numel():
        best, remaining = order[0], order[1:]
        selected.append(best)
        width = (torch.minimum(x2[best], x2[remaining]) - torch.maximum(x1[best], x1[remaining])).clamp(min=0)
        height = (torch.minimum(y2[best], y2[remaining]) - torch.maximum(y1[best], y1[remaining])).clamp(min=0)
        overlap = width * height
        order = remaining[overlap / (areas[best] + areas[remaining] - overlap) <= iou_threshold]
    return torch.stack(selected) if selected else torch.empty(0, dtype=torch.int64, device=boxes.device)
