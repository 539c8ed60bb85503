"""What a former report left is read as typed documents; anything else counts as nothing left."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from avcues.pipeline.report.column_files import read_means
from avcues.pipeline.report.index import page_path, row_of_page
from avcues.pipeline.report.options import FILE, Options, read_options

EVIL = (None, True, -1, float("nan"), float("inf"), "../../etc", "http://x/y.js", [], {}, [[]], {"": {}})
ROW = {
    "video_id": "v",
    "source": "v.mp4",
    "state": "done",
    "error": "",
    "left_out": ["objects"],
    "duration_s": 12.0,
    "shots": 3,
    "cover": "data:image/jpeg;base64,AA==",
    "strip": "",
    "expressions": {"happy": 0.5},
    "damage": "1 read errors",
    "values": {"sound": 1.0},
}
MEANS = {"videos": ["v"], "files": [{"file": "means/color.0.js", "table": "color", "columns": ["hue_000"]}]}


def page_of(row: Any) -> str:
    return f'<script type="application/json" id="row">{json.dumps(row)}</script>'


def changed(document: dict[str, Any], values: tuple[Any, ...]) -> Iterator[Any]:
    """The document with each of its values replaced by each of those."""
    yield from values
    for key in document:
        yield from (document | {key: value} for value in values)


def test_forged_rows_are_dropped_or_hold_what_pages_expect(tmp_path: Path) -> None:
    path = page_path(tmp_path, "v")
    path.parent.mkdir()
    path.write_text(page_of(ROW))
    assert row_of_page(path) == ROW
    dropped = 0
    for row in changed(ROW, EVIL):
        path.write_text(page_of(row))
        read = row_of_page(path)
        dropped += read is None
        if read is not None:
            assert json.dumps(read, allow_nan=False)
            assert [type(read[key]) for key in ROW if key != "duration_s"] == [
                type(value) for key, value in ROW.items() if key != "duration_s"
            ]
            assert all(read[key].startswith("data:image/") or not read[key] for key in ("cover", "strip"))
    assert dropped > 100


def test_forged_means_are_dropped(tmp_path: Path) -> None:
    (tmp_path / "means").mkdir()
    path = tmp_path / "means" / "about.json"
    path.write_text(json.dumps(MEANS))
    assert read_means(tmp_path) == MEANS
    (file,) = MEANS["files"]
    forged = [*changed(MEANS, EVIL), *({"videos": ["v"], "files": [entry]} for entry in changed(file, EVIL))]
    for document in forged:
        path.write_text(json.dumps(document))
        read = read_means(tmp_path)
        assert all(entry["file"] == "means/color.0.js" for entry in read["files"])
        assert all(isinstance(name, str) for entry in read["files"] for name in (entry["table"], *entry["columns"]))


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_text('{"columns": [3]}'),
        lambda path: path.write_text('{"media": ["/"]}'),
        lambda path: path.write_text('{"stills": "all"}'),
        lambda path: path.write_text("[" * 100_000),
        lambda path: os.mkfifo(path),
        lambda path: path.symlink_to("/dev/zero"),
    ],
    ids=["columns", "media", "stills", "nested", "a pipe", "a device"],
)
@pytest.mark.parametrize("name", [FILE, "means/about.json", "videos/v.html"])
def test_what_is_no_document_counts_as_absent(write: Callable[[Path], object], name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    write(tmp_path / name)
    assert read_options(tmp_path) == Options()
    assert read_means(tmp_path) == {"videos": [], "files": []}
    assert row_of_page(page_path(tmp_path, "v")) is None
