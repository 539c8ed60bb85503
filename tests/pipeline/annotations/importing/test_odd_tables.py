"""Tables as people keep them are read right, or refused in one line that says what, where and what to do."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from avcues.pipeline.annotations.importing.formats.table import import_table
from avcues.pipeline.annotations.importing.formats.tidy import import_tidy
from avcues.pipeline.annotations.importing.formats.wide import import_wide
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.errors import InputError, SettingsError

KEYS = {"rater": "who", "video_id": "clip", "time": "t", "value": "v", "setup": "=s", "dimension": "=d"}
PER_CLIP = {key: source for key, source in KEYS.items() if key != "time"}


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def times_and_values(study: Annotations) -> list[tuple[float, float]]:
    return list(zip(study.ratings["time"].to_pylist(), study.ratings["value"].to_pylist(), strict=True))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("who,clip,t,v\na,x,0,0.5\na,x,62.5,-1\n", {}),
        ("who,clip,t,v\na,x,0,0.5\na,x,62500,-1\n", {"time_unit": "ms"}),
        ("who,clip,t,v\na,x,0:00,0.5\na,x,1:02.5,-1\n", {}),
        ("who,clip,t,v\na,x,00:00:00,0.5\na,x,00:01:02.5,-1\n", {"time_unit": "ms"}),
        ("who;clip;t;v\na;x;0:00:00,0;0,5\na;x;0:01:02,5;-1\n", {}),
        ("\ufeffwho;clip;t;v\na;x;0;0,5\na;x;62,5;-1\n", {}),
        ("who\tclip\tt\tv\na\tx\t0\t0,5\na\tx\t62,5\t-1\n".encode("utf-16"), {}),
        ("who,clip,t,v\na,x,0,0.5\na,x,1,NA\na,x,2,NaN\na,x,3,-\na,x,62.5,-1\n", {}),
        ("who,clip,t,v\na,x,0,75\na,x,62.5,0\n", {"scale": (0, 100), "range_": (-1, 1)}),
        ("who,clip,t,v\na,x,0,7\na,x,62.5,1\n", {"scale": (1, 9), "range_": (-1, 1)}),
        ("who,clip,t,v\na,x,0,3\na,x,62.5,9\n", {"scale": (9, 1), "range_": (-1, 1)}),
        ("who,clip,t,v\na,x,14:05:10,0.5\na,x,14:06:12.5,-1\n", {"time_unit": "clock"}),
        ("who,clip,t,v\na,x,2:05:10 PM,0.5\na,x,2:06:12.5 PM,-1\n", {"time_unit": "clock"}),
        ("who,clip,t,v\na,x,2024-01-02T14:05:10,0.5\na,x,2024-01-02T14:06:12.5,-1\n", {"time_unit": "clock"}),
        ("# exported by hand\n# on Monday\nwho,clip,t,v\na,x,0,0.5\na,x,62.5,-1\n", {}),
        ('who,clip,t,v,remark\na,x,0,0.5,"two\nlines"\na,x,62.5,-1,"a ""quote"""\n', {}),
    ],
)
def test_every_way_to_write_a_table_gives_the_same_ratings(
    text: str | bytes, options: dict[str, Any], tmp_path: Path
) -> None:
    study = import_table([written(tmp_path / "a.csv", text)], KEYS, **options)
    assert times_and_values(study) == [(0.0, 0.5), (62.5, -1.0)]


def test_minutes_and_seconds_are_no_hours_and_minutes(tmp_path: Path) -> None:
    text = "time,anna\n00:00,0.1\n01:30,0.2\n"
    wide = import_wide([written(tmp_path / "x.csv", text)], setup="s", dimension="d")
    assert times_and_values(wide) == [(0.0, 0.1), (90.0, 0.2)]
    frame = pd.DataFrame({"who": "a", "clip": "x", "t": pd.to_timedelta([0, 1.5], unit="s"), "v": [0.1, 0.2]})
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "a.parquet")
    assert times_and_values(import_table([tmp_path / "a.parquet"], KEYS)) == [(0.0, 0.1), (1.5, 0.2)]


def test_times_of_day_begin_with_each_rater_and_clip(tmp_path: Path) -> None:
    text = "who,clip,t,v\na,x,14:05:10,1\na,x,14:05:11,2\na,y,14:10:00,3\na,y,14:10:01,4\n"
    file = written(tmp_path / "a.csv", text)
    study = import_table([file], KEYS, time_unit="clock")
    assert [time for time, _ in times_and_values(study)] == [0.0, 1.0, 0.0, 1.0]
    assert "times of day: the first rating of each rater and clip counts as 0 s" in study.notes
    doubts = [note for note in import_table([file], KEYS).notes if "`time_unit=clock`" in note]
    assert doubts[0].startswith("series begin 50855 s into their videos (median) and last 1 s")
    stamps = pd.DataFrame({"rater": "a", "video_id": "x", "setup": "s", "dimension": "d", "value": [1.0, 2.0]})
    stamps["time"] = pd.to_datetime(["2024-01-02 10:00:00", "2024-01-02 10:00:02.5"], format="ISO8601")
    with pytest.raises(InputError, match="ratings: time holds time stamps; give `time_unit=clock`"):
        import_tidy(stamps)
    assert times_and_values(import_tidy(stamps, time_unit="clock")) == [(0.0, 1.0), (2.5, 2.0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("who,clip,t,v\na,x,0,1\na,x,0,1\n", "rows 1 and 2 are the same rating"),
        ("who,clip,t,v\n" + "".join(f"a,x,{t % 10},1\n" for t in range(20)), "rows 1 and 11 are the same rating"),
        ("who,clip,t,v\n" + "".join(f"a,x,{t % 10 + t / 99},1\n" for t in range(20)), "run through the clip twice"),
        ("who,clip,t,v\n" + "".join(f"a,x,{60 - t},1\n" for t in range(20)), "count down from 60 to 41"),
        ("who,clip,t,v\na,x,-0.5,1\n", "row 1: time is -0.5; expected seconds from 0 on"),
        ("who,clip,t,v\na,x,0,1\nwho,clip,t,v\nb,x,0,1\n", "row 2"),
        ("who,clip,t,v\na,x,0,1\na,x,1,45%\n", 'is "45%" in row 2'),
        ('who,clip,t,v\na,x,0,1\na,x,1,"1,234.5"\n', 'is "1,234.5" in row 2'),
        ("who,clip,t,v\na,x,soon,1\n", 'row 1: time is "soon"; expected seconds'),
        ("<!DOCTYPE html><html><table></table></html>", "is a page of HTML; export the table as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", r"is an old Excel workbook \(\.xls\); save it as \.xlsx or CSV"),
    ],
)
def test_what_would_be_read_wrong_is_refused(text: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as error:
        import_table([written(tmp_path / "a.csv", text)], KEYS)
    assert "a.csv" in str(error.value)
    assert "\n" not in str(error.value)


def test_tables_without_a_rating_are_named(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    with pytest.raises(InputError, match=r"a\.csv: has no ratings"):
        import_table([written(file, "who,clip,t,v\n")], KEYS, time_unit="clock")
    with pytest.raises(InputError, match=r"a\.csv: has no ratings"):
        import_wide([written(file, "time,anna\n0,\n")], setup="s", dimension="d")


def test_an_open_quote_is_one_line(tmp_path: Path) -> None:
    file = written(tmp_path / "a.csv", 'time,anna\n0,1\n0.5,"2\n' + "".join(f"{t},1\n" for t in range(1, 9)))
    with pytest.raises(InputError) as error:
        import_wide([file], setup="s", dimension="d")
    assert "a.csv: row 2: anna is" in str(error.value)
    assert "\n" not in str(error.value)


def test_headings_and_totals_in_between_are_no_raters(tmp_path: Path) -> None:
    keys = {"rater": "who", "video_id": "clip", "label": "mood", "setup": "=s", "dimension": "=mood"}
    joined = written(tmp_path / "a.csv", "who,clip,mood\na,x,calm\nwho,clip,mood\nb,x,sad\n")
    with pytest.raises(InputError, match="row 2 repeats the names of the columns, as in joined files"):
        import_table([joined], keys)
    totals = written(tmp_path / "b.csv", "who,x_d,y_d\na,1,2\nb,3,4\nMean,2,3\n")
    with pytest.raises(InputError, match=r'b\.csv: row 3: the rater "Mean" is a statistic over raters'):
        import_table([totals], {"rater": "who", "setup": "=s"}, header="{video_id}_{dimension}")


def test_cells_say_that_a_label_was_chosen_or_not(tmp_path: Path) -> None:
    keys = {"rater": "who", "video_id": "clip", "setup": "=s", "dimension": "=mood"}
    text = "who,clip,calm,sad\na,x,1,0\nb,x,0,0\nc,x,NA,NA\n"
    study = import_table([written(tmp_path / "a.csv", text)], keys, header="{label}")
    assert study.ratings.select(["rater", "label"]).to_pylist() == [
        {"rater": "a", "label": "calm"},
        {"rater": "b", "label": None},
    ]
    with pytest.raises(InputError, match=r'row 1: sad is "2"; expected 1 if the label was chosen, 0 if not'):
        import_table([written(tmp_path / "b.csv", "who,clip,calm,sad\na,x,1,2\n")], keys, header="{label}")
    text = "who,clip,mood\na,x,calm\nb,x,NA\nc,x,-\n"
    keys["label"] = "mood"
    study = import_table([written(tmp_path / "c.csv", text)], keys)
    assert study.dimensions["mood"].labels == ("calm",)
    assert "c.csv: left out: 2 rows without a label (NA, - and the like)" in study.notes


def test_ratings_behind_the_end_of_a_video_are_counted(tmp_path: Path) -> None:
    file = written(tmp_path / "a.csv", "who,clip,t,v\na,x,0,1\na,x,70,1\na,x,90,1\n")
    notes = import_table([file], KEYS, known={"x": 60.0}).notes
    assert "2 ratings behind the end of 1 video, which no window holds: x (90 s of 60 s)" in notes


@pytest.mark.parametrize(
    ("keys", "options", "message"),
    [
        ({"start": "t"}, {}, "names only one of `start` and `end`"),
        ({"start": "t", "end": "t", "time": "t"}, {}, "names both `time` and `start`"),
        ({}, {"scale": (1, 1), "range_": (-1, 1)}, "`scale=1,1` is empty"),
        ({}, {"header": "{rater}"}, "`map` and `header` both say what `rater` is"),
        ({}, {"header": "v"}, "`map` and `header` both say what `value` is"),
    ],
)
def test_maps_that_contradict_themselves_are_refused(
    keys: dict[str, str], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    file = written(tmp_path / "a.csv", "who,clip,t,v\na,x,0,1\n")
    with pytest.raises(SettingsError, match=message):
        import_table([file], PER_CLIP | keys, **options)


def workbook(path: Path, rows: list[list[Any]]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return book


def test_workbooks_that_would_be_read_wrong_are_refused(tmp_path: Path) -> None:
    heading, file = ["who", "clip", "v"], tmp_path / "a.xlsx"
    book = workbook(file, [heading, ["a", "x", 1], ["b", "x", 2]])
    assert len(import_table([file], PER_CLIP).ratings) == 2
    (tmp_path / "a.csv").write_bytes(file.read_bytes())
    assert len(import_table([tmp_path / "a.csv"], PER_CLIP).ratings) == 2
    book.active.row_dimensions[3].hidden = True
    book.save(file)
    with pytest.raises(InputError, match="1 of its rows are hidden, for example by a filter"):
        import_table([file], PER_CLIP)
    workbook(file, [heading, ["a", "x", 1], ["b", "x", "=C2+1"]])
    with pytest.raises(InputError, match="1 of its cells contain formulas without results"):
        import_table([file], PER_CLIP)
    workbook(file, [heading, ["a", datetime.datetime(2026, 2, 1), 1]])
    with pytest.raises(InputError, match=r'row 1: video_id is the date "2026-02-01 00:00:00"; Excel makes dates of'):
        import_table([file], PER_CLIP)
    book = workbook(file, [heading, ["a", "x", 1], ["b", None, 2]])
    book.active.merge_cells("B2:B3")
    book.save(file)
    with pytest.raises(InputError, match="row 2: video_id is empty"):
        import_table([file], PER_CLIP)
    workbook(file, [["who", "clip", "t", "v"], ["a", "x", datetime.time(0, 1, 2, 500000), 1]])
    assert times_and_values(import_table([file], KEYS)) == [(62.5, 1.0)]
    dates = written(tmp_path / "b.csv", "who,clip,v\na,1-Feb,1\na,x,2\n")
    assert "1 video called like a date, as Excel makes of 1-2: 1-Feb" in import_table([dates], PER_CLIP).notes
