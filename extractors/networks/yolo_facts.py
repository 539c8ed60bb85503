"""What an Ultralytics YOLO checkpoint says of itself, without importing torch."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from avcues.extractors.build_once import build_once
from avcues.models_cache.hashing import sha256


@dataclass(frozen=True)
class Facts:
    """What the input and output of a network are.

    Args:
        names: The classes.
        stride: Sides of its images are multiples of it, in pixels.
        end2end: Whether its boxes need no non-maximum suppression.
    """

    names: tuple[str, ...]
    stride: int
    end2end: bool


def facts_of(checkpoint: Path) -> Facts:
    """The facts of a checkpoint; noted in the user's cache folder, because it takes seconds to load.

    Raises:
        WeightsError: It is no checkpoint of a detector.
    """

    def loaded() -> Facts:
        from avcues.extractors.networks.yolo import load

        return load(checkpoint).facts

    def note(folder: Path) -> None:
        (folder / "facts.json").write_text(json.dumps(asdict(loaded())))

    try:
        key = hashlib.sha256(repr((sha256(checkpoint), *code())).encode()).hexdigest()[:24]
        noted = json.loads((build_once(f"yolo-{key}", note) / "facts.json").read_text())
    except OSError:  # no room, or no such file
        return loaded()
    return Facts(tuple(noted["names"]), noted["stride"], noted["end2end"])


@cache
def code() -> tuple[str, str]:
    """What decides facts and networks beside the checkpoint: the library's version, and a hash of our own code."""
    try:
        version = importlib.metadata.version("ultralytics-opencv-headless")
    except importlib.metadata.PackageNotFoundError:
        version = importlib.metadata.version("ultralytics")
    return version, sha256(Path(__file__).with_name("yolo.py"))
