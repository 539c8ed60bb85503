"""What raters said: their curves on the pages of videos, and the page of their agreement."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from browser import Browser
from studies import muvi_folder, tidy

from avcues.models_cache import WeightsError
from avcues.pipeline.annotations import (
    Annotations,
    Recipe,
    agreement,
    example,
    gold,
    import_muvi,
    import_tidy,
    read,
    read_labels_metadata,
    write,
)
from avcues.pipeline.annotations.ratings import files as rating_files
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap
from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.report import agreement_page, page
from avcues.pipeline.report.build import build
from avcues.pipeline.report.emotion import Emotion

RATED = ("rot90_12", "vfr20")
TITLES = [
    f"{dimension} · {setup}" for dimension in ("Arousal", "Valence") for setup in ("music", "visual", "audiovisual")
]


@pytest.fixture(scope="module")
def rated(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Annotations]:
    """The pages of a folder of which two videos are rated, and the ratings."""
    try:
        page.library()
    except WeightsError as error:
        pytest.skip(str(error))
    place = tmp_path_factory.mktemp("rated")
    lengths = open_dataset(finished, incomplete="nulls").lengths
    write(example({name: lengths[name] for name in RATED}), place / "ann")
    out = Path(shutil.copytree(finished, place / "features"))
    report = build(out, emotion=Emotion(annotations=place / "ann"), workers=1)
    assert report.problems == ()
    return report.open_first.parent, read(place / "ann")


def panels(report: Path, video_id: str) -> dict[str, Any]:
    """What a page draws, by title."""
    packed = re.search(r'id="data">(.*?)</script>', (report / "videos" / f"{video_id}.html").read_text(), re.DOTALL)
    assert packed is not None
    document = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    return {panel["title"]: panel for panel in document["panels"]}


def values(panel: dict[str, Any], name: str) -> np.ndarray:
    (series,) = [one for one in panel["series"] if one["name"] == name]
    return np.array(series["values"], float)


def test_a_video_has_a_panel_per_dimension_and_setup_before_all_others(rated: tuple[Path, Annotations]) -> None:
    report, _ = rated
    assert list(panels(report, "vfr20"))[:6] == TITLES
    assert not set(panels(report, "silent")) & set(TITLES)


def test_a_panel_holds_the_gold_standard_its_spread_and_every_rater(rated: tuple[Path, Annotations]) -> None:
    report, ratings = rated
    drawn = panels(report, "vfr20")["Valence · audiovisual"]
    labels = gold(ratings, Recipe(step=Fraction(1, 2))).tables["audiovisual"].to_pandas().query("video_id == 'vfr20'")
    np.testing.assert_allclose(values(drawn, "gold standard"), labels.valence, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(values(drawn, "+ 1 sd"), labels.valence + labels.valence_std, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(values(drawn, "- 1 sd"), labels.valence - labels.valence_std, rtol=1e-3, atol=1e-3)
    faint = [one["name"] for one in drawn["series"] if one["role"] == "faint"]
    assert faint == list(ratings.rater_ids)
    said = ratings.select(videos=["vfr20"], setups=["audiovisual"], dimensions=["valence"]).ratings.to_pandas()
    np.testing.assert_allclose(values(drawn, "r3"), said[said.rater == "r3"].value, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("recipe", [Recipe(delay=1.0, weights="all"), Recipe(delay=0.5, standardise=True)])
def test_the_labels_own_recipe_is_drawn(
    recipe: Recipe, rated: tuple[Path, Annotations], finished: Path, tmp_path: Path
) -> None:
    """Predictions follow the labels, which are earlier than the ratings, and not another gold standard."""
    _, ratings = rated
    rating_files.write(ratings, tmp_path / "ann")
    labels = gold(ratings, recipe).tables["audiovisual"]
    learned = labels.filter(pc.equal(labels["video_id"], "vfr20"))
    about = {"predictions": ["valence"], "model": {"labels": {"main": {"about": read_labels_metadata(labels)}}}}
    predicted = learned.select(["video_id", "window", "valence"])
    pq.write_table(predicted.replace_schema_metadata({"avcues": json.dumps(about)}), tmp_path / "predictions.parquet")
    emotion = Emotion(tmp_path / "predictions.parquet", tmp_path / "ann")
    build(finished, ["vfr20"], report=tmp_path / "report", emotion=emotion, workers=1)
    drawn = panels(tmp_path / "report", "vfr20")["Valence · audiovisual"]
    windows = learned["window"].to_numpy()
    for line in ("gold standard", "prediction"):
        np.testing.assert_allclose(values(drawn, line)[windows], learned["valence"], rtol=1e-3, atol=1e-3)
    assert f"ratings moved {recipe.delay:g} s earlier, as the labels were" in drawn["note"]
    said = ratings.select(videos=["vfr20"], setups=["audiovisual"], dimensions=["valence"]).ratings.to_pandas()
    late = round(float(recipe.delay) * 2)
    np.testing.assert_allclose(values(drawn, "r3")[:-late], said[said.rater == "r3"].value[late:], rtol=1e-3, atol=1e-3)


def test_a_series_that_is_left_out_is_not_drawn(rated: tuple[Path, Annotations]) -> None:
    drawn = panels(rated[0], "rot90_12")["Arousal · visual"]
    assert [one["name"] for one in drawn["series"] if one["role"] == "faint"] == ["r1", "r2", "r3", "r4", "r5"]
    assert drawn["note"] == "5 raters and their spread"


def test_the_index_leads_to_the_page_of_raters(rated: tuple[Path, Annotations], finished: Path, tmp_path: Path) -> None:
    report, _ = rated
    assert '<a href="agreement.html">Raters and their agreement</a>' in (report / "index.html").read_text()
    plain = build(finished, ["vfr20"], report=tmp_path, workers=1).open_first
    assert "agreement.html" not in (tmp_path / "index.html").read_text()
    assert "Arousal · music" not in panels(plain.parents[1], "vfr20")


def test_the_page_of_raters_has_every_coefficient_in_its_place() -> None:
    study = example({f"clip{i}": 60 for i in range(6)})
    text = agreement_page.render("study", study, Fraction(1, 2), Bootstrap(50))
    result = agreement(study, bootstrap=Bootstrap(50), by=())
    one = next(row for row in result.by_setup if (row.dimension, row.setup) == ("valence", "visual"))
    loo = one.coefficients["loo_ccc"]
    assert f"valence, visual: leave-one-out CCC {loo.value:.3f} ± {loo.sd:.3f}, 95 % interval {loo.low:.3f}" in text
    axis = [float(at) for at in re.findall(r'<span style="left:([\d.]+)%">', text)]
    names = re.findall(r'<span style="left:[\d.]+%">(.*?)</span>', text)
    low = float(names[0].replace("−", "-"))
    assert (axis[0], axis[-1], names[-1]) == (0, 100, "1")
    place = round(100 * ((loo.value or 0) - low) / (1 - low), 2)
    assert f'<i class="value" style="left:{place}%">' in text
    assert text.count('class="mark"') == len(result.by_setup) + len(result.between_setups)
    icc, plan = one.coefficients["icc2"], next(plan for plan in result.plans if plan.setup == "visual")
    assert f"<td>{icc.value:.2f} [{icc.low:.2f}, {icc.high:.2f}]" in text
    assert f"<td>{plan.expected[10]:.2f}" in text
    headings = (
        "Intraclass correlation",
        "Number of raters",
        "Effects of the setup",
        "Normality of ratings",
    )
    assert [f"<h2>{heading}" in text for heading in headings] == [True] * 4
    assert "<p>no rater rated a clip again</p>" in text
    assert "left out: 2 constant series (r6 clip0 visual arousal" in text
    assert "://" not in text


def test_the_page_of_raters_counts_inconsistent_clips() -> None:
    study = example({f"clip{i}": 60 for i in range(6)})
    text = agreement_page.render("study", study, Fraction(1, 2), Bootstrap(0))
    (counts,) = re.findall(r"<b>Liking</b> (\d+) consistent, (\d+) weak, (\d+) strong", text)
    assert sum(map(int, counts)) == 36
    bars = re.findall(r'data-description="liking, score [^:]+: ([^"]+)"', text)
    assert sum(int(n) for bar in bars for n in re.findall(r"(\d+) (?:consistent|weak|strong)", bar)) == 36


def test_the_page_of_raters_says_what_is_wrong_and_leaves_out_what_is_not_there() -> None:
    published = import_muvi(muvi_folder(), static_rows="as-published")
    text = agreement_page.render("MuVi", published, Fraction(1, 2), Bootstrap(0))
    assert 'class="notice bad">gems: rows are displaced: 49 of 49 raters' in text
    assert "Inconsistency over setups" not in text
    assert "mean α of labels" in text


def test_words_of_a_user_s_cannot_break_the_page() -> None:
    table = tidy(
        rater=["a", "b"] * 3, video_id=["v1", "v1", "v2", "v2", "v3", "v3"], value=[1.0, 2, 3, 3, 5, 4], setup='<b>"'
    )
    text = agreement_page.render("<i>", import_tidy(table), Fraction(1, 2), Bootstrap(0))
    assert '<b>"' not in text
    assert "&lt;i&gt;: raters" in text


# In a browser


@pytest.mark.parametrize("width", [400, 800, 1600])
@pytest.mark.parametrize("name", ["agreement.html", "videos/vfr20.html"])
def test_pages_with_ratings_open_offline_without_sideways_scrolling(
    browser: Browser, rated: tuple[Path, Annotations], name: str, width: int
) -> None:
    browser.open(rated[0] / name, width)
    browser.frame()
    assert browser.overflow() == 0
    assert (browser.requests, browser.complaints) == ([], [])


@pytest.mark.parametrize("width", [400, 1400])
def test_the_page_of_raters_is_dark_where_the_browser_is(
    browser: Browser, rated: tuple[Path, Annotations], width: int
) -> None:
    seen = []
    for scheme in ("light", "dark"):
        browser.look(scheme)
        browser.open(rated[0] / "agreement.html", width)
        browser.press("ArrowDown")
        pairs = [("body", "backgroundColor"), ("#stack", "backgroundColor"), (".mark.shown", "backgroundColor")]
        pairs += [("body", "color"), (".mark .name", "color"), ("figcaption b", "color")]
        seen.append([brightness(browser, *pair) for pair in pairs])
        assert browser.overflow() == 0
    light, dark = seen
    assert min(light[:3]) > 200 > 100 > max(light[3:])
    assert max(dark[:3]) < 100 < 200 < min(dark[3:])
    assert browser.complaints == []


def brightness(browser: Browser, selector: str, name: str) -> float:
    """Of a computed colour, 0 to 255."""
    value = browser.value(f"getComputedStyle(document.querySelector('{selector}')).{name}")
    return float(np.mean([int(part) for part in re.findall(r"\d+", value)[:3]]))


def test_one_rater_is_called_one_rater() -> None:
    table = tidy(rater=["a"] * 3, video_id=["v1", "v2", "v3"], value=[1.0, 2, 3])
    text = agreement_page.render("study", import_tidy(table), Fraction(1, 2), Bootstrap(0))
    assert "<span>3 ratings</span><span>1 rater</span><span>3 videos</span>" in text
    assert "by 1 rater" in text and "1 raters" not in text


def test_keys_step_through_the_marks_and_say_what_they_are(browser: Browser, rated: tuple[Path, Annotations]) -> None:
    browser.open(rated[0] / "agreement.html", 800)
    descriptions = browser.value(
        "[...document.querySelectorAll('[data-description]')].map(mark => mark.dataset.description)"
    )

    def press(key: str) -> str:
        browser.press(key)
        return str(browser.value("document.getElementById('now').textContent"))

    assert [press("ArrowDown"), press("ArrowDown"), press("ArrowUp")] == [
        descriptions[0],
        descriptions[1],
        descriptions[0],
    ]
    assert press("End") == descriptions[-1]
    box = "document.querySelector('.shown').getBoundingClientRect()"
    assert 0 <= browser.value(f"{box}.top") < browser.value("innerHeight")


def test_the_pointer_says_what_a_mark_is(browser: Browser, rated: tuple[Path, Annotations]) -> None:
    browser.open(rated[0] / "agreement.html", 800)
    mark = "document.querySelectorAll('[data-description]')[4].getBoundingClientRect()"
    box = browser.value(f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({mark})")
    browser.mouse("mouseMoved", *box)
    browser.frame()
    assert browser.value("document.getElementById('now').textContent").startswith("valence, visual: leave-one-out CCC")


def test_bars_are_as_high_as_their_counts(browser: Browser, rated: tuple[Path, Annotations]) -> None:
    browser.open(rated[0] / "agreement.html", 1600)
    part = "part => part.getBoundingClientRect().width && part.getBoundingClientRect().height"
    bar = f"bar => [...bar.children].map({part}).reduce((sum, height) => sum + height)"
    bars = f"bars => Math.max(...[...bars.children].map({bar}))"
    heights = browser.value(f"[...document.querySelectorAll('.bars')].map({bars})")
    assert heights
    assert min(heights) == pytest.approx(max(heights), abs=2)
    assert min(heights) > 90


def test_raters_are_thin_lines_under_the_bold_one(browser: Browser, rated: tuple[Path, Annotations]) -> None:
    browser.open(rated[0] / "videos" / "vfr20.html", 1000)
    browser.frame()
    panel = (
        "[...document.querySelectorAll('.panel')].find(p => p.querySelector('h2').textContent === 'Arousal · music')"
    )
    assert browser.value(f"[...{panel}.querySelectorAll('li span')].map(s => s.textContent)") == [
        "gold standard",
        "+ 1 sd",
        "- 1 sd",
    ]
    drawn = panels(rated[0], "vfr20")["Arousal · music"]
    expected = f"linesOf({json.dumps(drawn)}, 0).styles.map(style => style.width)"
    assert browser.value(expected) == [0.8] * 6 + [0, 0, 2]
