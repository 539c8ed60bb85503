"""A served study, a clip whose frames and sounds say when they are, and a rater in a real browser."""

from __future__ import annotations

import re
import subprocess
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import command
import numpy as np
from browser import Browser
from firefox import Firefox

BITS = 12
"""Blocks at the top of the picture, black or white, that hold the number of the frame."""
BLOCK_PX = 16
RATE_HZ = 48_000
BEEP_S = 0.1

FPS_25 = [Fraction(i, 25) for i in range(5 * 25)]
"""Times of the frames of five seconds."""

PLANE = """
[rating]
kind = "plane"
place = "beside"
x = { name = "valence" }
y = { name = "arousal" }
"""
QUIET = """
[checks]
sound = false
follow_s = 0
"""


def design(folder: Path, *, setups: str, assignment: str, rest: str = "", title: str = "Study") -> str:
    """Text of a `study.toml`.

    Args:
        folder: Of the videos.
        setups: Such as "av=picture+sound music=sound".
        assignment: Lines of that table.
        rest: Further tables.
    """
    tables = []
    for part in setups.split():
        name, _, shows = part.partition("=")
        tables.append(f'[[setups]]\nname = "{name}"\nshows = {shows.split("+")!r}\n'.replace("'", '"'))
    return "\n".join(
        [
            f'format = 1\ntitle = "{title}"\n[videos]\nfolder = "{folder}"\n',
            *tables,
            f"[assignment]\n{textwrap.dedent(assignment)}",
            textwrap.dedent(rest),
        ]
    )


def numbered_clip(
    path: Path,
    times: Sequence[Fraction],
    *,
    beeps: Sequence[float] = (),
    seconds: float | None = None,
    sound_start: Fraction = Fraction(0),
    noise: bool = False,
) -> Path:
    """A clip whose frames show their number, and whose sound has a tone at each of `beeps` seconds.

    Args:
        times: When each frame is shown.
        seconds: Length of the sound; None: none.
        sound_start: When the sound sets in; `beeps` are still counted from the start of the clip.
        noise: Fill the picture with noise, so that the file is large.
    """
    with av.open(str(path), "w") as container:
        picture = container.add_stream(
            "libx264", rate=30, options={"preset": "ultrafast", "crf": "15", "bf": "2", "g": "50"}
        )
        picture.width, picture.height, picture.pix_fmt = BITS * BLOCK_PX * 2, 160, "yuv420p"
        picture.codec_context.time_base = Fraction(1, 90_000)
        sound = container.add_stream("aac", rate=RATE_HZ, layout="mono") if seconds else None
        packets = []
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(_numbered(number, picture.width, picture.height, noise), format="gray")
            frame.pts, frame.time_base = round(time * 90_000), Fraction(1, 90_000)
            packets += picture.encode(frame)
        packets += picture.encode(None)
        if sound is not None and seconds is not None:
            packets += _tones(sound, beeps, seconds, sound_start)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def _numbered(number: int, width: int, height: int, noise: bool) -> np.ndarray:
    image = np.full((height, width), 90, np.uint8)
    if noise:
        image[:] = np.random.default_rng(number).integers(0, 255, image.shape, np.uint8)
    for bit in range(BITS):
        left = bit * BLOCK_PX * 2
        image[: BLOCK_PX * 2, left : left + BLOCK_PX * 2] = 235 if number >> bit & 1 else 16
    image[60:, int(number * 7 % width) : int(number * 7 % width) + 20] = 200
    return image


def _tones(stream: av.AudioStream, beeps: Sequence[float], seconds: float, start: Fraction) -> list[av.Packet]:
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    samples = np.zeros(len(time), np.float32)
    for beep in beeps:
        inside = (time >= beep) & (time < beep + BEEP_S)
        samples[inside] = 0.5 * np.sin(2 * np.pi * 1000 * (time[inside] - beep))
    packets = []
    first = round(start * RATE_HZ)
    for offset in range(first, len(samples), 1024):
        frame = av.AudioFrame.from_ndarray(samples[None, offset : offset + 1024], format="fltp", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE_HZ, Fraction(1, RATE_HZ), offset
        packets += stream.encode(frame)
    return packets + stream.encode(None)


@dataclass
class Served:
    """A study that is being served."""

    folder: Path
    raters: str
    researcher: str
    process: subprocess.Popen[str]
    joint: str | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(re.findall(r":(\d+)/", self.raters)[0])


def start(folder: Path, *options: str, port: int = 0, **more: object) -> Served:
    """Serves a study, and waits until raters can come."""
    arguments = [command.AVCUES, "collect", "serve", str(folder), "--port", str(port), *options]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)  # type: ignore[call-overload]
    links: dict[str, str] = {}
    assert process.stdout is not None
    for line in process.stdout:
        who, _, link = line.strip().partition("http")
        links[who.strip(" :")] = f"http{link}"
        if who.startswith("for the researcher"):
            break
    if "for the researcher" not in links:
        assert process.stderr is not None
        raise AssertionError(process.stderr.read())
    return Served(
        folder, links["for raters"], links["for the researcher"], process, joint=links.get("for raters jointly")
    )


@contextmanager
def serving(folder: Path, *options: str, **more: object) -> Iterator[Served]:
    """Serves a study for a while."""
    served = start(folder, *options, **more)  # type: ignore[arg-type]
    try:
        yield served
    finally:
        served.process.terminate()
        served.process.communicate(timeout=30)


def avcues(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs a command, which must succeed."""
    done = command.avcues(*arguments)
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done


class Rater:
    """A rater in a browser.

    Args:
        browser: The tab.
    """

    def __init__(self, browser: Browser | Firefox) -> None:
        self.browser: Any = browser

    def join(self, link: str) -> str:
        """Opens the raters' link and begins; returns the rater's own address."""
        self.browser.visit(link)
        self.click("button.main")
        self.browser.wait("location.pathname.includes('/r/')")
        return str(self.browser.value("location.href"))

    def box(self, selector: str) -> tuple[float, float, float, float]:
        """Left, top, width and height of an element."""
        found = self.browser.value(
            f"(r => [r.x, r.y, r.width, r.height])(document.querySelector(`{selector}`).getBoundingClientRect())"
        )
        return tuple(found)

    def click(self, selector: str) -> None:
        """Clicks an element when it can be clicked."""
        if isinstance(self.browser, Firefox):
            self.browser.click(selector)
            return
        self.browser.wait(f"(e => e && !e.disabled && e.checkVisibility())(document.querySelector(`{selector}`))")
        self.browser.value(f"document.querySelector(`{selector}`).scrollIntoView({{block: 'center'}})")
        x, y, width, height = self.box(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.browser.mouse(kind, x + width / 2, y + height / 2, button="left", clickCount=1)

    def see(self, selector: str) -> None:
        """Waits until an element is there."""
        self.browser.wait(f"document.querySelector(`{selector}`)")

    def begin_clip(self) -> None:
        """Starts the clip as soon as it is loaded, and waits until it plays."""
        self.click(".ready button")
        self.browser.wait("document.querySelector('video, audio')?.currentTime > 0")

    def move(self, x: float, y: float) -> None:
        """Moves the pointer in the plane; 0..1 rightwards and upwards."""
        left, top, width, height = self.box(".area")
        self.browser.mouse("mouseMoved", left + x * width, top + (1 - y) * height)

    def answer(self) -> None:
        """Leaves a form."""
        self.click("form button.main")
