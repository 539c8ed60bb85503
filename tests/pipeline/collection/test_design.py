"""What is wrong in `study.toml` is said before anything starts."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from collecting import FPS_25, numbered_clip

from avcues.pipeline.collection.design import parse_design, read_design
from avcues.pipeline.collection.presets import PRESETS, init
from avcues.pipeline.errors import InputError, SettingsError

GOOD = """
format = 1
title = "Study"
videos = { folder = "clips" }
setups = [{ name = "av", shows = ["picture", "sound"] }, { name = "text", shows = ["text"] }]
assignment = { rule = "every setup", ratings_per_cell = 3 }
rating = { kind = "plane", x = { name = "valence" }, y = { name = "arousal" } }
[[after_clip]]
kind = "scale"
name = "liking"
text = "How much do you like it?"
low = 1
high = 5
"""


def changed(before: str, after: str) -> dict[str, Any]:
    assert before in GOOD
    return tomllib.loads(GOOD.replace(before, after))


def test_a_good_design_is_taken() -> None:
    design = parse_design(tomllib.loads(GOOD), "study.toml")
    assert design.setup("av").plays
    assert not design.setup("text").plays
    assert [one.name for one in design.all_rounds] == ["ratings"]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('title = "Study"', 'titel = "Study"', "titel: is not a key of a study"),
        ('title = "Study"', "", "title: is missing"),
        ('"picture", "sound"', '"picture", "smell"', "setups 1 shows 2: Input should be 'sound', 'picture' or 'text'"),
        ('name = "text"', 'name = "av"', 'setups: the name "av" appears twice'),
        ('name = "arousal"', 'name = "valence"', 'both axes are named "valence"'),
        ('name = "liking"', 'name = "valence"', 'the name "valence" appears twice'),
        ('name = "liking"', 'name = "a b"', '"a b" is not a name'),
        ("high = 5", "high = 1", "the range 1 to 1 is empty"),
        ("high = 5", "high = 5\nsetups = ['av']", 'nothing is rated in the setup "text"'),
        ("high = 5", "high = 5\nsetups = ['va']", 'no setup is named "va"'),
        ("high = 5", "high = 9\nshown = 'pictograms'", "there are five pictograms"),
        ('"every setup"', '"once per video"', "items_per_rater is missing"),
        ("ratings_per_cell = 3", "ratings_per_cell = 0", "greater than or equal to 1"),
        ("format = 1", "format = 2", "format: Input should be 1"),
        ('kind = "plane"', 'kind = "sphere"', "rating"),
    ],
)
def test_faults_are_named_with_their_place(before: str, after: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_design(changed(before, after), "study.toml")
    assert says in str(caught.value)
    assert str(caught.value).startswith("study.toml: ")


def test_what_is_no_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="avcues collect init"):
        read_design(tmp_path)
    (tmp_path / "study.toml").write_text("title = ")
    with pytest.raises(InputError, match="cannot be read"):
        read_design(tmp_path)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_good_designs_with_all_texts(preset: Any, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    for number in range(3):
        numbered_clip(clips / f"{number}.mp4", FPS_25[:5])
        (clips / f"{number}.srt").write_text("1\n00:00:00,000 --> 00:00:00,200\nWords\n")
    design, _ = init(tmp_path / "study", clips, preset)
    raw = tomllib.loads((tmp_path / "study" / "study.toml").read_text())
    assert set(raw["texts"]) == set(design.texts.model_dump())
    assert read_design(tmp_path / "study") == design
    with pytest.raises(SettingsError, match="already exists"):
        init(tmp_path / "study", clips, preset)


def test_the_presets_have_the_words_of_their_studies(tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    for number in range(40):
        (clips / f"{number}.mp4").touch()
        (clips / f"{number}.srt").touch()
    muvi, notes = init(tmp_path / "muvi", clips, "muvi")
    gems = next(question for question in muvi.after_clip if question.name == "gems")
    assert (len(gems.all_labels), len(gems.groups), len({group.above for group in gems.groups})) == (27, 9, 3)  # type: ignore[union-attr]
    assert (muvi.assignment.items_per_rater, muvi.practice.trials, notes) == ((30, 36), 2, [])
    study, _ = init(tmp_path / "perspectives", clips, "perspectives")
    emotion = next(question for question in study.after_clip if question.name == "emotion")
    assert len(emotion.all_labels) == 26  # type: ignore[union-attr]
    assert emotion.free and emotion.alone == ("neutral",)  # type: ignore[union-attr]
    assert [one.name for one in study.rounds] == ["before", "joint", "after"]
