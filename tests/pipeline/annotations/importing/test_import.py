"""Ratings come in as they are, and what is wrong with them is said in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from studies import GEMS, copy_of_muvi, like_muvi, muvi_folder, tidy

from avcues.pipeline.annotations.importing.formats.muvi import import_muvi
from avcues.pipeline.annotations.importing.formats.tidy import import_tidy
from avcues.pipeline.annotations.importing.formats.wide import import_wide
from avcues.pipeline.annotations.ratings import files as rating_files
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.errors import DatasetError, InputError, SettingsError


def test_a_tidy_file_comes_back_as_it_was(tmp_path: Path) -> None:
    table = tidy(
        rater=["007", "008", "008"], time=[0.5, None, None], value=[0.25, 3.0, None], label=[None, None, "sad"]
    ).set_column(3, "dimension", pa.array(["valence", "liking", "mood"]))
    pa.csv.write_csv(table, tmp_path / "ratings.csv")
    imported = import_tidy(tmp_path / "ratings.csv", ranges={"valence": (-1, 1), "liking": (1, 5)})
    rating_files.write(imported, tmp_path / "ann")
    second = rating_files.read(tmp_path / "ann")
    assert second.ratings.equals(imported.ratings)
    assert second.ratings["rater"].to_pylist() == ["007", "008", "008"]
    assert second.ratings["value"].to_pylist() == [0.25, 3.0, None]
    assert second.dimensions["liking"] == Dimension(name="liking", low=1, high=5)
    assert second.dimensions["mood"] == Dimension(name="mood", level="nominal", labels=("sad",))
    assert (second.over_time("valence"), second.over_time("liking")) == (True, False)
    assert second.exposures["order"].to_pylist() == [0, 0]


def test_csv_parquet_and_tables_in_memory_give_the_same(tmp_path: Path) -> None:
    table = tidy(time=[0.0, 0.5], value=[0.1, 0.2], round="before")
    pa.csv.write_csv(table, tmp_path / "ratings.csv")
    semicolons = (tmp_path / "ratings.csv").read_text().replace(",", ";")
    (tmp_path / "semicolons.csv").write_text(semicolons)
    pq.write_table(table, tmp_path / "ratings.parquet")
    frame = table.to_pandas()
    sources = [*(tmp_path / name for name in ("ratings.csv", "semicolons.csv", "ratings.parquet"))]
    for source in [*sources, table, frame, pl.from_arrow(table)]:
        assert import_tidy(source, range_=(-1, 1)).ratings.to_pylist() == import_tidy(table).ratings.to_pylist()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"setup": ..., "value": [1.0]}, "has no column setup, only rater, video_id, dimension, value"),
        ({"value": ..., "time": [0.0]}, "has no column value"),
        ({"value": [0.5, 1.5]}, "row 2: valence is 1.5; expected -1 to 1"),
        ({"time": [0.0, float("inf")]}, "row 2: time is inf; expected seconds from 0 on"),
        ({"time": [0.0, float("nan")]}, "row 2: time is nan; expected seconds from 0 on"),
        ({"time": [-0.5]}, "row 1: time is -0.5; expected seconds from 0 on"),
        ({"value": [0.0, float("-inf")]}, "row 2: value is infinite"),
        ({"rater": ["a", None]}, "row 2: rater is empty"),
        ({"dimension": ["valence", "val\x1b[2Jence"]}, "row 2: dimension has control characters"),
        ({"setup": ["music", "radio"]}, 'row 2: setup is "radio"; expected one of music, video'),
        ({"time": [0.5, 1.0, 0.5]}, "rows 1 and 3 are the same rating (r1, v1, music, valence, 0.5); expected it once"),
        ({"time": [0.5, None]}, "row 2: valence has no time here, but has one in row 1"),
        (
            {"value": [0.5, None], "label": [None, "x"]},
            "row 1: valence has a number; expected a label, because it is nominal",
        ),
        ({"round": ["before", None]}, "row 2: round is empty, but not in row 1"),
        ({"video_id": ["elsewhere"]}, "no rated video is in the dataset; rated are elsewhere, the dataset has v1, v2"),
    ],
)
def test_what_cannot_be_is_one_line_with_file_and_row(rows: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "ratings.parquet"
    pq.write_table(tidy(**rows), path)
    with pytest.raises(InputError) as error:
        import_tidy(path, range_=(-1, 1), setups=["music", "video"], known=["v1", "v2"])
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("r1,v1,music,valence,much\n", 'row 1: value is "much"; expected a number'),
        ("r1,v1,music,valence,0.1\nr1,v2,music,valence,x\n", 'row 2: value is "x"; expected a number'),
        ("r1,v1,music\n", "row 1: has 3 cells; expected 5, as in the first line"),
        ("", "has no ratings"),
    ],
)
def test_what_is_no_number_is_said_with_its_row(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("rater,video_id,setup,dimension,value\n" + text)
    with pytest.raises(InputError, match=message):
        import_tidy(path)


def test_files_that_are_none_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        import_tidy(tmp_path / "nowhere.csv")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(InputError, match="is empty; expected a first line"):
        import_tidy(tmp_path / "empty.csv")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="cannot be read as a table"):
        import_tidy(tmp_path / "broken.parquet")
    with pytest.raises(
        DatasetError, match=r"has no ratings\.parquet; expected a folder made by avcues annotations import"
    ):
        rating_files.read(tmp_path)
    with pytest.raises(SettingsError, match='no dimension "arousal" in these ratings, only valence'):
        import_tidy(tidy(value=[0.0]), ranges={"arousal": (0, 1)})


def test_what_is_left_out_or_unknown_is_counted_and_said() -> None:
    table = tidy(
        rater=["a", "a", "a", "b", "b"],
        video_id=["v1", "v1", "v1", "v1", "zz"],
        time=[1.0, 0.5, 2.0, 0.0, 0.0],
        value=[0.1, 0.2, None, 0.4, 0.5],
    )
    raters = pa.table({"rater": ["a"], "age": [30]})
    imported = import_tidy(table, known=["v1", "v2"], raters=raters)
    assert len(imported.ratings) == 3
    assert imported.notes == (
        "times out of order in 1 series; sorted by time",
        "left out: 1 row without a value",
        "no rating of 1 video of the dataset: v2",
        "left out: 1 rating of 1 video that the dataset does not have: zz",
        "no row in raters for 1 rater: b",
        "valence: range not given, so values outside it go unnoticed; they run from 0.1 to 0.4",
    )
    assert imported.raters.to_pylist() == [{"rater": "a", "age": 30}, {"rater": "b", "age": None}]
    assert imported.exposures["video_id"].to_pylist() == ["v1", "v1"]


def test_wide_files_are_one_clip_each(tmp_path: Path) -> None:
    for setup, first in (("music", 0.1), ("video", 0.3)):
        (tmp_path / setup / "valence").mkdir(parents=True)
        rows = f"timestamp,anna,ben\n0,{first},0.5\n250,,0.6\n500,0.2,0.7\n"
        (tmp_path / setup / "valence" / "clip1.csv").write_text(rows)
    imported = import_wide(
        sorted(tmp_path.rglob("*.csv")), pattern="{setup}/{dimension}/{video_id}", time_unit="ms", range_=(-1, 1)
    )
    frame = imported.ratings.to_pandas()
    assert len(frame) == 10
    of_ben = frame[(frame.rater == "ben") & (frame.setup == "video")]
    assert of_ben.time.tolist() == [0, 0.25, 0.5]
    assert of_ben.value.tolist() == [0.5, 0.6, 0.7]
    assert set(frame.video_id) == {"clip1"}
    assert imported.dimensions["valence"].high == 1


def test_exposures_are_of_the_videos_that_the_ratings_are_of(tmp_path: Path) -> None:
    for clip in ("clip1", "elsewhere"):
        (tmp_path / f"{clip}.csv").write_text("time,anna\n0,0.1\n")
    options: dict[str, Any] = {"setup": "video", "dimension": "valence", "range_": (-1, 1)}
    wide = import_wide(sorted(tmp_path.glob("*.csv")), known=["clip1"], **options)
    muvi = import_muvi(like_muvi(tmp_path / "muvi"), known=["vid01", "vid02"])
    for study in (wide, muvi):
        assert set(study.exposures["video_id"].to_pylist()) == set(study.videos)
    assert (wide.videos, muvi.videos) == (("clip1",), ("vid01", "vid02"))


def test_the_index_of_pandas_and_statistics_are_no_raters(tmp_path: Path) -> None:
    """An index column once became a rater named "", and the gold standard reached 14.5 on a scale of 0.46."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"time": np.arange(30) / 2, "anna": rng.normal(size=30), "ben": rng.normal(size=30)})
    frame["mean"] = frame[["anna", "ben"]].mean(axis=1)
    frame["both"] = frame["mean"]
    frame.to_csv(tmp_path / "clip1.csv")
    options: dict[str, Any] = {"setup": "video", "dimension": "valence"}
    study = import_wide([tmp_path / "clip1.csv"], **options)
    assert study.rater_ids == ("anna", "ben")
    assert study.notes[0] == 'clip1.csv: ignored: "", which counts rows'
    assert study.notes[1].startswith('clip1.csv: ignored: "mean", "both", statistics over raters rather than raters')
    assert import_wide([tmp_path / "clip1.csv"], columns=["both"], **options).rater_ids == ("both",)


def test_profiles_of_raters_have_no_count_of_rows(tmp_path: Path) -> None:
    pd.DataFrame({"rater": ["r1", "r2"], "age": [30, 40]}).to_csv(tmp_path / "raters.csv")
    study = import_tidy(tidy(rater=["r1", "r2"], value=[0.0, 0.1]), raters=tmp_path / "raters.csv")
    assert study.raters.column_names == ["rater", "age"]


def test_names_that_differ_in_blanks_are_one_and_in_capitals_are_said() -> None:
    study = import_tidy(tidy(rater=["anna", "anna ", "Anna"], time=[0.0, 0.5, 0.0], value=[0.0, 0.1, 0.2]))
    assert study.rater_ids == ("Anna", "anna")
    assert "raters whose names differ in capitals only are kept apart: Anna and anna" in study.notes
    known = import_tidy(tidy(video_id=["caf\u00e9 "], value=[0.1]), known=["cafe\u0301"])
    assert known.videos == ("cafe\u0301",)


@pytest.mark.parametrize(
    ("times", "unit", "message"),
    [
        ([0.0, 5e5, 6e7], "us", "they look like microseconds; give `time_unit=us`"),
        ([0.0, 5e8, 6e10], "ns", "they look like nanoseconds; give `time_unit=ns`"),
        ([1.7e9, 1.7e9 + 0.5, 1.7e9 + 60], "unix", "`time_unit=unix`, which counts from the first rating"),
        ([1.7e12, 1.7e12 + 500, 1.7e12 + 60000], "unix-ms", "`time_unit=unix-ms`"),
    ],
)
def test_times_that_cannot_be_seconds_propose_a_unit(times: list[float], unit: Any, message: str) -> None:
    table = tidy(time=times, value=[0.1, 0.2, 0.3])
    with pytest.raises(InputError, match="at most 86400") as error:
        import_tidy(table)
    assert message in str(error.value)
    assert import_tidy(table, time_unit=unit).ratings["time"].to_pylist() == pytest.approx([0.0, 0.5, 60.0])


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0.0, 500.0, 60000.0], "30000 s apart (median) and reach 60000 s"),
        ([40.0 * i for i in range(500)], "40 s apart (median) and reach 19960 s"),  # 20 s, read 25 times a second
        ([1.0 * i for i in range(9000)], None),  # a film, read once a second
        ([10.0 * i for i in range(300)], None),  # a lecture, read every ten seconds
    ],
)
def test_milliseconds_that_might_be_seconds_are_doubted(times: list[float], message: str | None) -> None:
    study = import_tidy(tidy(time=times, value=[i % 7 / 10 for i in range(len(times))]))
    doubts = [note for note in study.notes if "`time_unit=ms`" in note]
    assert len(doubts) == (message is not None)
    assert all(str(message) in note for note in doubts)


def test_times_of_wide_files_may_be_minutes_and_seconds(tmp_path: Path) -> None:
    (tmp_path / "clip1.csv").write_text("Time;anna\n0:00;0,5\n0:00,5;0,25\n1:02.5;-1\n")
    study = import_wide([tmp_path / "clip1.csv"], setup="video", dimension="valence", range_=(-1, 1))
    assert study.ratings["time"].to_pylist() == [0.0, 0.5, 62.5]
    assert study.ratings["value"].to_pylist() == [0.5, 0.25, -1.0]


@pytest.mark.parametrize(
    ("text", "options", "error", "message"),
    [
        ("time,a\n0,2\n", {}, InputError, "row 1: valence is 2; expected -1 to 1"),
        ("time,a,b\n0,0,0\n0.5,0,7\n", {}, InputError, "row 2: valence is 7"),
        ("time,a,b\n0,0,0\n0,0,0\n", {}, InputError, "rows 1 and 2 are the same rating"),
        ("time,a\n,0\n", {}, InputError, "row 1: time is empty"),
        ("a,b\n0,0\n", {}, InputError, "has no column of times; expected time"),
        ("time,a\n0,0\n", {"setup": None}, SettingsError, "its setup is not known"),
        ("time,a\n0,0\n", {"pattern": "{setup}"}, SettingsError, "names no video"),
        ("time,a\n0,0\n", {"pattern": "{session}/{video_id}"}, SettingsError, "an unknown name"),
        ("time,a\n0,0\n", {"pattern": "x_{video_id}"}, InputError, "does not match the pattern"),
    ],
)
def test_wide_files_say_what_is_wrong(
    text: str, options: dict[str, Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "clip1.csv"
    path.write_text(text)
    with pytest.raises(error, match=message):
        import_wide([path], **{"dimension": "valence", "setup": "music", "range_": (-1, 1), **options})


def test_files_of_muse_toolbox_recola_and_end2you_are_read(tmp_path: Path) -> None:
    """Headers and separators as in the files that these projects publish or write."""
    files = {
        "muse/arousal/11.csv": "timestamp,1,2,3\n0.50,0.1528,0.0138,0.0000\n1.00,0.1550,0.0138,0.1315\n",
        "recola/valence/P16.csv": "time;FM1 ;FM2 ;FF1\n0.00;0.00;0.10;-0.20\n0.04;0.01;0.10;-0.20\n",
        "end2you/anna/clip1.csv": "# timestamp,arousal,valence\n0.000000,0.1,0.2\n0.040000,0.3,0.4\n",
        "end2you/ben/clip1.csv": "# timestamp,arousal,valence\n0.000000,0.5,0.6\n0.040000,0.7,0.8\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    options: dict[str, Any] = {"setup": "video", "range_": (-1, 1)}
    muse = import_wide([tmp_path / "muse/arousal/11.csv"], pattern="{dimension}/{video_id}", **options)
    assert (muse.rater_ids, muse.videos, list(muse.dimensions)) == (("1", "2", "3"), ("11",), ["arousal"])
    assert muse.ratings["time"].to_pylist() == [0.5] * 3 + [1.0] * 3
    recola = import_wide([tmp_path / "recola/valence/P16.csv"], pattern="{dimension}/{video_id}", **options)
    assert recola.rater_ids == ("FF1", "FM1", "FM2")
    assert recola.ratings["value"].to_pylist() == [0.0, 0.1, -0.2, 0.01, 0.1, -0.2]
    end2you = import_wide(sorted(tmp_path.glob("end2you/*/*.csv")), pattern="{rater}/{video_id}", **options)
    frame = end2you.ratings.to_pandas().set_index(["rater", "dimension", "time"]).value.sort_index()
    assert frame["anna", "valence"].tolist() == [0.2, 0.4]
    assert frame["ben", "arousal"].tolist() == [0.5, 0.7]
    assert end2you.dimensions["valence"].high == 1


def test_ids_of_videos_may_hold_what_separates_the_names_of_a_pattern(tmp_path: Path) -> None:
    path = tmp_path / "After_The_Rain_Valence_id1.csv"
    path.write_text("time,value\n0,0.1\n1,0.2\n")
    study = import_wide([path], pattern="{video_id}_{dimension}_{rater}", setup="video")
    assert (study.videos, list(study.dimensions), study.rater_ids) == (("After_The_Rain",), ["Valence"], ("id1",))


def test_a_file_of_one_rater_and_dimension_has_one_column_of_ratings(tmp_path: Path) -> None:
    path = tmp_path / "clip1.csv"
    path.write_text("Time,Value\n0,0.1\n1,0.2\n")
    study = import_wide([path], setup="video", dimension="valence", rater="anna")
    assert study.ratings.to_pandas()[["rater", "dimension"]].drop_duplicates().to_numpy().tolist() == [
        ["anna", "valence"]
    ]
    path.write_text("Time,Mean,Std\n0,0.1,0.3\n")
    with pytest.raises(InputError, match=r"has 2 columns of ratings \(Mean, Std\); expected one"):
        import_wide([path], setup="video", dimension="valence", rater="anna")


def test_muvi_has_the_published_counts() -> None:
    published = import_muvi(muvi_folder(), static_rows="as-published")
    exposures = published.exposures.to_pandas()
    assert exposures.setup.value_counts().to_dict() == {"audiovisual": 510, "music": 493, "visual": 491}
    assert exposures.rater.nunique() == 49
    cells = exposures.groupby(["video_id", "setup"]).size()
    assert (len(cells), cells.min(), cells.max()) == (243, 5, 9)
    assert len(published.dimensions["gems"].labels) == 27
    assert (exposures.overlay == "irrelevant").equals(exposures.setup == "music")
    profile = published.raters.to_pandas()
    assert (round(profile.age.mean(), 2), round(profile.age.std(), 2)) == (23.35, 3.28)
    assert (profile.gender == "Male").sum() == 31
    assert profile.overlay_pref.value_counts().max() == 31


def test_truncated_ids_are_mapped_back_and_the_order_of_videos_is_kept() -> None:
    imported = import_muvi(muvi_folder())
    urls = pd.read_csv(muvi_folder() / "video_urls.csv").video_id.tolist()
    assert sum("_" in name for name in urls) == 13
    assert set(imported.videos) == set(urls)
    assert imported.origin["videos"] == urls


def test_muvi_labels_are_moved_up_by_default_and_that_is_said() -> None:
    published = pd.read_csv(muvi_folder() / "media_data.csv")
    imported = import_muvi(muvi_folder())
    rated = imported.ratings.to_pandas()
    of_rater = published[published.participant_id == 24]
    labels = [name for name in published.columns[4:31] if of_rater.iloc[1][name] == 1]
    first = rated[(rated.rater == "24") & rated.video_id.str.startswith(of_rater.iloc[0].media_id)]
    assert sorted(first.label) == sorted(labels)
    assert len(rated.drop_duplicates(["rater", "video_id"])) == 1445
    assert any("MOVED UP by one row" in note and "49 of 49 raters" in note for note in imported.notes)
    assert any("1445 of 1494 clips have labels" in note for note in imported.notes)
    seen = imported.exposures.to_pandas().dropna(subset="seen").astype({"seen": float}).groupby("setup").seen.mean()
    assert seen.round(2).to_dict() == {"music": 0.65, "visual": 0.27, "audiovisual": 0.63}


def test_muvi_as_published_stays_as_published() -> None:
    published = pd.read_csv(muvi_folder() / "media_data.csv")
    imported = import_muvi(muvi_folder(), static_rows="as-published")
    assert len(imported.ratings) == published.iloc[:, 4:31].to_numpy().sum() == 6091
    assert any("are left in the rows where they were published" in note for note in imported.notes)
    seen = imported.exposures.to_pandas().groupby("setup").seen.mean().astype(float)
    assert seen.round(3).to_dict() == {"music": 0.475, "visual": 0.517, "audiovisual": 0.516}


def test_labels_that_stand_right_are_not_moved(tmp_path: Path) -> None:
    folder = copy_of_muvi(tmp_path / "repaired")
    media = pd.read_csv(folder / "media_data.csv")
    moved = [*media.columns[3:31]]
    media[moved] = media.groupby("participant_id")[moved].shift(-1)
    media = media.dropna(subset=moved).astype(dict.fromkeys(moved[1:], int))
    media.to_csv(folder / "media_data.csv", index=False)
    imported = import_muvi(folder)
    assert any("NOT moved up" in note for note in imported.notes)
    assert len(imported.ratings) == media[moved[1:]].to_numpy().sum()


def test_series_of_exactly_the_study_s_form_are_read(tmp_path: Path) -> None:
    folder = like_muvi(tmp_path / "muvi")
    imported = import_muvi(folder, static_rows="as-published")
    table = pd.read_csv(folder / "av_data.csv")
    rated = imported.ratings.to_pandas()
    arousal = rated[rated.dimension == "arousal"]
    assert len(arousal) == len(table)
    np.testing.assert_array_equal(arousal.value, table.arousal)
    np.testing.assert_array_equal(arousal.time, table.seq / 2)
    assert set(arousal.setup) == {"music", "visual", "audiovisual"}
    assert set(imported.videos) == set(pd.read_csv(folder / "video_urls.csv").video_id)
    by_stamp = import_muvi(folder, static_rows="as-published", time_from="timestamp").ratings.to_pandas()
    np.testing.assert_array_equal(by_stamp[by_stamp.dimension == "valence"].time, table.timestamp)
    assert imported.dimensions["gems"].labels == GEMS


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            "av_data.csv",
            lambda t: t.assign(arousal=t.arousal.where(t.index != 7, 1.5)),
            "arousal is 1.5; expected -1 to 1",
        ),
        ("av_data.csv", lambda t: t.drop(columns="seq"), "has no column seq"),
        (
            "av_data.csv",
            lambda t: t.assign(media_id="nowhere"),
            'row 1: media_id is "nowhere"; expected an id of video_',
        ),
        (
            "media_data.csv",
            lambda t: t.assign(media_modality="radio"),
            'row 1: media_modality is "radio"; expected one of',
        ),
        ("media_data.csv", lambda t: pd.concat([t, t.head(1)]), "rows 1 and 31 are the same rating"),
        ("media_data.csv", lambda t: t.assign(calm=7), 'row 1: calm is "7"; expected true or false'),
        (
            "video_urls.csv",
            lambda t: pd.concat([t, pd.DataFrame({"video_id": ["vid00_other"]})]),
            "the same media id vid00",
        ),
    ],
)
def test_study_files_that_are_not_as_they_should_be(file: str, change: Any, message: str, tmp_path: Path) -> None:
    folder = like_muvi(tmp_path / "muvi")
    change(pd.read_csv(folder / file)).to_csv(folder / file, index=False)
    with pytest.raises(InputError, match=message) as error:
        import_muvi(folder)
    assert file in str(error.value)


def test_clips_that_only_one_study_file_has_are_counted(tmp_path: Path) -> None:
    folder = like_muvi(tmp_path / "muvi")
    series = pd.read_csv(folder / "av_data.csv")
    series[series.index >= 240].to_csv(folder / "av_data.csv", index=False)
    media = pd.read_csv(folder / "media_data.csv")
    media.iloc[:-1].to_csv(folder / "media_data.csv", index=False)
    notes = import_muvi(folder, static_rows="as-published").notes
    assert "av_data.csv: no series of 2 clips in media_data.csv" in notes
    assert "media_data.csv: no row of 1 clip in av_data.csv" in notes


def test_a_missing_study_file_is_said(tmp_path: Path) -> None:
    folder = like_muvi(tmp_path / "muvi")
    (folder / "media_data.csv").unlink()
    with pytest.raises(InputError, match=r"media_data\.csv: no such file"):
        import_muvi(folder)
    folder = like_muvi(tmp_path / "muvi")
    (folder / "av_data.csv").unlink()
    assert "labels only" in import_muvi(folder).notes[-1]
