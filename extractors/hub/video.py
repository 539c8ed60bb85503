"""Models of video clips."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from avcues.extractors.hub.model import HubExtractor, HubModel, Tables
from avcues.extractors.protocol import ClipBatch, Column, Table


class ClipModel(HubExtractor):
    """A model of video clips, on the clips of each shot.

    Clips are cut as for `actions`, with the model's number of frames and frame rate. The model's own preprocessing
    gets full frames. A shot's row is the mean over its clips.
    """

    short_side_px = 0  # full frames
    crop_px = 0

    def __init__(self, model: HubModel) -> None:
        super().__init__(model)
        self.clip_frames = model.spec.frames
        self.clip_rate_hz: Fraction = model.spec.clip_rate_hz

    @property
    def tables(self) -> Sequence[Table]:
        """One table, named after the model, with a row per shot."""
        clip_s = float(self.clip_frames / self.clip_rate_hz)
        clips = Column(
            name="clips", unit="count", meaning=f"clips of {clip_s:.3g} s that were averaged", dtype="int32", low=1
        )
        covered = Column(name="seen", unit="s", meaning="length of the shot that the clips show", low=0)
        return (self.table(self.name, "shot", "the clips of the shot, their mean", clips, covered),)

    def process_clips(self, batch: ClipBatch) -> npt.NDArray[np.float32]:
        """(B, width) outputs of (B, T, H, W, 3) uint8 RGB clips."""
        return self.outputs(list(batch.clips))

    def describe_shots(
        self, means: npt.NDArray[np.float32], clip_counts: npt.NDArray[np.int32], covered_s: npt.NDArray[np.float32]
    ) -> Tables:
        """Columns of S shots from the (S, width) means over their clips."""
        return {self.name: {"clips": clip_counts, "seen": covered_s, **self.columns(means)}}
