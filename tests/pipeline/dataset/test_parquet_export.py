"""The command `avcues align`, as a user runs it, and the files that it writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import datasets
import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from command import avcues
from killed import killed_at

from avcues.pipeline.dataset import parquet_export as align
from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.dataset.names import safe_names, with_names
from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.errors import DatasetError, SettingsError
from avcues.pipeline.runtime.features import features

ROWS, VIDEOS = 125, 5


def test_a_file_holds_the_dataset(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "train.parquet"
    done = avcues("align", finished, "--out", out)
    assert done.returncode == 0, done.stderr
    written, data = pq.read_table(out), open_dataset(finished)
    assert written.equals(data.to_arrow(names="safe"))
    assert written.schema.equals(with_names(data.schema, "safe"), check_metadata=True)
    assert "glow_lines: any number of rows per window, not joined" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["train.parquet"]


def test_every_reader_finds_the_same_values(finished: Path, tmp_path: Path) -> None:
    data, out = open_dataset(finished, tables=["glow", "motion", "emobase"]), tmp_path / "train.parquet"
    align.write(data, out)
    written = data.to_arrow().replace_schema_metadata()
    read_back = duckdb.sql(f"SELECT * FROM '{out}'").to_arrow_table()
    assert read_back.cast(written.schema).equals(written)
    assert polars.read_parquet(out).to_arrow().cast(written.schema).equals(written)
    pandas.testing.assert_frame_equal(pandas.read_parquet(out), written.to_pandas())
    hugging = datasets.Dataset.from_parquet(str(out), cache_dir=str(tmp_path / "cache"))
    assert hugging.data.table.cast(written.schema).equals(written)
    assert pyarrow.dataset.dataset(out).to_table(filter=pc.field("video_id") == "007").num_rows == 8


def test_a_dry_run_predicts_rows_columns_and_who_is_left_out(folder: Path, tmp_path: Path) -> None:
    (folder / "motion" / "silent.parquet").unlink()
    (folder / "lighting" / "vfr20.parquet").write_bytes(b"PAR1 no more")
    arguments = ("align", folder, "--out", tmp_path / "train.parquet")
    dry = avcues(*arguments, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert not list(tmp_path.glob("*.parquet"))
    assert re.search("left out silent: lacks motion", dry.stdout)
    assert re.search("left out vfr20: .*lighting/vfr20.parquet: cannot be read", dry.stdout)
    rows, videos, columns = map(int, re.findall(r"(\d+) rows of (\d+) videos, (\d+) columns", dry.stdout)[0])
    done = avcues(*arguments)
    assert done.returncode == 0, done.stderr
    assert "left out silent" in done.stderr
    written = pq.read_table(tmp_path / "train.parquet")
    assert written.shape == (rows, columns)
    assert len(written["video_id"].unique()) == videos == VIDEOS - 2
    per_table = {name: int(count) for count, name in re.findall(r"columns +(\d+) (\w+)\.", dry.stdout)}
    for name, count in per_table.items():
        assert sum(column.startswith(f"{name}__") for column in written.column_names) == count
    assert sum(per_table.values()) + 4 == columns
    arguments += ("--incomplete", "nulls", "--tables", "motion,color")
    assert avcues(*arguments).returncode == 0
    assert pq.read_table(tmp_path / "train.parquet").num_rows == ROWS


def test_labels_become_targets(finished: Path, tmp_path: Path) -> None:
    labels, out = tmp_path / "labels.csv", tmp_path / "train.parquet"
    lines = ["video_id,time,valence,word", "007,0.1,0.5,sad", "007,0.2,1.5,glad", "007,9,1,x", "zz,0,1,x"]
    labels.write_text("\n".join(lines))
    arguments = ("--tables", "lighting", "--labels", labels, "--label-fill", "hold")
    done = avcues("align", finished, "--out", out, *arguments)
    assert done.returncode == 0, done.stderr
    rows = [row for row in pq.read_table(out).to_pylist() if row["video_id"] == "007"]
    assert [(row["target__valence"], row["target__word"]) for row in rows] == [(1.0, "glad")] * 8
    metadata = json.loads(pq.read_metadata(out).metadata[b"avcues"])
    assert metadata["targets"] == [
        {"name": f"target__{name}", "original": f"target.{name}", "fill": "hold"} for name in ("valence", "word")
    ]
    assert len(re.findall("^labels", done.stderr, re.MULTILINE)) == 6


def test_names_are_safe_and_lead_back_to_the_original(finished: Path, tmp_path: Path) -> None:
    assert avcues("align", finished, "--out", tmp_path / "safe.parquet").returncode == 0
    assert avcues("align", finished, "--out", tmp_path / "original.parquet", "--names", "original").returncode == 0
    safe, original = (pq.read_table(tmp_path / f"{kind}.parquet") for kind in ("safe", "original"))
    assert all(re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name) for name in safe.column_names)
    assert "emobase__mfcc_sma_1__amean" in safe.column_names
    assert "emobase.mfcc_sma[1]_amean" in original.column_names
    metadata = json.loads(pq.read_metadata(tmp_path / "safe.parquet").metadata[b"avcues"])
    back = {column["name"]: column["original"] for column in metadata["columns"]}
    assert [back.get(name, name) for name in safe.column_names] == original.column_names
    assert safe.rename_columns(original.column_names).equals(original)
    assert open_dataset(finished).to_arrow(names="safe").equals(safe)
    assert list(open_dataset(finished).to_pandas(names="safe")) == safe.column_names


def test_names_that_would_become_one_stay_apart() -> None:
    assert safe_names(["a.b c", "a.b_c", "a.b[c"]) == {"a.b c": "a__b_c", "a.b_c": "a__b_c_2", "a.b[c": "a__b_c_3"}


def test_no_two_columns_of_avcues_share_a_safe_name() -> None:
    tables = [table for feature in features().values() for table in feature.tables]
    names = [f"{table.name}.{column.name}" for table in tables for column in table.columns]
    assert len(names) > 1500
    assert all(len(safe) == len(name) + 1 for name, safe in safe_names(names).items())  # none needed a number


def test_a_folder_takes_a_dataset_of_any_size(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(align, "_GROUP_ROWS", 30)
    monkeypatch.setattr(align, "_FILE_ROWS", 60)
    data, out = open_dataset(finished, tables=["lighting", "motion"]), tmp_path / "train"
    for _ in range(2):  # the second run replaces the first
        align.write(data, out)
        parts = sorted(out.iterdir())
        assert [path.name for path in parts] == [f"part-{i:05}.parquet" for i in range(len(parts))]
        assert len(parts) > 1
        assert pa.concat_tables(map(pq.read_table, parts)).equals(data.to_arrow())
    for path in parts:
        assert b"avcues" in pq.read_metadata(path).metadata
    of_parts = [video_id for path in parts for video_id in pq.read_table(path)["video_id"].unique().to_pylist()]
    assert len(of_parts) == len(set(of_parts)) == VIDEOS
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


@pytest.mark.parametrize("name", ["train.parquet", "train"])
def test_a_result_is_replaced_as_a_whole_or_stays(folder: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    align.write(open_dataset(folder, tables=["lighting"]), out)
    contents_before = {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")}
    broken = open_dataset(folder)
    (folder / "color" / "vfr20.parquet").unlink()
    with pytest.raises(DatasetError):
        align.write(broken, out)
    contents_after = {path: path.read_bytes() for path in tmp_path.rglob("*.parquet") if folder not in path.parents}
    assert contents_after == {path: content for path, content in contents_before.items() if folder not in path.parents}
    assert not list(tmp_path.glob(".*"))


def test_nothing_of_a_users_own_is_written_over(finished: Path, tmp_path: Path) -> None:
    data = open_dataset(finished, tables=["lighting"])
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").touch()
    (tmp_path / "folder.parquet").mkdir()
    for out, message in (
        (tmp_path / "notes", "holds other files"),
        (tmp_path / "notes" / "mine.txt", "expected NAME.parquet"),
        (tmp_path / "train.csv", "expected NAME.parquet"),
        (tmp_path / "folder.parquet", "is a folder"),
        (finished / "train.parquet", "lies in the dataset"),
        (finished / "color" / "train.parquet", "lies in the dataset"),
    ):
        with pytest.raises(SettingsError, match=message):
            align.write(data, out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/no/such/folder", "--dry-run"], "has no dataset.json"),
        (["{folder}"], "--out is missing"),
        (["{folder}", "--out", "/proc/no/train.parquet"], "cannot be written"),
        (["{folder}", "--out", "{folder}/train.parquet"], "lies in the dataset"),
        (["{folder}", "--tables", "colour", "--dry-run"], 'did you mean "color"'),
        (["{folder}", "--tables", "glow_lines", "--dry-run"], "any number of rows per window"),
        (["{folder}", "--columns", "x.*", "--dry-run"], "avcues describe"),
        (["{folder}", "--labels", "/no/labels.csv", "--dry-run"], "no such file of labels"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(finished: Path, arguments: list[str], message: str) -> None:
    done = avcues("align", *(argument.format(folder=finished) for argument in arguments))
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("avcues:")]
    assert len(lines) == 1, done.stderr
    assert message in lines[0]
    assert "Traceback" not in done.stderr


def test_a_folder_is_never_absent_while_it_is_replaced(finished: Path, tmp_path: Path) -> None:
    data, out = open_dataset(finished, tables=["lighting"]), tmp_path / "train"
    align.write(data, out)
    whole = {path.name for path in out.iterdir()}
    for operation in range(0, 10_000, 3):
        killed = killed_at(operation, lambda: align.write(data, out))
        assert {path.name for path in out.iterdir()} == whole
        if not killed:
            break
    assert killed is False
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


@pytest.mark.parametrize("videos", [40, 100])
def test_tables_of_few_windows_are_merged_as_they_come(
    finished: Path, videos: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = open_dataset(finished, tables=["lighting"])
    lengths = {f"{video_id}/{i}": rows for i in range(videos // 5) for video_id, rows in data.lengths.items()}
    unmerged: list[int] = []
    merge = pa.concat_tables

    def counting(tables: Iterable[pa.Table]) -> pa.Table:
        merged = list(tables)
        unmerged.append(len(merged))
        return merge(merged)

    monkeypatch.setattr(pa, "concat_tables", counting)
    joined = align._rows_of_videos(_Repeated(data), lengths, lambda video_id: None)
    assert joined.num_rows == sum(lengths.values())
    assert max(unmerged) <= align._UNMERGED_TABLES


class _Repeated:
    """A dataset whose videos are read under many ids."""

    def __init__(self, data: Dataset) -> None:
        self._data = data

    def read(self, video_id: str) -> pa.Table:
        return self._data.read(video_id.partition("/")[0])
