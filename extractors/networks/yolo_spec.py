"""Classes and input sizes of Ultralytics YOLO checkpoints, cached so that torch is imported only once."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from avcues.extractors.build_once import build_once, hash_of_code
from avcues.models_cache.hashing import sha256


@dataclass(frozen=True)
class YoloSpec:
    """The inputs and outputs of a YOLO network.

    Args:
        names: Names of the classes.
        stride: Stride in pixels; the sides of images must be multiples of it.
        end2end: Whether the boxes need no non-maximum suppression.
    """

    names: tuple[str, ...]
    stride: int
    end2end: bool


def read_spec(checkpoint: Path) -> YoloSpec:
    """Reads the specification of a checkpoint, from the user's cache folder if possible: loading takes seconds.

    Raises:
        WeightsError: The file is not a checkpoint of a detector.
    """

    def load_spec() -> YoloSpec:
        from avcues.extractors.networks.yolo import load

        return load(checkpoint).spec

    def save(folder: Path) -> None:
        (folder / "spec.json").write_text(json.dumps(asdict(load_spec())))

    try:
        key = hashlib.sha256(repr((sha256(checkpoint), *code_version())).encode()).hexdigest()[:24]
        document = json.loads((build_once(f"yolo-{key}", save) / "spec.json").read_text())
    except OSError:  # the disk is full, or there is no such file
        return load_spec()
    return YoloSpec(tuple(document["names"]), document["stride"], document["end2end"])


@cache
def code_version() -> tuple[str, str]:
    """The version of Ultralytics and a hash of our code, which specifications and converted networks depend on."""
    try:
        version = importlib.metadata.version("ultralytics-opencv-headless")
    except importlib.metadata.PackageNotFoundError:
        version = importlib.metadata.version("ultralytics")
    return version, hash_of_code()
