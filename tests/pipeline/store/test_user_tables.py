"""Tables that users bring are read by one set of rules (`avcues.pipeline.store.user_tables`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import drop_row_counters
from avcues.pipeline.store.user_tables import column_names, read_user_table

IDS = {"video_id": pa.string()}
ROWS = [{"video_id": "007", "valence": 0.25}, {"video_id": "b", "valence": -1.5}]


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_only_plain_files_are_opened(suffix: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / f"pipe.{suffix}")
    with pytest.raises(InputError, match="is not a regular file"):
        read_user_table(tmp_path / f"pipe.{suffix}")


@pytest.mark.parametrize(
    "content",
    [
        "video_id,valence\n007,0.25\nb,-1.5\n",
        "video_id, valence\n007, 0.25\nb, -1.5\n",
        'video_id, valence\n"007", 0.25\n"b", "-1.5"\n',
        'valence, video_id\n0.25, "007"\n-1.5, "b"\n',
        "video_id;valence\n007;0,25\nb;-1,5\n",
        "video_id\tvalence\n007\t0.25\nb\t-1.5\n",
        "video_id|valence\n007|0.25\nb|-1.5\n",
        "sep=;\nvideo_id;valence\n007;0.25\nb;-1.5\n",
        "\n\nvideo_id,valence\r\n007,0.25\r\n\r\nb,-1.5\r\n",
        "# video_id,valence\n007,0.25\nb,-1.5\n",
        "\ufeffvideo_id,valence\n007,0.25\nb,-1.5\n",
        "video_id;valence\n007;0,25\nb;-1,5\n".encode("utf-16"),
        "video_id\tvalence\n007\t0.25\nb\t-1.5\n".encode("utf-16-le"),
        "\ufeffvideo_id,valence\n007 ,0.25\n  b,-1.5\n".encode("utf-16-be"),
    ],
)
def test_every_form_of_text_gives_the_same_table(content: bytes | str, tmp_path: Path) -> None:
    path = written(tmp_path / "labels.csv", content)
    table = read_user_table(path, types=IDS)
    assert table.select(["video_id", "valence"]).to_pylist() == ROWS
    assert sorted(column_names(path)) == ["valence", "video_id"]
    with path.open("rb") as file:
        assert read_user_table(file, types=IDS, name="labels.csv").equals(table)


def test_workbooks_are_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in [["video_id", "valence"], ["007", 0.25], [None, None], ["b", -1.5]]:
        book.active.append(row)
    book.create_sheet("notes")
    book.save(tmp_path / "labels.xlsx")
    assert read_user_table(tmp_path / "labels.xlsx", types=IDS).to_pylist() == ROWS
    for row in [["rater"], ["anna"]]:
        book["notes"].append(row)
    book.save(tmp_path / "labels.xlsx")
    with pytest.raises(InputError, match=r"labels\.xlsx: has 2 sheets with data \(Sheet, notes\)"):
        read_user_table(tmp_path / "labels.xlsx")
    with pytest.raises(InputError, match=r"broken\.xlsx: is not an Excel workbook"):
        read_user_table(written(tmp_path / "broken.xlsx", "video_id\n"))


def test_texts_are_trimmed_and_accents_composed(tmp_path: Path) -> None:
    table = read_user_table(written(tmp_path / "a.csv", "rater,mood\nanna ,cafe\u0301\n anna,caf\u00e9\n"))
    assert table.to_pylist() == [{"rater": "anna", "mood": "caf\u00e9"}] * 2


@pytest.mark.parametrize("missing", ["", "-", "NA", "NaN", "N/A", "."])
def test_what_stands_for_no_number_is_null(missing: str, tmp_path: Path) -> None:
    text = f"video_id,valence\na,0.5\nb,{missing}\nc,0.7\n"
    assert read_user_table(written(tmp_path / "a.csv", text))["valence"].to_pylist() == [0.5, None, 0.7]


def test_words_that_stand_for_missing_numbers_are_words_among_words(tmp_path: Path) -> None:
    table = read_user_table(written(tmp_path / "a.csv", "rater,country\nNA,NA\nb,DE\n"), types={"rater": pa.string()})
    assert table.to_pylist() == [{"rater": "NA", "country": "NA"}, {"rater": "b", "country": "DE"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video_id,v\na,1\na,x\n", 'row 2: v is "x"; expected a number'),
        ("video_id,v\na,1\na\n", "row 2: has 1 cells; expected 2, as in the first line"),
        ("video_id\na\n", "has no column v, only video_id"),
        ("v,v\n1,2\n", r'has the column "v" more than once \(2 times\)'),
        ("", "is empty; expected a first line with column names"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_row(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_user_table(written(tmp_path / "a.csv", text), types={"v": pa.float64()}, required=["v"])


def test_the_index_that_pandas_writes_is_set_aside(tmp_path: Path) -> None:
    frame = pd.DataFrame({"time": [0.0, 0.5, 1.0], "anna": [0.1, 0.2, 0.3]})
    frame.to_csv(tmp_path / "a.csv")
    pd.read_csv(tmp_path / "a.csv").to_csv(tmp_path / "twice.csv")
    for name, counting in (("a.csv", '""'), ("twice.csv", '"", "Unnamed: 0"')):
        table, notes = drop_row_counters(read_user_table(tmp_path / name), ["time"], name)
        assert table.column_names == ["time", "anna"]
        assert notes == [f"{name}: ignored: {counting}, which {'count' if ',' in counting else 'counts'} rows"]


def test_a_count_that_goes_on_from_another_file_or_has_gaps_is_set_aside(tmp_path: Path) -> None:
    frame = pd.DataFrame({"time": np.arange(40) / 2, "frame": range(100, 180, 2), "anna": np.linspace(0, 1, 40)})
    frame.iloc[20:].drop(index=30).to_csv(tmp_path / "part.csv")
    table, notes = drop_row_counters(read_user_table(tmp_path / "part.csv"), ["time"], "part.csv")
    assert table.column_names == ["time", "anna"]
    assert notes == ['part.csv: ignored: "", "frame", which count rows']


@pytest.mark.parametrize(
    ("columns", "stay"),
    [
        ({"index": [0, 1, 2], "v": [1.0, 2.0, 3.0]}, ["video_id", "v"]),
        ({"segment_id": [0, 1, 0], "v": [1.0, 2.0, 3.0]}, ["video_id", "v"]),
        ({"__index_level_0__": [0, 1, 2]}, ["video_id"]),
        ({"v": [0, 1, 2], "sample": [4, 5, 7]}, ["video_id", "v", "sample"]),
    ],
)
def test_columns_that_count_rows_are_no_data(columns: dict[str, Any], stay: list[str]) -> None:
    table = pa.table({"video_id": ["a", "a", "b"], **columns})
    assert drop_row_counters(table, ["video_id"], "labels", ["video_id"])[0].column_names == stay


def test_a_column_without_a_name_that_does_not_count_is_refused() -> None:
    with pytest.raises(InputError, match=r"labels: column 2 has no name; name it after its content, or delete it"):
        drop_row_counters(pa.table({"video_id": ["a"], "": [0.3]}), ["video_id"], "labels")
