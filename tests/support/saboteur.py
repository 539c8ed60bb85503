"""A feature that does harm on purpose, installed like any third-party package: by an entry point.

The colour of a frame says what happens: magenta crashes the process, cyan hangs, yellow eats memory, white leaks
it. Blue breaks the device for as long as the process lives, green the network for as long as it is loaded: every later
frame is an error. Red crashes the process, unless the file that SABOTEUR_WAS_HERE names is there; it is then.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from avcues.extractors.protocol import Column, Columns, FrameBatch, NoSettings, Table

CRASH, HANG, EAT, LEAK = (255, 0, 255), (0, 255, 255), (255, 255, 0), (255, 255, 255)
BREAK_DEVICE, BREAK_NETWORK, CRASH_ONCE = (0, 0, 255), (0, 255, 0), (255, 0, 0)
MARK = "SABOTEUR_WAS_HERE"
_MARGIN = 60


class Saboteur:
    device_is_broken = False
    network_is_broken = False
    leaked: ClassVar[dict[int, object]] = {}

    name = "saboteur"
    version = 1
    citation = "none"
    Settings = NoSettings
    tables = (
        Table(
            name="saboteur", row="window", columns=(Column(name="red", unit="1", meaning="mean of the red channel"),)
        ),
    )

    def __init__(self, settings: NoSettings = NoSettings()) -> None:
        self.settings = settings

    def setup(self, compute: object) -> None:
        pass

    def process_frames(self, batch: FrameBatch) -> Mapping[str, Columns]:
        for image in batch.images:
            colour = image.reshape(-1, 3).mean(axis=0)
            if np.abs(colour - CRASH).max() < _MARGIN:
                os.abort()
            if np.abs(colour - HANG).max() < _MARGIN:
                time.sleep(3600)
            if np.abs(colour - EAT).max() < _MARGIN:
                self._eaten = [np.ones(1 << 24, np.uint8) for _ in range(400)]
            if np.abs(colour - LEAK).max() < _MARGIN and (shade := round(colour[0])) not in Saboteur.leaked:
                Saboteur.leaked[shade] = np.ones(600 << 20, np.uint8)  # once a video
                time.sleep(0.5)  # the worker looks five times a second
            if np.abs(colour - CRASH_ONCE).max() < _MARGIN and not (mark := Path(os.environ[MARK])).exists():
                mark.touch()
                os.abort()
            if np.abs(colour - BREAK_DEVICE).max() < _MARGIN:
                Saboteur.device_is_broken = True
            if np.abs(colour - BREAK_NETWORK).max() < _MARGIN:
                self.network_is_broken = True
            if Saboteur.device_is_broken or self.network_is_broken:
                raise RuntimeError("CUDA error: an illegal memory access was encountered\nsecond line")
        return {"saboteur": {"red": batch.images[..., 0].mean(axis=(1, 2), dtype=np.float32)}}
