"""A folder with damaged files: every command says one line with the remedy, and the next run heals what it can."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import Result
from command import tables
from typer.testing import CliRunner

import avcues
from avcues.pipeline.cli.app import app
from avcues.pipeline.errors import RunStoppedError
from avcues.pipeline.store.layout import manifest_path, record_path, table_path

COMMANDS = {
    "status": lambda out, clips: ["status", out],
    "validate": lambda out, clips: ["validate", out],
    "align": lambda out, clips: ["align", out, "--out", out.parent / "train.parquet"],
    "describe": lambda out, clips: ["describe", out, "--card"],
    "export": lambda out, clips: ["export", "muvi", out, "--out", out.parent / "muvi"],
    "report": lambda out, clips: ["report", out],
    "extract": lambda out, clips: ["extract", clips, "--out", out, "--features", "color", "--workers", "0"],
}


@pytest.fixture(scope="module")
def clips(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for name in ("tiny4.mp4", "vfr20.mp4"):
        shutil.copy(media(name), folder)
    return folder


@pytest.fixture(scope="module")
def sound(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sound") / "features"
    assert run(*COMMANDS["extract"](out, clips)).exit_code == 0
    return out


def record_is(content: bytes) -> Callable[[Path], object]:
    return lambda out: record_path(out, "tiny4").write_bytes(content)


def record_is_a_folder(out: Path) -> None:
    record_path(out, "tiny4").unlink()
    record_path(out, "tiny4").mkdir()


def record_lacks_keys(out: Path) -> None:
    document = json.loads(record_path(out, "tiny4").read_text())
    record_path(out, "tiny4").write_text(json.dumps({"video_id": document["video_id"], "state": "done"}))


def manifest_is(content: bytes) -> Callable[[Path], object]:
    return lambda out: manifest_path(out).write_bytes(content)


def manifest_lacks(key: str) -> Callable[[Path], object]:
    def damage(out: Path) -> None:
        document = json.loads(manifest_path(out).read_text())
        del document[key]
        manifest_path(out).write_text(json.dumps(document))

    return damage


def table_is(table: str, content: bytes) -> Callable[[Path], object]:
    return lambda out: table_path(out, table, "tiny4").write_bytes(content)


def every_table_is(table: str, content: bytes) -> Callable[[Path], object]:
    def damage(out: Path) -> None:
        for path in (out / table).iterdir():
            path.write_bytes(content)

    return damage


def table_is_a_folder(out: Path) -> None:
    table_path(out, "color", "tiny4").unlink()
    table_path(out, "color", "tiny4").mkdir()


def page_has_flipped_bytes(out: Path) -> None:
    path = table_path(out, "color", "tiny4")
    data = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(8)
    for i in range(column.data_page_offset + 30, column.data_page_offset + column.total_compressed_size):
        data[i] ^= 0xFF
    path.write_bytes(data)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a record that is a list": record_is(b"[1, 2]"),
    "a record that lacks keys": record_lacks_keys,
    "a record that is not UTF-8": record_is(b"\xff\xfe{}"),
    "a record that is empty": record_is(b""),
    "a record that is a folder": record_is_a_folder,
    "a manifest that is a list": manifest_is(b"[]"),
    "a manifest that is empty": manifest_is(b""),
    "a manifest that is not UTF-8": manifest_is(b"\xff\xff"),
    "a manifest without tables": manifest_lacks("tables"),
    "a manifest without recipes": manifest_lacks("recipes"),
    "a manifest without step": manifest_lacks("step"),
    "a table of two bytes": table_is("color", b"PA"),
    "a timeline of two bytes": table_is("timeline", b"PA"),
    "every table of two bytes": every_table_is("color", b"PA"),
    "every timeline of two bytes": every_table_is("timeline", b"PA"),
    "an empty table": table_is("color", b""),
    "a table that is a folder": table_is_a_folder,
    "a page with flipped bytes": page_has_flipped_bytes,
}


MANIFEST_DAMAGE = [name for name in DAMAGE if "manifest" in name]
FOLDERS = [name for name in DAMAGE if "folder" in name]
HEALED = [name for name in DAMAGE if name not in MANIFEST_DAMAGE + FOLDERS]


def run(*arguments: object) -> Result:
    """The command, in this process."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture
def damaged(request: pytest.FixtureRequest, sound: Path, tmp_path: Path) -> Path:
    out = Path(shutil.copytree(sound, tmp_path / "features"))
    DAMAGE[request.param](out)
    return out


@pytest.mark.parametrize("damaged", DAMAGE, indirect=True)
def test_commands_that_read_say_what_is_wrong_in_a_line(damaged: Path, clips: Path) -> None:
    for name in ("status", "validate", "align", "describe", "export", "report"):
        done = run(*COMMANDS[name](damaged, clips))
        assert "Traceback" not in done.output, name
        assert "\n\n" not in done.stderr.strip(), name


@pytest.mark.parametrize("damaged", [name for name in DAMAGE if name not in MANIFEST_DAMAGE], indirect=True)
def test_validate_names_the_damaged_file(damaged: Path) -> None:
    done = run("validate", damaged)
    assert done.exit_code == 1
    assert "tiny4" in done.output
    assert "run avcues extract" in done.output


@pytest.mark.parametrize("damaged", HEALED, indirect=True)
def test_the_next_run_heals(damaged: Path, sound: Path, clips: Path) -> None:
    assert run(*COMMANDS["extract"](damaged, clips), "--verify").exit_code == 0
    assert run("validate", damaged).exit_code == 0
    assert tables(damaged) == tables(sound)


def test_damage_inside_a_page_is_healed_by_verify_alone(sound: Path, clips: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(sound, tmp_path / "features"))
    page_has_flipped_bytes(out)
    assert run(*COMMANDS["extract"](out, clips)).exit_code == 0
    assert run("validate", out).exit_code == 1
    assert run("align", out, "--out", tmp_path / "train.parquet").exit_code != 0
    run(*COMMANDS["extract"](out, clips), "--verify")
    assert tables(out) == tables(sound)


def test_a_flipped_bit_that_still_decodes_is_found(sound: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(sound, tmp_path / "features"))
    path = table_path(out, "color", "tiny4")
    column = pq.read_metadata(path).row_group(0).column(8)
    data = bytearray(path.read_bytes())
    data[column.data_page_offset + column.total_compressed_size - 1] ^= 1
    path.write_bytes(data)
    done = run("validate", out)
    assert done.exit_code == 1
    assert "checksum" in done.output or "cannot be read" in done.output


def test_a_flipped_bit_in_what_a_table_says_of_itself_is_found(sound: Path, clips: Path, tmp_path: Path) -> None:
    """In a footer, which has no checksum of its own, and in a word, so that everything can still be read."""
    out = Path(shutil.copytree(sound, tmp_path / "features"))
    path = table_path(out, "color", "tiny4")
    data = bytearray(path.read_bytes())
    data[data.rindex(b'"citation": "') + len(b'"citation": "')] ^= 1
    path.write_bytes(data)
    assert pq.read_table(path).num_rows
    done = run("validate", out)
    assert done.exit_code == 1
    assert "was changed after it was written" in done.output
    run(*COMMANDS["extract"](out, clips), "--verify")
    assert run("validate", out).exit_code == 0
    assert tables(out) == tables(sound)


@pytest.mark.parametrize("damaged", MANIFEST_DAMAGE, indirect=True)
def test_a_damaged_manifest_is_named_and_its_remedy_works(damaged: Path, sound: Path, clips: Path) -> None:
    for name, command in COMMANDS.items():
        done = run(*command(damaged, clips))
        assert done.exit_code == 2, name
        assert "dataset.json is damaged" in done.stderr, name
        assert "remove it" in done.stderr, name
    manifest_path(damaged).unlink()
    times_before = {path: path.stat().st_mtime_ns for path in damaged.glob("[!_]*/*.parquet")}
    assert run(*COMMANDS["extract"](damaged, clips)).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in damaged.glob("[!_]*/*.parquet")} == times_before
    assert manifest_path(damaged).read_bytes() == manifest_path(sound).read_bytes()


@pytest.mark.parametrize("damaged", FOLDERS, indirect=True)
def test_a_folder_in_the_place_of_a_file_is_named(damaged: Path, clips: Path) -> None:
    done = run(*COMMANDS["extract"](damaged, clips))
    assert done.exit_code == 1
    assert "remove that folder and run the same command again" in " ".join(done.stderr.split())


@pytest.mark.parametrize("what", ["all of it", "its tables"])
def test_a_folder_that_is_deleted_during_a_run_is_noticed(what: str, clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "features"
    with pytest.raises(RunStoppedError, match="removed"):
        for done in avcues.extract_many([clips], out, features=["color"], workers=0):
            assert done.state == "done"
            shutil.rmtree(out if what == "all of it" else out / "color")
