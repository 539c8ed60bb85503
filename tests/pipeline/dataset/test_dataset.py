"""`avcues.pipeline.dataset.dataset`: one join, whatever it is read with."""

from __future__ import annotations

import json
import pickle
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from clips import extract
from torch.utils.data import DataLoader

from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.errors import DatasetError, LeftOutWarning, MediaError
from avcues.pipeline.store.parquet import write_table
from avcues.pipeline.store.records import failed_result, write_record
from avcues.pipeline.store.video_input import VideoInput

VIDEOS = ("007", "rot90_12", "silent", "sound", "vfr20")
WINDOWS = (8, 25, 41, 11, 40)
JOINED = ("timeline", "shots", "emobase", "color", "lighting", "glow", "motion")


def stored(folder: Path, table: str, video_id: str) -> pa.Table:
    return pq.read_table(folder / table / f"{video_id}.parquet")


def test_a_row_per_window_and_a_column_per_feature(finished: Path) -> None:
    data = open_dataset(finished)
    assert data.videos == VIDEOS
    assert (tuple(data.lengths.values()), data.rows) == (WINDOWS, sum(WINDOWS))
    assert tuple(dict.fromkeys(name.partition(".")[0] for name in data.columns)) == JOINED
    table = data.to_arrow()
    assert table.column_names == ["video_id", "window", "start", "end", *data.columns]
    assert table["video_id"].to_pylist() == [name for name, n in zip(VIDEOS, WINDOWS, strict=True) for _ in range(n)]
    assert table["window"].to_pylist() == [k for n in WINDOWS for k in range(n)]
    assert table["start"].to_pylist() == [k / 2 for k in table["window"].to_pylist()]
    assert data.left_out == {}


@pytest.mark.parametrize("name", ["timeline", "emobase", "color", "lighting", "glow"])
def test_values_and_types_are_those_of_the_tables(finished: Path, name: str) -> None:
    data = open_dataset(finished, tables=[name])
    for video_id in VIDEOS:
        table, joined = stored(finished, name, video_id), data.read(video_id)
        for column in table.column_names[4:]:
            assert joined[f"{name}.{column}"].equals(table[column]), column


def test_rows_of_shots_are_repeated_for_their_windows(finished: Path) -> None:
    data = open_dataset(finished, tables=["timeline", "shots", "motion"])
    for video_id in VIDEOS:
        joined, motion = data.read(video_id), stored(finished, "motion", video_id).to_pylist()
        for row in joined.to_pylist():
            shot = row["timeline.shot"]
            for column in ("change", "kind"):
                assert row[f"motion.{column}"] == (None if shot is None else motion[shot][column])
    assert data.read("sound")["motion.kind"].null_count == 11
    assert len(set(data.read("vfr20")["motion.change"].to_pylist())) > 2


def test_a_value_picked_at_random_is_that_of_the_video(
    finished: Path, media: Callable[[str], Path], tmp_path: Path
) -> None:
    second = extract(media("vfr20.mp4"), tmp_path, features=("emobase", "color", "lighting"))
    data = open_dataset(finished, tables=["emobase", "color", "lighting"])
    joined = data.read("vfr20")
    picks = random.Random(20)
    for _ in range(300):
        name, window = picks.choice(data.columns), picks.randrange(40)
        table, _, column = name.partition(".")
        value = joined[name][window].as_py()
        assert value == stored(finished, table, "vfr20")[column][window].as_py()
        assert value == second.table(table)[column][window].as_py()


def test_the_schema_documents_every_column(finished: Path) -> None:
    data = open_dataset(finished)
    metadata = json.loads(data.to_arrow().schema.metadata[b"avcues"])
    assert [column["name"] for column in metadata["columns"]] == list(data.columns)
    by_name = {column["name"]: column for column in metadata["columns"]}
    assert by_name["glow.lines[0]"] == {
        "name": "glow.lines[0]",
        "table": "glow",
        "type": "int16",
        "unit": "count",
        "meaning": "rows brighter than the threshold",
        "low": 0,
    }
    pinned = json.loads((finished / "dataset.json").read_text())
    assert metadata["tables"]["color"]["recipe"] == pinned["recipes"]["color"]
    assert metadata["tables"]["motion"] == {
        "row": "shot",
        "recipe": pinned["recipes"]["motion"],
        "citation": "Another one",
    }
    assert metadata["step"] == "1/2"


def test_pandas_and_polars_hold_the_same(finished: Path) -> None:
    data = open_dataset(finished, columns=["glow.*", "motion.*", "emobase.mfcc_sma[1]*"])
    table, frame, polars = data.to_arrow(), data.to_pandas(), data.to_polars()
    assert list(frame.columns) == polars.columns == table.column_names
    assert polars.to_arrow().cast(table.schema).equals(table)
    assert frame["motion.change"].isna().sum() == table["motion.change"].null_count > 0
    assert frame["motion.change"].dtype == np.float32


@pytest.mark.parametrize(
    ("tables", "columns", "expected"),
    [
        (["lighting"], None, ["lighting.lighting_key", "lighting.median_brightness", "lighting.shadow_proportion"]),
        (None, ["lighting.*_key", "glow.any"], ["lighting.lighting_key", "glow.any"]),
        (None, ["emobase.mfcc_sma[1]_m??"], ["emobase.mfcc_sma[1]_max", "emobase.mfcc_sma[1]_min"]),
        (["glow", "color"], ["*[0]"], ["glow.lines[0]"]),
        (None, ["glow.share.of*all"], ["glow.share.of*all"]),
    ],
)
def test_columns_are_chosen_by_table_and_by_pattern(
    finished: Path, tables: list[str] | None, columns: list[str] | None, expected: list[str]
) -> None:
    assert list(open_dataset(finished, tables=tables, columns=columns).columns) == expected
    assert list(open_dataset(finished).select(tables=tables, columns=columns).columns) == expected


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"tables": ["colr"]}, 'no table "colr"; did you mean "color"'),
        ({"tables": ["glow_lines"]}, "any number of rows per window"),
        ({"columns": ["lighting.lighting_kay"]}, 'did you mean "lighting.lighting_key"'),
        ({"columns": ["hue*"]}, "avcues describe"),
        ({"tables": ["lighting"], "columns": ["color.*"]}, 'there is no column "color.*"'),
    ],
)
def test_wrong_names_are_told_with_what_to_do(finished: Path, chosen: dict[str, list[str]], message: str) -> None:
    with pytest.raises(DatasetError) as error:
        open_dataset(finished, **chosen)
    assert message in str(error.value)


def test_something_else_than_a_finished_folder_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(DatasetError, match=r"has no dataset\.json"):
        open_dataset(tmp_path)
    for path in (folder / "timeline").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match="no video in it is finished"):
        open_dataset(folder)


def test_a_video_that_lacks_a_table_is_left_out_or_null(folder: Path) -> None:
    (folder / "glow" / "007.parquet").unlink()
    (folder / "motion" / "007.parquet").unlink()
    write_record(failed_result(VideoInput("lost", "lost.mp4"), MediaError("lost.mp4: no such file")), folder)
    with pytest.warns(
        LeftOutWarning, match="2 of 6 videos are left out: 007 lacks glow, motion .*; lost lacks"
    ) as warned:
        data = open_dataset(folder)
    assert [warning.filename for warning in warned] == [__file__]
    assert f"{data!r}".startswith(f"<Dataset {folder}: 4 videos, 2 left out, 117 rows, ")
    assert data.videos == VIDEOS[1:]
    assert data.left_out["007"] == "lacks glow, motion (run avcues extract again)"
    assert "failed: lost.mp4: no such file" in data.left_out["lost"]
    assert "007" in open_dataset(folder, tables=["color"]).videos
    with_nulls = open_dataset(folder, incomplete="nulls")
    assert (with_nulls.videos, tuple(with_nulls.left_out)) == (VIDEOS, ("lost",))
    assert with_nulls.schema.equals(data.schema, check_metadata=True)
    rows = with_nulls.read("007")
    assert rows["glow.any"].null_count == rows["motion.kind"].null_count == 8
    assert rows["color.hue_000"].null_count == 0


def test_a_table_that_no_video_has_yet_leaves_all_out_unless_others_are_named(folder: Path) -> None:
    shutil.rmtree(folder / "motion")
    with pytest.raises(DatasetError, match=r"no video is complete; 007: lacks motion"):
        open_dataset(folder)
    with pytest.raises(DatasetError, match="no video has the table motion yet"):
        open_dataset(folder, tables=["motion"])
    assert open_dataset(folder, tables=["color"]).videos == VIDEOS
    assert open_dataset(folder, incomplete="nulls").videos == VIDEOS


def damage(path: Path) -> None:
    path.write_bytes(b"PAR1 no more")


def other_settings(path: Path) -> None:
    change_metadata(path, b'"shadow_threshold": 0.18', b'"shadow_threshold": 0.25')


def other_file(path: Path) -> None:
    change_metadata(path, b'"fingerprint": "', b'"fingerprint": "0')


def change_metadata(path: Path, former_bytes: bytes, new_bytes: bytes) -> None:
    metadata = pq.read_metadata(path).metadata[b"avcues"]
    assert former_bytes in metadata
    write_table(
        pq.read_table(path).replace_schema_metadata({b"avcues": metadata.replace(former_bytes, new_bytes)}), path
    )


def other_windows(path: Path) -> None:
    metadata = pq.read_metadata(path).metadata
    write_table(pq.read_table(path).slice(1).replace_schema_metadata(metadata), path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (damage, "cannot be read"),
        (other_settings, "made with other settings"),
        (other_file, "made from another file than timeline"),
    ],
)
def test_a_file_that_does_not_belong_is_found(folder: Path, change: Callable[[Path], None], message: str) -> None:
    change(folder / "lighting" / "silent.parquet")
    with pytest.raises(DatasetError, match=message):
        open_dataset(folder).to_arrow()
    verified = open_dataset(folder, verify=True)
    assert message in verified.left_out["silent"]
    assert verified.to_arrow().num_rows == sum(WINDOWS) - 41


def test_windows_that_do_not_match_are_an_error(folder: Path) -> None:
    other_windows(folder / "lighting" / "silent.parquet")
    with pytest.raises(DatasetError, match="its windows differ from those of timeline"):
        open_dataset(folder).read("silent")


def test_a_store_is_read_as_a_folder_is(finished: Path) -> None:
    store = fsspec.filesystem("memory")
    store.put(str(finished), "/features", recursive=True)
    stored, here = (open_dataset(folder, tables=["glow", "motion"]) for folder in ("memory://features", finished))
    assert stored.to_arrow().equals(here.to_arrow())


@pytest.mark.parametrize(("folds", "seed"), [(2, 0), (3, 1), (5, 2)])
def test_no_video_is_in_a_training_set_and_its_test_set(finished: Path, folds: int, seed: int) -> None:
    data = open_dataset(finished, tables=["lighting"])
    split = data.split(folds=folds, seed=seed)
    assert sorted(video_id for fold in split for video_id in fold.test.videos) == list(VIDEOS)
    for train, test in split:
        assert not set(train.videos) & set(test.videos)
        assert set(train.videos) | set(test.videos) == set(VIDEOS)
        assert train.columns == test.columns == data.columns
        assert len(VIDEOS) // folds <= len(test.videos) <= -(-len(VIDEOS) // folds)


def test_a_split_is_the_same_wherever_it_is_made(finished: Path) -> None:
    data = open_dataset(finished, tables=["lighting"])
    assert [fold.test.videos for fold in data.split(folds=2, seed=0)] == [
        ("007", "rot90_12", "silent"),
        ("sound", "vfr20"),
    ]
    assert data.split(folds=5, seed=0) != data.split(folds=5, seed=1)
    with pytest.raises(ValueError, match="expected 2 to 5"):
        data.split(folds=6)


@pytest.mark.parametrize(("length", "hop"), [(4, 1), (4, 4), (9, 2), (1, 1)])
def test_sequences_are_windows_in_a_row_of_one_video(finished: Path, length: int, hop: int) -> None:
    data = open_dataset(finished, tables=["lighting", "motion"])
    sequences = data.sequences(length, hop)
    assert len(sequences) == sum(max(0, (n - length) // hop + 1) for n in WINDOWS)
    assert sequences.features == tuple(name for name in data.columns if name != "motion.kind")
    values = {name: data.read(name).select(sequences.features).to_pandas().to_numpy(np.float32) for name in VIDEOS}
    expected = [(name, k) for name in VIDEOS for k in range(0, len(values[name]) - length + 1, hop)]
    assert [(item["video_id"], item["window"]) for item in sequences] == expected
    for item in sequences:
        of_video = values[item["video_id"]][item["window"] : item["window"] + length]
        assert item["features"].dtype == torch.float32
        np.testing.assert_array_equal(item["features"].numpy(), of_video)
    assert sequences[-1]["window"] == sequences[len(sequences) - 1]["window"]
    with pytest.raises(IndexError):
        sequences[len(sequences)]


def test_missing_features_are_nan_or_zero_with_a_mask_or_no_part_of_a_sequence(finished: Path) -> None:
    data = open_dataset(finished, tables=["lighting", "emobase"])
    nan, zero, drop = (data.sequences(nulls=nulls) for nulls in ("nan", "zero", "drop"))
    assert len(nan) == len(zero) > len(drop) > 0
    for with_nan, with_zero in zip(nan, zero, strict=True):
        missing = with_nan["features"].isnan()
        assert torch.equal(with_zero["mask"], ~missing)
        assert torch.equal(with_zero["features"], with_nan["features"].nan_to_num(0.0))
    assert {item["video_id"] for item in drop} == {"007", "rot90_12", "vfr20"}
    assert not any(item["features"].isnan().any() for item in drop)
    whole = [i for i, item in enumerate(nan) if not item["features"].isnan().any()]
    assert [(item["video_id"], item["window"]) for item in drop] == [
        (nan[i]["video_id"], nan[i]["window"]) for i in whole
    ]


def test_targets_are_labels_or_columns_and_no_features(finished: Path) -> None:
    labels = pa.table({"video_id": ["vfr20"] * 2, "window": [0, 39], "valence": [0.0, 3.9], "word": ["a", "b"]})
    data = open_dataset(finished, tables=["lighting", "color"], labels=labels, label_fill="linear")
    sequences = data.sequences(tables=["lighting"], targets=["valence", "lighting.lighting_key", "color.hue_mean"])
    assert sequences.features == ("lighting.median_brightness", "lighting.shadow_proportion")
    assert sequences.targets == ("target.valence", "lighting.lighting_key", "color.hue_mean")
    item = next(item for item in sequences if item["video_id"] == "vfr20" and item["window"] == 10)
    np.testing.assert_allclose(item["targets"][:, 0], [1.0, 1.1, 1.2, 1.3], atol=1e-6)
    expected = data.read("vfr20")["lighting.lighting_key"][10:14].to_pylist()
    np.testing.assert_array_equal(item["targets"][:, 1], np.float32(expected))
    assert {item["video_id"] for item in data.sequences(targets=["valence"], nulls="drop")} == {"vfr20"}
    assert sequences[0]["targets"][:, 0].isnan().all()
    with pytest.raises(DatasetError, match="is text"):
        data.sequences(targets=["word"])
    with pytest.raises(DatasetError, match='did you mean "valence"'):
        data.sequences(targets=["valance"])


@pytest.mark.parametrize("horizon", [0, 1, 3])
def test_with_a_horizon_a_target_is_that_of_one_window_after_the_sequence(finished: Path, horizon: int) -> None:
    labels = pa.table({"video_id": ["vfr20"] * 40, "window": range(40), "valence": [k / 40 for k in range(40)]})
    data = open_dataset(finished, tables=["lighting"], labels=labels).select(videos=["vfr20"])
    sequences = data.sequences(4, horizon=horizon)
    assert len(sequences) == 40 - 3 - horizon
    for item in sequences:
        assert item["features"].shape == (4, 3)
        assert item["targets"].tolist() == [np.float32((item["window"] + 3 + horizon) / 40)]


def test_a_sequence_before_a_window_without_a_label_is_dropped(finished: Path) -> None:
    labels = pa.table({"video_id": ["vfr20"] * 3, "window": [10, 11, 39], "valence": [0.1, 0.2, 0.3]})
    data = open_dataset(finished, tables=["lighting"], labels=labels).select(videos=["vfr20"])
    sequences = data.sequences(4, horizon=1, nulls="drop")
    assert [(item["window"], round(item["targets"].item(), 3)) for item in sequences] == [(6, 0.1), (7, 0.2), (35, 0.3)]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_loader_gives_every_sequence_once(finished: Path, workers: int) -> None:
    sequences = open_dataset(finished, tables=["lighting"]).sequences(nulls="zero", cache_bytes=1)
    batches = list(DataLoader(sequences, batch_size=16, shuffle=True, num_workers=workers))
    windows_of_batches = [
        (name, int(k)) for batch in batches for name, k in zip(batch["video_id"], batch["window"], strict=True)
    ]
    assert sorted(windows_of_batches) == [(item["video_id"], item["window"]) for item in sequences]
    assert batches[0]["features"].shape == batches[0]["mask"].shape == (16, 4, 3)


def test_sequences_can_be_sent_to_another_process(finished: Path) -> None:
    sequences = open_dataset(finished, tables=["lighting"]).sequences()
    assert torch.equal(pickle.loads(pickle.dumps(sequences))[0]["features"], sequences[0]["features"])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"length": 0}, ValueError),
        ({"hop": 0}, ValueError),
        ({"horizon": -1}, ValueError),
        ({"nulls": "mean"}, ValueError),
        ({"length": 99}, DatasetError),
        ({"length": 41, "horizon": 1}, DatasetError),
    ],
)
def test_impossible_sequences_are_refused(finished: Path, arguments: dict, error: type[Exception]) -> None:
    with pytest.raises(error):
        open_dataset(finished, tables=["lighting"]).sequences(**arguments)
