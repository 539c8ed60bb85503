"""Difference and inconsistency scores, polarity, regression and soft labels, against published and planted values."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LassoCV
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler
from studies import latent, muvi_folder, of_matrix, reference, tidy

from avcues.pipeline.annotations.across_setups.inconsistency import generic_threshold, inconsistency_scores
from avcues.pipeline.annotations.across_setups.perspectives import Perspectives, perspectives
from avcues.pipeline.annotations.gold_standards.soft_labels import soft_labels
from avcues.pipeline.annotations.importing.formats.muvi import import_muvi
from avcues.pipeline.annotations.importing.formats.tidy import import_tidy
from avcues.pipeline.annotations.ratings.files import write_tables
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.reports.documents import write_perspectives
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap
from avcues.pipeline.dataset.labels import read_labels
from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.errors import SettingsError

SETUPS = ("text", "audio", "video", "all")
PLAIN = Bootstrap(0)


def rated_clips(ratings: np.ndarray, round_: str | None = None) -> pd.DataFrame:
    """(raters, clips, setups) as tidy rows of valence; NaN is no row."""
    rows = [
        (f"anno{r + 1}", f"c{c:03d}", SETUPS[s], ratings[r, c, s], round_)
        for r, c, s in product(*map(range, ratings.shape)) if np.isfinite(ratings[r, c, s])
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["rater", "video_id", "setup", "value", "round"])
    return frame.assign(dimension="valence")


def planted(seed: int = 0, clips: int = 94) -> np.ndarray:
    """(3, clips, 4) ratings from 1 to 5 of the study's design: the multimodal one follows text, sound and picture."""
    rng = np.random.default_rng(seed)
    clip = rng.normal(3, 1.1, (1, clips, 1))
    single = np.clip(np.rint(clip + rng.normal(0, 0.8, (3, clips, 3))), 1, 5)
    everything = 0.4 + single @ [0.38, 0.28, 0.23] + rng.normal(0, 0.6, (3, clips))
    return np.concatenate([single, np.clip(np.rint(everything), 1, 5)[..., None]], 2)


def compared(frame: pd.DataFrame, **options: Any) -> Perspectives:
    annotations = import_tidy(frame, ranges={"valence": (1, 5)}, levels={"valence": "ordinal"})
    return perspectives(annotations, "valence", "all", **{"bootstrap": PLAIN, **options})


def test_difference_scores_are_root_mean_squared_differences() -> None:
    ratings = planted()
    (part,) = compared(rated_clips(ratings)).rounds
    assert [one.setups for one in part.differences] == list(combinations(SETUPS, 2))
    for one, (a, b) in zip(part.differences, combinations(range(4), 2), strict=True):
        expected = np.sqrt(((ratings[..., a] - ratings[..., b]) ** 2).mean(1))
        np.testing.assert_allclose([rater.value for rater in one.raters.values()], expected)
        assert one.mean.value == pytest.approx(expected.mean())
        assert one.variance == pytest.approx(expected.var())


def test_the_published_means_and_variances_follow_with_ddof_0() -> None:
    table = reference()["perspectivism_paper"]["table5_n30_before_after"]
    wrong = []
    for i, (a, b) in enumerate(combinations(SETUPS, 2)):
        raters = np.array(table[f"{a}-{b}"])
        for when in (0, 1):
            # Scores are printed with two digits, so that a mean is off by 0.005 and its own rounding.
            if abs(raters[:, when].mean() - table["mu"][i][when]) > 0.0101:
                wrong.append((a, b, when))
            assert abs(raters[:, when].var() - table["var_ddof0"][i][when]) < 0.0125
    assert wrong == [("audio", "video", 1)]


def test_difference_and_inconsistency_scores_are_one_thing_seen_from_two_sides() -> None:
    for seed in range(20):
        ratings = planted(seed, clips=30)
        (part,) = compared(rated_clips(ratings)).rounds
        assert part.inconsistency is not None
        for rater in ("anno1", "anno2", "anno3"):
            of_pairs = np.mean([(one.raters[rater].value or np.nan) ** 2 for one in part.differences])
            of_clips = np.mean([row["score"] ** 2 for row in part.inconsistency.clips if row["rater"] == rater])
            assert of_pairs == pytest.approx(of_clips, abs=1e-8)


def test_attainable_scores_of_four_setups() -> None:
    every = np.array(list(product(range(1, 6), repeat=4)), float)
    attainable = np.unique(inconsistency_scores(every).round(4))
    np.testing.assert_array_equal(attainable[:6], [0, 0.7071, 0.8165, 1.1547, 1.3540, 1.4142])


def test_groups_are_consistent_weak_and_strong() -> None:
    ratings = np.array([[[3, 3, 3, 3], [3, 3, 3, 4], [2, 4, 3, 4], [1, 5, 3, 3], [3, 3, 3, np.nan]]])
    (part,) = compared(rated_clips(ratings), threshold=1.35).rounds
    inconsistency = part.inconsistency
    assert inconsistency is not None
    scores = inconsistency_scores(ratings[0, :4])
    expected = ["consistent" if s == 0 else "strong" if s >= 1.35 else "weak" for s in scores]
    assert [row["group"] for row in inconsistency.clips] == expected
    assert sum(inconsistency.counts.values()) == 4
    assert (inconsistency.threshold, inconsistency.rule) == (1.35, "given")


def test_the_generic_threshold_is_the_score_with_a_quarter_from_it_on() -> None:
    scores = np.repeat([0, 0.7071, 1.1547, 1.3540, 2.0], [72, 83, 60, 40, 27])
    assert generic_threshold(scores) == 1.3540  # 67 of 282 are 24 %
    assert generic_threshold(np.zeros(10)) is None
    assert generic_threshold(np.array([0.0, 1.0])) == 1.0
    (part,) = compared(rated_clips(np.full((2, 5, 4), 3.0))).rounds
    assert part.inconsistency is not None
    assert (part.inconsistency.threshold, part.inconsistency.counts) == (
        None,
        {"consistent": 10, "weak": 0, "strong": 0},
    )


def test_polarity_is_below_at_and_above_the_middle() -> None:
    ratings = planted()
    (part,) = compared(rated_clips(ratings)).rounds
    for j, setup in enumerate(SETUPS):
        for i in range(3):
            expected = [(ratings[i, :, j] < 3).mean(), (ratings[i, :, j] == 3).mean(), (ratings[i, :, j] > 3).mean()]
            assert part.polarity[f"anno{i + 1}"][setup] == pytest.approx(expected)
        assert sum(part.polarity["all"][setup]) == pytest.approx(1)
    (wide,) = compared(rated_clips(ratings), neutral=(2, 4)).rounds
    assert wide.polarity["anno1"]["text"][1] == pytest.approx(
        ((ratings[0, :, 0] >= 2) & (ratings[0, :, 0] <= 4)).mean()
    )


def test_groups_crossed_with_polarity_add_up() -> None:
    (part,) = compared(rated_clips(planted()), threshold=1.35).rounds
    crossed = part.groups_by_polarity
    assert part.inconsistency is not None
    for group, count in part.inconsistency.counts.items():
        assert sum(crossed[group]) == count
    assert sum(crossed["all"]) == 282
    published = reference()["perspectivism_paper"]["table7"]
    consistent, weak, strong = (np.array(published[name]) for name in ("consistent", "weak", "strong"))
    assert (consistent + weak + strong).tolist() == published["total"]


def test_the_published_polarity_shares_are_counts_of_94_clips_and_sum_to_table_7() -> None:
    published = reference()["perspectivism_paper"]
    setups, raters = ("text", "audio", "video", "all"), ("anno1", "anno2", "anno3")
    ratings = np.zeros((3, 94, 4))
    for i, rater in enumerate(raters):
        for j, setup in enumerate(setups):
            counts = 94 * np.array(published["table2_neg_neu_pos"][rater][setup])
            np.testing.assert_allclose(counts, counts.round(), atol=0.06)
            ratings[i, :, j] = np.repeat([1, 3, 5], counts.round().astype(int))
    (part,) = compared(rated_clips(ratings)).rounds
    for rater in raters:
        for setup in setups:
            assert np.round(part.polarity[rater][setup], 3).tolist() == published["table2_neg_neu_pos"][rater][setup]
    assert list(part.groups_by_polarity["all"]) == published["table7"]["total"]
    # Rater 2's mean of 3.16 in table 1 is not possible with these shares of neutral and positive ratings.
    negative, _, positive = np.array(published["table2_neg_neu_pos"]["anno2"]["all"])
    assert 3 - 2 * negative + positive > published["table1_mean_and_'variance'"]["anno2"][3][0]


def test_the_published_label_agreement_counts_labels_that_any_setup_shares() -> None:
    table = dict(reference()["perspectivism_paper"]["table8_multimodal_text_audio_video"])
    total = table.pop("total")
    assert np.sum(list(table.values()), axis=0).tolist() == total
    for matched, *single in table.values():
        assert max(single) <= matched <= sum(single)


def test_the_regression_is_that_of_least_squares_with_the_study_s_degrees_of_freedom() -> None:
    ratings = planted()
    (part,) = compared(rated_clips(ratings)).rounds
    regression = part.regression
    assert regression is not None
    assert (regression.n, regression.df, regression.clips) == (282, 278, 94)
    rows = ratings.reshape(-1, 4)
    design = np.c_[np.ones(len(rows)), rows[:, :3]]
    beta, residual, *_ = np.linalg.lstsq(design, rows[:, 3])
    inverse = np.linalg.inv(design.T @ design)
    error = np.sqrt(np.diag(inverse) * residual / 278)
    clip = np.tile(np.arange(94), 3)
    scores = design * (rows[:, 3] - design @ beta)[:, None]
    summed = np.stack([scores[clip == c].sum(0) for c in range(94)])
    small = 94 / 93 * 281 / 278
    robust = np.sqrt(np.diag(inverse @ summed.T @ summed @ inverse) * small)
    for i, term in enumerate(("const", "text", "audio", "video")):
        plain, clustered = regression.plain[term], (regression.clustered or {})[term]
        assert plain.coefficient == pytest.approx(beta[i])
        assert plain.standard_error == pytest.approx(error[i])
        # As in the published table: 1.9685 standard errors to each side.
        assert (plain.high - plain.low) / 2 / plain.standard_error == pytest.approx(1.9685, abs=1e-4)
        assert clustered.coefficient == plain.coefficient
        assert clustered.standard_error == pytest.approx(robust[i])


def test_the_published_regression_is_consistent_but_for_its_misprinted_intercept() -> None:
    table = reference()["perspectivism_paper"]["table3_ols"]
    for term in ("text", "audio", "video"):
        coefficient, error, _, _, low, high = table[term]
        assert low == pytest.approx(coefficient - 1.9685 * error, abs=0.0021)
        assert high == pytest.approx(coefficient + 1.9685 * error, abs=0.0021)
    coefficient, error = table["const"][:2]
    assert coefficient / error == pytest.approx(table["misprints"]["const_t"], abs=0.01)
    assert coefficient - 1.9685 * error == pytest.approx(table["misprints"]["const_ci_low"], abs=0.0016)


def test_labels_are_compared_where_ratings_lie_far_apart() -> None:
    ratings = np.array([[[1, 5, 3, 3], [1, 5, 2, 4], [3, 3, 3, 3]], [[5, 1, 1, 3], [3, 3, 3, 3], [1, 5, 3, 3]]], float)
    labels = {
        (0, 0): ({"joy"}, {"joy", "sad"}, {"sad"}, {"joy"}),
        (0, 1): ({"sad"}, {"calm"}, set(), {"sad", "calm"}),
        (0, 2): ({"joy"}, {"joy"}, {"joy"}, {"joy"}),
        (1, 0): ({"calm"}, {"sad"}, {"sad"}, {"joy"}),
    }
    rows = [
        (f"anno{r + 1}", f"c{c:03d}", SETUPS[s], label)
        for (r, c), sets in labels.items() for s, chosen in enumerate(sets) for label in chosen or {None}
    ]  # fmt: skip
    emotion = pd.DataFrame(rows, columns=["rater", "video_id", "setup", "label"]).assign(dimension="emotion")
    frame = pd.concat([rated_clips(ratings), emotion])
    (part,) = compared(frame, threshold=1.35).rounds
    (label_agreement,) = part.label_agreement
    assert label_agreement.ratings == {"chosen": 3, "matched": 2, "text": 2, "audio": 2, "video": 0}
    assert label_agreement.labels == {
        "calm": {"chosen": 1, "matched": 1, "text": 0, "audio": 1, "video": 0},
        "joy": {"chosen": 2, "matched": 1, "text": 1, "audio": 1, "video": 0},
        "sad": {"chosen": 1, "matched": 1, "text": 1, "audio": 0, "video": 0},
    }
    assert label_agreement.total == {"chosen": 4, "matched": 3, "text": 2, "audio": 2, "video": 0}


def test_before_and_after_a_training_round_the_same_clips_are_compared() -> None:
    after, before = planted(0, clips=20), planted(1, clips=12)
    result = compared(pd.concat([rated_clips(before, "before"), rated_clips(after, "after")]))
    assert [(part.round, part.clips, part.videos) for part in result.rounds] == [
        ("before", "all", 12),
        ("after", "all", 20),
        ("before", "common", 12),
        ("after", "common", 12),
    ]
    common = result.rounds[-1]
    expected = np.sqrt(((after[:, :12, 0] - after[:, :12, 1]) ** 2).mean(1))
    np.testing.assert_allclose([one.value for one in common.differences[0].raters.values()], expected)
    assert len({part.inconsistency.threshold for part in result.rounds if part.inconsistency}) == 1


def test_intervals_of_difference_scores_are_over_clips() -> None:
    (part,) = compared(rated_clips(planted()), bootstrap=Bootstrap(400)).rounds
    for one in part.differences:
        for rater in one.raters.values():
            assert rater.low is not None and rater.high is not None and rater.value is not None
            assert rater.low < rater.value < rater.high
            assert rater.n == 94


def test_a_rater_who_rates_each_clip_in_one_setup_has_no_scores_and_the_reason_is_said(tmp_path: Path) -> None:
    ratings = planted(clips=12)
    for clip in range(12):
        ratings[:, clip, np.arange(4) != clip % 4] = np.nan
    frame = rated_clips(ratings)
    result = compared(frame)
    (part,) = result.rounds
    assert part.inconsistency is None
    assert part.regression is None
    assert part.reasons["inconsistency"] == "no rater rated a clip in every setup"
    assert part.reasons["regression"] == "0 ratings of clips rated in every setup, too few for 4 terms"
    assert part.differences[0].raters["anno1"].reason == "the rater rated no clip in both setups"
    text, numbers = write_perspectives(result, import_tidy(frame), tmp_path / "p.md")
    assert "No rater rated a clip in every setup." in text.read_text()
    assert json.loads(numbers.read_text())["rounds"][0]["inconsistency"] is None


def test_what_cannot_be_compared_is_said() -> None:
    frame = rated_clips(planted(clips=5))
    with pytest.raises(SettingsError, match='no dimension "arousal" in these ratings, only valence'):
        perspectives(import_tidy(frame), "arousal", "all")
    with pytest.raises(SettingsError, match='no setup "both" in these ratings, only text, audio, video, all'):
        perspectives(import_tidy(frame), "valence", "both")
    with pytest.raises(SettingsError, match="all has no other setup to be compared with"):
        perspectives(import_tidy(frame[frame.setup == "all"]), "valence", "all")
    (part,) = perspectives(import_tidy(frame), "valence", "all", bootstrap=PLAIN).rounds
    assert part.reasons["polarity"] == "the range of valence is not known; give the neutral values"
    constant = planted(clips=5)
    constant[..., 0] = 2
    (part,) = compared(rated_clips(constant)).rounds
    assert (
        part.reasons["regression"] == "the ratings of a setup are constant, or a combination of those of other setups"
    )


def test_ratings_over_time_count_by_their_means() -> None:
    rng = np.random.default_rng(0)
    curves = {
        (v, s): latent(rng, 60) + rng.normal(0, 0.5, (3, 1)) + rng.normal(0, 0.1, (3, 60))
        for v in range(8)
        for s in SETUPS
    }
    frame = pd.concat([of_matrix(x, video_id=f"v{v}", setup=s).to_pandas() for (v, s), x in curves.items()])
    result = perspectives(import_tidy(frame, range_=(-9, 9)), "valence", "all", bootstrap=PLAIN)
    means = np.stack([np.stack([curves[v, s].mean(1) for s in SETUPS], 1) for v in range(8)], 1)
    expected = np.sqrt(((means[..., 0] - means[..., 3]) ** 2).mean(1))
    np.testing.assert_allclose([one.value for one in result.rounds[0].differences[2].raters.values()], expected)


def test_the_report_shows_the_study_s_tables(tmp_path: Path) -> None:
    frame = pd.concat([rated_clips(planted(1, 12), "before"), rated_clips(planted(0, 20), "after")])
    result = compared(frame, bootstrap=Bootstrap(100))
    text, numbers = write_perspectives(result, import_tidy(frame), tmp_path / "perspectives.md")
    shown = text.read_text()
    for heading in ("# Round before", "## Difference scores", "## Polarity", "## Regression", "# Rounds compared"):
        assert heading in shown
    assert "On the 12 clips that all rounds share; in each cell: before, after." in shown
    stored = json.loads(numbers.read_text())
    assert stored["rounds"][1]["regression"]["n"] == 60
    assert len(stored["rounds"][1]["inconsistency"]["clips"]) == 60


def soft_of(annotations: Annotations, *dimensions: str, **options: Any) -> Mapping[str, pd.DataFrame]:
    return {setup: table.to_pandas() for setup, table in soft_labels(annotations, dimensions, **options).items()}


def test_soft_labels_are_the_distribution_over_raters() -> None:
    ratings = planted(clips=10)
    annotations = import_tidy(rated_clips(ratings), ranges={"valence": (1, 5)})
    table = soft_of(annotations, "valence")["audio"]
    assert list(table.columns) == ["video_id", *(f"valence={i}" for i in range(1, 6)), "valence_n"]
    for i in range(1, 6):
        np.testing.assert_allclose(table[f"valence={i}"], (ratings[..., 1] == i).mean(0))
    assert (table.valence_n == 3).all()


def test_soft_labels_over_time_are_shares_of_bins_per_window() -> None:
    rng = np.random.default_rng(0)
    ratings = np.clip(latent(rng, 50) + rng.normal(0, 0.3, (4, 50)), -1, 1)
    ratings[3, 20:24] = np.nan
    table = soft_of(import_tidy(of_matrix(ratings), range_=(-1, 1)), "valence", bins=4)["music"]
    shares = table.filter(like="=")
    assert list(shares.columns) == ["valence=-0.75", "valence=-0.25", "valence=0.25", "valence=0.75"]
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert table.window.tolist() == list(range(50))
    assert (table.valence_n == [3 if 20 <= k < 24 else 4 for k in range(50)]).all()
    first = np.histogram(ratings[:, 0], np.linspace(-1, 1, 5))[0] / 4
    np.testing.assert_allclose(shares.iloc[0], first)


def test_soft_labels_of_categories_are_shares_of_raters_who_chose_them(tmp_path: Path) -> None:
    rows = [("a", "v1", "joy"), ("a", "v1", "calm"), ("b", "v1", "joy"), ("c", "v1", None), ("a", "v2", "sad")]
    frame = pd.DataFrame(rows, columns=["rater", "video_id", "label"]).assign(setup="all", dimension="mood", value=None)
    tables = soft_labels(import_tidy(frame), ["mood"])
    assert tables["all"].to_pylist() == [
        {"video_id": "v1", "mood=calm": 1 / 3, "mood=joy": 2 / 3, "mood=sad": 0, "mood_n": 3},
        {"video_id": "v2", "mood=calm": 0, "mood=joy": 0, "mood=sad": 1, "mood_n": 1},
    ]
    write_tables({tmp_path / "all.parquet": tables["all"]})
    labels = read_labels(tmp_path / "all.parquet", Fraction(1, 2), {"v1": 4, "v2": 3})
    assert labels.targets == ("target.mood=calm", "target.mood=joy", "target.mood=sad")
    assert labels.columns_of("v1", 4)[1].to_pylist() == [2 / 3] * 4


def test_soft_labels_are_read_by_a_dataset(tmp_path: Path, finished: Path) -> None:
    lengths = open_dataset(finished).lengths
    rng = np.random.default_rng(0)
    frames = [of_matrix(rng.uniform(-1, 1, (3, lengths[v])), video_id=v).to_pandas() for v in ("007", "vfr20")]
    tables = soft_labels(import_tidy(pd.concat(frames), range_=(-1, 1)), bins=3)
    write_tables({tmp_path / "music.parquet": tables["music"]})
    data = open_dataset(finished, tables=["color"], labels=tmp_path / "music.parquet")
    assert len(data.targets) == 3
    of_video = data.to_pandas().query("video_id == 'vfr20'")[list(data.targets)]
    np.testing.assert_allclose(of_video.sum(axis=1), 1)
    about = json.loads(pq.read_metadata(tmp_path / "music.parquet").metadata[b"avcues"])
    assert about["kind"] == "soft labels"
    assert about["sums_to_one"] == [[name.removeprefix("target.") for name in data.targets]]
    assert about["fitted_on"] == {}


def test_what_has_no_soft_labels_is_said() -> None:
    ratings = of_matrix(np.random.default_rng(0).normal(size=(3, 30))).to_pandas()
    with pytest.raises(SettingsError, match="the range of valence is not known, which bins need"):
        soft_labels(import_tidy(ratings))
    both = pd.concat([ratings, rated_clips(planted(clips=3)).assign(dimension="liking")])
    with pytest.raises(
        SettingsError, match="rated over time: valence; once per clip: liking; name dimensions of one kind"
    ):
        soft_labels(import_tidy(both, range_=(-9, 9)))


def test_labels_moved_up_are_predicted_from_sound_and_labels_as_published_are_not() -> None:
    """The study's emobase means predict the share of raters who chose a label of power for the music."""
    if not (muvi_folder() / "emobase.parquet").is_file():
        pytest.skip("the study's emobase tables are not at hand")
    means = (
        pq.read_table(muvi_folder() / "emobase.parquet").to_pandas().drop(columns="window").groupby("video_id").mean()
    )
    correlation = {}
    for static_rows in ("corrected", "as-published"):
        chosen = import_muvi(muvi_folder(), static_rows=static_rows).ratings.to_pandas()
        power = chosen.label.isin(["strong", "energetic", "triumphant"])
        rated = (
            power.groupby([chosen.rater, chosen.video_id, chosen.setup], observed=True)
            .any()
            .rename("label")
            .reset_index()
        )
        rated["label"] = rated.label.map({True: "yes", False: "no"})
        table = soft_of(import_tidy(rated.assign(dimension="power", value=None)), "power")["music"].set_index(
            "video_id"
        )
        x, y = means.loc[table.index].to_numpy(), table["power=yes"].to_numpy()
        predicted = np.zeros(len(y))
        for train, test in KFold(5, shuffle=True, random_state=42).split(x):
            scaler = StandardScaler().fit(x[train])
            model = LassoCV(alphas=30, cv=5, max_iter=5000).fit(scaler.transform(x[train]), y[train])
            predicted[test] = model.predict(scaler.transform(x[test]))
        correlation[static_rows] = np.corrcoef(predicted, y)[0, 1]
    assert correlation["corrected"] > 0.4
    assert correlation["as-published"] < 0.1


def test_a_design_between_raters_is_compared_on_the_means_of_clips(tmp_path: Path) -> None:
    """No rater meets a clip in two setups, as in the MuVi study."""
    rng = np.random.default_rng(0)
    clips = 40
    sound, picture = rng.normal(0, 0.5, (2, clips))
    felt = {"music": sound, "visual": picture, "audiovisual": 0.7 * sound + 0.2 * picture}
    rows = [
        tidy(
            rater=[f"{setup}{rater}"] * clips,
            setup=setup,
            video_id=[f"v{i}" for i in range(clips)],
            value=(values + rng.normal(0, 0.05, clips)).tolist(),
        )
        for setup, values in felt.items()
        for rater in range(5)
    ]
    study = import_tidy(pa.concat_tables(rows))
    result = perspectives(study, "valence", "audiovisual", bootstrap=Bootstrap(0))
    (part,) = result.rounds
    assert part.inconsistency is None
    assert part.regression is None
    assert "no inconsistency: no rater rated a clip in every setup" in result.gaps()
    assert part.clip_means.videos == clips
    scores = {one.setups: one.mean.value for one in part.clip_means.differences}
    for (a, b), score in scores.items():
        assert score == pytest.approx(np.sqrt(np.mean((felt[a] - felt[b]) ** 2)), abs=0.03)
    assert part.clip_means.regression is not None
    terms = part.clip_means.regression.plain
    assert terms["music"].coefficient == pytest.approx(0.7, abs=0.05)
    assert terms["visual"].coefficient == pytest.approx(0.2, abs=0.05)
    report, _ = write_perspectives(result, study, tmp_path / "p.md")
    assert "40 clips were rated in every setup" in report.read_text()


def test_a_regression_that_cannot_be_computed_is_a_gap_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = [
        tidy(rater="r1", setup=setup, video_id=[f"v{i}" for i in range(8)], value=rng.normal(size=8).tolist())
        for setup in ("audio", "video", "all")
    ]
    study = import_tidy(pa.concat_tables(rows))
    assert not [line for line in perspectives(study, "valence", "all").gaps() if "regression" in line]
    monkeypatch.setitem(sys.modules, "statsmodels.api", None)
    gaps = perspectives(study, "valence", "all").gaps()
    assert "no regression: statsmodels is not installed; pip install 'avcues[train]'" in gaps
