"""Odd values for every option of every command: one line at most, and never a traceback."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from finished_folders import make_dataset
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command
from typer.testing import CliRunner

from avcues.pipeline.cli.app import app

ODD = ("²", "-1", "nan", "1e999", "1/0", ",", "a=[", "x/**y", "ü" * 300, "/proc/none")
COMMANDS = {  # what each command needs at least; {} is a finished folder with labels, ratings, and a list of videos
    "extract": "clip.mp4 --out made --features lighting --workers 0",
    "align": "features --out train.parquet",
    "describe": "features",
    "export muvi": "features --out made --tables lighting",
    "report": "features --workers 1",
    "status": "features",
    "validate": "features",
    "train": "features --labels labels.csv --model lasso --out model",
    "evaluate": "model",
    "compare": "model model",
    "predict": "model features --out predictions.parquet",
    "annotations example": "--out ratings",
    "annotations check": "ratings",
    "annotations gold": "ratings --out gold",
    "annotations agreement": "ratings --out agreement.md --bootstrap 0",
    "annotations perspectives": "ratings --dimension liking --against audiovisual --out perspectives.md --bootstrap 0",
    "annotations figures": "ratings --out figures --only rating_distribution",
    "annotations plan": "ratings",
    "annotations tables": "ratings --out tables --only rating_tests --bootstrap 0",
    "annotations soft": "ratings --out soft --dimensions liking",
    "annotations import muvi": "ratings --out imported",
    "annotations import table": "ratings.csv --out imported --map value=value",
    "annotations import tidy": "ratings.csv --out imported",
    "annotations import wide": "ratings.csv --out imported",
    "collect export": "study --out imported",
    "collect forget": "study nobody",
    "collect init": "study --videos clip.mp4",
    "collect prepare": "study",
    "collect status": "study",
    "merge": "features --out made",
    "models fetch": "nothing",
    "models import": "clip.mp4",
    "models list": "",
    "models verify": "",
}
SLOW = {"collect serve", "doctor", "demo"}  # they serve until they are stopped, start a cluster, or fetch clips


def commands(group: TyperGroup, before: str = "") -> Iterator[tuple[str, TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


ALL = dict(commands(get_command(app)))


@pytest.fixture(scope="module")
def stand(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the commands read."""
    folder = tmp_path_factory.mktemp("stand")
    clip = folder / "clip.mp4"
    shutil.copyfile(media("tiny4.mp4"), clip)
    make_dataset(folder / "features", {"clip": clip}, ("emobase", "lighting"))
    (folder / "labels.csv").write_text("video_id,time,valence\nclip,0,0.1\nclip,2,0.3\n")
    (folder / "ratings.csv").write_text("rater,video_id,setup,dimension,time,value\na,clip,music,valence,0,0.1\n")
    done = CliRunner().invoke(app, ["annotations", "example", "--out", str(folder / "ratings")])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def call(stand: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs a command where the stand's files are, and returns what it says, checked for tracebacks."""
    for path in stand.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AVCUES_OFFLINE", "1")

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, list(arguments))
        output = done.output
        if not (done.exception is None or isinstance(done.exception, SystemExit)):
            output = f"Traceback: {done.exception!r}"
        return output

    return run


def test_every_command_is_tried() -> None:
    assert set(ALL) == set(COMMANDS) | SLOW


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_no_odd_value_gives_a_traceback(name: str, call: Callable[..., str], thorough: bool) -> None:
    command, needed = name.split(), COMMANDS[name].split()
    wrong = {}
    for number, parameter in enumerate(ALL[name].params):
        for value in ODD if thorough else ODD[number % 4 :: 4]:
            if isinstance(parameter, TyperArgument):
                arguments = [*command, value, *needed[1:]]
            elif isinstance(parameter, TyperOption) and not parameter.is_flag:
                arguments = [*command, *needed, parameter.opts[0], value]
            else:
                continue
            output = call(*arguments)
            if "Traceback" in output or "unexpected error" in output:
                wrong[parameter.opts[0], value] = output
    assert not wrong


@pytest.mark.parametrize(
    "arguments",
    [
        ("extract", "clip.mp4", "--out", ""),
        ("extract", "clip.mp4", "--out="),
        ("align", "features", "--out", ""),
        ("report", ""),
    ],
)
def test_an_empty_argument_is_not_the_current_folder(arguments: tuple[str, ...], call: Callable[..., str]) -> None:
    before = sorted(Path.cwd().iterdir())
    output = call(*arguments)
    assert output.endswith("is empty; is a shell variable unset?\n")
    assert len(output.splitlines()) == 1
    assert sorted(Path.cwd().iterdir()) == before
