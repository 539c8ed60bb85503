"""A study that changes while raters are at it: what ratings mean stays, and nobody is stuck."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avcues.pipeline.collection.design import parse_design
from avcues.pipeline.collection.records import DATABASE, connect
from avcues.pipeline.collection.records.continuity import begin, check_unchanged
from avcues.pipeline.collection.records.items import finish_item, next_item
from avcues.pipeline.collection.records.raters import add_rater
from avcues.pipeline.collection.stimuli import Clip, Index
from avcues.pipeline.collection.study import Study
from avcues.pipeline.errors import SettingsError

AXES = {"x": {"name": "valence"}, "y": {"name": "arousal"}}


def study(folder: Path, videos: str = "uvwz", *, marks: dict[str, str] | None = None, **changes: Any) -> Study:
    """A study of one sound setup and one of pictures; each video's fingerprint is its name, or that in `marks`."""
    declared: dict[str, Any] = {
        "format": 1,
        "title": "Study",
        "videos": {"folder": "."},
        "setups": [{"name": "a", "shows": ["sound"]}, {"name": "b", "shows": ["picture"]}],
        "assignment": {"rule": "every setup", "ratings_per_cell": 2, "gap": 1},
        "rating": {"kind": "plane", **AXES},
    }
    design = parse_design(declared | changes, "study.toml")
    about: dict[str, Any] = {"source": "v.mp4", "source_bytes": 1, "source_changed": 1.0}
    clips = {name: Clip(video_id=name, fingerprint=(marks or {}).get(name, name), **about) for name in videos}
    return Study(folder, design, Index(clips=clips))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / DATABASE)) as opened:
        yield opened


def rate(connection: sqlite3.Connection, small: Study, rater: sqlite3.Row, clips: int) -> list[tuple[str, str]]:
    """A rater's next clips, rated."""
    cells = []
    (round_,) = small.design.all_rounds
    while len(cells) < clips and (item := next_item(connection, small, rater, round_)) is not None:
        cells.append((item["video"], item["setup"]))
        finish_item(connection, item["id"], None, {})
    return cells


def test_a_video_that_is_gone_is_given_to_nobody_and_nobody_rates_twice(
    tmp_path: Path, connection: sqlite3.Connection
) -> None:
    before = study(tmp_path)
    begin(connection, before)
    rater = add_rater(connection, joint=False, outside_id=None, items=None)
    rated = rate(connection, before, rater, 3)
    (round_,) = before.design.all_rounds
    gone = next_item(connection, before, rater, round_)["video"]  # type: ignore[index]
    after = study(tmp_path, "uvwz".replace(gone, ""))
    assert begin(connection, after) == ("1 clips in progress are no longer in the study: their raters get others",)
    assert begin(connection, after) == ()
    rated += rate(connection, after, rater, 100)
    assert len(set(rated)) == len(rated)
    assert {cell for cell in rated if cell[0] != gone} == {(v, s) for v in after.stimuli.clips for s in "ab"}
    assert next_item(connection, after, rater, round_) is None


def test_a_video_that_came_is_rated_by_those_at_work(tmp_path: Path, connection: sqlite3.Connection) -> None:
    begin(connection, study(tmp_path))
    rater = add_rater(connection, joint=False, outside_id=None, items=None)
    rated = rate(connection, study(tmp_path), rater, 5)
    more = study(tmp_path, "uvwxyz")
    assert begin(connection, more) == ()
    rated += rate(connection, more, rater, 100)
    assert sorted(rated) == [(video, setup) for video in "uvwxyz" for setup in "ab"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rating": {"kind": "plane", **AXES, "x": {"name": "valence", "low": 0}}}, 'rating was {"kind": "plane"'),
        ({"seed": 7}, "seed was 1"),
        ({"setups": [{"name": name, "shows": ["sound", "picture"]} for name in "ab"]}, "showed (sound|picture);"),
        ({"marks": dict.fromkeys("uvwz", "other")}, "is not the file of"),
    ],
)
def test_what_would_change_the_meaning_of_ratings_is_refused(
    changes: dict[str, Any], said: str, tmp_path: Path, connection: sqlite3.Connection
) -> None:
    before, after = study(tmp_path), study(tmp_path, **changes)
    begin(connection, after)
    begin(connection, before)  # nobody has come: everything may change
    rater = add_rater(connection, joint=False, outside_id=None, items=None)
    rate(connection, before, rater, 4)
    for check in (check_unchanged, begin):
        with pytest.raises(SettingsError, match=said):
            check(connection, after)
    begin(connection, before)


def test_texts_and_pages_may_change(tmp_path: Path, connection: sqlite3.Connection) -> None:
    before = study(tmp_path)
    begin(connection, before)
    rate(connection, before, add_rater(connection, joint=False, outside_id=None, items=None), 4)
    axes = {"x": {"name": "valence", "title": "Valenz", "low_text": "unangenehm"}, "y": {"name": "arousal"}}
    begin(connection, study(tmp_path, rating={"kind": "plane", **axes, "place": "over"}, title="Andere Worte"))


def test_a_video_that_comes_back_must_be_the_same_file(tmp_path: Path, connection: sqlite3.Connection) -> None:
    before = study(tmp_path)
    begin(connection, before)
    ((video, _),) = rate(connection, before, add_rater(connection, joint=False, outside_id=None, items=None), 1)
    begin(connection, study(tmp_path, "uvwz".replace(video, "")))
    with pytest.raises(SettingsError, match="is not the file of"):
        begin(connection, study(tmp_path, marks={video: "other"}))
    begin(connection, replace(before))
