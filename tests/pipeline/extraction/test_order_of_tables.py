"""Tables that need no network are ready while the networks still work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from avcues.extractors.base import BaseExtractor
from avcues.extractors.protocol import Column, FrameBatch, NoSettings, Table
from avcues.pipeline.extraction.decode_pass import DecodePass
from avcues.pipeline.extraction.stopwatch import Stopwatch
from avcues.pipeline.extraction.video import measure_video
from avcues.pipeline.media.container import Media
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store.video_input import VideoInput
from avcues.pipeline.timeline import Grid

_CHEAP_IS_READY = threading.Event()
_PATIENCE_S = 60


class SlowNetwork(BaseExtractor):
    """A network whose first batch is done only when the tables of colour and sound have been received."""

    name, version, citation, Settings, settings = "slow", 1, "", NoSettings, NoSettings()
    pinned_files = {"weights": "0" * 64}  # it counts as a network
    tables = (Table(name="slow", row="window", columns=(Column(name="waited", unit="1", meaning="1: it was"),)),)

    def process_frames(self, batch: FrameBatch) -> dict:
        waited = _CHEAP_IS_READY.wait(_PATIENCE_S)
        return {"slow": {"waited": np.full(len(batch), waited, np.float32)}}


def test_tables_without_networks_come_before_those_that_wait_for_one(media: Callable[[str], Path]) -> None:
    _CHEAP_IS_READY.clear()
    settings = Settings(features=("color", "emobase"))
    extractors = [SlowNetwork(), *settings.create_extractors()]
    received = []
    with Media.open(media("tiny4.mp4")) as opened:
        compute = replace(settings.compute, device="cpu", threads=2)
        decoded = DecodePass(opened, Grid(settings.step), extractors, extractors, compute, Stopwatch())
        try:
            decoded.decode(lambda *_: None)
            for extractor, rows in decoded.rows():
                received.append(rows.table.name)
                if {"color", "emobase", "shots", "timeline"} <= set(received):
                    _CHEAP_IS_READY.set()
                if extractor.name == "slow":
                    assert (rows.columns["waited"][rows.present] == 1).all()
        finally:
            decoded.close()
    assert received[-1] == "slow"


def test_tables_in_memory_are_in_the_order_of_the_extractors(media: Callable[[str], Path]) -> None:
    _CHEAP_IS_READY.set()
    measurements = Settings(features=("color", "emobase")).measurements()
    measurements = replace(measurements, extractors=[SlowNetwork(), *measurements.extractors])
    tables = measure_video(VideoInput("tiny4", str(media("tiny4.mp4"))), measurements)
    expected = [table.name for extractor in measurements.extractors for table in extractor.tables]
    assert [name for name in tables if name != "timeline"] == expected
