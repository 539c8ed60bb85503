"""`avcues annotations figures` and `tables`, run as a user runs them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from avcues import annotations
from avcues.pipeline.cli.app import app


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "ann"
    annotations.write(annotations.example({"a": 30, "b": 30}), folder)
    return folder


def test_figures_are_written_and_what_is_left_out_is_counted(ratings: Path, tmp_path: Path) -> None:
    done = run(
        "annotations", "figures", ratings, "--out", tmp_path, "--only", "rating_distribution,clip_series", "--clip", "b"
    )
    assert done.exit_code == 0, done.stderr
    names = {
        f"{name}.{suffix}"
        for name in ("rating_distribution", "clip_series_b")
        for suffix in ("svg", "pdf", "png", "csv")
    }
    assert {path.name for path in tmp_path.iterdir()} == names
    assert "2 figures; 0 kinds of figure left out" in done.stderr


def test_tables_are_written_and_what_is_left_out_is_said(ratings: Path, tmp_path: Path) -> None:
    done = run("annotations", "tables", ratings, "--out", tmp_path, "--bootstrap", 0)
    assert done.exit_code == 0, done.stderr
    assert "left out label_group" in done.stderr
    assert "name them with --label-groups" in done.stderr
    written = {path.stem for path in tmp_path.glob("*.md")}
    assert written == {path.stem for path in tmp_path.glob("*.tex")} == {path.stem for path in tmp_path.glob("*.csv")}
    assert f"{len(written)} tables; 3 kinds of table left out" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--only", "pie"), "--only pie: expected rating_distribution"),
        (("--against", "smell"), "--against smell: is not rated; expected music, visual, audiovisual"),
        (("--by", "height"), 'no column "height" to compare by'),
        (("--clip", "nobody"), "--clip nobody: is not rated; expected a, b"),
    ],
)
def test_wrong_options_are_one_line(ratings: Path, tmp_path: Path, options: tuple[str, str], said: str) -> None:
    done = run("annotations", "figures", ratings, "--out", tmp_path / "out", *options)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not list(tmp_path.glob("out/*clip*"))
