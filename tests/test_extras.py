"""What avcues does where none of its extras is installed."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import plain_environment
import pytest

from avcues.pipeline.cli.doctor import _EXTRAS

ABSENT = {"collect", "dashboard", "excel", "hub", "pytorchvideo", "sentences", "speech", "train", "warping"}
BROUGHT = {"pandas", "polars"}
"""Extras whose packages openSMILE and Ultralytics require, too."""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plain_environment.make(tmp_path_factory.mktemp("plain") / "environment")


def test_the_environment_has_no_extra(python: Path) -> None:
    names = ["bokeh", "datasets", "fvcore", "pytest", "pytorchvideo", "statsmodels"]
    code = f"from importlib.util import find_spec; print([name for name in {names} if find_spec(name)])"
    assert plain_environment.run(python, code).stdout == "[]\n"


def test_help_and_the_list_of_features_need_none(python: Path) -> None:
    assert "avcues extract" in plain_environment.avcues(python, "--help").stdout
    done = plain_environment.run(python, "import avcues; print(*avcues.features())")
    assert done.stdout.split()[:2] == ["shots", "emobase"], done.stderr


def test_doctor_names_each_extra_and_what_it_is_for(python: Path) -> None:
    done = plain_environment.avcues(python, "doctor", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    document = {finding["subject"]: finding for finding in json.loads(done.stdout)}
    assert {name for name in BROUGHT if document[f"extra {name}"]["state"] == "ok"} == BROUGHT
    for name in ABSENT:
        extra = document[f"extra {name}"]
        assert extra["state"] == "optional"
        assert extra["details"].startswith("not installed; for ")
        assert extra["remedy"].endswith(f"pip install 'avcues[{name}]'")
    assert "a worker started" in document["Dask"]["details"]


def test_doctor_knows_the_extras_of_the_project() -> None:
    document = tomllib.loads((plain_environment.ROOT / "pyproject.toml").read_text())
    assert _EXTRAS.keys() == document["project"]["optional-dependencies"].keys() - {"dev"} == ABSENT | BROUGHT


def test_two_workers_need_none(python: Path, media: Callable[[str], Path], tmp_path: Path) -> None:
    clips = [media("tiny4.mp4"), media("rot90_12.mp4")]
    asked = ("--out", tmp_path / "features", "--features", "color", "--workers", "2")
    done = plain_environment.avcues(python, "extract", *clips, *asked)
    assert done.returncode == 0, done.stderr
    assert re.search(r"workers +2$", done.stderr, re.MULTILINE), done.stderr
    for command in (["validate"], ["describe", "--card"], ["align", "--out", tmp_path / "train.parquet"]):
        done = plain_environment.avcues(python, command[0], tmp_path / "features", *command[1:])
        assert done.returncode == 0, done.stderr


def test_a_variant_that_needs_an_extra_says_so_before_any_work(
    python: Path, media: Callable[[str], Path], tmp_path: Path
) -> None:
    asked = ("--out", tmp_path / "features", "--variant", "actions=i3d_r50")
    done = plain_environment.avcues(python, "extract", media("tiny4.mp4"), *asked)
    assert (done.returncode, done.stderr) == (
        2,
        "avcues: actions/i3d_r50 needs the package pytorchvideo, which is not installed: "
        "pip install 'avcues[pytorchvideo]'\n",
    )
    assert not (tmp_path / "features" / "actions").exists()
