"""What models of the hub cost beside the network alone: `python benchmarks/hub_models.py VIDEO`.

The models are well-known architectures with random weights, which cost the same. Measured for each, in turn: processor
seconds of `avcues extract` with the model minus those without it, and of the network alone on ready input in torch, one
frame or chunk of sound at a time.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def _models(tf: Any) -> dict[str, tuple[Any, Any]]:
    size = {"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}}
    dinov2 = tf.Dinov2Config(hidden_size=384, num_attention_heads=6, image_size=518)
    return {
        "clip-vit-base-patch32": (
            tf.CLIPVisionModelWithProjection(tf.CLIPVisionConfig()),
            tf.CLIPImageProcessor(**size),
        ),
        "dinov2-small": (tf.Dinov2Model(dinov2), tf.BitImageProcessor(**size)),
        "wav2vec2-base": (tf.Wav2Vec2Model(tf.Wav2Vec2Config()), tf.Wav2Vec2FeatureExtractor(do_normalize=True)),
    }


def _alone(model: Any, windows: int) -> float:
    """Processor seconds of the network on ready input."""
    import torch

    torch.set_num_threads(1)
    is_sound = model.main_input_name == "input_values"
    inputs = torch.randn(1, 480_400) if is_sound else torch.randn(1, 3, 224, 224)
    count = math.ceil(windows / 40) if is_sound else windows
    with torch.inference_mode():
        model(inputs)
        before = time.process_time()
        for _ in range(count):
            model(inputs)
    return time.process_time() - before


def _extract(video: Path, *options: str) -> float:
    """Processor seconds of a run, including its workers."""
    with tempfile.TemporaryDirectory() as out:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "avcues", "extract", str(video), "--out", out, "--workers", "0"]
        subprocess.run([*command, "--features", "shots", *options], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Prints the figures and writes them to `results/hub_models.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--windows", type=int, default=120)
    arguments = parser.parse_args()
    import transformers

    from avcues.extractors.torchvision_import import torchvision

    torchvision()
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (model, processor) in _models(transformers).items():
            place = Path(folder) / name
            model.eval().save_pretrained(place)
            processor.save_pretrained(place)
            _extract(arguments.video, "--model", f"m={place}")  # converts the network, once on this machine
            plain, with_model = _extract(arguments.video), _extract(arguments.video, "--model", f"m={place}")
            figures[name] = {"network_alone_s": _alone(model, arguments.windows), "avcues_s": with_model - plain}
            print(name, {key: round(value, 1) for key, value in figures[name].items()})
    (HERE / "results" / "hub_models.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
