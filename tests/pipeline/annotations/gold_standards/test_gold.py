"""From several raters' ratings to one value per window, by stated rules, and without a look at test videos."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from scipy.stats import spearmanr
from studies import changes, delayed, latent, like_muvi, of_matrix, reference, tidy

from avcues.pipeline.annotations.gold_standards.gold import gold, read_labels_metadata, write_gold
from avcues.pipeline.annotations.gold_standards.recipe import Recipe, Smoothing
from avcues.pipeline.annotations.importing.formats.muvi import import_muvi
from avcues.pipeline.annotations.importing.formats.tidy import import_tidy
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.series import series_of
from avcues.pipeline.annotations.reliability.agreement import agreement
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap
from avcues.pipeline.annotations.statistics.consensus import WEIGHTS, ewe, leave_one_out_ccc
from avcues.pipeline.dataset.labels import read_labels
from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.errors import InputError, SettingsError

NOISE = np.array([0.1, 0.2, 0.4, 0.8, 1.6])
STEP = Fraction(1, 2)


def planted(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The truth of 118 windows, and five raters with more and more noise, and one who rates the contrary."""
    rng = np.random.default_rng(seed)
    truth = latent(rng, 118)
    ratings = truth + rng.normal(size=(5, 118)) * NOISE[:, None]
    return truth, np.vstack([ratings, -truth + rng.normal(0, 0.2, 118)])


def of_one_clip(ratings: np.ndarray, **keys: str) -> Annotations:
    return import_tidy(of_matrix(ratings, **keys))


def column(table: pa.Table, name: str) -> np.ndarray:
    return np.asarray(table[name].to_numpy(), float)


@pytest.mark.parametrize("weights", ["all", "others"])
def test_the_worked_example(weights: Any) -> None:
    example = reference()["worked_examples"]["ewe"]
    ratings = np.array(example["ratings"])
    value, weight, _ = ewe(ratings, weights, clip=False)
    np.testing.assert_allclose(weight, example[f"weights_{weights}_unclipped"], atol=1e-8)
    if weights == "others":
        np.testing.assert_allclose(value, example["ewe_others_unclipped"], atol=1e-8)
    np.testing.assert_allclose(ewe(ratings, "all")[0], example["ewe_all_clipped"], atol=1e-8)
    np.testing.assert_allclose(leave_one_out_ccc(ratings, "all"), example["loo_ccc"], atol=1e-8)


def test_planted_raters_ewe_beats_the_mean_in_every_seed_and_an_inverted_rater_has_no_weight() -> None:
    ranks = []
    for seed in range(100):
        truth, ratings = planted(seed)
        value, weight, _ = ewe(ratings, "others")
        assert ((value - truth) ** 2).mean() < ((ratings.mean(0) - truth) ** 2).mean()
        assert weight[5] == 0
        value, weight, _ = ewe(ratings[:5], "others")
        assert ((value - truth) ** 2).mean() < ((ratings[:5].mean(0) - truth) ** 2).mean()
        ranks.append(spearmanr(weight, -NOISE)[0])
    assert np.mean(ranks) > 0.9


def test_weights_that_hold_the_raters_own_part_favour_the_loud_and_those_of_others_do_not() -> None:
    raters = [planted(seed)[1] for seed in range(50)]
    of_all, of_others = (np.mean([ewe(one, how)[1] for one in raters], axis=0) for how in ("all", "others"))
    assert of_all[4] > of_all[0]
    assert (np.diff(of_others) < 0).all()


def test_pairwise_weights_are_the_mean_concordance_with_each_other_rater() -> None:
    import audmetric

    ratings = planted(0)[1]
    expected = [
        np.mean([audmetric.concordance_cc(ratings[i], ratings[j]) for j in range(6) if j != i]) for i in range(6)
    ]
    np.testing.assert_allclose(ewe(ratings, "pairwise-ccc")[1], np.maximum(expected, 0), atol=1e-12)


def test_a_table_holds_value_spread_and_number_of_raters() -> None:
    ratings = planted(0)[1][:3].copy()
    ratings[2, 50:55] = np.nan
    table = gold(of_one_clip(ratings), Recipe(method="mean")).tables["music"]
    assert table.column_names == ["video_id", "window", "valence", "valence_std", "valence_n", "fitted_on"]
    assert table["window"].to_pylist() == list(range(118))
    np.testing.assert_allclose(column(table, "valence"), np.nanmean(ratings, 0))
    np.testing.assert_allclose(column(table, "valence_std"), np.nanstd(ratings, 0))
    assert table["valence_n"].to_pylist() == [2 if 50 <= k < 55 else 3 for k in range(118)]


def test_the_median_and_the_mean_are_plain() -> None:
    ratings = planted(3)[1]
    for method, expected in (("mean", ratings.mean(0)), ("median", np.median(ratings, 0))):
        labels = gold(of_one_clip(ratings), Recipe(method=method)).tables["music"]
        np.testing.assert_allclose(column(labels, "valence"), expected, atol=1e-12)


def test_raters_without_agreement_give_the_plain_mean_and_that_is_said() -> None:
    labels = gold(of_one_clip(np.array([[0.1, 0.5, 0.2, 0.6], [0.6, 0.2, 0.5, 0.1]])))
    np.testing.assert_allclose(column(labels.tables["music"], "valence"), 0.35)
    assert labels.weights["weight"].to_pylist() == [0, 0]
    assert "no agreement between raters in 1 cell (video, setup, dimension); the plain mean is used" in labels.notes
    alone = gold(of_one_clip(np.array([[0.1, 0.5, 0.2]])))
    assert alone.tables["music"]["valence"].to_pylist() == [0.1, 0.5, 0.2]
    assert "one rater only in 1 cell (video, setup, dimension), whose ratings are the gold standard" in alone.notes


def test_jittered_times_are_placed_averaged_and_bridged() -> None:
    table = tidy(time=[0.0, 0.7, 1.0, 1.3, 2.9, 5.0], value=[0.0, 0.1, 0.2, 0.4, 0.9, 1.0])
    labels = gold(import_tidy(table)).tables["music"]
    assert labels["window"].to_pylist() == [0, 1, 2, 3, 4, 5, 10]
    np.testing.assert_allclose(column(labels, "valence"), [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])


def test_constant_and_short_series_are_left_out_and_counted() -> None:
    ratings = np.vstack([planted(0)[1][:3], np.full(118, 0.5), np.r_[np.arange(100.0) / 100, [np.nan] * 18]])
    labels = gold(of_one_clip(ratings))
    assert labels.left_out == {"constant": ("r3 v1 music valence",), "short": ("r4 v1 music valence",)}
    assert set(labels.tables["music"]["valence_n"].to_pylist()) == {3}
    assert read_labels_metadata(labels.tables["music"])["left_out"] == {"constant": 1, "short": 1}


def test_the_study_s_protocol_is_its_script_s(tmp_path: Path) -> None:
    folder = like_muvi(tmp_path / "muvi")
    series = pd.read_csv(folder / "av_data.csv")
    rows = series.index[(series.participant_id == 1) & (series.media_id == "vid01")]
    series.loc[rows, "valence"] = 0.2
    short = series.index[(series.participant_id == 2) & (series.media_id == "vid02")][111:]
    series = series.drop(short)
    series.to_csv(folder / "av_data.csv", index=False)
    labels = gold(import_muvi(folder, static_rows="as-published"), Recipe.muvi())
    ids = {name.split("_")[0]: name for name in pd.read_csv(folder / "video_urls.csv").video_id}
    renamed = {"music": "music", "muted_video": "visual", "video": "audiovisual"}
    for (medium, modality), cell in series.groupby(["media_id", "media_modality"]):
        raters = [one.head(118) for _, one in cell.groupby("participant_id")]
        raters = [one for one in raters if len(one) == 118 and one.valence.nunique() > 1]
        table = labels.tables[renamed[modality]].to_pandas()
        got = table[table.video_id == ids[medium]]
        for dimension in ("arousal", "valence") if raters else ():
            r = np.stack([one[dimension] for one in raters])
            weight = np.maximum([np.corrcoef(one, r.mean(0))[0, 1] for one in r], 0)
            np.testing.assert_allclose(got[dimension], weight @ r / weight.sum(), atol=1e-9)
            np.testing.assert_allclose(got[f"{dimension}_std"], r.std(0), atol=1e-9)
            assert got.window.tolist() == list(range(118))
    assert len(labels.left_out["constant"]) == 2
    assert len(labels.left_out["short"]) == 2


def test_a_fixed_delay_places_ratings_earlier() -> None:
    ratings = planted(1)[1][:4]
    plain, early = (gold(of_one_clip(ratings), Recipe(method="mean", delay=d)).tables["music"] for d in (0.0, 2.0))
    assert early["window"].to_pylist() == list(range(114))
    np.testing.assert_allclose(column(early, "valence"), column(plain, "valence")[4:])


def test_standardised_raters_share_mean_and_spread() -> None:
    truth = np.stack([latent(np.random.default_rng(seed), 118) for seed in range(4)])
    tables = [
        of_matrix(np.stack([0.2 * one - 0.5, one, 0.8 * one + 0.3]), video_id=f"v{i}").to_pandas()
        for i, one in enumerate(truth)
    ]
    labels = gold(import_tidy(pd.concat(tables)), Recipe(standardise=True)).tables["music"]
    np.testing.assert_allclose(column(labels, "valence_std"), 0, atol=1e-12)
    expected = (truth - truth.mean()) / truth.std() * np.mean([0.2, 1, 0.8]) * truth.std() + np.mean([-0.5, 0, 0.3])
    np.testing.assert_allclose(column(labels, "valence"), expected.ravel() + truth.mean() * 2 / 3, atol=1e-12)


def test_smoothing_is_savitzky_and_golay_s_on_every_unbroken_run() -> None:
    from scipy.signal import savgol_filter

    rating = latent(np.random.default_rng(0), 60)
    broken = rating.copy()
    broken[20:30] = np.nan
    broken[56:60] = np.nan
    broken[59] = 0.3
    labels = gold(of_one_clip(broken[None]), Recipe(smooth=Smoothing.parse("savgol:5:3"))).tables["music"]
    expected = [*savgol_filter(rating[:20], 5, 3), *savgol_filter(rating[30:56], 5, 3), 0.3]
    np.testing.assert_allclose(column(labels, "valence"), expected, atol=1e-12)
    for wrong in ("savgol:4:3", "savgol:5:5", "mean:3", "savgol"):
        with pytest.raises(SettingsError):
            Smoothing.parse(wrong)


@pytest.mark.parametrize("noise", [0.1, 0.25])
def test_a_planted_delay_of_0_to_8_windows_is_found_exactly(noise: float) -> None:
    for seed in range(12):
        annotations, features = delayed(list(range(9)), noise, seed=seed)
        delays = gold(annotations, Recipe(delay="auto"), training_videos=annotations.videos, features=features).delays
        assert delays is not None
        assert [delays.windows[f"r{lag}"] for lag in range(9)] == list(range(9))


def test_delays_are_estimated_on_training_videos_only() -> None:
    annotations, features = delayed([0, 2, 5], 0.1)
    training = ["v0", "v1", "v2", "v3"]
    labels = gold(annotations, Recipe(delay="auto"), training_videos=training, features=features)
    assert features.read == set(training)
    about = read_labels_metadata(labels.tables["music"])
    assert about["fitted_on"] == {"delay": training}
    assert about["delays_s"] == {"r0": 0.0, "r1": 1.0, "r2": 2.5}
    others = annotations.ratings.to_pandas()
    others.loc[others.video_id.isin(["v4", "v5"]), "value"] *= -1
    changed = gold(import_tidy(others), Recipe(delay="auto"), training_videos=training, features=features)
    assert changed.delays == labels.delays


def test_nothing_that_is_fitted_over_videos_sees_a_test_video() -> None:
    rng = np.random.default_rng(0)
    tables = []
    for video in range(8):
        truth, scale = latent(rng, 60), np.array([[0.5], [1], [2]])
        tables.append(of_matrix(scale * truth + rng.normal(0, 0.1, (3, 60)), video_id=f"v{video}").to_pandas())
    clips = pd.DataFrame([(f"r{r}", f"v{v}", float(v + rng.normal())) for r in range(3) for v in range(8)])
    clips.columns = ["rater", "video_id", "value"]
    frame = pd.concat([*tables, clips.assign(setup="music", dimension="liking")])
    training = [f"v{v}" for v in range(5)]
    recipe = Recipe(standardise=True)
    before = gold(import_tidy(frame), recipe, training_videos=training)
    test = frame.video_id.isin(["v5", "v6", "v7"])
    after = gold(
        import_tidy(frame.assign(value=frame.value.where(~test, -frame.value))), recipe, training_videos=training
    )
    tables = [
        one.tables["music"].filter(pa.compute.is_in(one.tables["music"]["video_id"], pa.array(training)))
        for one in (before, after)
    ]
    assert tables[0].equals(tables[1])
    assert read_labels_metadata(before.tables["music"])["fitted_on"] == {"standardise": training, "weights": training}
    everything = gold(import_tidy(frame), recipe)
    assert read_labels_metadata(everything.tables["music"])["fitted_on"]["standardise"] == [f"v{v}" for v in range(8)]


def test_a_raters_weight_over_clips_comes_from_training_videos() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=40)
    ratings = truth + rng.normal(size=(4, 40)) * np.array([[0.1], [0.3], [0.5], [2.0]])
    frame = pd.DataFrame(
        [(f"r{r}", f"v{v:02d}", ratings[r, v]) for r in range(4) for v in range(40)],
        columns=["rater", "video_id", "value"],
    ).assign(setup="all", dimension="valence")
    labels = gold(import_tidy(frame), training_videos=[f"v{v:02d}" for v in range(30)])
    weight = labels.weights.to_pandas().set_index("rater").weight
    np.testing.assert_allclose(weight, ewe(ratings[:, :30])[1])
    table = labels.tables["all"]
    assert table.column_names == ["video_id", "valence", "valence_std", "valence_n", "fitted_on"]
    np.testing.assert_allclose(column(table, "valence"), weight.to_numpy() @ ratings / weight.sum())


def test_numbers_once_per_clip_hold_for_every_window_of_those_over_time() -> None:
    over_time = of_matrix(planted(0)[1][:3]).to_pandas()
    once = pd.DataFrame({"rater": ["r0", "r1"], "video_id": "v1", "value": [3.0, 4.0], "setup": "music"})
    frame = pd.concat([over_time, once.assign(dimension="liking")])
    table = gold(import_tidy(frame), Recipe(method="mean")).tables["music"]
    assert table["liking"].to_pylist() == [3.5] * 118
    assert table["liking_n"].to_pylist() == [2] * 118
    assert table["valence_n"].to_pylist() == [3] * 118


def test_rounds_are_not_mixed() -> None:
    frame = pd.concat([of_matrix(planted(i)[1], round=name).to_pandas() for i, name in enumerate(("before", "after"))])
    with pytest.raises(SettingsError, match="several rounds; name one with `round`: before, after"):
        gold(import_tidy(frame))
    labels = gold(import_tidy(frame), Recipe(method="mean", round="after")).tables["music"]
    np.testing.assert_allclose(column(labels, "valence"), planted(1)[1].mean(0))
    with pytest.raises(SettingsError, match='no round "later"'):
        gold(import_tidy(frame), Recipe(round="later"))


@pytest.mark.parametrize(
    ("recipe", "options", "message"),
    [
        ({"delay": "auto"}, {}, "estimated from features of training videos; give both"),
        (
            {"delay": "auto"},
            {"training_videos": ["v1"], "features": {}},
            "no training video has both ratings and features",
        ),
        (
            {"delay": "auto"},
            {"training_videos": ["v1"], "features": {"v1": np.zeros((118, 3))}},
            "no training video has both",
        ),
        ({"delay": -1.0}, {}, "expected 0 to 60 s, or auto"),
        ({"method": "mode"}, {}, "expected ewe, mean, median"),
        ({"weights": "mine"}, {}, "expected others, all, pairwise-ccc"),
        ({"windows": 1}, {}, "expected at least 2"),
        ({}, {"training_videos": ["v9"]}, "no training video is rated: v9"),
    ],
)
def test_what_cannot_be_made_is_said(recipe: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        gold(of_one_clip(planted(0)[1]), Recipe(**recipe), **options)


def test_features_that_explain_nothing_give_no_delay() -> None:
    annotations, features = delayed([0, 3], 0.1)
    noise = {video: np.random.default_rng(0).normal(size=(120, 4)) for video in features}
    with pytest.raises(SettingsError, match="features explain no rater's ratings"):
        gold(annotations, Recipe(delay="auto"), training_videos=list(noise), features=noise)


def test_a_gold_standard_is_a_labels_file(tmp_path: Path, finished: Path) -> None:
    videos = ["007", "vfr20"]
    rng = np.random.default_rng(0)
    lengths = open_dataset(finished).lengths
    frames = [
        of_matrix(latent(rng, lengths[v]) + rng.normal(0, 0.1, (4, lengths[v])), video_id=v).to_pandas() for v in videos
    ]
    labels = gold(import_tidy(pd.concat(frames), range_=(-3, 3)))
    (path,) = write_gold(labels, tmp_path / "gold")
    assert path.name == "music.parquet"
    data = open_dataset(finished, tables=["color"], labels=path)
    assert data.targets == ("target.valence",)
    table = data.to_pandas()
    assert {"target.valence", "target.valence_std", "target.valence_n"} <= set(table.columns)
    of_video = table[table.video_id == "vfr20"]
    expected = labels.tables["music"].to_pandas().query("video_id == 'vfr20'")
    np.testing.assert_array_equal(of_video["target.valence"], expected.valence)
    np.testing.assert_array_equal(of_video["target.valence_n"], 4)
    assert data.sequences(length=4).targets == ("target.valence",)
    assert data.sequences(length=4, targets=["valence", "valence_std"]).targets == (
        "target.valence",
        "target.valence_std",
    )
    assert data.labels is not None
    assert data.labels.metadata["recipe"]["method"] == "ewe"
    assert data.metadata()["labels"]["fitted_on"] == {}


def test_what_describes_a_target_is_not_filled_in() -> None:
    made = gold(
        of_one_clip(np.array([[0.1, 0.2, np.nan, np.nan, np.nan, 0.7], [0.1, 0.3, np.nan, np.nan, np.nan, 0.9]]))
    )
    labels = read_labels(made.tables["music"], STEP, {"v1": 6}, "linear")
    value, std, n = (array.to_pylist() for array in labels.columns_of("v1", 6))
    assert None not in value
    assert std[2:5] == n[2:5] == [None] * 3
    assert labels.targets == ("target.valence",)


def test_windows_of_another_length_are_refused() -> None:
    labels = gold(of_one_clip(planted(0)[1]), Recipe(step=Fraction(1, 4)))
    with pytest.raises(InputError, match=r"has windows of 0\.25 s, but those of the dataset are 0\.5 s long"):
        read_labels(labels.tables["music"], STEP, {"v1": 118})


def test_the_recipe_is_in_the_file(tmp_path: Path) -> None:
    recipe = Recipe(weights="all", delay=1.0, smooth=Smoothing(7, 2))
    (path,) = write_gold(gold(of_one_clip(planted(0)[1]), recipe), tmp_path)
    about = json.loads(pq.read_metadata(path).metadata[b"avcues"])
    assert about["recipe"] == {
        "method": "ewe",
        "weights": "all",
        "delay": 1.0,
        "standardise": False,
        "smooth": "savgol:7:2",
        "windows": None,
        "whole_clips": False,
        "shortest": 0.9,
        "keep_constant": False,
        "step": "1/2",
        "round": None,
        "dimensions": ["valence"],
        "delay_tables": None,
    }
    assert about["kind"] == "gold standard"
    assert about["setup"] == "music"
    assert about["targets"][0] == {"name": "valence", "std": "valence_std", "n": "valence_n"} | {
        "low": None,
        "high": None,
        "level": "interval",
    }


def test_every_weighting_stays_within_the_ratings() -> None:
    ratings = np.random.default_rng(0).normal(size=(20, 5, 30))
    for weights in WEIGHTS:
        value = ewe(ratings, weights)[0]
        assert (value <= ratings.max(1) + 1e-12).all()
        assert (value >= ratings.min(1) - 1e-12).all()


def test_a_value_of_a_log_holds_until_the_next_one() -> None:
    """Calm raters write rarely: taken as samples, their series are short, and agreement looks better than it is."""
    table, positions = changes(np.random.default_rng(0))
    samples = agreement(import_tidy(table), bootstrap=Bootstrap(0))
    ends = dict.fromkeys(positions, 60.0)
    study = import_tidy(table, hold=True, known=ends)
    assert study.origin["ends_s"] == ends
    series = series_of(study)
    for i in range(len(series)):
        rater, video = (series.labelled(key)[i].as_py() for key in ("rater", "video_id"))
        own = series.value[series.first[i] : series.first[i + 1]]
        np.testing.assert_allclose(own, positions[video][int(rater[1])], atol=1e-9)
    logs = agreement(study, bootstrap=Bootstrap(0))
    assert len(samples.left_out["short"]) == 8  # both calm raters, of all four videos
    assert "short" not in logs.left_out
    before, after = (one.by_setup[0].coefficients["loo_ccc"].value for one in (samples, logs))
    assert before is not None
    assert after is not None
    assert (round(before, 3), round(after, 3)) == (0.926, 0.892)


def test_a_log_is_moved_by_a_delay_and_ends_with_its_video() -> None:
    table = tidy(time=[0.0, 2.0], value=[1.0, 3.0])
    study = import_tidy(table, hold=["valence"], known={"v1": 4.0})
    assert series_of(study).value.tolist() == [1.0] * 4 + [3.0] * 4
    moved = series_of(study, delays=1.25)
    assert moved.window.tolist() == list(range(6))
    assert moved.value.tolist() == [1.0, 2.0, 3.0, 3.0, 3.0, 3.0]
    unknown = series_of(import_tidy(table, hold=True))
    assert unknown.value.tolist() == [1.0] * 4 + [3.0]


def test_series_are_short_beside_those_of_their_own_setup_and_dimension() -> None:
    rng = np.random.default_rng(0)
    of_sound = of_matrix(rng.normal(size=(4, 90)), setup="music")
    of_both = of_matrix(rng.normal(size=(6, 120)), setup="audiovisual")
    study = import_tidy(pa.concat_tables([of_sound, of_both]))
    labels = gold(study)
    assert labels.left_out == {}
    assert {name: table.num_rows for name, table in labels.tables.items()} == {"music": 90, "audiovisual": 120}
    cut = ratings_until(study, "r0", 40.0)
    assert gold(cut).left_out["short"] == ("r0 v1 music valence", "r0 v1 audiovisual valence")
    kept = gold(cut, Recipe(shortest=0.6))
    assert kept.left_out == {}
    assert kept.tables["audiovisual"]["valence_n"].to_pylist()[-1] == 5
    with pytest.raises(SettingsError, match="`shortest=2`: expected a share, 0 to 1"):
        gold(study, Recipe(shortest=2))


def ratings_until(study: Annotations, rater: str, end: float) -> Annotations:
    frame = study.ratings.to_pandas()
    return import_tidy(frame[(frame.rater != rater) | (frame.time < end)])


def test_constant_ratings_of_short_clips_can_be_kept() -> None:
    table = pa.concat_tables([of_matrix(np.full((1, 8), value), video_id="v1") for value in (0.2,)])
    study = import_tidy(pa.concat_tables([table, of_matrix(np.full((2, 8), 0.4), video_id="v2")]))
    with pytest.raises(SettingsError, match=r"3 constant series .*; `keep_constant` keeps them"):
        gold(study)
    labels = gold(study, Recipe(keep_constant=True)).tables["music"]
    assert labels.filter(pc.equal(labels["video_id"], "v2"))["valence"].to_pylist() == [0.4] * 8


def test_a_grid_that_does_not_fit_into_memory_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"would take 3e\+06 windows of 1e-06 s, more than 2000000; give a longer"):
        series_of(import_tidy(tidy(time=[0.0, 3.0], value=[0.0, 1.0])), Fraction(1, 10**6))


def test_windows_keep_series_with_holes_and_count_them() -> None:
    """Of five raters one has a hole of three windows, one a hole at the last window wanted, one stops early."""
    _, ratings = planted(0)
    ratings = ratings[:5]
    ratings[0, 50:53] = np.nan
    ratings[1, 98:102] = np.nan
    ratings[2, 90:] = np.nan
    labels = gold(of_one_clip(ratings), Recipe(windows=100))
    assert labels.left_out == {"short": ("r2 v1 music valence",)}
    (note,) = [note for note in labels.notes if "holes" in note]
    assert note == "used with holes: 1 series without 3 windows in between (r0 v1 music valence)"
    table = labels.tables["music"]
    assert len(table) == 100
    count = column(table, "valence_n")
    assert count[49] == 4
    assert (count[50:53] == 3).all()
    assert count[99] == 3


def late_raters(seed: int = 0, windows: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """A course, and four raters who follow it with lags that drift from one to four windows."""
    rng = np.random.default_rng(seed)
    truth = latent(rng, windows + 10, memory=0.95)
    lags = np.stack(
        [np.interp(np.arange(windows), [0, windows / 2, windows], rng.permutation(4)[:3]) for _ in range(4)]
    )
    ratings = np.stack([np.interp(np.arange(windows) + 5 - lag, np.arange(windows + 10), truth) for lag in lags])
    return truth[5 : 5 + windows], ratings + rng.normal(0, 0.02, ratings.shape)


def test_raters_aligned_by_dba_have_the_barycentre_of_tslearn() -> None:
    from tslearn.barycenters import dtw_barycenter_averaging

    _, ratings = late_raters()
    labels = gold(of_one_clip(ratings), Recipe(align="dba", longest_warp=4))
    expected = dtw_barycenter_averaging(
        ratings[..., None],
        max_iter=10,
        metric_params={"global_constraint": "sakoe_chiba", "sakoe_chiba_radius": 8},
    )[:, 0]
    np.testing.assert_allclose(column(labels.tables["music"], "valence"), expected, atol=1e-12)
    (note,) = [note for note in labels.notes if "aligned moment by moment" in note]
    assert "not causal" in note
    described = read_labels_metadata(labels.tables["music"])
    assert described is not None
    assert described["recipe"]["align"] == "dba"
    assert Recipe.from_described(described["recipe"]).align == "dba"


def test_raaw_weighs_warped_raters_by_their_agreement_unaligned() -> None:
    """Levels and spreads that differ do not mislead the alignment, and a rater of noise gets hardly any weight."""
    _, ratings = late_raters(1)
    ratings = np.vstack([ratings * [[1.0], [0.5], [2.0], [1.0]] + [[0.0], [0.3], [0.0], [-0.2]], np.zeros(120)])
    ratings[4] = np.random.default_rng(2).normal(0, 0.5, 120)
    plain, aligned = (gold(of_one_clip(ratings), Recipe(align=how)) for how in (None, "raaw"))
    assert aligned.weights.equals(plain.weights)
    spread = [column(labels.tables["music"], "valence_std") for labels in (plain, aligned)]
    four = [gold(of_one_clip(ratings[:4]), Recipe(align=how)).tables["music"] for how in (None, "raaw")]
    assert np.isfinite(spread[1]).all()
    centred = [np.abs(np.diff(column(table, "valence"))).sum() for table in four]
    assert centred[1] > centred[0]  # peaks that raters reach at different times are no longer averaged away


def test_alignment_leaves_alone_what_raters_did_not_rate_together() -> None:
    _, ratings = late_raters()
    ratings[0, :40] = np.nan
    labels = gold(of_one_clip(ratings), Recipe(align="dba", shortest=0.5))
    plain = gold(of_one_clip(ratings), Recipe(shortest=0.5))
    before, after = (column(one.tables["music"], "valence") for one in (plain, labels))
    np.testing.assert_array_equal(before[:40], after[:40])
    assert not np.allclose(before[40:], after[40:])
    apart = np.full((2, 120), np.nan)
    apart[0, :60], apart[1, 58:] = ratings[1, :60], ratings[2, 58:]
    notes = gold(of_one_clip(apart), Recipe(align="raaw", shortest=0.1)).notes
    assert any("in 0 cells" in note and "not in 1 cell" in note for note in notes)
    with pytest.raises(SettingsError, match="`longest_warp=0`"):
        Recipe(longest_warp=0)
