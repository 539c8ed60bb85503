"""A feature as another package would bring it, with everything that built-in ones have: weights and an extra table."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import Column, Columns, FrameBatch, Table

CHANNELS = ("red", "green", "blue")


@dataclass(frozen=True)
class TonedSettings:
    """Which weights."""

    variant: str = "auto"


class Toned(BaseExtractor):
    """The mean of a frame's channels, weighted by what a file says."""

    name = "toned"
    version = 1
    citation = "none"
    Settings = TonedSettings
    weights = {"variant": ("tones/warm",)}
    _TONE = Table(name="toned", row="window", columns=(Column(name="tone", unit="1", meaning="weighted mean"),))
    _CHANNELS = Table(
        name="toned_channels",
        row="window",
        columns=tuple(Column(name=name, unit="1", meaning=f"mean of {name}") for name in CHANNELS),
    )

    def __init__(self, settings: TonedSettings = TonedSettings()) -> None:
        self.settings = settings

    @property
    def tables(self) -> Sequence[Table]:
        return self.with_extras(self._TONE)

    @property
    def extra_tables(self) -> Sequence[Table]:
        return (self._CHANNELS,)

    def setup(self, compute: Compute) -> None:
        self._gains = np.load(compute.weights.resolve(f"tones/{self.settings.variant}").path)

    def process_frames(self, batch: FrameBatch) -> Mapping[str, Columns]:
        means = batch.images.mean(axis=(1, 2))
        measured: dict[str, Columns] = {"toned": {"tone": (means @ self._gains).astype(np.float32)}}
        if self.requested_tables:
            measured["toned_channels"] = {name: means[:, i].astype(np.float32) for i, name in enumerate(CHANNELS)}
        return measured


def weights() -> tuple[bytes, str]:
    """The content of the weights file, and the manifest that pins it."""
    file = io.BytesIO()
    np.save(file, np.array([0.5, 0.3, 0.2], np.float32))
    content = file.getvalue()
    manifest = f"""
[tones.warm]
title = "Warm tones"
file = "warm-tones.npy"
bytes = {len(content)}
sha256 = "{hashlib.sha256(content).hexdigest()}"
licence = "CC0"
citation = "none"
sources = []
"""
    return content, manifest
