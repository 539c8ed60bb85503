"""A feature that claims to use a network, and measures which GPU its process was given."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from avcues.extractors.protocol import Column, Columns, FrameBatch, Table


@dataclass(frozen=True)
class GpuProbeSettings:
    """The network that is claimed."""

    variant: str = "auto"


class GpuProbe:
    """CUDA_VISIBLE_DEVICES as a number, and the process and its parent."""

    name = "gpu_probe"
    version = 1
    citation = "none"
    Settings = GpuProbeSettings
    weights = {"variant": ("scenes/squeezenet11",)}
    tables = (
        Table(
            name="gpu_probe",
            row="window",
            columns=tuple(Column(name=name, unit="1", meaning=name) for name in ("gpu", "process", "worker")),
        ),
    )

    def __init__(self, settings: GpuProbeSettings = GpuProbeSettings()) -> None:
        self.settings = settings

    def setup(self, compute: object) -> None:
        """Nothing to load."""

    def process_frames(self, batch: FrameBatch) -> Mapping[str, Columns]:
        seen = {
            "gpu": float(os.environ.get("CUDA_VISIBLE_DEVICES", "nan").replace(",", ".")),
            "process": os.getpid(),
            "worker": os.getppid(),
        }
        return {"gpu_probe": {name: np.full(len(batch), value, np.float32) for name, value in seen.items()}}
