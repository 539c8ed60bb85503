"""Extractors as another package would bring them: every kind of row, and column names that need care."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from avcues.extractors.compute import Compute
from avcues.extractors.protocol import FRAME, ClipBatch, Column, Columns, FrameBatch, NoSettings, Table


@dataclass(frozen=True)
class GlowSettings:
    """Options of glow."""

    threshold: int = 200


class Glow:
    """Bright rows of a frame: how many, and which."""

    name = "glow"
    version = 3
    citation = "A paper that nobody wrote"
    Settings = GlowSettings
    tables = (
        Table(
            name="glow",
            row="window",
            columns=(
                Column(name="lines[0]", unit="count", meaning="rows brighter than the threshold", dtype="int16", low=0),
                Column(name="share.of*all", unit="fraction", meaning="their share", low=0, high=1),
                Column(name="any", unit="1", meaning="there is one", dtype="bool"),
            ),
        ),
        Table(name="glow_lines", row="item", columns=(Column(name="y", unit="px", meaning="a row", dtype="int32"),)),
    )

    def __init__(self, settings: GlowSettings = GlowSettings()) -> None:
        self.settings = settings

    def setup(self, compute: Compute) -> None:
        """Nothing to load."""

    def process_frames(self, batch: FrameBatch) -> Mapping[str, Columns]:
        bright = batch.images.mean(axis=(2, 3)) > self.settings.threshold
        frame, y = np.nonzero(bright)
        lines = bright.sum(axis=1)
        return {
            "glow": {"lines[0]": lines, "share.of*all": lines / bright.shape[1], "any": lines > 0},
            "glow_lines": {FRAME: frame, "y": y},
        }


class Motion:
    """How much the picture changes within a shot."""

    name = "motion"
    version = 1
    citation = "Another one"
    Settings = NoSettings
    tables = (
        Table(
            name="motion",
            row="shot",
            columns=(
                Column(
                    name="change", unit="1", meaning="mean absolute difference from frame to frame", low=0, high=255
                ),
                Column(name="kind", unit="category", meaning="in words", dtype="string"),
            ),
        ),
    )
    clip_frames = 4
    clip_rate_hz = 10
    short_side_px = 32
    crop_px = 32

    def __init__(self) -> None:
        self.settings = NoSettings()

    def setup(self, compute: Compute) -> None:
        """Nothing to load."""

    def process_clips(self, batch: ClipBatch) -> np.ndarray:
        return np.abs(np.diff(batch.clips.astype(np.float32), axis=1)).mean(axis=(1, 2, 3, 4))[:, None]

    def describe_shots(self, means: np.ndarray, clips: np.ndarray, covered_s: np.ndarray) -> Mapping[str, Columns]:
        kinds = np.where(means[:, 0] > 5, "lively", "calm").astype(object)
        return {"motion": {"change": means[:, 0], "kind": kinds}}
