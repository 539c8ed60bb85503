"""Raters beside themselves, how many of them are needed, a model beside them, and whether ratings are normal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pingouin
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats
from statsmodels.stats.diagnostic import lilliefors
from studies import latent, of_matrix, tidy

from avcues.pipeline.annotations import Annotations, agreement, import_tidy
from avcues.pipeline.annotations.reliability.model_agreement import model_agreement
from avcues.pipeline.annotations.reliability.planning import raters_needed_in_words
from avcues.pipeline.annotations.reports.documents import write_agreement
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap
from avcues.pipeline.annotations.statistics.consensus import ccc, ewe, pearson
from avcues.pipeline.errors import SettingsError

PLAIN = Bootstrap(0)
RATERS, VIDEOS, WINDOWS = 6, 8, 60
NOISE = np.array([0.1, 0.15, 0.2, 0.3, 0.4, 0.8])


def courses(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(videos, windows) what clips call forth, and (videos, raters, windows) what raters say of it."""
    rng = np.random.default_rng(seed)
    felt = np.stack([latent(rng, WINDOWS) for _ in range(VIDEOS)])
    return felt, felt[:, None] + rng.normal(size=(VIDEOS, RATERS, WINDOWS)) * NOISE[:, None]


def over_time(ratings: np.ndarray) -> pa.Table:
    return pa.concat_tables([of_matrix(one, video_id=f"v{i}") for i, one in enumerate(ratings)])


def rated_again(first: np.ndarray, second: np.ndarray, of_raters: int = 3) -> Annotations:
    """Ratings over time, of which some raters gave those of all videos again."""
    again = over_time(second[:, :of_raters])
    table = pa.concat_tables([over_time(first), again])
    return import_tidy(table.append_column("repeat", pa.array([0] * (len(table) - len(again)) + [1] * len(again))))


def test_courses_given_twice() -> None:
    _, first = courses()
    second = first * 0.8 + 0.1 + np.random.default_rng(9).normal(0, 0.1, first.shape)
    (row,) = agreement(rated_again(first, second), bootstrap=PLAIN, by=()).retest
    assert (row.raters, row.videos, row.pairs) == (3, VIDEOS, 3 * VIDEOS)
    own, again = first[:, :3], second[:, :3]
    assert row.coefficients["ccc"].value == pytest.approx(ccc(own, again).mean())
    assert row.coefficients["pearson"].value == pytest.approx(pearson(own, again).mean())
    difference = (again - own).mean(-1).ravel()
    assert row.coefficients["difference"].value == pytest.approx(difference.mean())
    assert row.standard_error == pytest.approx(difference.std(ddof=1) / np.sqrt(2))
    assert row.by_rater["r1"].value == pytest.approx(ccc(own[:, 1], again[:, 1]).mean())


def test_ratings_and_labels_given_twice(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    felt = rng.normal(size=12)
    first, second = (felt + rng.normal(0, 0.4, (2, 12)) for _ in range(2))
    rows = [
        (f"r{rater}", f"v{video:02d}", repeat, "liking", ratings[rater, video], None)
        for repeat, ratings in ((0, first), (1, second))
        for rater in range(2)
        for video in range(12)
    ]
    rows += [("r0", "v00", repeat, "mood", None, label) for repeat, label in ((0, "calm"), (0, "sad"), (1, "calm"))]
    rows += [("r1", "v01", 1, "liking", 0.0, None)] * 0 + [("r1", "v99", 1, "liking", 0.0, None)]
    names = ("rater", "video_id", "repeat", "dimension", "value", "label")
    table = pa.table(
        dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) | {"setup": ["music"] * len(rows)}
    )
    study = import_tidy(table)
    measured = agreement(study, bootstrap=PLAIN, by=())
    liking, mood = measured.retest
    pairs = np.stack([first.ravel(), second.ravel()])
    long = {"item": np.tile(np.arange(24), 2), "time": np.repeat([0, 1], 24), "value": pairs.ravel()}
    import pandas as pd

    expected = pingouin.intraclass_corr(pd.DataFrame(long), "item", "time", "value").set_index("Type")
    assert liking.coefficients["icc2"].value == pytest.approx(expected.loc["ICC(A,1)", "ICC"])
    assert liking.unpaired == 1
    assert mood.coefficients["overlap"].value == pytest.approx(0.5)
    text = write_agreement(measured, study, tmp_path / "agreement.md")[0].read_text()
    assert "## Raters beside themselves" in text
    assert "| music | mood | labels | 1 | 1 | 1 | 0.500" in text


def test_plans_reach_what_more_raters_have() -> None:
    """Half of twelve like raters predict how reliable all twelve are."""
    rng = np.random.default_rng(4)
    felt = np.stack([latent(rng, 200) for _ in range(10)])
    ratings = felt[:, None] + rng.normal(0, 0.7, (10, 12, 200))
    (plan,) = agreement(import_tidy(over_time(ratings)), bootstrap=PLAIN, by=()).plans
    one, other = ratings[:, :6].mean(1), ratings[:, 6:].mean(1)
    assert plan.expected[6] == pytest.approx(ccc(one, other).mean(), abs=0.02)
    for number, value in plan.resampled.items():
        if number in plan.expected:
            assert plan.expected[number] == pytest.approx(value, abs=0.03)
    assert max(plan.resampled) == 6
    signal, noise = 0.25, 0.49
    assert plan.single.value == pytest.approx(signal / (signal + noise), abs=0.05)
    assert plan.needed[0.8] in (7, 8, 9)
    assert raters_needed_in_words(plan, 0.8).startswith(f"{plan.needed[0.8]} raters for a reliability of 0.8; ")


def test_a_model_is_judged_as_a_rater_is() -> None:
    felt, ratings = courses()
    predicted = felt + np.random.default_rng(5).normal(0, 0.2, felt.shape)
    table = pa.table(
        {
            "video_id": np.repeat([f"v{i}" for i in range(VIDEOS)], WINDOWS),
            "window": np.tile(np.arange(WINDOWS), VIDEOS),
            "valence": predicted.ravel(),
        }
    )
    study = import_tidy(over_time(ratings))
    (row,) = model_agreement(study, table, bootstrap=PLAIN)
    humans, models = np.empty((VIDEOS, RATERS)), np.empty((VIDEOS, RATERS))
    for video in range(VIDEOS):
        for rater in range(RATERS):
            consensus = ewe(np.delete(ratings[video], rater, 0))[0]
            humans[video, rater] = ccc(ratings[video, rater], consensus)
            models[video, rater] = ccc(predicted[video], consensus)
    assert row.human.value == pytest.approx(humans.mean())
    assert row.model.value == pytest.approx(models.mean())
    assert row.difference.value == pytest.approx((models - humans).mean())
    assert row.ahead == pytest.approx((models > humans).mean())
    assert row.by_rater["r5"] == pytest.approx((humans[:, 5].mean(), models[:, 5].mean()))
    # A copy of one rater agrees with the others of that rater as much as the rater does.
    itself = table.set_column(2, "valence", pa.array(ratings[:, 2].ravel()))
    (copy,) = model_agreement(study, itself, bootstrap=PLAIN)
    assert copy.by_rater["r2"][0] == pytest.approx(copy.by_rater["r2"][1])
    with pytest.raises(SettingsError, match="`predictions`: has none of valence, only video_id, window"):
        model_agreement(study, table.select(["video_id", "window"]))


def test_normality_is_that_of_statsmodels_and_of_pingouin() -> None:
    rng = np.random.default_rng(6)
    normal, skewed = rng.normal(size=60), rng.exponential(size=60) ** 2
    rated = tidy(
        rater=["r1"] * 120,
        video_id=[f"v{i:02d}" for i in range(60)] * 2,
        setup=["music"] * 60 + ["visual"] * 60,
        value=[*normal, *skewed],
    )
    one, other = agreement(import_tidy(rated), bootstrap=PLAIN, by=()).normality
    assert (one.d, one.p) == pytest.approx(lilliefors(normal, pvalmethod="table"))
    assert one.d == pytest.approx(stats.kstest(normal, "norm", (normal.mean(), normal.std(ddof=1))).statistic)
    assert other.p_in_words == "< .001"
    assert other.skewness == pytest.approx(stats.skew(skewed))
    few = agreement(import_tidy(rated.slice(0, 3)), bootstrap=PLAIN, by=()).normality[0]
    assert few.reason == "fewer than 4 values"


def test_out_of_fold_predictions_and_those_of_training_videos(tmp_path: Path) -> None:
    from avcues.pipeline.annotations.reliability.predictions import read_predictions

    _, ratings = courses()
    study = import_tidy(over_time(ratings))
    rows = [
        {"dimension": "valence", "without": without, "video_id": "v0", "window": w, "prediction": 0.1 * w + seed}
        for seed in (0.0, 1.0)
        for without in (None, "color")
        for w in range(3)
    ]
    path = tmp_path / "out_of_fold.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    read = read_predictions(path, study)
    assert sorted(read.table["valence"].to_pylist()) == pytest.approx([0.5, 0.6, 0.7])
    table = pa.table({"video_id": ["v0"], "window": [0], "valence": [0.1]})
    pq.write_table(table.replace_schema_metadata({"avcues": '{"trained_on": ["v1"], "model": {}}'}), path)
    read = read_predictions(path, study)
    assert "v1" not in read.videos
    assert read.notes == ("not compared: 1 video that the model was trained on (v1)",)
