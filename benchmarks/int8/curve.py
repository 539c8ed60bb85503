"""How far I3D's probabilities change, and how long a clip takes, by the layers that are computed in 8 bits.

    python benchmarks/int8/curve.py actions/i3d_rgb_scratch ranges.safetensors VIDEO...

The ranges are those of all layers, by `calibrate.py`; they must have been measured on other videos.
Times are processor seconds of one thread, the median over the clips. Writes int8.md into --out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from clips import Clips, clips_of
from safetensors import safe_open

from avcues.extractors.compute import Compute, Precision
from avcues.extractors.int8.table import Int8Table, Layer
from avcues.extractors.networks.inception_i3d import Head, InceptionI3D, Unit, load
from avcues.models_cache.cache import Weights, WeightsFinder

CHOICES = {
    "none": (),
    "the first": ("Conv3d_1a_7x7",),
    "the four largest": ("Conv3d_1a_7x7", "Conv3d_2c_3x3", "Mixed_3b.b1b", "Mixed_3c.b1b"),
    "the first two 3x3x3 or larger, and those of all large branches (pinned)": (
        "Conv3d_1a_7x7",
        "Conv3d_2c_3x3",
        "*.b1b",
    ),
    "these, those of all small branches, and the second": (
        "Conv3d_1a_7x7",
        "Conv3d_2?_*",
        "*.b1b",
        "*.b2b",
    ),
    "all up to the second block": ("Conv3d_*", "Mixed_3*"),
    "all": ("*",),
}


@dataclass
class EvaluatedModel:
    """Results of one choice of layers.

    Args:
        probabilities: (N, 400) over all clips.
        seconds: Processor seconds per clip.
    """

    probabilities: npt.NDArray[np.float32]
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("asset", help="<task>/<variant> of the manifest")
    parser.add_argument("ranges", type=Path)
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--every", type=int, default=1, help="Judge by every so many clips")
    parser.add_argument("--choices", nargs="+", default=list(CHOICES), choices=list(CHOICES))
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "results")
    arguments = parser.parse_args()
    weights = WeightsFinder().resolve(arguments.asset)
    clips = clips_of(arguments.videos)[:: arguments.every]
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache  # converted networks, 50 MB each
        exact = judge(weights, clips, "fp32", None)
        rows = []
        for choice in arguments.choices:
            table = table_of_layers(arguments.ranges, CHOICES[choice])
            fast = judge(weights, clips, "int8" if table.layers else "bf16", table)
            rows.append(row(choice, load(weights.path), table, fast, exact))
            print(rows[-1], flush=True)
    names = ", ".join(path.name for path in arguments.videos)
    head = ("in 8 bits", "layers", "products", "mean change", "largest change", "top 1", "s a clip", "fp32 / it")
    lines = [
        f"# I3D in 8 bits, the rest in bf16: {arguments.asset}, {len(clips)} clips of {names}",
        f"fp32 takes {exact.seconds:.2f} processor seconds a clip. A clip's change is that of the probability that "
        "moves most.",
        "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)),
    ]
    arguments.out.mkdir(exist_ok=True)
    (arguments.out / "int8.md").write_text("\n\n".join(lines) + "\n")


def table_of_layers(ranges: Path, patterns: Sequence[str]) -> Int8Table:
    """The layers that match one of the patterns."""
    with safe_open(ranges, "np") as file:
        names = [key.removesuffix(".means") for key in file.keys() if key.endswith(".means")]  # noqa: SIM118
        layers = {
            name: Layer(float(file.get_tensor(f"{name}.largest")), file.get_tensor(f"{name}.means"))
            for name in names
            if any(fnmatch(name, pattern) for pattern in patterns)
        }
        return Int8Table(file.metadata()["weights_sha256"], layers, repr(sorted(layers)))


def judge(weights: Weights, clips: Clips, precision: Precision, table: Int8Table | None) -> EvaluatedModel:
    """The probabilities of all clips, computed one after the other."""
    compute = Compute(device="cpu", precision=precision)
    example = torch.zeros(2, *clips.shape[1:], dtype=torch.uint8)
    network = compute.load_for_inference(load, weights, example, Head().requires_grad_(False), table)
    compute.configure_libraries()
    probabilities, seconds = [], []
    for clip in clips:
        started = time.process_time()
        with compute.autocast():
            logits, _ = network(torch.from_numpy(clip)[None])
        seconds.append(time.process_time() - started)
        probabilities.append(logits.softmax(dim=1).numpy())
    return EvaluatedModel(np.concatenate(probabilities), statistics.median(seconds))


def row(choice: str, network: InceptionI3D, table: Int8Table, fast: EvaluatedModel, exact: EvaluatedModel) -> list[str]:
    """The cells of a choice."""
    products = products_of(network)
    change = np.abs(fast.probabilities - exact.probabilities).max(axis=1)
    same_top1 = fast.probabilities.argmax(axis=1) == exact.probabilities.argmax(axis=1)
    return [
        choice,
        f"{len(table.layers)} of {len(products)}",
        f"{sum(products[name] for name in table.layers) / sum(products.values()):.0%}",
        f"{change.mean():.4f}",
        f"{change.max():.4f}",
        f"{same_top1.sum()} of {len(same_top1)}",
        f"{fast.seconds:.3f}",
        f"{exact.seconds / fast.seconds:.2f}",
    ]


def products_of(network: InceptionI3D) -> dict[str, int]:
    """Products of each layer for a clip with a seventh of the width and height, which shrinks all layers alike."""
    counts: dict[str, int] = {}

    def count(name: str, layer: Unit, output: torch.Tensor) -> None:
        counts[name] = output[0, 0].numel() * layer.weight.numel()

    for name, layer in network.features.named_modules():
        if isinstance(layer, Unit):
            layer.register_forward_hook(lambda layer, _, output, name=name: count(name, layer, output))
    with torch.inference_mode():
        network.features(torch.zeros(1, 64, 32, 32, 3, dtype=torch.uint8))
    return counts


if __name__ == "__main__":
    main()
