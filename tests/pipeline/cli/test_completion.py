"""What the shell offers when the tabulator key is pressed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from command import AVCUES


def offered(line: str, folder: Path) -> list[str]:
    """Continuations of the last word of a command line."""
    environment = os.environ | {
        "_AVCUES_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - 1),
    }
    done = subprocess.run([AVCUES], capture_output=True, text=True, check=False, env=environment, cwd=folder)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("avcues align {features} --columns col", ["color."]),
        ("avcues align {features} --out lighting --columns color.*,lighting.l", ["color.*,lighting.lighting_key"]),
        ("avcues describe {features} --columns lighting.m", ["lighting.median_brightness"]),
        (
            "avcues report {features} --columns emobase.pcm_loudness_sma_max",
            ["emobase.pcm_loudness_sma_max", "emobase.pcm_loudness_sma_maxPos"],
        ),
        ("avcues align {features} --columns nothing.x", []),
        ("avcues align nowhere --columns col", []),
        ("avcues models fetch scenes/", ["scenes/resnet50", "scenes/squeezenet11"]),
    ],
)
def test_columns_and_weights_are_completed(line: str, words: list[str], finished: Path) -> None:
    assert offered(line.format(features=finished), finished.parent) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("avcues extract clip.mp4 --features emobase,col", ["emobase,color"]),
        ("avcues extract clip.mp4 --features al", ["all"]),
        ("avcues extract clip.mp4 --variant actions=i3d_rgb", ["actions=i3d_rgb_imagenet", "actions=i3d_rgb_scratch"]),
        ("avcues report features b", ["bikes", "bus"]),
    ],
)
def test_names_are_completed(line: str, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "features" / "_status").mkdir(parents=True)
    for name in ("bikes", "bus", "woman"):
        (tmp_path / "features" / "_status" / f"{name}.json").write_text("{}")
    assert offered(line, tmp_path) == words
