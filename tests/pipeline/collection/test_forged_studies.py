"""Folders of studies that others made: nothing outside of them is served or changed, and damage is named."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from starlette.exceptions import HTTPException

from avcues.pipeline.collection.design import parse_design
from avcues.pipeline.collection.export.forget import forget
from avcues.pipeline.collection.export.write import export
from avcues.pipeline.collection.records.continuity import begin
from avcues.pipeline.collection.records.database import connect
from avcues.pipeline.collection.records.items import finish_item, next_item
from avcues.pipeline.collection.records.raters import add_rater
from avcues.pipeline.collection.records.schema import DATABASE
from avcues.pipeline.collection.server.context import Context, stimulus_response
from avcues.pipeline.collection.stimuli import Clip, Index, read_index
from avcues.pipeline.collection.stimuli.index import StimulusFile
from avcues.pipeline.collection.study import Study
from avcues.pipeline.errors import AvcuesError, DatasetError

QUESTION = {"kind": "scale", "name": "liking", "text": "?", "low": 1, "high": 7, "low_text": "-", "high_text": "+"}


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study that two raters completed."""
    design = {
        "format": 1,
        "title": "Study",
        "videos": {"folder": "."},
        "setups": [{"name": "a", "shows": ["sound"]}, {"name": "b", "shows": ["picture"]}],
        "assignment": {"rule": "every setup", "ratings_per_cell": 2, "gap": 1},
        "after_clip": [QUESTION],
    }
    clips = {
        name: Clip(video_id=name, fingerprint=name, source="v.mp4", source_bytes=1, source_changed=1.0)
        for name in "uvwz"
    }
    folder = tmp_path_factory.mktemp("rated")
    rated_study = Study(folder, parse_design(design, "study.toml"), Index(clips=clips))
    with closing(connect(rated_study.folder / DATABASE)) as connection:
        begin(connection, rated_study)
        for _ in range(2):
            rater = add_rater(connection, joint=False, outside_id=None, items=None)
            (round_,) = rated_study.design.all_rounds
            while (item := next_item(connection, rated_study, rater, round_)) is not None:
                finish_item(connection, item["id"], None, {"liking": item["id"] % 7 + 1})
    return rated_study


def copied(rated: Study, folder: Path, statements: str) -> Study:
    """A copy of the study whose database was changed."""
    (folder / "study").mkdir()
    with closing(sqlite3.connect(rated.folder / DATABASE)) as connection:
        connection.execute("VACUUM INTO ?", (str(folder / "study" / DATABASE),))
    with closing(sqlite3.connect(folder / "study" / DATABASE)) as connection:
        connection.executescript(statements)
    return Study(folder / "study", rated.design, rated.stimuli)


@pytest.mark.parametrize(
    "statements",
    [
        *(
            f"UPDATE items SET answers = '{text}'"
            for text in ("", "[]", "[" * 9999, '{"liking": "x"}', '{"liking": NaN}')
        ),
        "UPDATE items SET answers = X'FFFE'",
        "UPDATE items SET place = 1000000000000000000 WHERE id = 1",
        "UPDATE raters SET joined = 'soon'",
        *(
            f"UPDATE settings SET value = '{text}'"
            for text in ("1", "{}", '{"study": {}, "setups": {"a": 1}, "clips": {}}')
        ),
        "CREATE TRIGGER emptied AFTER INSERT ON exports BEGIN DELETE FROM raters; END",
        "DROP TABLE exports; CREATE VIEW exports AS SELECT '/' AS folder, '1' AS step, 1.0 AS written",
    ],
)
def test_a_forged_database_is_named_in_one_line(statements: str, rated: Study, tmp_path: Path) -> None:
    forged = copied(rated, tmp_path, statements)
    with pytest.raises(AvcuesError, match=DATABASE) as caught:
        export(forged, tmp_path / "out")
    assert str(caught.value).isprintable() and len(str(caught.value)) < 500
    assert not (tmp_path / "out").exists()


def test_the_database_that_was_forged_is_sound(rated: Study, tmp_path: Path) -> None:
    assert len(export(copied(rated, tmp_path, ""), tmp_path / "out").annotations.ratings) == 16


def test_only_exports_of_the_study_are_written_again(rated: Study, tmp_path: Path) -> None:
    own = copied(rated, tmp_path, "")
    export(own, tmp_path / "own")
    other = tmp_path / "other"
    shutil.copytree(tmp_path / "own", other)
    ratings = pq.read_table(other / "ratings.parquet")
    about = json.loads(ratings.schema.metadata[b"avcues"])
    about["origin"]["fingerprints"] = {"u": "of another study"}
    pq.write_table(ratings.replace_schema_metadata({"avcues": json.dumps(about)}), other / "ratings.parquet")
    content = (other / "ratings.parquet").read_bytes()
    with closing(sqlite3.connect(own.folder / DATABASE)) as connection, connection:
        connection.execute("INSERT INTO exports VALUES (?, '1/2', 1.0)", (str(other),))
    removal = forget(own, "r001")
    assert (removal.rewritten_exports, removal.missing_exports) == ((tmp_path / "own",), (other,))
    assert (other / "ratings.parquet").read_bytes() == content


def index_of(**file: object) -> str:
    stimulus = {"name": "sound/u.mp4", "kind": "audio/mp4", "bytes": 1, "duration_s": 4.0, "copied": True} | file
    clip = {"video_id": "u", "source": "u", "fingerprint": "u", "source_bytes": 1, "source_changed": 1.0}
    return json.dumps({"clips": {"u": clip | {"files": {"sound": stimulus}}}})


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_text(index_of(name="../study.sqlite")),
        lambda path: path.write_text(index_of(name="/etc/passwd")),
        lambda path: path.write_text(index_of(kind="text/html")),
        lambda path: path.write_text(index_of(duration_s=1e300)),
        lambda path: path.write_text("[" * 100_000),
        lambda path: os.mkfifo(path),
        lambda path: path.symlink_to("/dev/zero"),
    ],
    ids=["a file above", "a file elsewhere", "a page", "a length without end", "nested", "a pipe", "a device"],
)
def test_a_forged_list_of_stimuli_is_refused(write: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "stimuli").mkdir()
    write(tmp_path / "stimuli" / "index.json")
    with pytest.raises(DatasetError, match="is damaged"):
        read_index(tmp_path)


def test_a_stimulus_that_links_elsewhere_is_not_served(tmp_path: Path, rated: Study) -> None:
    folder = tmp_path / "stimuli"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"x")
    (folder / "b.mp4").symlink_to("/etc/passwd")
    context = Context(study=Study(tmp_path, rated.design, rated.stimuli), database=None, root="", page=None)  # type: ignore[arg-type]
    file = {"kind": "video/mp4", "bytes": 1, "duration_s": 1.0, "copied": True}
    assert stimulus_response(context, StimulusFile(name="a.mp4", **file)).status_code == 200
    with pytest.raises(HTTPException):
        stimulus_response(context, StimulusFile(name="b.mp4", **file))
