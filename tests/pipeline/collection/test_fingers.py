"""Fingers and pens move the position as a mouse does, and words arrive with their own clip."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from collecting import FPS_25, PLANE, QUIET, Rater, avcues, design, numbered_clip, serving

WORDS = """
[[after_clip]]
kind = "words"
name = "remark"
text = "Anything to say?"
required = false
"""
REMARK = '<b>{} "süß" & 悲しい</b>'


def drag(rater: Rater, pointer: str, x: float, y: float) -> None:
    """Drags from the middle of the plane to a place in it, 0..1 rightwards and upwards."""
    left, top, width, height = rater.box(".area")
    places = [(left + width / 2, top + height / 2), (left + x * width, top + (1 - y) * height)]
    if pointer == "finger":
        for kind, place in zip(("touchStart", "touchMove"), places, strict=True):
            points = [{"x": place[0], "y": place[1]}]
            rater.browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)
        rater.browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        return
    held = {"button": "left", "buttons": 1, "pointerType": "pen"}
    for kind, place in zip(("mousePressed", "mouseMoved", "mouseReleased"), [*places, places[1]], strict=True):
        rater.browser.mouse(kind, *place, **held)


def test_a_finger_and_a_pen_rate_and_words_arrive_with_their_clip(rater: Rater, tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    for name in ("a", "b"):
        numbered_clip(tmp_path / "clips" / f"{name}.mp4", FPS_25[:75])
    study = tmp_path / "study"
    study.mkdir()
    assignment = 'rule = "every setup"\nratings_per_cell = 1\ngap = 0'
    text = design(tmp_path / "clips", setups="v=picture", assignment=assignment, rest=PLANE + WORDS + QUIET)
    (study / "study.toml").write_text(text)
    with serving(study) as served:
        rater.join(served.raters)
        for pointer, place in (("finger", (0.9, 0.3)), ("pen", (0.2, 0.75))):
            rater.begin_clip()
            drag(rater, pointer, *place)
            rater.see("form")
            rater.browser.value("document.querySelector('form input, form textarea').focus()")
            rater.browser.type(REMARK.format(pointer))
            rater.answer()
            rater.browser.wait("!document.querySelector('form')")
        rater.browser.wait("document.body.innerText.length && !document.querySelector('video, form')")
        avcues("collect", "export", study, "--out", tmp_path / "ann")
    ratings = pq.read_table(tmp_path / "ann" / "ratings.parquet").to_pandas()
    remarks = pq.read_table(tmp_path / "ann" / "comments.parquet").to_pandas().set_index("video_id")["words"]
    exposures = pq.read_table(tmp_path / "ann" / "exposures.parquet").to_pandas()
    order = exposures.sort_values("order")["video_id"].tolist()
    assert sorted(order) == ["a", "b"]
    for video, pointer, place in zip(order, ("finger", "pen"), ((0.9, 0.3), (0.2, 0.75)), strict=True):
        assert remarks[video] == REMARK.format(pointer)
        last = ratings[ratings["video_id"] == video].sort_values("time").groupby("dimension")["value"].last()
        assert last["valence"] == pytest.approx(2 * place[0] - 1, abs=0.02)
        assert last["arousal"] == pytest.approx(2 * place[1] - 1, abs=0.02)
    avcues("annotations", "check", tmp_path / "ann")
