"""Panels of embeddings and of motion."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from clips import start_dataset
from scipy.spatial.distance import cosine

from avcues.extractors.embedding import embedding_columns, embedding_table
from avcues.pipeline.extraction.accumulators import rows_from_columns
from avcues.pipeline.extraction.video import process_video
from avcues.pipeline.report.column_files import write_column_files
from avcues.pipeline.report.embeddings import change
from avcues.pipeline.report.panels import panels
from avcues.pipeline.report.series import Panel
from avcues.pipeline.report.video import Video
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store.documents import write_json
from avcues.pipeline.store.layout import table_path
from avcues.pipeline.store.manifest import require_manifest
from avcues.pipeline.store.parquet import shot_table, window_table, write_table
from avcues.pipeline.store.records import write_record
from avcues.pipeline.store.video_input import VideoInput
from avcues.pipeline.timeline import Grid, Shot

GRID = Grid(Fraction(1, 2))


@pytest.fixture(scope="module")
def video(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Video:
    """A video with motion, and with vectors per window ("clip") and per shot ("mae") of models of the hub."""
    out = tmp_path_factory.mktemp("vectors")
    measured = start_dataset(out, Settings(features=("motion",)))
    write_record(process_video(VideoInput("a", str(media("rot90_12.mp4"))), measured, out), out)
    windows = pq.read_metadata(table_path(out, "timeline", "a")).num_rows
    shots = pq.read_table(table_path(out, "shots", "a")).to_pylist()
    about = json.loads(pq.read_metadata(table_path(out, "motion", "a")).metadata[b"avcues"])
    pinned = json.loads((out / "dataset.json").read_text())
    random = np.random.default_rng(0)
    for name, rows in (("clip", windows), ("mae", len(shots))):
        vectors = random.normal(size=(rows, 6)).astype(np.float32)
        vectors[3] = np.nan
        table = embedding_table(name, "window" if name == "clip" else "shot", 6, "shared vector of images and text")
        measured_rows = rows_from_columns(table, embedding_columns(vectors))
        if name == "clip":
            made = window_table(measured_rows, "a", GRID, windows, about)
        else:
            spans = [Shot(Fraction(shot["start"]), Fraction(shot["end"]), 1) for shot in shots]
            made = shot_table(measured_rows, "a", GRID, spans, windows, about)
        write_table(made, table_path(out, name, "a"))
        pinned["recipes"][name] = about["recipe"] | {"extractor": name}
        pinned["tables"][name] = name
    write_json(pinned, out / "dataset.json")
    return Video(out, "a", require_manifest(out))


def titled(video: Video, title: str) -> Panel:
    (panel,) = [panel for panel in panels(video) if panel.title == title]
    return panel


def vectors(video: Video, table: str) -> np.ndarray:
    return video.values(table, video.numeric(table))


def test_an_embedding_shows_how_far_it_turns_from_window_to_window_and_how_long_it_is(video: Video) -> None:
    panel, values = titled(video, "Clip"), vectors(video, "clip")
    turned, norm = panel.series
    assert panel.note == "shared vector of images and text; 6 components"
    assert turned.values[:1] == [None] and turned.values[3:5] == [None, None]
    for window in (1, 2, 5, len(values) - 1):
        assert turned.values[window] == pytest.approx(cosine(values[window], values[window - 1]), rel=1e-3)
        assert norm.values[window] == pytest.approx(np.linalg.norm(values[window]), rel=1e-3)


def test_an_embedding_of_shots_turns_from_shot_to_shot(video: Video) -> None:
    turned, _ = titled(video, "Mae").series
    values, of_window = vectors(video, "mae"), video.shot_of_windows.tolist()
    for window, shot in enumerate(of_window):
        if shot in (0, 3, 4):  # the first, the one without a vector, and the one after it
            assert turned.values[window] is None
        else:
            assert turned.values[window] == pytest.approx(cosine(values[shot], values[shot - 1]), rel=1e-3)


def test_the_change_of_vectors_is_bounded_and_missing_where_one_has_no_length() -> None:
    changes = change(np.array([[1.0, 0], [2, 0], [-1, 0], [0, 3], [0, 0], [0, 1]]))
    np.testing.assert_allclose(changes, [np.nan, 0, 2, 1, np.nan, np.nan], atol=1e-12)


def test_components_are_no_columns_of_the_page(video: Video, tmp_path: Path) -> None:
    assert {file["table"] for file in write_column_files(video, tmp_path)} == {"timeline", "shots", "motion"}


def test_motion_and_the_camera_have_panels_of_their_own(video: Video) -> None:
    motion, camera = titled(video, "Motion"), titled(video, "Camera")
    assert [series.column for series in motion.series if series.colour] == ["motion.flow_mean"]
    assert [series.column for series in camera.series] == ["motion.pan_x", "motion.pan_y", "motion.zoom"]
    stored = video.values("motion", ["pan_x"])[:, 0]
    known = [k for k, value in enumerate(stored) if not np.isnan(value)]
    assert [camera.series[0].values[k] for k in known] == pytest.approx(stored[known].tolist(), rel=1e-3, abs=1e-6)
