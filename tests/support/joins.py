"""Clips whose shots are known, joined from pieces of the test minute that show one shot each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

# First and last frame of single shots. Thresholds were chosen on the first set; figures are those of the second.
TUNED_ON = ((0, 150), (255, 287), (287, 337), (400, 489), (489, 547), (710, 840), (1000, 1075))
UNSEEN = ((337, 392), (547, 595), (595, 650), (650, 710), (840, 1000), (1286, 1320), (1320, 1400), (1400, 1500))
KINDS = ("hard", "fast", "dissolve 12", "dissolve 25", "fade 12", "fade 25", "flash", "strobe")
_SIZE = (256, 144)


@dataclass(frozen=True)
class Join:
    """A transition: the frames from the first that shows the new shot to the last that shows the old one."""

    first: int
    last: int
    kind: str


def minute(path: Path) -> np.ndarray:
    """(1500, 144, 256, 3) BGR frames of the test minute."""
    with av.open(str(path)) as container:
        width, height = _SIZE
        return np.stack([f.to_ndarray(format="bgr24", width=width, height=height) for f in container.decode(video=0)])


def join(frames: np.ndarray, pieces: Sequence[tuple[int, int]], kind: str, count: int, seed: int) -> tuple:
    """A clip with `count` transitions of a kind: (T, 144, 256, 3) frames, and the transitions.

    "fast" cuts are 7 frames apart. Fades go to black and back, in as many frames each way as the kind says. In
    "flash" and "strobe", the pictures of shots that are joined by cuts turn bright for up to three frames, or every
    other frame.
    """
    draw = np.random.default_rng(seed)
    name, _, length = kind.partition(" ")
    joins: list[Join] = []
    steps = int(length or 0)
    shot, last_piece = _piece(draw, frames, pieces, -1, 80 + steps)
    parts, total = [shot], len(shot)
    for i in range(count):
        wanted = 7 if name == "fast" and i < count - 1 else int(draw.integers(60, 100)) + steps
        shot, last_piece = _piece(draw, frames, pieces, last_piece, wanted)
        if name in ("dissolve", "fade"):
            share = (np.arange(1, steps + 1) / (steps + 1))[:, None, None, None]
            old, new, shot = parts[-1][-steps:], shot[:steps], shot[steps:]
            parts[-1] = parts[-1][:-steps]
            if name == "dissolve":
                between = [old * (1 - share) + new * share]
            else:
                black = np.zeros((int(draw.integers(1, 6)), *old.shape[1:]))
                between = [old * (1 - share), black, new * share]
            mixed = np.concatenate(between).round().astype(np.uint8)
            joins.append(Join(total - steps, total - steps + len(mixed), name))
            parts.append(mixed)
            total += len(mixed) - steps
        else:
            joins.append(Join(total, total, "cut"))
        shot = shot.copy()
        if name == "flash":
            for after in range(int(draw.integers(1, 4))):
                shot[25 + after] = np.clip(shot[25 + after].astype(int) + 220 - 73 * after, 0, 255)
        elif name == "strobe":
            shot[20:40:2] = 255
        parts.append(shot)
        total += len(shot)
    return np.concatenate(parts), joins


def _piece(
    draw: np.random.Generator, frames: np.ndarray, pieces: Sequence[tuple[int, int]], last: int, length: int
) -> tuple[np.ndarray, int]:
    """Consecutive frames of another piece than the last one; short pieces go to and fro."""
    i = int(draw.choice([i for i in range(len(pieces)) if i != last]))
    first, end = pieces[i]
    order = np.arange(first, end)
    if len(order) >= length:
        start = int(draw.integers(0, len(order) - length + 1))
        return frames[order[start : start + length]], i
    both_ways = np.concatenate([order, order[::-1][1:-1]])
    return frames[np.resize(both_ways, length)], i


def match(joins: Sequence[Join], cuts: Sequence, tolerance: int = 2) -> tuple[list[tuple[Join, object]], int]:
    """Pairs of transitions and the cuts that hit them, each once; and the number of cuts that hit none."""
    pairs, left = [], list(cuts)
    for expected in joins:
        hits = [cut for cut in left if expected.first - tolerance <= cut.pts <= expected.last + tolerance]
        if hits:
            left.remove(hits[0])
            pairs.append((expected, hits[0]))
    return pairs, len(left)
