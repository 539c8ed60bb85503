"""I3D ResNet-50 8x8 of PyTorchVideo (Fan et al. 2021), 400 Kinetics classes."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from avcues.extractors.torchvision_import import torchvision
from avcues.models_cache.cache import check_package
from avcues.models_cache.loading import check_all_used, load_torch, weights_loader
from avcues.models_cache.manifest import asset

_FRAMES = 8
_MEAN, _STD = 0.45, 0.225


class I3DResNet50(nn.Module):
    """Maps (B, 64, 224, 224, 3) uint8 RGB clips to (B, 400) logits and a (B, 2048) embedding.

    The network uses every eighth frame.
    """

    def __init__(self) -> None:
        super().__init__()
        check_package(asset("actions/i3d_r50"))
        torchvision()  # pytorchvideo imports it
        from pytorchvideo.models.hub.resnet import i3d_r50

        self.network = i3d_r50(pretrained=False)

    def forward(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        x = (clips[:, :: clips.shape[1] // _FRAMES].permute(0, 4, 1, 2, 3).float() / 255 - _MEAN) / _STD
        *blocks, head = self.network.blocks
        for block in blocks:
            x = block(x)
        # Like the published head: pools, classifies each position, and averages over positions.
        pooled = head.pool(x)
        logits = head.proj(pooled.movedim(1, -1)).movedim(-1, 1)
        return logits.mean(dim=(2, 3, 4)).float(), pooled.mean(dim=(2, 3, 4)).float()


@weights_loader
def load(path: Path) -> I3DResNet50:
    """The network with the weights of `I3D_8x8_R50.pyth`.

    Raises:
        WeightsError: The file does not hold exactly the tensors of this network, or PyTorchVideo is not installed.
    """
    model = I3DResNet50()
    state: dict[str, torch.Tensor] = load_torch(path)["model_state"]
    load_result = model.network.load_state_dict(state, strict=False)
    check_all_used(path, load_result.missing_keys, load_result.unexpected_keys)
    return model.eval()
