"""Whole studies with scripted raters: both presets, and the documented way to a gold standard."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from collecting import FPS_25, avcues, numbered_clip, serving, start
from scripted_rater import LAG_S, ScriptedRater

import avcues as library
from avcues import annotations

PAGE = Path(__file__).parents[3] / "docs" / "collecting.md"


def clips(folder: Path, count: int, *, transcripts: bool = False) -> Path:
    """Short clips of one second."""
    folder.mkdir(parents=True)
    first = numbered_clip(folder / "clip_00.mp4", FPS_25[:25], beeps=(0.3,), seconds=1)
    for number in range(1, count):
        shutil.copy(first, folder / f"clip_{number:02}.mp4")
    for path in list(folder.iterdir()) if transcripts else []:
        path.with_suffix(".srt").write_text("1\n00:00:00,100 --> 00:00:00,900\n<i>Hello</i> you & me\n")
    return folder


def video_of_items(study: Path) -> dict[int, tuple[str, str, str]]:
    """Rater, video and setup of each item, as the server assigned them."""
    with sqlite3.connect(study / "study.sqlite") as connection:
        rows = connection.execute("SELECT id, rater, video, setup, kind FROM items").fetchall()
    return {row[0]: (f"r{row[1]:03}", row[2], row[3]) for row in rows if row[4] == "rating"}


def test_the_muvi_study(tmp_path: Path) -> None:
    clips(tmp_path / "clips", 9)
    study = tmp_path / "study"
    done = avcues("collect", "init", study, "--videos", tmp_path / "clips", "--preset", "muvi")
    assert "9 videos: 7 to 7 clips for each rater and 2 for practice" in done.stderr
    with serving(study) as served:
        raters = [ScriptedRater(served.raters, place=lambda time: (0.2 + 0.1 * time, 0.9)) for _ in range(4)]
        for rater in raters[:3]:
            assert rater.take_part() == "end"
        assert raters[3].take_part(most=4) == "left"
        out = tmp_path / "ann"
        avcues("collect", "export", study, "--out", out)
        status = json.loads(avcues("collect", "status", study, "--json").stdout)
    assert status["states"] == {"at work": 1, "finished": 3, "away": 0, "left": 0}
    assert "before-1" in raters[0].pages and "after-1" in raters[0].pages
    avcues("annotations", "check", out)
    rated = annotations.read(out)
    assert rated.rater_ids == ("r001", "r002", "r003", "r004")
    assert set(rated.setups) == {"music", "visual", "audiovisual"}
    exposures = rated.exposures.to_pandas()
    assert not exposures.duplicated(["rater", "video_id"]).any()
    assert list(exposures.groupby("rater").size()) == [7, 7, 7, 2]
    assert set(exposures["overlay"][exposures["setup"] != "music"]) <= {"over", "beside"}
    assert exposures["overlay"][exposures["setup"] == "music"].isna().all()
    # Labels and familiarity belong to the very clip that they were given for.
    ratings, items = rated.ratings.to_pandas(), video_of_items(study)
    for rater in raters:
        for item, answers in rater.given.items():
            if item not in items:
                continue  # practice
            name, video, setup = items[item]
            of_clip = ratings[(ratings["rater"] == name) & (ratings["video_id"] == video)]
            assert set(of_clip["setup"]) == {setup}
            assert list(of_clip["label"].dropna()) == answers["gems"]["labels"]
            seen = exposures[(exposures["rater"] == name) & (exposures["video_id"] == video)]["seen"]
            assert list(seen) == [answers["seen"]]
            arousal = of_clip[of_clip["dimension"] == "arousal"].sort_values("time")
            assert list(arousal["time"]) == [0.0, 0.5]
            assert list(arousal["value"].round(4)) == [0.8, 0.8]
            valence = of_clip[of_clip["dimension"] == "valence"].sort_values("time")["value"]
            assert np.allclose(valence, [-0.6, -0.5], atol=0.2 * 0.04 + 1e-4)  # within a frame
    people = rated.raters.to_pandas().set_index("rater")
    assert np.allclose(people["lag_s"], LAG_S, atol=0.03)
    assert people["age"].notna().all()
    assert people["preferred_overlay"].notna().sum() == 3


def test_the_study_of_perspectives(tmp_path: Path) -> None:
    clips(tmp_path / "clips", 4, transcripts=True)
    study = tmp_path / "study"
    avcues("collect", "init", study, "--videos", tmp_path / "clips", "--preset", "perspectives")
    with serving(study) as served:
        raters = [ScriptedRater(served.raters) for _ in range(3)]
        assert [rater.take_part() for rater in raters] == ["wait"] * 3
        assert [len(rater.trials) for rater in raters] == [16] * 3
        text = next(step for step in raters[0].trials if step["setup"] == "text")
        assert (text["clip"], text["rating"]) == (None, None)
        assert [line["text"] for line in text["transcript"]] == ["Hello you & me"]
        assert served.joint is not None
        together = ScriptedRater(served.joint)
        assert together.take_part() == "wait"
        for name in ("joint", "after"):
            opener = ScriptedRater(served.researcher)
            opener._base = served.researcher.split("/study/")[0]
            assert opener._post(f"/study/{served.researcher.split('/study/')[1]}/open", {"round": name})
            if name == "joint":
                assert together.take_part() == "end"
        assert [rater.take_part() for rater in raters] == ["end"] * 3
        out = tmp_path / "ann"
        avcues("collect", "export", study, "--out", out)
    avcues("annotations", "check", out)
    rated = annotations.read(out)
    assert rated.rounds == ("before", "after", "joint")
    ratings = rated.ratings.to_pandas()
    assert set(ratings[ratings["round"] == "joint"]["rater"]) == {"joint"}
    before = ratings[(ratings["round"] == "before") & (ratings["dimension"] == "valence")]
    assert Counter(before.groupby("rater", observed=True).size()) == {16: 3}
    assert rated.dimensions["valence"].level == "ordinal"
    assert "neutral" in rated.dimensions["emotion"].labels
    # Whoever is forgotten is gone from the database, its log and the export.
    avcues("collect", "forget", study, "r002")
    assert annotations.read(out).rater_ids == ("joint", "r001", "r003")
    assert b"script" in b"".join(path.read_bytes() for path in study.glob("study.sqlite*"))
    for name in ("r001", "r003", "joint"):
        avcues("collect", "forget", study, name)
    left = b"".join(path.read_bytes() for path in study.glob("study.sqlite*"))
    assert b"script" not in left and b"playing" not in left
    assert not out.exists()


def test_the_documented_way_to_a_gold_standard(
    tmp_path: Path, media: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "videos").mkdir()
    shutil.copy(media("tiny4.mp4"), tmp_path / "videos" / "one.mp4")
    numbered_clip(tmp_path / "videos" / "two.mp4", FPS_25, beeps=(1, 2, 3), seconds=5)
    section = re.search(
        r"^## From videos to a gold standard\n(.*?)(?=^## )", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    assert section is not None
    (block,) = re.findall(r"```sh\n(.*?)```", section[1], re.DOTALL)
    commands = [shlex.split(line) for line in block.splitlines()]
    assert len(commands) <= 8
    served = None
    try:
        for program, *arguments in commands:
            assert program == "avcues"
            if arguments[:2] == ["collect", "serve"]:
                served = start(tmp_path / arguments[2], port=0)
                for shift in (0.0, 0.1, 0.2):
                    rater = ScriptedRater(
                        served.raters,
                        lambda time, s=shift: (0.4 + s + 0.1 * np.sin(time), 0.3 + s + 0.1 * np.cos(time)),
                    )
                    assert rater.take_part() == "end"
            else:
                monkeypatch.chdir(tmp_path)
                avcues(*arguments)
    finally:
        if served is not None:
            served.process.kill()
            served.process.communicate()
    train = pq.read_table(tmp_path / "train.parquet").to_pandas()
    assert list(train.groupby("video_id", observed=True).size()) == [8, 10]
    middle = train[train["video_id"] == "two"].sort_values("window")
    expected = (0.5 + 0.1 * np.sin(middle["window"] * 0.5)) * 2 - 1
    assert np.abs(middle["target__valence"] - expected).max() < 0.02
    assert library.open_dataset(tmp_path / "features")


def test_clips_that_are_rated_again_are_exported_apart(tmp_path: Path) -> None:
    clips(tmp_path / "clips", 4)
    study, out = tmp_path / "study", tmp_path / "ann"
    avcues("collect", "init", study, "--videos", tmp_path / "clips", "--preset", "minimal")
    design = study / "study.toml"
    text = design.read_text()
    assert "[assignment]" in text
    design.write_text(text.replace("[assignment]", "[assignment]\nretest = 2", 1))
    with serving(study) as served:
        for _ in range(2):
            rater = ScriptedRater(served.raters, place=lambda time: (0.5, 0.2 + 0.5 * time))
            assert rater.take_part() == "end"
        avcues("collect", "export", study, "--out", out)
    rated = annotations.read(out)
    assert rated.rounds == ()
    with sqlite3.connect(study / "study.sqlite") as connection:
        second = {
            (f"r{rater:03}", video)
            for rater, video in connection.execute("SELECT rater, video FROM items WHERE kind = 'retest'")
        }
    keys = zip(*(rated.repeats[name].to_pylist() for name in ("rater", "video_id")), strict=True)
    assert set(keys) == second
    assert len(second) == 4
    (retest,) = [one for one in annotations.retest_reliability(rated) if one.kind == "over time"][:1]
    assert retest.pairs > 0
    done = avcues("annotations", "gold", out, "--out", tmp_path / "gold")
    assert "repeated ratings (for test-retest reliability)" in " ".join(done.stderr.split())
    shutil.rmtree(out)
