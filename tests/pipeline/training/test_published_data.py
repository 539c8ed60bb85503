"""The MuVi study's own files, where they are at hand: folds of its script, and a real signal in its labels."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from avcues.pipeline.training.models.lasso import fit_lasso
from avcues.pipeline.training.protocol import MAIN, MUVI
from avcues.pipeline.training.scaling import fit_scaler
from avcues.pipeline.training.settings import TrainingSettings
from avcues.pipeline.training.splits import split

STUDY = Path(__file__).resolve().parents[4] / "shared" / "muvi"
POWER = ("strong", "energetic", "triumphant")

pytestmark = pytest.mark.skipif(not STUDY.is_dir(), reason="the study's files are not at hand")


def rows_of(name: str) -> list[dict[str, str]]:
    with (STUDY / name).open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def videos() -> list[str]:
    return [row["video_id"] for row in rows_of("video_urls.csv")]


def settings(**protocol: str) -> TrainingSettings:
    return TrainingSettings(model="lasso", audio=("emobase",), protocol=replace(MUVI, **protocol))


def test_folds_of_the_muvi_protocol_are_those_of_the_script(videos: list[str]) -> None:
    expected = json.loads((STUDY / "reference.json").read_text())["muvi_splits_kfold42"]
    folds = split({MAIN: videos}, 5, MUVI, order=videos)
    for part in ("train", "validation", "test"):
        key = {"train": "n_train", "validation": "n_val", "test": "n_test"}[part]
        assert [len(getattr(parts, part)) for parts in folds] == expected[key]
    hashes = [hashlib.sha256(",".join(parts.test).encode()).hexdigest()[:12] for parts in folds]
    assert hashes == expected["sha256_12_of_comma_joined_test_ids"]


def power(videos: Sequence[str], *, moved_up: bool) -> np.ndarray:
    """For each video the share of raters who chose a label of power for its music.

    As published, a participant's labels stand one row below the medium that they are of.
    """
    chosen: dict[str, list[bool]] = {}
    rows = rows_of("media_data.csv")
    for participant in dict.fromkeys(row["participant_id"] for row in rows):
        own = [row for row in rows if row["participant_id"] == participant]
        labels = own[1:] if moved_up else own
        for medium, labelled in zip(own, labels, strict=False):
            if medium["media_modality"] == "music":
                chosen.setdefault(medium["media_id"], []).append(any(labelled[name] == "1" for name in POWER))
    return np.array([np.mean(chosen[video_id.split("_")[0]]) for video_id in videos])


def predicted_correlation(videos: Sequence[str], labels: np.ndarray) -> float:
    """Pearson's r of the labels with what LASSO predicts for held-out videos from their mean functionals."""
    table = pq.read_table(STUDY / "emobase.parquet")
    of_rows = np.array(table["video_id"].to_pylist())
    names = [name for name in table.column_names if name not in ("video_id", "window")]
    values = np.column_stack([table[name].to_numpy() for name in names])
    means = np.stack([values[of_rows == video_id].mean(axis=0) for video_id in videos]).astype(np.float32)
    place = {video_id: i for i, video_id in enumerate(videos)}
    predicted = np.full(len(videos), np.nan)
    for parts in split({MAIN: videos}, 5, replace(MUVI, validation="tenth"), order=videos):
        train = np.array([place[video_id] for video_id in (*parts.train, *parts.validation)])
        test = np.array([place[video_id] for video_id in parts.test])
        scaler = fit_scaler(means, train, names, "standard")
        scaled = scaler.apply(means, names)
        predicted[test] = fit_lasso(scaled[train], labels[train], train).predict(scaled[test])
    return float(np.corrcoef(predicted, labels)[0, 1])


def test_sound_tells_how_powerful_music_feels_once_labels_stand_in_the_right_rows(videos: list[str]) -> None:
    assert predicted_correlation(videos, power(videos, moved_up=True)) > 0.4
    assert predicted_correlation(videos, power(videos, moved_up=False)) < 0.2
