"""Measures the input ranges of I3D's layers for 8 bits, and pins those of some layers in the package.

    python benchmarks/int8/calibrate.py actions/i3d_rgb_scratch --media FILE... --all ranges.safetensors \\
        --pin Conv3d_1a_7x7 Conv3d_2c_3x3 '*.b1b'

The media are videos and photographs; none of them may be used to judge the result. Pinned ranges go to
extractors/int8/tables, with the weights' hash and the names of the media. `curve.py` judges choices of layers.
"""

from __future__ import annotations

import argparse
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from clips import Clips, clips_of
from safetensors.numpy import save_file
from torch import Tensor

from avcues.extractors.networks.inception_i3d import InceptionI3D, Unit, load
from avcues.models_cache.cache import WeightsFinder

TABLES = Path(__file__).parents[2] / "extractors" / "int8" / "tables"
HIGHEST_LEVEL = 255.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("asset", help="<task>/<variant> of the manifest")
    parser.add_argument("--media", nargs="+", type=Path, required=True)
    parser.add_argument("--clips-per-video", type=int, default=3)
    parser.add_argument("--all", type=Path, help="Also write the ranges of all layers to this file")
    parser.add_argument("--pin", nargs="+", default=[], help="Patterns of the names of the layers to pin")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    weights = WeightsFinder().resolve(arguments.asset)
    clips = clips_of(arguments.media, arguments.clips_per_video)
    ranges = ranges_of(load(weights.path), clips)
    metadata = {"weights_sha256": weights.sha256, "media": ", ".join(path.name for path in arguments.media)}
    if arguments.all:
        save_file(ranges, arguments.all, metadata)
    pinned = {key: value for key, value in ranges.items() if _is_among(key, arguments.pin)}
    if pinned:
        path = TABLES / f"{arguments.asset.replace('/', '-')}.safetensors"
        save_file(pinned, path, metadata)
        print(f"{path.name}: {len(pinned) // 2} layers from {len(clips)} clips, {path.stat().st_size} bytes")


def ranges_of(network: InceptionI3D, clips: Clips) -> dict[str, npt.NDArray[np.float32]]:
    """`<layer>.largest`, the largest value that a layer reads, and `<layer>.means` by channel, over all clips."""
    network.features.read_levels()
    largest: dict[str, float] = {}
    means: dict[str, list[Tensor]] = {}

    def note(name: str, read: Tensor) -> None:
        largest[name] = max(largest.get(name, 0.0), float(read.max()))
        means.setdefault(name, []).append(read[0].float().flatten(1).mean(dim=1).double())

    for name, layer in network.features.named_modules():
        if isinstance(layer, Unit):
            layer.register_forward_pre_hook(lambda _, inputs, name=name: note(name, inputs[0]))
    with torch.inference_mode():
        for clip in clips:
            network.features(torch.from_numpy(clip)[None])
    largest["Conv3d_1a_7x7"] = HIGHEST_LEVEL  # pixels may have any level, whatever these clips have
    ranges = {}
    for name in means:
        ranges[f"{name}.largest"] = np.array(largest[name], np.float32)
        ranges[f"{name}.means"] = torch.stack(means[name]).mean(dim=0).float().numpy()
    return ranges


def _is_among(key: str, patterns: list[str]) -> bool:
    return any(fnmatch(key.rpartition(".")[0], pattern) for pattern in patterns)


if __name__ == "__main__":
    main()
