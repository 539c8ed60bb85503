"""Measures the ranges by which I3D computes layers in 8 bits, and writes the table that avcues carries.

    python benchmarks/int8/calibrate.py actions/i3d_rgb_scratch --layers 'Conv3d_*' 'Mixed_3*' --media FILE...

The media are videos and photographs; none may be of the videos that the result is judged by. The table goes to
extractors/int8/tables, with the weights' hash. `curve.py` judges it.
"""

from __future__ import annotations

import argparse
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import torch
from clips import Clips, clips_of
from safetensors.numpy import save_file
from torch import Tensor, nn

from avcues.extractors.networks.inception_i3d import Features, InceptionI3D, Unit, load
from avcues.models_cache.cache import WeightsFinder

TABLES = Path(__file__).parents[2] / "extractors" / "int8" / "tables"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("asset", help="<task>/<variant> of the manifest")
    parser.add_argument("--layers", nargs="+", required=True, help="Patterns of the names of layers")
    parser.add_argument("--media", nargs="+", type=Path, required=True)
    parser.add_argument("--clips-per-video", type=int, default=3)
    arguments = parser.parse_args()
    weights = WeightsFinder().resolve(arguments.asset)
    clips = clips_of(arguments.media, arguments.clips_per_video)
    tensors = ranges(load(weights.path), clips, arguments.layers)
    metadata = {"weights_sha256": weights.sha256, "media": ", ".join(path.name for path in arguments.media)}
    TABLES.mkdir(exist_ok=True)
    path = TABLES / f"{arguments.asset.replace('/', '-')}.safetensors"
    save_file(tensors, path, metadata)
    print(f"{path.name}: {len(tensors) // 2} layers from {len(clips)} clips, {path.stat().st_size} bytes")


def ranges(network: InceptionI3D, clips: Clips, patterns: list[str]) -> dict[str, np.ndarray]:
    """The largest value and the means by channel of what each layer reads, over all clips."""
    network.features.read_levels()
    largest: dict[str, list[float]] = {}
    means: dict[str, list[Tensor]] = {}

    def note(name: str, inputs: tuple[Tensor, ...]) -> None:
        read = inputs[0][0].float()
        largest.setdefault(name, []).append(float(read.max()))
        means.setdefault(name, []).append(read.flatten(1).mean(dim=1).double())

    for name, layer in layers_of(network.features):
        layer.register_forward_pre_hook(lambda _, inputs, name=name: note(name, inputs))
    with torch.inference_mode():
        for clip in clips:
            network.features(torch.from_numpy(clip)[None])
    tensors = {}
    for name, _ in layers_of(network.features):
        if any(fnmatch(name, pattern) for pattern in patterns):
            # Pixels use all levels, whatever the clips.
            highest = (
                255.0 if network.features.get_submodule(name) is network.features.Conv3d_1a_7x7 else max(largest[name])
            )
            tensors[f"{name}.largest"] = np.array(highest, np.float32)
            tensors[f"{name}.means"] = torch.stack(means[name]).mean(dim=0).float().numpy()
    return tensors


def layers_of(features: Features) -> list[tuple[str, nn.Module]]:
    """Convolutions by name."""
    return [(name, module) for name, module in features.named_modules() if isinstance(module, Unit)]


if __name__ == "__main__":
    main()
