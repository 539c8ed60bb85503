"""Makes the network of a model ready for inference, and tries it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from avcues.extractors.hub import networks

if TYPE_CHECKING:
    from avcues.extractors.compute import Compute
    from avcues.extractors.hub.model import HubModel
    from avcues.extractors.hub.spec import ModelSpec


def load_for_inference(model: HubModel, processor: networks.Processor, compute: Compute) -> Any:
    """The network of a model, ready for inference.

    On a CPU in fp32, OpenVINO compiles models of images and clips, which halves their time, provided that the outputs
    agree with torch's to 1e-4 of the largest output. All other models run in torch.
    """
    network = networks.build(model.repository.folder, model.spec, model.options)
    if compute.device == "cpu" and compute.precision == "fp32" and model.spec.kind in ("image", "video"):
        compiled = _compiled(network, processor(example(model.spec)), compute)
        if compiled is not None:
            return compiled
    return network.to(compute.device).requires_grad_(False)


def example(spec: ModelSpec) -> list[Any]:
    """Two items that a model reads: images, clips, sounds or texts."""
    if spec.kind == "text":
        return ["a text", "another text"]
    random = [np.random.default_rng(i) for i in range(2)]
    if spec.kind in ("image", "video"):
        shape = (96, 128, 3) if spec.kind == "image" else (spec.frames, 96, 128, 3)
        return [generator.integers(0, 256, shape, np.uint8) for generator in random]
    samples = max(spec.rate_hz, spec.receptive_field)
    return [generator.normal(0, 0.1, samples).astype(np.float32) for generator in random]


def _compiled(network: networks.HubNetwork, example: Tensor, compute: Compute) -> Any:
    from avcues.extractors.openvino_network import OpenVinoNetwork

    try:
        compiled = OpenVinoNetwork.from_network(_TwoOutputs(network), example, "fp32", compute.threads)
        with torch.inference_mode():
            expected, actual = network(example), compiled(example)[0]
    except Exception:  # torch cannot export it, or OpenVINO lacks an operation; torch itself runs every network
        return None
    if not torch.allclose(actual, expected, rtol=0, atol=1e-4 * float(expected.abs().max())):
        return None
    return lambda x: compiled(x)[0]


class _TwoOutputs(nn.Module):
    """Returns the outputs twice, because `OpenVinoNetwork` expects logits and an embedding."""

    def __init__(self, network: networks.HubNetwork) -> None:
        super().__init__()
        self.network = network
        self.identity = network.identity

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.network(x)
        return outputs, outputs
