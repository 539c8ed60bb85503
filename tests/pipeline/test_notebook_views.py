"""How the objects of the Python API show themselves in a notebook and in a terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

import avcues
from avcues.pipeline.errors import DatasetError, SettingsError

matplotlib.use("Agg")


@pytest.fixture(scope="module")
def result(media: Callable[[str], Path]) -> avcues.ExtractedVideo:
    return avcues.extract(media("vfr20.mp4"), features=["color", "lighting"])


def test_a_result_shows_its_tables(result: avcues.ExtractedVideo) -> None:
    text = result._repr_html_()
    assert "vfr20" in text
    assert "<td style='text-align:left'>lighting</td><td style='text-align:left'>40</td>" in text


def test_names_from_files_are_no_html() -> None:
    text = avcues.ExtractedVideo("<script>alert(1)</script>", {}, {"objects": "<b>why</b>"})._repr_html_()
    assert "<script>" not in text and "&lt;script&gt;" in text
    assert "objects is left out: &lt;b&gt;why" in text


def test_columns_of_a_result_are_drawn_over_time(result: avcues.ExtractedVideo) -> None:
    (key, first) = result.plot("lighting.lighting_key", "color.hue_000")
    assert [axes.get_title(loc="left") for axes in (key, first)] == ["color.hue_000", "lighting.lighting_key"]
    drawn = first.patches[0].get_data()
    assert np.allclose(drawn.values, result["lighting"]["lighting_key"].to_numpy(), equal_nan=True)
    assert drawn.edges[:3].tolist() == [0, 0.5, 1]
    assert len(drawn.edges) == 41
    assert first.get_xlabel() == "s"
    pyplot.close("all")


def test_shots_are_drawn_from_cut_to_cut(result: avcues.ExtractedVideo) -> None:
    (pts,) = result.plot("timeline.pts")
    assert pts.get_ylabel() == "s"
    pyplot.close("all")


def test_what_cannot_be_drawn_is_said(result: avcues.ExtractedVideo, finished: Path) -> None:
    with pytest.raises(SettingsError, match=r'no numeric column "lighting\.lightning_key"; did you mean'):
        result.plot("lighting.lightning_key")
    with pytest.raises(SettingsError, match="75 columns match; name 1 to 12"):
        result.plot("color.*")
    with pytest.raises(DatasetError, match='no video "nobody"'):
        avcues.open_dataset(finished).plot("lighting.*", video="nobody")


def test_a_dataset_shows_its_tables_and_draws_features_beside_labels(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("video_id,time,valence\n007,0,0.5\n007,2,1\n")
    data = avcues.open_dataset(finished, tables=["lighting"], labels=tmp_path / "labels.csv")
    assert "5 videos, 125 rows, 3 columns, 1 target" in data._repr_html_()
    axes = data.plot("lighting.lighting_key", "target.valence", video="007")
    assert [panel.get_title(loc="left") for panel in axes] == ["lighting.lighting_key", "target.valence"]
    values = axes[1].patches[0].get_data().values
    assert values[[0, 4]].tolist() == [0.5, 1]
    assert np.isnan(values[1])
    pyplot.close("all")


def test_features_show_themselves_as_tables() -> None:
    features = avcues.features()
    lines = repr(features["color"]).splitlines()
    assert lines[1].split() == ["column", "unit", "range", "meaning"]
    assert lines[2].startswith("color.hue_000  ")
    assert len(lines) == 2 + 40 + 1
    assert lines[-1] == "... and 35 more"
    assert max(map(len, repr(features["color"]).splitlines()[1:])) < 200
    assert repr(features).splitlines()[1].split() == ["feature", "tables", "columns", "source"]
    assert "<td style='text-align:left'>color.hue_000</td>" in features["color"]._repr_html_()


def test_the_page_of_a_video_is_shown_in_a_frame(finished: Path, tmp_path: Path) -> None:
    report = avcues.report(finished, ["007"], out=tmp_path / "pages")
    frame = report._repr_html_()
    assert frame.startswith('<iframe srcdoc="&lt;!')
    assert "007" in frame
    assert avcues.report(finished, out=tmp_path / "pages")._repr_html_().startswith("<p>5 pages</p>")
