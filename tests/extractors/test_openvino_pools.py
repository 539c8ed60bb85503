"""Paddings become part of the max pools that read them, and nothing changes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from avcues.extractors.openvino_import import core, openvino
from avcues.extractors.openvino_pools import pad_within_pools


class Pools(nn.Module):
    """A pool behind a ReLU, one behind a join of two, and one behind what may be negative."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(functional.pad(self.first(x).relu(), (0, 1, 0, 1)), 3, 2)
        joined = torch.cat([x, self.second(x).relu()], dim=1)
        x = functional.max_pool2d(functional.pad(joined, (1, 1, 1, 1)), 3, 1)
        return functional.max_pool2d(functional.pad(x - 1, (1, 1, 1, 1)), 3, 1)


def test_only_paddings_of_what_is_not_negative_become_part_of_the_pool() -> None:
    torch.manual_seed(0)
    network = Pools().eval()
    x = torch.rand(2, 3, 16, 16) - 0.5
    model = openvino().convert_model(torch.export.export(network, (x,)))
    assert kinds(model)["Pad"] == 3
    expected = computed(model, x)
    pad_within_pools(model)
    assert (kinds(model)["Pad"], kinds(model)["MaxPool"]) == (1, 3)
    np.testing.assert_array_equal(computed(model, x), expected)
    with torch.no_grad():
        np.testing.assert_allclose(expected, network(x).numpy(), atol=1e-6)


def kinds(model: Any) -> Counter[str]:
    return Counter(node.get_type_name() for node in model.get_ops())


def computed(model: Any, x: Tensor) -> np.ndarray:
    compiled = core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return compiled.create_infer_request().infer({0: x.numpy()})[0].copy()
