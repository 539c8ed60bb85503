"""Places in a study: reserved, expired, given to others."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from avcues.pipeline.collection.design import parse_design
from avcues.pipeline.collection.records import DATABASE, Database, StorageError, connect
from avcues.pipeline.collection.records.items import finish_item, needs_rater, next_item, ratings_by_cell
from avcues.pipeline.collection.records.raters import add_rater
from avcues.pipeline.collection.stimuli import Clip, Index
from avcues.pipeline.collection.study import Study


def study(tmp_path: Path, **assignment: object) -> Study:
    design = parse_design(
        {
            "format": 1,
            "title": "Study",
            "videos": {"folder": "."},
            "setups": [{"name": name, "shows": ["sound"]} for name in ("a", "b")],
            "assignment": {"expires_minutes": 10, **assignment},
            "rating": {"kind": "plane", "x": {"name": "valence"}, "y": {"name": "arousal"}},
        },
        "study.toml",
    )
    about = {"source": "", "fingerprint": "", "source_bytes": 1, "source_changed": 1.0}
    clips = {name: Clip(video_id=name, **about) for name in ("u", "v", "w")}  # type: ignore[arg-type]
    return Study(tmp_path, design, Index(clips=clips))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / DATABASE)) as connection:
        yield connection


def come(connection: sqlite3.Connection, items: int | None = None) -> sqlite3.Row:
    return add_rater(connection, joint=False, outside_id=None, items=items)


def silence(connection: sqlite3.Connection, rater: sqlite3.Row, minutes: float) -> None:
    connection.execute("UPDATE raters SET last_seen = last_seen - ? WHERE id = ?", (minutes * 60, rater["id"]))


def test_a_clip_in_progress_counts_until_its_rater_was_silent_for_too_long(
    tmp_path: Path, database: sqlite3.Connection
) -> None:
    small = study(tmp_path, rule="once per video", ratings_per_cell=1, items_per_rater=[3, 3])
    (round_,) = small.design.all_rounds
    first, second = come(database, 3), come(database, 3)
    item = next_item(database, small, first, round_)
    assert item is not None
    cell = (item["video"], item["setup"])
    assert ratings_by_cell(database, small, round_)[cell] == 1
    silence(database, first, minutes=11)
    assert ratings_by_cell(database, small, round_)[cell] == 0
    # A reload is at the same item.
    assert next_item(database, small, first, round_)["id"] == item["id"]  # type: ignore[index]
    finish_item(database, item["id"], None, {})
    assert ratings_by_cell(database, small, round_)[cell] == 1
    videos = set()
    while (given := next_item(database, small, second, round_)) is not None:
        assert (given["video"], given["setup"]) != cell
        videos.add(given["video"])
        finish_item(database, given["id"], None, {})
    assert len(videos) == 3


def test_nobody_is_let_in_whose_ratings_raters_at_work_will_give(tmp_path: Path, database: sqlite3.Connection) -> None:
    small = study(tmp_path, rule="once per video", ratings_per_cell=1, items_per_rater=[3, 3])
    assert needs_rater(database, small)
    first = come(database, 3)
    assert needs_rater(database, small)  # six cells, three promised
    come(database, 3)
    assert not needs_rater(database, small)
    silence(database, first, minutes=11)
    assert needs_rater(database, small)


def test_the_place_of_a_rater_who_left_is_given_to_another(tmp_path: Path, database: sqlite3.Connection) -> None:
    small = study(tmp_path, rule="every setup", ratings_per_cell=2)
    first = come(database)
    come(database)
    assert not needs_rater(database, small)
    silence(database, first, minutes=11)
    assert needs_rater(database, small)


def test_one_outside_id_is_one_rater(database: sqlite3.Connection) -> None:
    first, second = (add_rater(database, joint=False, outside_id="P1", items=3) for _ in range(2))
    assert first["id"] == second["id"]
    assert come(database)["id"] != come(database)["id"]


def test_a_job_that_fails_undoes_itself_and_nothing_else(tmp_path: Path) -> None:
    database = Database(tmp_path / DATABASE)

    def failing(connection: sqlite3.Connection) -> None:
        come(connection)
        raise ValueError("no")

    jobs = [database.submit(job) for job in (come, failing, come) for _ in range(50)]
    failed = [job for job in jobs if job.exception()]
    assert len(failed) == 50
    assert (
        database.submit(lambda connection: len(connection.execute("SELECT * FROM raters").fetchall())).result() == 100
    )
    database.close()
    with closing(connect(tmp_path / DATABASE)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_disk_without_room_fails_all_jobs_of_a_transaction_and_later_ones_succeed(tmp_path: Path) -> None:
    database = Database(tmp_path / DATABASE)
    pages = database.submit(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0]).result()
    database._connection.execute(f"PRAGMA max_page_count = {pages}")
    large = "x" * 100_000
    store = "INSERT OR REPLACE INTO settings VALUES ('large', ?)"
    with pytest.raises(StorageError, match="cannot be written"):
        database.submit(lambda connection: connection.execute(store, (large,))).result()
    database._connection.execute("PRAGMA max_page_count = 100000")
    database.submit(lambda connection: connection.execute(store, (large,))).result()
    database.close()
