"""Guards what must not change after raters have begun, because it determines the meaning of their ratings."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from avcues.pipeline.collection.records.stored import MEANING, parse_stored
from avcues.pipeline.collection.study import Study
from avcues.pipeline.errors import SettingsError

_KEY = "meaning"
_TEXTS = {"title", "low_text", "high_text", "coordinates", "pictograms", "place"}


def check_unchanged(connection: sqlite3.Connection, study: Study) -> None:
    """Compares a study with what its raters saw; texts, questions and the list of videos may change.

    Raises:
        SettingsError: Existing ratings would change their meaning.
    """
    row = connection.execute("SELECT value FROM settings WHERE key = ?", (_KEY,)).fetchone()
    (raters,) = connection.execute("SELECT count(*) FROM raters").fetchone()
    if row is None or not raters:
        return
    earlier_meaning, current_meaning = parse_stored(row["value"], MEANING), _meaning(study)
    rating_counts = {
        (video, setup): number
        for video, setup, number in connection.execute(
            "SELECT video, setup, count(*) FROM items WHERE done IS NOT NULL GROUP BY video, setup"
        )
    }
    complaint = f"{study.folder / 'study.toml'} has changed since raters began"
    remedy = "change it back, or make another study in another folder"
    for key, value in earlier_meaning["study"].items():
        if value != current_meaning["study"][key]:
            raise SettingsError(f"{complaint}: {key} was {json.dumps(value)}; {remedy}")
    for setup, shows in earlier_meaning["setups"].items():
        rated = sum(number for (_, name), number in rating_counts.items() if name == setup)
        if rated and shows != current_meaning["setups"].get(setup, shows):
            raise SettingsError(
                f"{complaint}: the setup {setup}, rated {rated} times, showed {', '.join(shows)}; {remedy}"
            )
    for video, fingerprint in earlier_meaning["clips"].items():
        rated = sum(number for (name, _), number in rating_counts.items() if name == video)
        if rated and fingerprint != current_meaning["clips"].get(video, fingerprint):
            raise SettingsError(
                f"{study.stimuli.clips[video].source}: is not the file of {video} that was rated {rated} times; "
                "restore the former file, or give the new file another name"
            )


def begin(connection: sqlite3.Connection, study: Study) -> tuple[str, ...]:
    """Records the meaning of ratings, and withdraws clips in progress that the study no longer has.

    Returns:
        A line for each kind of change that raters will notice.

    Raises:
        SettingsError: As for `check_unchanged`.
    """
    check_unchanged(connection, study)
    row = connection.execute("SELECT value FROM settings WHERE key = ?", (_KEY,)).fetchone()
    earlier_clips = {} if row is None else parse_stored(row["value"], MEANING)["clips"]
    meaning = _meaning(study)
    # Fingerprints of removed videos are kept, to notice if another file comes back under the same name.
    meaning["clips"] = earlier_clips | meaning["clips"]
    connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (_KEY, json.dumps(meaning)))
    removed_items = [
        item["id"]
        for item in connection.execute("SELECT id, video, setup, kind FROM items WHERE done IS NULL").fetchall()
        if not has_clip(study, item)
    ]
    connection.executemany("DELETE FROM items WHERE id = ?", [(item,) for item in removed_items])
    if not removed_items:
        return ()
    return (f"{len(removed_items)} clips in progress are no longer in the study: their raters get others",)


def has_clip(study: Study, item: Mapping[str, Any] | sqlite3.Row) -> bool:
    """Whether the study still has the video and the setup of an item."""
    clips = study.stimuli.clips
    is_practice_video = item["kind"] == "practice" and item["video"] in study.stimuli.others
    return item["setup"] in study.setups and (item["video"] in clips or is_practice_video)


def _meaning(study: Study) -> dict[str, Any]:
    """Everything that determines the meaning of a rating and the order of clips."""
    design = study.design
    rating = None if design.rating is None else design.rating.model_dump(mode="json")
    return {
        "study": {
            "rating": _without_texts(rating),
            "seed": design.seed,
            "rule": design.assignment.rule,
        },
        "setups": {setup.name: sorted(setup.shows) for setup in design.setups},
        "clips": {video: clip.fingerprint for video, clip in study.stimuli.clips.items()},
    }


def _without_texts(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_texts(part) for key, part in value.items() if key not in _TEXTS}
