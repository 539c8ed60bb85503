"""The rules by which labels come onto the grid (`avcues.pipeline.dataset.labels`)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from avcues.pipeline.dataset.labels import read_labels
from avcues.pipeline.errors import InputError

STEP = Fraction(1, 2)
WINDOWS = {"007": 4, "a": 6, "b": 3}


def placed(labels: dict[str, list[Any]], fill: Any = "none", video_id: str = "a", step: Fraction = STEP) -> list[Any]:
    """The first target of a video, window by window."""
    return read_labels(pa.table(labels), step, WINDOWS, fill).columns_of(video_id, WINDOWS[video_id])[0].to_pylist()


def at(times: list[float], values: list[Any]) -> dict[str, list[Any]]:
    return {"video_id": ["a"] * len(times), "time": times, "v": values}


def test_a_label_belongs_to_the_window_that_contains_its_time() -> None:
    assert placed(at([0.0, 0.5, 1.499, 2.75], [1.0, 2.0, 3.0, 4.0])) == [1.0, 2.0, 3.0, None, None, 4.0]


def test_a_time_on_a_border_is_not_lost_to_its_binary_fraction() -> None:
    assert placed(at([0.3], [1.0]), step=Fraction(1, 10)) == [None, None, None, 1.0, None, None]


def test_numbers_in_one_window_are_averaged_and_of_words_the_last_counts() -> None:
    assert placed(at([0.4, 0.1, 0.2], [1.0, 3.0, 8.0]))[0] == 4.0
    assert placed(at([0.4, 0.1, 0.2], ["late", "early", "middle"]))[0] == "late"
    assert placed(at([0.1, 0.2], [True, False]))[0] is False
    assert placed(at([0.1, 0.2], [1, 2]))[0] == 1.5


@pytest.mark.parametrize(
    ("fill", "numbers", "words"),
    [
        ("none", [None, 1.0, None, None, 4.0, None], [None, "x", None, None, "y", None]),
        ("hold", [None, 1.0, 1.0, 1.0, 4.0, 4.0], [None, "x", "x", "x", "y", "y"]),
        ("linear", [None, 1.0, 2.0, 3.0, 4.0, None], [None, "x", "x", "x", "y", "y"]),
    ],
)
def test_windows_without_a_label_are_filled_as_asked(fill: str, numbers: list[Any], words: list[Any]) -> None:
    assert placed(at([0.5, 2.0], [1.0, 4.0]), fill) == numbers
    assert placed(at([0.5, 2.0], ["x", "y"]), fill) == words


def test_what_is_null_or_not_finite_is_no_label() -> None:
    assert placed(at([0.0, 0.5, 1.0, 1.5], [1.0, float("nan"), None, float("inf")]), "hold") == [1.0] * 6


def test_what_is_filled_averaged_or_held_is_counted() -> None:
    labels = {"video_id": ["a", "a", "a"], "time": [0.1, 0.2, 1.5], "v": [0.0, 1.0, 2.0], "word": ["x", "y", None]}
    assert read_labels(pa.table(labels), Fraction(1, 2), {"a": 6}, "linear").warnings == (
        "labels: 3 labels lie in 2 windows: numbers in one window are averaged, of texts and booleans the last one "
        "counts",
        "v: 2 of 6 windows of labelled videos are filled",
        "word: texts and booleans cannot be interpolated; the label before holds",
        "word: 5 of 6 windows of labelled videos are filled",
    )
    assert "v: 4 of 6 windows" in read_labels(pa.table(labels), Fraction(1, 2), {"a": 6}, "hold").warnings[1]


def test_labels_by_window_and_static_ones() -> None:
    assert placed({"video_id": ["a", "a"], "window": [5, 0], "v": [2.0, 1.0]}) == [1.0, None, None, None, None, 2.0]
    static = {"video_id": ["a", "b"], "age": [30, 40]}
    assert placed(static) == [30.0] * 6
    assert placed(static, video_id="007") == [None] * 4


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_ids_of_a_file_stay_text(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"labels.{suffix}"
    if suffix == "csv":
        path.write_text("video_id,time,valence,word\n007,0.5,0.25,sad\n007,1,0.5,\n")
    else:
        rows = {"video_id": ["007"] * 2, "time": [0.5, 1.0], "valence": [0.25, 0.5], "word": ["sad", None]}
        pq.write_table(pa.table(rows), path)
    labels = read_labels(path, STEP, WINDOWS)
    assert [field.name for field in labels.fields] == ["target.valence", "target.word"]
    assert [values.to_pylist() for values in labels.columns_of("007", 4)] == [
        [None, 0.25, 0.5, None],
        [None, "sad", None, None],
    ]


def test_tables_in_memory_are_taken_as_they_are() -> None:
    rows = {"video_id": ["a"], "time": [0.0], "v": [1.0]}
    frame = pd.DataFrame(rows).assign(word=pd.Categorical(["x"]))
    for source in (pa.table(rows), pl.DataFrame(rows), frame):
        assert read_labels(source, STEP, WINDOWS).columns_of("a", 6)[0].to_pylist() == [1.0] + [None] * 5
    assert read_labels(frame, STEP, WINDOWS).columns_of("a", 6)[1].to_pylist() == ["x"] + [None] * 5


def test_types_are_kept_where_an_average_allows_it() -> None:
    singles = pa.table({"video_id": ["a"], "time": [0.0], "v": pa.array([0.1], pa.float32())})
    assert read_labels(singles, STEP, WINDOWS).fields[0].type == pa.float32()
    kinds = {"video_id": ["a"], "i": [1], "b": [True], "s": ["x"], "d": [0.1]}
    types = [field.type for field in read_labels(pa.table(kinds), STEP, WINDOWS).fields]
    assert types == [pa.float64(), pa.bool_(), pa.string(), pa.float64()]


def test_what_cannot_be_used_is_said() -> None:
    labels = {"video_id": ["a", "a", "a", "zz"], "time": [-0.1, 0.0, 3.0, 1.0], "v": [1.0, 2.0, 3.0, 4.0]}
    read = read_labels(pa.table(labels), STEP, WINDOWS)
    assert read.columns_of("a", 6)[0].to_pylist() == [2.0] + [None] * 5
    foreign, unlabelled, outside = read.warnings
    assert "1 videos" in foreign
    assert "zz" in foreign
    assert "2 videos have no label: 007, b" in unlabelled
    assert "2 labels" in outside
    assert "a (0 to 3 s)" in outside
    assert read_labels(pa.table(at([0.0], [1.0])), STEP, {"a": 6}).warnings == ()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"id": ["a"], "v": [1]}, "has no column video_id, only id, v"),
        ({"video_id": ["a"], "time": [0.0]}, "no target column"),
        ({"video_id": ["a"], "time": ["0:01"], "v": [1]}, "expected seconds"),
        ({"video_id": ["a", "a"], "time": [0.0, None], "v": [1, 2]}, "time is empty in row 2"),
        ({"video_id": ["a", None], "time": [0.0, 1.0], "v": [1, 2]}, "video_id is empty in row 2"),
        ({"video_id": ["a"], "time": [float("inf")], "v": [1]}, "time is inf in row 1"),
        ({"video_id": ["a"], "window": [0.5], "v": [1]}, "expected integers"),
        ({"video_id": ["a"], "window": [0], "time": [0.0], "v": [1]}, "both time and window"),
        ({"video_id": ["a"], "start": [0.0], "end": [1.0], "v": [1]}, "not by start and end"),
        ({"video_id": ["a", "a"], "timestamp": [0.0, 1.0], "v": [1, 2]}, "has 2 rows for a, but no column time"),
        ({"video_id": ["x"], "time": [0.0], "v": [1]}, "none of the dataset's videos: it names x, the dataset 007, a"),
        ({"video_id": ["a"], "v": [[1]]}, "expected numbers, texts or booleans"),
    ],
)
def test_labels_without_a_meaning_are_refused(labels: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(InputError) as error:
        read_labels(pa.table(labels), STEP, WINDOWS)
    assert message in str(error.value)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_labels(tmp_path / "labels.csv", STEP, WINDOWS)
    (tmp_path / "broken.parquet").write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(tmp_path / "broken.parquet", STEP, WINDOWS)
    (tmp_path / "empty.csv").touch()
    with pytest.raises(InputError, match="is empty; expected a first line with column names"):
        read_labels(tmp_path / "empty.csv", STEP, WINDOWS)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("video_id,valérie\na,1\n", "its first line is not UTF-8"),
        ("video_id,mood\na,gênée\n", "row 1 is not UTF-8"),
        ("video_id,mood\né,1\n", "row 1 is not UTF-8; save"),
    ],
)
def test_files_that_are_not_in_utf8_are_refused(text: str, kind: str, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=kind):
        read_labels(file, STEP, WINDOWS)
    file.write_text(text.replace("é,1", "a,1"), encoding="utf-8")
    read_labels(file, STEP, WINDOWS)


def test_half_precision_labels_are_numbers_like_others(tmp_path: Path) -> None:
    table = pa.table({"video_id": ["a", "a"], "time": [0.0, 0.1], "v": pa.array(np.array([0.25, 0.75], np.float16))})
    pq.write_table(table, tmp_path / "labels.parquet")
    assert read_labels(tmp_path / "labels.parquet", STEP, WINDOWS).columns_of("a", 2)[0].to_pylist() == [0.5, None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video_id,time,v\na,0,0.5\na,0.5,10%\na,1,0.7\n", 'v is "10%" in row 2; expected a plain number such as 0.25'),
        ("video_id,v\na,10%\nb,20%\n", 'v is "10%" in row 1'),
        ('video_id,time,v\na,0,0.5\na,0.5,"1,234.5"\n', 'v is "1,234.5" in row 2'),
        ("video_id;v\na;0,5\nb;0.7 s\n", 'v is "0.7 s" in row 2'),
    ],
)
def test_a_number_that_is_none_is_no_word(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(InputError) as error:
        read_labels(tmp_path / "labels.csv", STEP, WINDOWS)
    assert message in str(error.value)
    with pytest.raises(InputError, match="expected a plain number"):
        read_labels(pa.table({"video_id": ["a", "b"], "v": ["0.5", "10%"]}), STEP, WINDOWS)


def test_words_among_which_some_are_numbers_stay_words() -> None:
    assert placed({"video_id": ["a", "b", "007"], "v": ["happy", "sad", "1"]})[0] == "happy"


def test_what_stands_for_no_number_is_counted(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("video_id, valence\na, 0.5\nb, -\n007, 0.7\n")
    labels = read_labels(tmp_path / "labels.csv", STEP, WINDOWS)
    assert labels.targets == ("target.valence",)
    assert labels.warnings == ("valence: no number in 1 of 3 rows",)


def test_the_index_of_pandas_is_no_target(tmp_path: Path) -> None:
    frame = pd.DataFrame({"video_id": ["a", "a", "b"], "time": [0.0, 0.5, 0.0], "v": [1.0, 2.0, 3.0]})
    frame.to_csv(tmp_path / "labels.csv")
    shuffled = frame.iloc[[0, 1, 2]].set_index(pd.Index([0, 1, 2]))
    filtered = frame[frame.v > 0].assign(segment_id=[0, 1, 0])
    for source in (tmp_path / "labels.csv", shuffled, filtered):
        assert read_labels(source, STEP, WINDOWS).targets == ("target.v",)
    assert "ignored" in read_labels(tmp_path / "labels.csv", STEP, WINDOWS).warnings[0]


def test_ids_match_however_their_accents_are_coded() -> None:
    windows = {"cafe\u0301": 2, "b": 2}
    labels = read_labels(pa.table({"video_id": ["caf\u00e9 ", "b"], "v": [1.0, 2.0]}), STEP, windows)
    assert labels.columns_of("cafe\u0301", 2)[0].to_pylist() == [1.0, 1.0]
    assert "1 ids are matched although blanks or the encoding of accents differ" in labels.warnings[0]


def test_times_in_milliseconds_are_an_error_that_says_so() -> None:
    with pytest.raises(InputError, match=r"no label lies within its video; .* the times look like milliseconds"):
        read_labels(pa.table(at([500.0, 1000.0], [1.0, 2.0])), STEP, WINDOWS)


def gold_standard(**columns: list[Any]) -> dict[str, list[Any]]:
    return {"video_id": ["a", "b"], "v": [0.5, 0.6], "v_std": [0.1, 0.2], "v_n": [3, 3], **columns}


def test_what_labels_were_fitted_on_survives_pandas_and_csv(tmp_path: Path) -> None:
    frame = pd.DataFrame(gold_standard(fitted_on=[True, False]))
    frame.to_csv(tmp_path / "labels.csv", index=False)
    for source in (frame, tmp_path / "labels.csv"):
        labels = read_labels(source, STEP, WINDOWS)
        assert labels.metadata["fitted_on"] == {"column": ["a"]}
        assert labels.targets == ("target.v",)
        assert [field.name for field in labels.fields] == ["target.v", "target.v_std", "target.v_n"]
        assert any("the column fitted_on names the videos used for fitting" in line for line in labels.warnings)
    assert read_labels(pa.table(gold_standard(fitted_on=[False, False])), STEP, WINDOWS).metadata["fitted_on"] == {}


def test_the_column_of_what_labels_were_fitted_on_counts_whatever_else_was_lost() -> None:
    labels = read_labels(pa.table({"video_id": ["a", "b"], "v": [0.5, 0.6], "fitted_on": [1, 0]}), STEP, WINDOWS)
    assert (labels.metadata["fitted_on"], labels.targets) == ({"column": ["a"]}, ("target.v",))


def test_a_gold_standard_without_any_trace_of_its_making_is_said_loudly() -> None:
    (loud, *_) = read_labels(pa.table(gold_standard()), STEP, WINDOWS).warnings
    assert "NOTHING GUARDS AGAINST LABELS THAT WERE FITTED ON TEST VIDEOS" in loud


def test_ids_that_lost_zeros_folders_or_suffixes_are_named_with_those_that_are_meant() -> None:
    """A spreadsheet makes 7 of 007."""
    with pytest.raises(InputError, match=r"\(the file has 7 for 007\)"):
        read_labels(pa.table({"video_id": ["7"], "v": [1.0]}), STEP, WINDOWS)
    some = read_labels(pa.table({"video_id": ["7", "clips/a.mp4", "b", "c"], "v": [1.0, 2.0, 3.0, 4.0]}), STEP, WINDOWS)
    (warning,) = [warning for warning in some.warnings if "not in the dataset" in warning]
    assert warning.endswith(
        "7, c, clips/a.mp4; write ids as the dataset does (the file has 7 for 007, clips/a.mp4 for a)"
    )
    labels = read_labels(pa.table({"video_id": ["7", "007"], "v": [1.0, 2.0]}), STEP, WINDOWS)
    assert not [warning for warning in labels.warnings if "write ids" in warning]
