"""A command killed at any instant leaves its former result or the new one, and its next start clears what it left."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import avcues
from instants import instants
from rated_study import rated_study

from avcues.pipeline.training.model_document import read_document


@dataclass(frozen=True)
class Command:
    """One that writes.

    Args:
        new: Arguments of the run that is killed; {study} holds features, ratings, labels and a model, {out} results.
        former: Arguments of the run whose result is replaced.
        copied: Instead of that run, a folder of the study that is copied to {out} and changed there.
        whole: Its result is a folder of which all files are former ones or all are new ones. If not, each file is one.
    """

    new: tuple[object, ...]
    former: tuple[object, ...] = ()
    copied: str = ""
    whole: bool = False


def _command(*arguments: object, former: object, new: object, whole: bool = False) -> Command:
    """A command whose two runs differ in the last argument."""
    return Command((*arguments, new), (*arguments, former), whole=whole)


_LASSO = ("--model", "lasso", "--folds", 2, "--audio", "rhythm", "--visual", "lighting", "--workers", 1)
_TRAIN = (
    *("train", "{study}/features", "--labels", "{study}/gold/audiovisual.parquet", "--dimensions", "valence"),
    *(*_LASSO, "--out", "{out}/model", "--scoring"),
)
COMMANDS = {
    "train": Command((*_TRAIN, "s111"), copied="model", whole=True),
    "evaluate": Command(("evaluate", "{out}/model"), copied="model"),
    "predict": Command(("predict", "{study}/model", "{study}/features", "--out", "{out}/predicted.parquet")),
    "align a file": _command(
        "align", "{study}/features", "--out", "{out}/rows.parquet", "--tables", former="color", new="lighting"
    ),
    "align a folder": _command(
        "align", "{study}/features", "--out", "{out}/rows", "--tables", former="color", new="lighting", whole=True
    ),
    "export": _command(
        "export", "muvi", "{study}/features", "--out", "{out}/muvi", "--nulls", former="zero", new="empty", whole=True
    ),
    "describe": Command(("describe", "{out}/features", "--card"), copied="features"),
    "gold": _command("annotations", "gold", "{study}/ann", "--out", "{out}/gold", "--method", former="mean", new="ewe"),
    "soft": _command("annotations", "soft", "{study}/ann", "--out", "{out}/soft", "--bins", former=5, new=3),
    "ratings": _command("annotations", "example", "--overwrite", "--out", "{out}/ann", "--seed", former=1, new=2),
    "collect export": Command(
        ("collect", "export", "{study}/rated by 3", "--out", "{out}/ann"),
        former=("collect", "export", "{study}/rated by 2", "--out", "{out}/ann"),
    ),
    "agreement": _command(
        "annotations", "agreement", "{study}/ann", "--out", "{out}/agreement.md", "--bootstrap", former=0, new=2
    ),
}


@pytest.fixture(scope="module")
def study(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features, ratings and gold standards, and a model."""
    folder = tmp_path_factory.mktemp("study")
    for path in planted.iterdir():
        (folder / path.name).symlink_to(path)
    for raters in (2, 3):
        rated_study(folder / f"rated by {raters}", raters)
    done = avcues(*_filled((*_TRAIN, "video"), folder, folder))
    assert done.returncode == 0, done.stderr
    return folder


def _filled(arguments: tuple[object, ...], study: Path, out: Path) -> list[str]:
    return [str(argument).format(study=study, out=out) for argument in arguments]


def contents(folder: Path) -> dict[str, bytes]:
    """All files that are not hidden, by path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".*.*") if path.suffix in (".tmp", ".former"))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_killed_at_any_instant(name: str, study: Path, tmp_path: Path) -> None:
    command, out = COMMANDS[name], tmp_path / "out"
    out.mkdir()
    new_run = _filled(command.new, study, out)
    if command.copied:
        shutil.copytree(study / command.copied, out / command.copied)
    if command.former:
        done = avcues(*_filled(command.former, study, out))
        assert done.returncode == 0, done.stderr
    former = contents(out)
    states = instants(out, tmp_path / "states", *new_run)
    new = contents(states[-1])
    assert len(states) > 3
    for state in states:
        now = contents(state)
        if command.whole:
            assert now in (former, new), state
        assert all(content in (former.get(path), new.get(path)) for path, content in now.items()), state
        assert former.keys() & new.keys() <= now.keys(), state
    assert leftovers(states[-1]) == []
    dirtiest = max(states, key=lambda state: len(leftovers(state)))
    assert leftovers(dirtiest)
    shutil.rmtree(out)
    shutil.move(dirtiest, out)
    done = avcues(*new_run)
    assert done.returncode == 0, done.stderr
    assert contents(out) == new
    assert leftovers(out) == []


def test_a_model_that_was_moved_aside_is_found_again(study: Path, tmp_path: Path) -> None:
    """Where folders cannot be exchanged in one step, a kill between two leaves the former one under a hidden name."""
    shutil.copytree(study / "model", tmp_path / ".model.0123abcd.former")
    assert read_document(tmp_path / "model") == read_document(study / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
