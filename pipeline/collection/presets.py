"""Writes a new `study.toml` from a preset."""

from __future__ import annotations

import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

from avcues.pipeline.collection.design.read import STUDY, read_design
from avcues.pipeline.collection.design.study import Design
from avcues.pipeline.collection.design.texts import Texts
from avcues.pipeline.collection.stimuli.sources import find_videos, is_media
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.store.files import write_atomically

Preset = Literal["minimal", "muvi", "perspectives"]
PRESETS: tuple[Preset, ...] = get_args(Preset)

_MUVI_ITEMS = (30, 36)
_MUVI_PRACTICE = 2
_PRESET_GAP = 20


def init(study: Path, videos: Path, preset: Preset) -> tuple[Design, list[str]]:
    """Makes the folder of a study with its `study.toml`.

    Args:
        study: The folder to make.
        videos: Folder of the videos.
        preset: Name of the preset.

    Returns:
        The design, and a note for each difference from the preset.

    Raises:
        InputError: There are no videos, or transcripts are missing that the preset shows.
        SettingsError: The study already exists.
    """
    if (study / STUDY).exists():
        raise SettingsError(f"{study / STUDY}: already exists; edit it, or name another folder")
    if not videos.is_dir():
        raise InputError(f"{videos}: no such folder")
    count = sum(is_media(path) and path.is_file() for path in videos.iterdir())
    if not count:
        raise InputError(f"{videos}: has no video or sound file")
    values, notes = _preset_numbers(preset, count)
    body = files("avcues.pipeline.collection").joinpath("assets", f"{preset}.toml").read_text("utf-8")
    for name, value in values.items():
        body = body.replace(f"{{{name}}}", str(value))
    text = _HEAD.format(folder=_quoted(_relative(videos, study))) + body + _TAIL + _texts()
    study.mkdir(parents=True, exist_ok=True)
    write_atomically(study / STUDY, lambda file: file.write(text.encode()))
    try:
        design = read_design(study)
        find_videos(study, design)
    except (InputError, SettingsError):
        (study / STUDY).unlink()
        raise
    return design, notes


def _preset_numbers(preset: Preset, videos: int) -> tuple[dict[str, int], list[str]]:
    """The numbers of a preset for this number of videos, and notes on differences from the preset."""
    if preset == "muvi":
        practice = _MUVI_PRACTICE if videos > 2 * _MUVI_PRACTICE else 0
        most = min(_MUVI_ITEMS[1], videos - practice)
        fewest = min(_MUVI_ITEMS[0], most)
        notes = []
        if (fewest, most) != _MUVI_ITEMS or practice != _MUVI_PRACTICE:
            notes = [
                f"there are {videos} videos: {fewest} to {most} clips for each rater and {practice} for practice, "
                f"where the study of the preset has {_MUVI_ITEMS[0]} to {_MUVI_ITEMS[1]} and {_MUVI_PRACTICE}"
            ]
        return {"fewest": fewest, "most": most, "practice": practice}, notes
    if preset == "perspectives":
        joint = min(10, max(1, videos // 4))
        after = max(1, min(videos // 2, videos - joint))
        if videos < 2:
            raise InputError(
                "the preset perspectives needs two videos: videos of the joint round are not used in later rounds"
            )
        gap = min(_PRESET_GAP, videos // 2, after - 1)
        notes = (
            []
            if gap == _PRESET_GAP
            else [f"there are {videos} videos: {gap} items between two setups of a clip, not {_PRESET_GAP}"]
        )
        return {"joint": joint, "after": after, "gap": min(gap, max(0, joint - 1))}, notes
    return {}, []


def _relative(path: Path, study: Path) -> str:
    try:
        return os.path.relpath(path.resolve(), study.resolve())
    except ValueError:  # another drive
        return str(path.resolve())


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _texts() -> str:
    return "".join(f"{name} = {_quoted(text)}\n" for name, text in Texts())


_HEAD = """\
# A study of avcues collect. Everything can be changed until the first rater joins; texts can be changed later, too.
# avcues collect prepare checks it; docs/collecting.md explains it.
format = 1
title = "Ratings of video clips"
language = "en"                 # of the texts, as in "en", "de" or "ar"
direction = "ltr"               # "rtl" for languages that are written from right to left
seed = 1                        # of orders and random draws

[videos]
folder = {folder}
files = []                      # names of files in the folder; empty: all

"""
_TAIL = """
[links]
outside_id = ["PROLIFIC_PID", "participant", "workerId", "id"]   # parameters of the link with an id of another site
#completion = "https://app.prolific.com/submissions/complete?cc=CODE"

# Texts of the pages. {...} is replaced by a value.
[texts]
"""
