"""What raters rate arrives at the instant of the clip at which they rated it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from collecting import BEEP_S, BITS, BLOCK_PX, PLANE, QUIET, Rater, Served, avcues, design, numbered_clip, serving
from firefox import FIREFOX, Firefox
from unsteady_line import UnsteadyLine

SECONDS = 4
BEEPS = (0.7, 1.5, 2.6, 3.3)
CLIPS = {
    "fps25": [Fraction(i, 25) for i in range(SECONDS * 25)],
    "fps2997": [Fraction(i * 1001, 30_000) for i in range(SECONDS * 30)],
    "variable": [Fraction(int(ms), 1000) for ms in np.cumsum([0, *np.random.default_rng(5).choice([40, 60, 160], 50)])],
    "late": [Fraction(3, 2) + Fraction(i, 25) for i in range(SECONDS * 25 - 38)],
}
PARTS = 512
"""Positions of the pointer, one for each number of a frame."""

# Reads the number out of the picture that is on the screen, and moves the pointer to the place that stands for it.
FOLLOW_FRAMES = f"""
(() => {{
  const player = document.querySelector("video"), area = document.querySelector(".area");
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d", {{willReadFrequently: true}});
  canvas.width = {BITS * BLOCK_PX * 2}; canvas.height = 1;
  let last = -1;
  const look = () => {{
    if (!player.isConnected) return;
    pen.drawImage(player, 0, {BLOCK_PX}, canvas.width, 1, 0, 0, canvas.width, 1);
    const pixels = pen.getImageData(0, 0, canvas.width, 1).data;
    let number = 0;
    for (let bit = 0; bit < {BITS}; bit++) number += (pixels[4 * (bit + 0.5) * {BLOCK_PX * 2}] > 128) << bit;
    if (player.currentTime > 0 && pixels[3] && number !== last) {{
      last = number;
      const box = area.getBoundingClientRect();
      area.dispatchEvent(new PointerEvent("pointermove", {{
        bubbles: true, pointerType: "mouse", clientX: box.left + box.width * (number + 0.5) / {PARTS},
        clientY: box.top + box.height / 4}}));
    }}
    requestAnimationFrame(look);
  }};
  look();
}})()
"""

# Hears the tones that leave the element, and moves the pointer to the other side at each.
FOLLOW_TONES = """
(() => {
  const player = document.querySelector("audio, video"), area = document.querySelector(".area");
  const context = new AudioContext({latencyHint: 0});
  const source = context.createMediaElementSource(player), ear = context.createScriptProcessor(256, 1, 1);
  source.connect(ear); ear.connect(context.destination);
  let loud = false, quiet = 0, side = 0.1;
  ear.onaudioprocess = (event) => {
    const peak = Math.max(...event.inputBuffer.getChannelData(0).map(Math.abs));
    quiet = peak < 0.1 ? quiet + 1 : 0;
    if (peak > 0.1 && !loud) {
      loud = true;
      side = 1 - side;
      const box = area.getBoundingClientRect();
      area.dispatchEvent(new PointerEvent("pointermove", {
        bubbles: true, pointerType: "mouse", clientX: box.left + box.width * side, clientY: box.top + 10}));
    } else if (quiet > 4) loud = false;
  };
})()
"""


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    return folder


def study(clips: Path, setups: str, rest: str = QUIET) -> Path:
    folder = clips.parent / "study"
    folder.mkdir()
    assignment = 'rule = "every setup"\nratings_per_cell = 5'
    (folder / "study.toml").write_text(design(clips, setups=setups, assignment=assignment, rest=PLANE + rest))
    return folder


def rate_all(rater: Rater, link: str, script: str) -> None:
    """Rates every clip of a study by a script that runs in the page."""
    rater.join(link)
    while True:
        rater.browser.wait("document.querySelector('.ready button:not([disabled])') || document.querySelector('h1')")
        if not rater.browser.value("!!document.querySelector('.ready')"):
            return
        rater.browser.value("(window.player = document.querySelector('video, audio'), 0)")
        rater.browser.value(script)
        rater.begin_clip()
        rater.browser.wait("!window.player.isConnected")


def rated(served: Served, step: str = "0.5") -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Per clip, the times of samples and where the pointer was from left to right, 0..1."""
    out = served.folder.parent / "ann"
    avcues("collect", "export", served.folder, "--out", out, "--step", step)
    avcues("annotations", "check", out)
    ratings = pq.read_table(out / "ratings.parquet").to_pandas()
    for video, of_clip in ratings[ratings["dimension"] == "valence"].groupby("video_id", observed=True):
        yield str(video), of_clip["time"].to_numpy(), (of_clip["value"].to_numpy() + 1) / 2


def frames_off(video: str, at: np.ndarray, place: np.ndarray) -> np.ndarray:
    """By how many frames the pointer's place differs from the frame on screen, at each sample that has one."""
    starts = np.array([float(time) for time in CLIPS[video]])
    on_screen = np.searchsorted(starts, at + 1e-9, side="right") - 1
    first = starts[0] if video == "late" else 0
    shown = (at > first) & (at < starts[-1])
    assert list(at) == [k / 2 for k in range(len(at))]
    off: np.ndarray = np.floor(place * PARTS)[shown] - on_screen[shown]
    print(video, off.astype(int).tolist())
    return off


@pytest.mark.parametrize(
    ("setup", "names"), [("av=picture+sound", tuple(CLIPS)), ("v=picture", ("fps25", "late"))], ids=["both", "picture"]
)
def test_samples_follow_the_frames_on_screen(setup: str, names: tuple[str, ...], rater: Rater, clips: Path) -> None:
    for name in names:
        numbered_clip(clips / f"{name}.mp4", CLIPS[name], beeps=BEEPS, seconds=SECONDS)
    with serving(study(clips, setup)) as served:
        rate_all(rater, served.raters, FOLLOW_FRAMES)
        off = {video: frames_off(video, at, place) for video, at, place in rated(served)}
    assert set(off) == set(names)
    assert all(len(one) >= 4 and np.abs(one).max() <= 1 for one in off.values())
    assert not rater.browser.complaints


def test_stalls_do_not_move_samples(rater: Rater, clips: Path) -> None:
    numbered_clip(clips / "fps25.mp4", CLIPS["fps25"], beeps=BEEPS, seconds=SECONDS, noise=True)
    folder = study(clips, "av=picture+sound", QUIET + "stream_above_mb = 0\n")
    piece = (clips / "fps25.mp4").stat().st_size // 4
    with serving(folder) as served, UnsteadyLine(served.port, piece=piece, pause_s=1.5) as line:
        link = served.raters.replace(f":{served.port}", f":{line.port}")
        rate_all(rater, link, FOLLOW_FRAMES)
        ((video, at, place),) = rated(served)
    traces = pq.read_table(folder.parent / "ann" / "traces.parquet").to_pandas()
    waits = traces[traces["event"] == "waiting"]
    print(waits[["ms", "media_s"]].to_string())
    assert len(waits) >= 1
    assert np.abs(frames_off(video, at, place)).max() <= 1


@pytest.mark.parametrize("late", [Fraction(0), Fraction(1, 2)], ids=["copied", "late, so encoded again"])
def test_sound_alone_is_on_time(late: Fraction, rater: Rater, clips: Path) -> None:
    numbered_clip(clips / "fps25.mp4", CLIPS["fps25"], beeps=BEEPS, seconds=SECONDS, sound_start=late)
    with serving(study(clips, "music=sound")) as served:
        rate_all(rater, served.raters, FOLLOW_TONES)
        ((_, at, place),) = rated(served, step="0.001")
    turns = at[1:][np.abs(np.diff(place)) > 0.3]
    print(turns, turns - BEEPS)
    assert len(turns) == len(BEEPS)
    assert np.abs(turns - BEEPS).max() <= 0.02 < BEEP_S


def test_samples_follow_the_frames_in_firefox(clips: Path, tmp_path: Path) -> None:
    if FIREFOX is None:
        pytest.skip("no Firefox is installed")
    for name in ("fps25", "late"):
        numbered_clip(clips / f"{name}.mp4", CLIPS[name], beeps=BEEPS, seconds=SECONDS)
    with serving(study(clips, "av=picture+sound")) as served, Firefox(tmp_path / "profile") as firefox:
        rate_all(Rater(firefox), served.raters, FOLLOW_FRAMES)
        off = {video: frames_off(video, at, place) for video, at, place in rated(served)}
    assert set(off) == {"fps25", "late"}
    assert all(len(one) >= 4 and np.abs(one).max() <= 1 for one in off.values())
