"""A study whose raters have answered, without a server, a browser or a clip."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from avcues.pipeline.collection.design import read_design
from avcues.pipeline.collection.records import DATABASE, connect
from avcues.pipeline.collection.records.continuity import begin
from avcues.pipeline.collection.records.items import finish_item, next_item
from avcues.pipeline.collection.records.raters import add_rater
from avcues.pipeline.collection.stimuli import Clip, Index
from avcues.pipeline.collection.stimuli.index import index_path
from avcues.pipeline.collection.study import Study

_DESIGN = """
format = 1
title = "Study"
[videos]
folder = "videos"
[[setups]]
name = "music"
shows = ["sound"]
[assignment]
rule = "every setup"
ratings_per_cell = 2
[[after_clip]]
kind = "scale"
name = "liking"
text = "How much do you like it?"
low = 1
high = 7
low_text = "not at all"
high_text = "very much"
"""


def rated_study(folder: Path, raters: int) -> Path:
    """Makes a study in a new folder, of which each rater has rated every clip; returns the folder."""
    index_path(folder).parent.mkdir(parents=True)
    (folder / "study.toml").write_text(_DESIGN)
    clips = {
        name: Clip(video_id=name, fingerprint=name, source=f"{name}.mp4", source_bytes=1, source_changed=1.0)
        for name in "uvw"
    }
    study = Study(folder, read_design(folder), Index(clips=clips))
    index_path(folder).write_text(study.stimuli.model_dump_json())
    with closing(connect(folder / DATABASE)) as connection:
        begin(connection, study)
        (round_,) = study.design.all_rounds
        for number in range(raters):
            rater = add_rater(connection, joint=False, outside_id=None, items=None)
            while (item := next_item(connection, study, rater, round_)) is not None:
                finish_item(connection, item["id"], None, {"liking": 1 + (3 * number + item["id"]) % 7})
    return folder
