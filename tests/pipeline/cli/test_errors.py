"""What users of the command line see: options instead of parameters, and no text that steers their terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.progress import track
from rich.table import Table
from typer.testing import CliRunner

from avcues.pipeline.cli.app import app
from avcues.pipeline.cli.console import Console
from avcues.pipeline.cli.errors import with_options
from avcues.pipeline.cli.visible_text import visible
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.report.build import build
from avcues.pipeline.store.files import prepare_output

OPTIONS = {"audio_rate": "--audio-rate", "overwrite": "--overwrite", "columns": "--columns", "folder": ""}


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("`audio_rate=8000`: expected more", "--audio-rate 8000: expected more"),
        ("`audio_rate='native'`: is unknown", "--audio-rate native: is unknown"),
        ("give `overwrite`, not `audio_rate`", "give --overwrite, not --audio-rate"),
        ("`overwrite=True` needs `audio_rate`", "--overwrite needs --audio-rate"),
        ("`columns=['a.*', 'b.c']`: match nothing", "--columns a.*,b.c: match nothing"),
        ("`folder=C:\\my folder`: is no folder", "C:\\my folder: is no folder"),
        ("`batch=3` is not a parameter of the command", "`batch=3` is not a parameter of the command"),
        ("a file called `x`", "a file called `x`"),
    ],
)
def test_parameters_become_options(message: str, shown: str) -> None:
    assert with_options(message, OPTIONS) == shown


def test_the_library_speaks_python_and_the_command_line_of_options(finished: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    with pytest.raises(SettingsError, match=r"^`out=.*taken/x`: cannot be written"):
        prepare_output(taken / "x")
    with pytest.raises(InputError, match=r"^`columns=nothing\.\*`: matches no numeric column"):
        build(finished, columns=["nothing.*"])
    result = CliRunner().invoke(app, ["report", str(finished), "--columns", "nothing.*"])
    assert result.exit_code == 2
    assert "avcues: --columns nothing.*: matches no numeric column" in result.stderr.replace("\n", "")


def test_control_characters_are_written_out() -> None:
    assert visible("a\x1b[31mred\x07\tb\nc") == "a\\x1b[31mred\\x07\tb\nc"
    assert visible("safe\u202efdp.exe") == "safe\\u202efdp.exe"
    assert visible("\x9b2J \udcff \u2028") == "\\x9b2J \\udcff \\u2028"
    assert visible("Zoë 東京 🎬 family 👨\u200d👩\u200d👧") == "Zoë 東京 🎬 family 👨\u200d👩\u200d👧"


def test_the_console_obeys_no_text_but_keeps_its_own_styles() -> None:
    table = Table()
    table.add_column("video")
    table.add_row("\x1b]0;owned\x07")
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=60)
    console.print("[red]video[/] \x1b[2J\x1b[31m", table, highlight=False)
    for _ in track(["\x1b[5m"], description="bar \x1b[5m", console=console):
        console.print("\x1b[6n", markup=False, highlight=False)
    text = file.getvalue()
    assert "\x1b[31mvideo\x1b[0m" in text  # the console's own red
    assert "\\x1b[2J\\x1b[31m" in text
    assert "\\x1b]0;" in text
    assert "\\x1b[6n" in text
    assert not {"\x1b[2J", "\x1b]0;", "\x1b[6n", "\x1b[5m"} & {text[i : i + 4] for i in range(len(text))}


def test_a_folder_of_others_cannot_steer_the_terminal(folder: Path) -> None:
    (folder / "red\x1b[31m").mkdir()
    result = CliRunner().invoke(app, ["validate", str(folder)])
    assert "\x1b" not in result.output
    assert "red\\x1b[31m: is not a table" in result.output.replace("\n", "")
