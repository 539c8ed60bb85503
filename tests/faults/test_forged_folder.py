"""A folder that somebody made to do harm: every command ends soon, in a line or in a result, and steers no terminal."""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from avcues.pipeline.cli.app import app
from avcues.pipeline.store.documents import MAX_ROWS
from avcues.pipeline.store.layout import (
    card_record_path,
    data_card_path,
    manifest_path,
    owner_path,
    record_path,
    requested_path,
    table_path,
)
from avcues.pipeline.store.parquet import METADATA_KEY, write_table

VIDEO, TABLE = "silent", "lighting"
COMMANDS = {
    "status": lambda out: ["status", out],
    "validate": lambda out: ["validate", out],
    "align": lambda out: ["align", out, "--out", out.parent / "train.parquet", "--tables", "lighting,motion,glow"],
    "describe": lambda out: ["describe", out],
    "card": lambda out: ["describe", out, "--card"],
    "report": lambda out: ["report", out, VIDEO, "--workers", "1", "--out", out.parent / "report"],
}
DEEP = "[" * 100_000
EVIL: list[Any] = [None, True, -1, 10**30, 1e308, "", "\x1b[31m\x07", "../../etc", [], {}, [[]], {"": {}}, "x" * 10**6]
HANGS_AFTER_CPU_S, HANGS_AFTER_S = 60, 600


@contextmanager
def ended_if_it_hangs() -> Iterator[None]:
    """Raises an error in what computes or waits without an end, however busy the machine is."""

    def end(number: int, frame: object) -> None:
        raise TimeoutError("it hangs")

    former = [signal.signal(number, end) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, HANGS_AFTER_CPU_S)
    signal.alarm(HANGS_AFTER_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for number, handler in zip((signal.SIGPROF, signal.SIGALRM), former, strict=True):
            signal.signal(number, handler)


def run(name: str, out: Path) -> None:
    run_line(name, COMMANDS[name](out))


def run_line(name: str, arguments: list[object]) -> None:
    with ended_if_it_hangs():
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), (name, done.exception)
    assert "unexpected error" not in done.output, (name, done.output)
    assert not {"\x1b", "\x07"} & {*done.output}, (name, done.output)


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to every value of a document; of long lists the first."""
    yield path
    items = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document[:1])
        if isinstance(document, list)
        else ()
    )
    for key, value in items:
        yield from places(value, (*path, key))


def forged(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(document)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return changed


def write_footer(path: Path, document: Any) -> None:
    table = pq.read_table(path)
    write_table(table.replace_schema_metadata({METADATA_KEY: json.dumps(document)}), path)


def footer(path: Path) -> Any:
    return json.loads(pq.read_metadata(path).metadata[METADATA_KEY])


DOCUMENTS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], Any], Callable[[Path, Any], object]]] = {
    "manifest": (
        manifest_path,
        lambda path: json.loads(path.read_text()),
        lambda path, d: path.write_text(json.dumps(d)),
    ),
    "record": (
        lambda out: record_path(out, VIDEO),
        lambda path: json.loads(path.read_text()),
        lambda path, d: path.write_text(json.dumps(d)),
    ),
    "footer": (lambda out: table_path(out, TABLE, VIDEO), footer, write_footer),
    "timeline's footer": (lambda out: table_path(out, "timeline", VIDEO), footer, write_footer),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_every_value_of_a_document_may_be_forged(kind: str, folder: Path, tmp_path: Path, thorough: bool) -> None:
    where, read, write = DOCUMENTS[kind]
    path = where(folder)
    if kind == "record":
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(record()))
    original = read(path)
    content = path.read_bytes()
    trials = [(place, value) for place in places(original) for value in EVIL]
    chance = random.Random(kind)
    for place, value in trials if thorough else chance.sample(trials, 8):
        path.write_bytes(content)
        write(path, forged(original, place, value))
        for name in COMMANDS if thorough else [chance.choice(["status", "validate", "align"])]:
            run(name, folder)
    path.write_bytes(content)


USER_FILES: dict[str, tuple[str, Callable[[Path], list[object]]]] = {
    "ratings": ("ann/ratings.parquet", lambda out: ["annotations", "check", out / "ann"]),
    "labels": (
        "gold/audiovisual.parquet",
        lambda out: [
            *("align", out / "features", "--labels", out / "gold" / "audiovisual.parquet"),
            *("--tables", "lighting", "--out", out / "train.parquet"),
        ],
    ),
}


@pytest.mark.parametrize("kind", USER_FILES)
def test_metadata_of_files_that_users_name_may_be_forged(
    kind: str, planted: Path, tmp_path: Path, thorough: bool
) -> None:
    for name in ("features", "ann", "gold"):
        shutil.copytree(planted / name, tmp_path / name)
    name, arguments = USER_FILES[kind]
    path = tmp_path / name
    original, content = footer(path), path.read_bytes()
    trials = [(place, value) for place in places(original) for value in (*EVIL, "1e999999999")]
    certain = [(("dimensions",), [])] if kind == "ratings" else [(("step",), "1e999999999"), (("recipe",), None)]
    for place, value in trials if thorough else [*certain, *random.Random(kind).sample(trials, 6)]:
        path.write_bytes(content)
        write_footer(path, forged(original, place, value))
        run_line(kind, arguments(tmp_path))


def record() -> dict[str, Any]:
    return {
        "video_id": VIDEO,
        "source": "/x.mp4",
        "state": "done",
        "error_class": None,
        "error": None,
        "duration_s": 4.0,
        "windows": 8,
        "tables": {"timeline": 8},
        "computed": ["shots"],
        "left_out": {"objects": "why"},
        "damage": {"read_errors": 1},
        "lost_s": 1.0,
        "notes": ["a note"],
        "retries": 0,
        "seconds": {"total": 1.0},
    }


def text_is(path: Callable[[Path], Path], text: str) -> Callable[[Path], object]:
    def forge(out: Path) -> None:
        path(out).parent.mkdir(exist_ok=True)
        path(out).write_text(text)

    return forge


def step_is(step: str) -> Callable[[Path], object]:
    def forge(out: Path) -> None:
        document = json.loads(manifest_path(out).read_text())
        document["step"] = step
        for recipe in document["recipes"].values():
            recipe["step"] = step
        manifest_path(out).write_text(json.dumps(document))

    return forge


def pipe_at(path: Callable[[Path], Path]) -> Callable[[Path], object]:
    def forge(out: Path) -> None:
        path(out).parent.mkdir(exist_ok=True)
        path(out).unlink(missing_ok=True)
        os.mkfifo(path(out))

    return forge


def device_at(path: Callable[[Path], Path]) -> Callable[[Path], object]:
    def forge(out: Path) -> None:
        path(out).unlink(missing_ok=True)
        path(out).symlink_to("/dev/zero")

    return forge


def columns_are(table: str, change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], object]:
    def forge(out: Path) -> None:
        path = table_path(out, table, VIDEO)
        changed = change(pq.read_table(path))
        write_table(changed.replace_schema_metadata(pq.read_metadata(path).metadata), path)

    return forge


def cast(name: str, values: Callable[[int], Any]) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.set_column(table.column_names.index(name), name, pa.array(values(len(table))))


def columns_of_nothing(out: Path) -> None:
    """A small file of rows beyond counting."""
    path = table_path(out, "timeline", VIDEO)
    rows = MAX_ROWS + 1
    table = pa.table({"window": np.zeros(rows, bool)})
    pq.write_table(table.replace_schema_metadata(pq.read_metadata(path).metadata), path, compression="zstd")


def names_with_escape_sequences(out: Path) -> None:
    (out / "\x1b]0;owned\x07").mkdir()
    for path in (table_path(out, TABLE, "\x1b[2J"), record_path(out, "\x1b[2J")):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"PAR1")
    requested_path(out).parent.mkdir(exist_ok=True)
    requested_path(out).write_text(json.dumps({"video_ids": ["\x1b[5m", "\x1b[6n"]}))
    failed = record() | {"state": "failed", "error_class": "\x1b[1m", "error": "\x1b[31m", "source": "\x07"}
    record_path(out, VIDEO).write_text(json.dumps(failed))


def a_table(out: Path) -> Path:
    return table_path(out, TABLE, VIDEO)


def a_record(out: Path) -> Path:
    return record_path(out, VIDEO)


FORGERIES: dict[str, Callable[[Path], object]] = {
    "a step of a millionth": step_is("1/1000000"),
    "a step of many digits": step_is("1e-999999999"),
    "a negative step": step_is("-1/2"),
    "a manifest nested deeply": text_is(manifest_path, DEEP),
    "a manifest of NaN": text_is(manifest_path, '{"format": NaN}'),
    "a record nested deeply": text_is(a_record, DEEP),
    "an owner that is a list": text_is(owner_path, "[]"),
    "a card record of numbers": text_is(card_record_path, '{"README.md": 3}'),
    "a table that is a pipe": pipe_at(a_table),
    "a table that is a device": device_at(a_table),
    "a manifest that is a pipe": pipe_at(manifest_path),
    "a manifest that is a device": device_at(manifest_path),
    "a record that is a pipe": pipe_at(a_record),
    "a card that is a pipe": pipe_at(data_card_path),
    "a list of videos that is a pipe": pipe_at(requested_path),
    "names with escape sequences": names_with_escape_sequences,
    "windows of text": columns_are(TABLE, cast("window", lambda rows: ["x"] * rows)),
    "windows of null": columns_are(TABLE, cast("window", lambda rows: pa.nulls(rows, pa.int32()))),
    "starts of text": columns_are("timeline", cast("start", lambda rows: ["x"] * rows)),
    "shots of text": columns_are("timeline", cast("shot", lambda rows: ["x"] * rows)),
    "windows beyond the video": columns_are(TABLE, cast("window", lambda rows: np.full(rows, 2**31 - 1, np.int32))),
    "features that are lists": columns_are(TABLE, cast("lighting_key", lambda rows: [[1.0]] * rows)),
    "a timeline without shots": columns_are("timeline", lambda table: table.drop_columns(["shot"])),
    "a table without keys": columns_are(TABLE, lambda table: table.select(table.column_names[4:])),
    "rows beyond counting": columns_of_nothing,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_is_named_or_ignored(forgery: str, folder: Path, tmp_path: Path) -> None:
    FORGERIES[forgery](folder)
    for name in COMMANDS:
        run(name, folder)


def test_the_folder_that_was_forged_is_sound(folder: Path, tmp_path: Path) -> None:
    shutil.rmtree(folder / "_status", ignore_errors=True)
    for name in ("validate", "align", "report"):
        done = CliRunner().invoke(app, [str(argument) for argument in COMMANDS[name](folder)])
        assert done.exit_code == 0, done.output
