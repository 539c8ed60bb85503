"""`avcues export muvi`, read as the MuVi study's training script reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from clips import CHEAP, Extracted, start_dataset
from command import avcues

from avcues.extractors.emobase import COLUMN_NAMES
from avcues.pipeline.dataset import muvi_export as muvi
from avcues.pipeline.errors import DatasetError, SettingsError
from avcues.pipeline.runtime.settings import Settings


def sound_as_the_script_reads_it(folder: Path, video_id: str) -> pd.DataFrame:
    data = pd.read_csv(folder / "emobase_features" / f"{video_id}.csv")
    data = data.truncate(after=117)
    return data.iloc[:, 2 : len(data.columns) - 1]


def picture_as_the_script_reads_it(folder: Path, video_id: str) -> pd.DataFrame:
    data = pd.read_csv(folder / "combined_visual_features.csv")
    data = data.loc[data["media_id"] == video_id]
    data = data.drop(data.tail(2).index)
    return data.iloc[:, 2 : len(data.columns) - 1]


@pytest.fixture(scope="module")
def minute(real60: Extracted) -> Path:
    """The folder of a video of 60 s."""
    start_dataset(real60.out, Settings(features=CHEAP))
    return real60.out


def test_a_minute_is_118_rows_of_988_and_of_the_visual_features(minute: Path, tmp_path: Path) -> None:
    data = muvi.open_for_export(minute)
    assert muvi.write(data, tmp_path) == {}
    sound, picture = (
        sound_as_the_script_reads_it(tmp_path, "real60"),
        picture_as_the_script_reads_it(tmp_path, "real60"),
    )
    assert tuple(sound.columns) == COLUMN_NAMES
    assert sound.shape == (118, 988)
    assert picture.shape == (118, 75 + 3)
    assert list(picture.columns[[0, -1]]) == ["color.hue_000", "lighting.shadow_proportion"]
    assert len(pd.read_csv(tmp_path / "combined_visual_features.csv")) == 120
    assert np.concatenate([picture, sound], axis=1).shape == (118, 988 + 78)


def test_values_are_those_of_the_tables(minute: Path, tmp_path: Path) -> None:
    muvi.write(muvi.open_for_export(minute), tmp_path)
    for read, tables in (
        (sound_as_the_script_reads_it, ["emobase"]),
        (picture_as_the_script_reads_it, ["color", "lighting"]),
    ):
        stored = [pq.read_table(minute / name / "real60.parquet").to_pandas().iloc[:118, 4:] for name in tables]
        np.testing.assert_array_equal(read(tmp_path, "real60").to_numpy(np.float32), pd.concat(stored, axis=1))


def test_both_have_as_many_rows_whatever_the_length(finished: Path, tmp_path: Path) -> None:
    data = muvi.open_for_export(finished)
    muvi.write(data, tmp_path)
    for video_id, windows in data.lengths.items():
        assert len(sound_as_the_script_reads_it(tmp_path, video_id)) == windows
        picture = picture_as_the_script_reads_it(tmp_path, video_id)
        assert len(picture) == windows
        hue = pq.read_table(finished / "color" / f"{video_id}.parquet")["hue_000"].to_pandas().fillna(0)
        np.testing.assert_array_equal(picture["color.hue_000"].to_numpy(np.float32), hue)


@pytest.mark.parametrize(("windows", "rows"), [(117, 117), (118, 118), (119, 118), (120, 118), (400, 118)])
def test_the_two_dropped_rows_are_none_that_is_needed(windows: int, rows: int) -> None:
    order = muvi.visual_rows(windows).tolist()
    assert order[:-2] == list(range(rows))
    assert len(order) == rows + 2
    if windows >= 120:
        assert order == list(range(120))


def test_missing_values_are_zero_or_nothing(finished: Path, tmp_path: Path) -> None:
    data = muvi.open_for_export(finished)
    missing = muvi.write(data, tmp_path / "zero")
    assert missing == {"emobase": 41 * 988, "color": 11 * 75, "lighting": 11 * 3}
    assert (sound_as_the_script_reads_it(tmp_path / "zero", "silent") == 0).all(axis=None)
    muvi.write(data, tmp_path / "empty", nulls="empty")
    assert sound_as_the_script_reads_it(tmp_path / "empty", "silent").isna().all(axis=None)


def test_tables_of_other_extractors_can_be_named(finished: Path, tmp_path: Path) -> None:
    muvi.write(muvi.open_for_export(finished, ["motion", "glow"]), tmp_path)
    picture = picture_as_the_script_reads_it(tmp_path, "vfr20")
    assert set(picture.columns) == {"motion.change", "glow.lines[0]", "glow.share.of*all", "glow.any"}


def test_what_the_script_cannot_use_is_refused(finished: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="lies in the dataset"):
        muvi.write(muvi.open_for_export(finished), finished / "muvi")
    with pytest.raises(DatasetError, match="any number of rows"):
        muvi.open_for_export(finished, ["glow_lines"])
    pinned = folder / "dataset.json"
    pinned.write_text(pinned.read_text().replace('"step": "1/2",\n "recipes"', '"step": "1",\n "recipes"'))
    with pytest.raises(SettingsError, match="half seconds"):
        muvi.open_for_export(folder)


def test_the_command_says_what_is_short_and_what_is_missing(finished: Path, tmp_path: Path) -> None:
    done = avcues("export", "muvi", finished, "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "007: 8 windows; the script uses 118" in done.stderr
    assert f"{41 * 988} values of emobase, written as zero" in done.stderr
    assert len(list((tmp_path / "emobase_features").iterdir())) == 5
    done = avcues("export", "muvi", finished, "-o", tmp_path, "--tables", "colr")
    assert (done.returncode, done.stderr) == (2, 'avcues: there is no table "colr"; did you mean "color"?\n')
