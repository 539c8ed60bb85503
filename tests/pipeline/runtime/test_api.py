"""The Python API: its examples, its silence, its errors, and its progress bars."""

from __future__ import annotations

import doctest
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import avcues
from avcues.pipeline.cli.app import app
from avcues.pipeline.runtime import api, features

SHARED = Path(__file__).resolve().parents[4] / "shared"


@pytest.fixture
def clip(media: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`clip.mp4` in the folder where the user works."""
    (tmp_path / "clip.mp4").write_bytes(media("tiny4.mp4").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path / "clip.mp4"


def test_examples_of_the_docstrings_do_what_they_say(clip: Path) -> None:
    finder = doctest.DocTestFinder()
    examples = [example for module in (api, features) for example in finder.find(module) if example.examples]
    assert {example.name.rpartition(".")[2] for example in examples} == {"extract", "extract_many", "features"}
    for example in examples:
        assert doctest.DocTestRunner().run(example).failed == 0, example.name


def test_nothing_is_printed_unless_asked(clip: Path, capfd: pytest.CaptureFixture[str]) -> None:
    avcues.extract("clip.mp4", features=["color"])
    results = list(avcues.extract_many(["clip.mp4", "gone.mp4"], out="out", features=["color"], workers=1))
    assert sorted((result.video_id, result.state) for result in results) == [("clip", "done"), ("gone", "failed")]
    assert avcues.open_dataset("out").rows == 8
    assert capfd.readouterr() == ("", "")


def test_one_video_in_memory_equals_its_tables_on_disk(clip: Path) -> None:
    import pyarrow.parquet as pq

    result = avcues.extract("clip.mp4", features=["emobase", "color"])
    list(avcues.extract_many(["clip.mp4"], "out", features=["emobase", "color"], workers="auto"))
    assert set(result) == {"shots", "timeline", "emobase", "color"}
    for name, table in result.items():
        assert table.equals(pq.read_table(f"out/{name}/clip.parquet")), name


@pytest.mark.parametrize(
    ("kind", "options", "arguments"),
    [
        (avcues.AvcuesError, {"features": ["colr"]}, ("--features", "colr")),
        (avcues.SettingsError, {"step": "half"}, ("--step", "half")),
        (avcues.SettingsError, {"step": 0.25}, ("--step", "0.25")),
        (avcues.SettingsError, {"weights_dir": "/no/such"}, ("--weights-dir", "/no/such")),
        (avcues.AvcuesError, {"options": {"shots": {"detectr": "x"}}}, ("--set", "shots.detectr=x")),
        (avcues.SettingsError, {"memory_limit": "lots"}, ("--memory-limit", "lots")),
        (avcues.SettingsError, {"memory_limit": 0}, ("--memory-limit", "0")),
        (avcues.SettingsError, {"workers": "many"}, ("--workers", "many")),
        (avcues.SettingsError, {"resources": {"GPU": 1}}, ("--resources", "GPU=1")),
    ],
)
def test_errors_are_those_of_the_command_line(
    clip: Path, kind: type[Exception], options: dict, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(kind) as error:
        list(avcues.extract_many(["clip.mp4"], "out", **({"features": ["color"]} | options)))
    assert isinstance(error.value, avcues.AvcuesError)
    cheap = () if "--features" in arguments else ("--features", "color")
    done = CliRunner().invoke(app, ["extract", "clip.mp4", "--out", "out", *cheap, *arguments])
    output = done.output.removeprefix("avcues: ").strip()
    assert (done.exit_code, output.count("\n")) == (2, 0)
    # The same sentence: only parameters are options.
    assert re.sub(r"`\w+(=[^`]*)?`", "", str(error.value)) == re.sub(r"--[a-z-]+( \S+?(?=:))?", "", output)
    assert not re.search(r"--[a-z]", str(error.value))
    assert "`" not in output
    assert not Path("out").exists()


def test_a_file_that_is_no_video_raises_what_it_is(clip: Path) -> None:
    Path("text.mp4").write_text("no video\n" * 100)
    with pytest.raises(avcues.MediaError, match=r"text\.mp4"):
        avcues.extract("text.mp4", features=["color"])
    with pytest.raises(avcues.InputError, match=r"gone\.mp4: no such file"):
        avcues.extract("gone.mp4", features=["color"])
    with pytest.raises(avcues.InputError, match="is a shell variable unset"):
        list(avcues.extract_many(["clip.mp4"], out="", features=["color"]))


EXTRACT = "import avcues; avcues.extract('clip.mp4', features=['color'], progress=True)"


def test_progress_bars_in_a_terminal(clip: Path, media: Callable[[str], Path]) -> None:
    clip.write_bytes(media("vfr20.mp4").read_bytes())  # long enough for a bar to be seen
    terminal, child_terminal = pty.openpty()
    environment = os.environ | {"COLUMNS": "100", "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [sys.executable, "-c", EXTRACT], stdout=child_terminal, stderr=child_terminal, env=environment
    )
    os.close(child_terminal)
    output = bytearray()
    try:
        while part := os.read(terminal, 4096):
            output += part
    except OSError:  # the process has ended
        pass
    assert process.wait() == 0, output
    text = output.decode(errors="replace")
    assert "all videos" in text and "clip" in text
    assert "reading" in text


def test_progress_bars_in_a_notebook(clip: Path) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(EXTRACT)])
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(clip.parent)}}).execute()
    kinds = [output.output_type for output in notebook.cells[0].outputs]
    assert "display_data" in kinds
    assert "error" not in kinds


@pytest.mark.parametrize("workers", [0, 2])
def test_runs_of_one_process_that_take_turns_have_settings_of_their_own(clip: Path, workers: int) -> None:
    videos = [clip.with_name(f"{i}.mp4") for i in range(4)]
    for video in videos:
        video.write_bytes(clip.read_bytes())
    closed = avcues.extract_many(videos, "closed", features=["color"], step=1, workers=workers)
    other_run = avcues.extract_many(videos, "other", features=["lighting"], step="0.2", workers=workers)
    started = [next(closed), next(other_run)]
    assert [(set(result.tables), result.windows) for result in started] == [
        ({"shots", "timeline", "color"}, 4),
        ({"shots", "timeline", "lighting"}, 20),
    ]
    closed.close()
    results = [started[1], *other_run]
    assert [(result.state, result.windows, result.retries) for result in results] == [("done", 20, 0)] * 4
    assert avcues.open_dataset("other").rows == 80
    assert not Path("other", "color").exists()


def test_a_weights_folder_is_that_of_its_run_alone(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = SHARED / "weights" / "squeezenet11_places365.safetensors"
    if not file.exists():
        pytest.skip("the weights are not on the package index")
    for name, value in {"AVCUES_WEIGHTS_DIR": "", "AVCUES_MODELS_DIR": "empty", "AVCUES_OFFLINE": "1"}.items():
        monkeypatch.setenv(name, value)
    videos = [clip, clip.with_name("second.mp4")]
    videos[1].write_bytes(clip.read_bytes())
    scenes = {"features": ["scenes"], "options": {"scenes": {"variant": "squeezenet11"}}}
    with_weights = avcues.extract_many(videos, "with", weights_dir=file.parent, workers=0, **scenes)
    assert next(with_weights).state == "done"
    without = avcues.extract_many(videos, "without", workers=0, **scenes)
    with pytest.raises(avcues.WeightsError, match="squeezenet11"):
        next(without)
    last = avcues.extract_many(videos, "last", weights_dir=file.parent, workers=0, **scenes)
    assert next(last).state == "done"
    with_weights.close()
    assert next(last).state == "done"
    last.close()
    with pytest.raises(avcues.WeightsError, match="squeezenet11"):
        avcues.extract(clip, **scenes)
