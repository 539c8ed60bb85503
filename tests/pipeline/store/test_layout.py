"""Every reader of Parquet folders sees every video, whatever its id begins with."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import datasets
import duckdb
import pandas
import polars
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import avcues
from avcues.pipeline.cli.app import app
from avcues.pipeline.store.layout import file_stem, recorded_videos, table_path, videos_with_table

IDS = {"_underscore", "..dots", "%percent", "%5Funderscore", "-minus", "plain"}


@pytest.fixture(scope="module")
def folder(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("ids")
    lines = ["video_id,path"]
    for i, video_id in enumerate(sorted(IDS)):
        shutil.copy(media("tiny4.mp4"), place / f"{i}.mp4")
        lines.append(f"{video_id},{i}.mp4")
    (place / "videos.csv").write_text("\n".join(lines))
    command = [
        "extract",
        str(place / "videos.csv"),
        "--out",
        str(place / "out"),
        "--features",
        "color",
        "--workers",
        "0",
    ]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    return place / "out"


READERS: dict[str, Callable[[Path], set[str]]] = {
    "pyarrow.parquet": lambda table: set(pq.read_table(table)["video_id"].to_pylist()),
    "pyarrow.dataset": lambda table: set(pyarrow.dataset.dataset(table).to_table()["video_id"].to_pylist()),
    "pandas": lambda table: set(pandas.read_parquet(table)["video_id"]),
    "polars": lambda table: set(polars.scan_parquet(table).collect()["video_id"]),
    "duckdb": lambda table: {row[0] for row in duckdb.sql(f"SELECT video_id FROM '{table}/*.parquet'").fetchall()},
    "datasets": lambda table: set(
        datasets.load_dataset("parquet", data_dir=str(table), split="train", cache_dir=str(table.parent / ".cache"))[
            "video_id"
        ]
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_sees_every_video(reader: str, folder: Path) -> None:
    assert READERS[reader](folder / "color") == IDS


def test_avcues_itself_knows_them_by_their_ids(folder: Path) -> None:
    assert set(videos_with_table(folder, "color")) == set(recorded_videos(folder)) == IDS
    data = avcues.open_dataset(folder)
    assert set(data.videos) == IDS
    assert set(data.to_arrow()["video_id"].to_pylist()) == IDS
    assert CliRunner().invoke(app, ["validate", str(folder)]).exit_code == 0


def test_names_of_files_lead_back_to_one_id(folder: Path) -> None:
    assert file_stem("_a") == "%5Fa"
    assert file_stem("a_b.c") == "a_b.c"
    assert len({file_stem(video_id) for video_id in IDS}) == len(IDS)
    assert table_path(folder, "color", "..dots").name == "%2E.dots.parquet"
