"""What a table says of the code that made it."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from clips import Clip, extract, steady_frames

from avcues.extractors import registry
from avcues.pipeline.store.parquet import read_metadata
from avcues.pipeline.store.provenance import library_versions

FEATURES = ("color", "emobase", "rhythm", "lighting")


def test_every_table_records_the_libraries_that_took_part_in_it_and_no_other(tmp_path: Path) -> None:
    extracted = extract(
        Clip(steady_frames(1, flash=(0.2, 0.4))).write(tmp_path / "clip.mp4"), tmp_path, features=FEATURES
    )
    libraries = {name: set(read_metadata(extracted.out / name / "clip.parquet")["libraries"]) for name in FEATURES}
    of_all = {"python", "av", "numpy", "pyarrow"}
    assert libraries["color"] == libraries["lighting"] == of_all | {"opencv-python-headless"}
    assert libraries["emobase"] == of_all | {"opensmile", "soxr"}
    assert libraries["rhythm"] == of_all | {"librosa", "numba", "scipy", "soxr"}


def test_networks_record_what_ran_them(yolo_checkpoint: Path) -> None:
    versions = library_versions(registry.create("actions"), "cpu")
    assert versions["torch"] == importlib.metadata.version("torch")
    assert "openvino" in versions
    assert "openvino" not in library_versions(registry.create("actions"), "cuda")
    assert "openvino" in library_versions(registry.create("expressions"), "cuda")  # its face detector
    objects = registry.create("objects", {"variant": str(yolo_checkpoint)})
    assert {"torch", "torchvision", "ultralytics-opencv-headless"} <= library_versions(objects, "cpu").keys()
