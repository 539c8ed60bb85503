"""Model folders that others made: whatever is in them, every command says what is wrong in one line."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from typer.testing import CliRunner

from avcues.pipeline.cli.app import app
from avcues.pipeline.errors import InputError
from avcues.pipeline.report.model_page import model_page
from avcues.pipeline.training import Protocol, TrainingSettings, prepare, train

Forge = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def models(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A linear model and a network."""
    place = tmp_path_factory.mktemp("models")
    labels = planted / "gold" / "audiovisual.parquet"
    for name, more in {"lasso": {}, "lstm": {"seeds": 1, "protocol": Protocol(units=4, epochs=1)}}.items():
        settings = TrainingSettings(model=name, visual=("color",), folds=3, dimensions=("valence",), **more)
        train(prepare(str(planted / "features"), labels, settings), place / name)
    return place


def put(*path: str | int, value: Any) -> Forge:
    """Writes a value into the document."""

    def forge(document: dict[str, Any]) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return forge


def rename(old: str, new: str) -> Forge:
    """Gives the dimension another name everywhere."""

    def forge(document: dict[str, Any]) -> dict[str, Any]:
        return json.loads(json.dumps(document).replace(json.dumps(old), json.dumps(new)))

    return forge


SCALER = ("blocks", "features", "scaler")
FORGED: dict[str, Forge] = {
    "older format": put("format", value=1),
    "format of text": put("format", value="2"),
    "step of zero": put("step", value="0"),
    "step of text": put("step", value="soon"),
    "step of a millionth": put("step", value="1/1000000"),
    "step that divides by zero": put("step", value="1/0"),
    "step as a list": put("step", value=[1, 2]),
    "settings as a list": put("settings", value=[]),
    "settings as text": put("settings", value="lasso"),
    "an unknown setting": put("settings", "magic", value=1),
    "an unknown model": put("settings", "model", value="oracle"),
    "a model of another kind": put("settings", "model", value="lstm"),
    "tables as text": put("settings", "visual", value="color"),
    "no table": put("settings", "visual", value=[]),
    "another table": put("settings", "visual", value=["lighting"]),
    "a range of infinity": put("settings", "label_range", value=[-1, 1e999]),
    "a range the wrong way": put("settings", "label_range", value=[1, -1]),
    "a range of three": put("settings", "label_range", value=[-1, 0, 1]),
    "no unit": put("settings", "unit", value=None),
    "another unit": put("settings", "unit", value="film"),
    "categories of nothing": put("settings", "categories", value={"valence": []}),
    "protocol as text": put("settings", "protocol", value="clean"),
    "units of text": put("settings", "protocol", "units", value="many"),
    "length of zero": put("settings", "protocol", "length", value=0),
    "an unknown protocol choice": put("settings", "protocol", "split", value="best"),
    "tables as a list": put("tables", value=[]),
    "a table without a recipe": put("tables", "color", value={"row": "window", "citation": ""}),
    "a recipe of text": put("tables", "color", "recipe", value="usual"),
    "blocks as a list": put("blocks", value=[]),
    "another block": put("blocks", value={"audio": {"columns": [], "scaler": []}}),
    "columns of numbers": put("blocks", "features", "columns", value=[1, 2, 3]),
    "a column twice": put("blocks", "features", "columns", value=["color.x", "color.x"]),
    "no scaler": put(*SCALER, value=[]),
    "a scaler of text": put(*SCALER, value="standard"),
    "a scaler of NaN": put(*SCALER, 0, "centre", value=float("nan")),
    "a scale of zero": put(*SCALER, 0, "scale", value=0.0),
    "a fill of infinity": put(*SCALER, 0, "fill", value=float("inf")),
    "a scaled column that is not read": put(*SCALER, 0, "name", value="color.none"),
    "a scaler that is too short": lambda document: document["blocks"]["features"]["scaler"].pop(),
    "no readout": put("readout", value={}),
    "a readout of text": put("readout", "valence", value="mean"),
    "a readout of NaN": put("readout", "valence", value=[float("nan")]),
    "a dimension named video_id": rename("valence", "video_id"),
    "a dimension with an escape sequence": rename("valence", "val\x1b[2Jence"),
    "a dimension without a name": rename("valence", ""),
    "videos as a list": put("videos", value=["clip00"]),
    "folds as text": put("folds", value="five"),
    "labels without main": put("labels", value={}),
    "leaks as a number": put("leaks", value=3),
    "something unknown": put("run", value="rm -rf"),
}

FILES: dict[str, Callable[[Path], object]] = {
    "no document": lambda model: (model / "model.json").unlink(),
    "a document of nothing": lambda model: (model / "model.json").write_bytes(b""),
    "a document of bytes": lambda model: (model / "model.json").write_bytes(bytes(range(256))),
    "a document of brackets": lambda model: (model / "model.json").write_text("[" * 100_000),
    "a document that is a list": lambda model: (model / "model.json").write_text("[]"),
    "a document that is a pipe": lambda model: ((model / "model.json").unlink(), os.mkfifo(model / "model.json")),
    "a document that is a folder": lambda model: ((model / "model.json").unlink(), (model / "model.json").mkdir()),
    "no weights": lambda model: (model / "weights.safetensors").unlink(),
    "weights of bytes": lambda model: (model / "weights.safetensors").write_bytes(bytes(range(256))),
    "weights that are a pipe": lambda model: (
        (model / "weights.safetensors").unlink(),
        os.mkfifo(model / "weights.safetensors"),
    ),
}


def lines_of(model: Path, planted: Path, command: str) -> list[str]:
    """What a command says of a model that it cannot use."""
    out = model.parent / "p.parquet"
    more = {"predict": [planted / "features", "--out", out], "compare": [model.parent / "lasso"]}.get(command, [])
    done = CliRunner().invoke(app, [command, str(model), *map(str, more)])
    assert not out.exists()
    assert done.exit_code == 2, (done.exit_code, done.stderr, done.exception)
    return done.stderr.strip().splitlines()


@pytest.mark.parametrize("what", FORGED)
def test_forged_documents_are_one_line(models: Path, planted: Path, tmp_path: Path, what: str) -> None:
    forged = Path(shutil.copytree(models / "lasso", tmp_path / "forged"))
    document = json.loads((forged / "model.json").read_text())
    changed = FORGED[what](document)
    (forged / "model.json").write_text(json.dumps(changed if isinstance(changed, dict) and changed else document))
    (line,) = lines_of(forged, planted, "predict")
    assert "unexpected error" not in line
    assert line.isprintable()
    assert str(forged) in line
    assert line.endswith("train the model again")


def test_a_model_of_an_older_format_is_one_line_in_every_command(models: Path, planted: Path, tmp_path: Path) -> None:
    old = Path(shutil.copytree(models / "lasso", tmp_path / "old"))
    document = json.loads((old / "model.json").read_text())
    (old / "model.json").write_text(json.dumps(document | {"format": 1}))
    for command in ("predict", "evaluate", "compare"):
        (line,) = lines_of(old, planted, command)
        assert "was written by another version of avcues; train the model again" in line
    with pytest.raises(InputError, match="was written by another version of avcues"):
        model_page(old, {})


@pytest.mark.parametrize("what", FILES)
def test_files_that_are_something_else_are_one_line(models: Path, planted: Path, tmp_path: Path, what: str) -> None:
    forged = Path(shutil.copytree(models / "lasso", tmp_path / "forged"))
    FILES[what](forged)
    (line,) = lines_of(forged, planted, "predict")
    assert "unexpected error" not in line
    assert str(forged) in line


WEIGHTS: dict[str, Callable[[dict[str, torch.Tensor]], object]] = {
    "a tensor less": lambda tensors: tensors.popitem(),
    "a tensor of another shape": lambda tensors: tensors.update({min(tensors): torch.zeros(3)}),
    "a tensor more": lambda tensors: tensors.update({"valence/more": torch.zeros(3)}),
    "NaN": lambda tensors: tensors.update({min(tensors): torch.full_like(tensors[min(tensors)], float("nan"))}),
    "integers": lambda tensors: tensors.update({min(tensors): tensors[min(tensors)].int()}),
}


@pytest.mark.parametrize("model", ["lasso", "lstm"])
@pytest.mark.parametrize("what", WEIGHTS)
def test_weights_of_another_model_are_one_line(
    models: Path, planted: Path, tmp_path: Path, model: str, what: str
) -> None:
    if (model, what) == ("lasso", "a tensor more"):
        pytest.skip("a linear model reads its two tensors alone")
    forged = Path(shutil.copytree(models / model, tmp_path / "forged"))
    tensors = safetensors.torch.load_file(forged / "weights.safetensors")
    WEIGHTS[what](tensors)
    safetensors.torch.save_file(tensors, forged / "weights.safetensors")
    (line,) = lines_of(forged, planted, "predict")
    assert "weights.safetensors: is damaged" in line
    assert "unexpected error" not in line


def test_huge_networks_take_no_memory_before_their_weights_are_there(
    models: Path, planted: Path, tmp_path: Path
) -> None:
    forged = Path(shutil.copytree(models / "lstm", tmp_path / "forged"))
    document = json.loads((forged / "model.json").read_text())
    document["settings"]["protocol"]["units"] = 10**6  # 16 TB
    (forged / "model.json").write_text(json.dumps(document))
    (line,) = lines_of(forged, planted, "predict")
    assert "is missing or has another shape" in line


@pytest.mark.parametrize("name", ["metrics.json", "out_of_fold.parquet", "folds.parquet", "probes.parquet"])
def test_damaged_results_are_one_line(models: Path, planted: Path, tmp_path: Path, name: str) -> None:
    forged = Path(shutil.copytree(models / "lasso", tmp_path / "forged"))
    (forged / name).write_text('{"dimensions": []}')
    command = {"probes.parquet": "predict", "out_of_fold.parquet": "evaluate"}.get(name, "compare")
    (line,) = lines_of(forged, planted, command)
    assert str(forged) in line
    assert "unexpected error" not in line
