"""Agreement against published values, worked examples and independent implementations; and what is not defined."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import audmetric
import krippendorff
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import chi2_contingency, kruskal, mannwhitneyu
from statsmodels.stats.inter_rater import aggregate_raters
from statsmodels.stats.inter_rater import fleiss_kappa as reference_kappa
from studies import latent, like_muvi, muvi_folder, of_matrix, reference, tidy

from avcues.pipeline.annotations.importing.formats.muvi import import_muvi
from avcues.pipeline.annotations.importing.formats.tidy import import_tidy
from avcues.pipeline.annotations.ratings.choices import choices_of
from avcues.pipeline.annotations.reliability.agreement import Agreement, agreement
from avcues.pipeline.annotations.reliability.choice_agreement import choice_agreement
from avcues.pipeline.annotations.reliability.label_statistics import OVER_ALL, ChiSquare, LabelStatistics
from avcues.pipeline.annotations.reliability.setup_agreement import SetupAgreement
from avcues.pipeline.annotations.reports.documents import write_agreement
from avcues.pipeline.annotations.statistics.coefficients import (
    Bootstrap,
    Coefficient,
    fleiss_kappa,
    krippendorff_alpha,
    mean_of,
)
from avcues.pipeline.annotations.statistics.consensus import ccc, ewe, leave_one_out_ccc, pearson
from avcues.pipeline.annotations.statistics.intraclass import INTRACLASS
from avcues.pipeline.errors import SettingsError

PLAIN = Bootstrap(0)
PUBLISHED_GROUPS = ("gender", "years_formal_training>3", "seen", "overlay", "setup")


def random_ratings(seed: int) -> np.ndarray:
    """(raters, items) 2 to 7 raters, 3 to 39 items, values 1 to 7; by chance or in agreement, up to half missing."""
    rng = np.random.default_rng(seed)
    raters, items = rng.integers(2, 8), rng.integers(3, 40)
    if seed % 2:
        ratings = np.clip(np.rint(rng.normal(4, 1.5, items) + rng.normal(0, 0.7, (raters, items))), 1, 7)
    else:
        ratings = rng.integers(1, rng.integers(3, 8), (raters, items)).astype(float)
    ratings[rng.random(ratings.shape) < rng.uniform(0, 0.5)] = np.nan
    return ratings


def test_alpha_is_that_of_krippendorff_on_200_matrices_with_gaps() -> None:
    compared = 0
    for seed in range(200):
        ratings = random_ratings(seed)
        for level in ("nominal", "ordinal", "interval"):
            computed = krippendorff_alpha(ratings, level, bootstrap=PLAIN)
            try:
                expected = krippendorff.alpha(reliability_data=ratings, level_of_measurement=level)
            except ValueError:
                assert computed.value is None
                continue
            assert computed.value == pytest.approx(expected, abs=1e-9)
            compared += 1
    assert compared > 590


def test_kappa_is_that_of_statsmodels_and_of_the_worked_example() -> None:
    for seed in range(200):
        rng = np.random.default_rng(seed)
        ratings = rng.integers(1, rng.integers(3, 7), (rng.integers(2, 8), rng.integers(2, 40)))
        expected = reference_kappa(aggregate_raters(ratings.T)[0])
        computed = fleiss_kappa(ratings, bootstrap=PLAIN).value
        assert (computed is None) if np.isnan(expected) else computed == pytest.approx(expected, abs=1e-12)
    # The table of Wikipedia's article: 10 items, 14 raters, 5 categories.
    table = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    ratings = np.array([np.repeat(np.arange(5), row) for row in table]).T
    assert fleiss_kappa(ratings, bootstrap=PLAIN).value == pytest.approx(
        reference()["worked_examples"]["fleiss_wikipedia"]
    )


def test_ccc_is_that_of_an_independent_implementation() -> None:
    for pair, expected in reference()["worked_examples"]["ccc"].items():
        a, b = (json.loads(part) for part in pair.split(" vs "))
        assert float(ccc(a, b)) == pytest.approx(expected)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 50, 30))
    b += a
    np.testing.assert_allclose(
        ccc(a, b), [audmetric.concordance_cc(x, y) for x, y in zip(a, b, strict=True)], atol=1e-12
    )
    np.testing.assert_allclose(pearson(a, b), [np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)], atol=1e-12)
    a[:, ::3] = np.nan
    known = np.isfinite(a)
    expected = [audmetric.concordance_cc(x[k], y[k]) for x, y, k in zip(a, b, known, strict=True)]
    np.testing.assert_allclose(ccc(a, b), expected, atol=1e-12)


def test_alpha_follows_from_kappa_for_11_of_the_12_published_values() -> None:
    published = reference()["perspectivism_paper"]
    # Both are rounded: by 5e-6 each in the one table, by 5e-4 each in the other.
    tables = ((published["table4_n94"], 94, 1e-5), (published["table6_n30_before_after"], 30, 1e-3))
    misses = []
    for table, clips, rounding in tables:
        for setup in table["kappa"]:
            pairs = np.c_[np.atleast_1d(table["kappa"][setup]), np.atleast_1d(table["alpha_nominal"][setup])]
            misses += [(setup, clips, abs(k + (1 - k) / (clips * 3) - a) > rounding) for k, a in pairs]
    assert [(setup, clips) for setup, clips, missed in misses if missed] == [("text", 94)]
    assert len(misses) == 12
    rng = np.random.default_rng(0)
    ratings = np.clip(rng.integers(1, 6, 94) + rng.integers(-1, 2, (3, 94)), 1, 5)
    kappa, alpha = (
        fleiss_kappa(ratings, bootstrap=PLAIN).value,
        krippendorff_alpha(ratings, "nominal", bootstrap=PLAIN).value,
    )
    assert kappa is not None
    assert alpha == pytest.approx(kappa + (1 - kappa) / (94 * 3), abs=1e-12)


@pytest.fixture(scope="module")
def published() -> LabelStatistics:
    """Statistics of the study's labels as published."""
    annotations = import_muvi(muvi_folder(), static_rows="as-published")
    (labels,) = agreement(annotations, bootstrap=Bootstrap(200), by=PUBLISHED_GROUPS).labels
    return labels


def by_name(labels: LabelStatistics, name: str) -> ChiSquare:
    return next(test for test in labels.tests if test.by.startswith(name))


@pytest.mark.parametrize(
    ("name", "statistic", "df"),
    [("gender", 46.36, 26), ("years", 93.43, 26), ("seen", 263.26, 26), ("overlay", 32.06, 26), ("setup", 42.34, 52)],
)
def test_the_published_chi_squares(name: str, statistic: float, df: int, published: LabelStatistics) -> None:
    test = by_name(published, name)
    assert test.statistic == pytest.approx(statistic, abs=0.005)
    assert test.df == df
    expected = chi2_contingency(np.array(list(test.counts.values())))
    assert test.p == pytest.approx(expected.pvalue)
    np.testing.assert_allclose(list(test.expected.values()), expected.expected_freq, atol=0.006)


def test_the_published_p_values(published: LabelStatistics) -> None:
    assert round(by_name(published, "gender").p or 1, 3) == 0.008
    assert round(by_name(published, "overlay").p or 1, 2) == 0.19
    assert round(by_name(published, "setup").p or 1, 2) == 0.83


def test_choices_of_one_rater_are_not_independent(published: LabelStatistics) -> None:
    """Gender is significant only as long as every choice counts as a person of its own; familiarity is either way."""
    assert (by_name(published, "gender").p_permuted or 0) > 0.3
    assert (by_name(published, "seen").p_permuted or 1) < 0.01


def test_the_published_unique_labels_per_stimulus(published: LabelStatistics) -> None:
    unique = {name: round(row["unique_labels_per_stimulus"], 2) for name, row in published.by_setup.items()}
    assert unique == {"music": 15.36, "visual": 15.57, "audiovisual": 16.56, OVER_ALL: 15.83}
    assert published.by_setup[OVER_ALL]["labels_per_rating_median"] == 4
    assert published.by_setup[OVER_ALL]["choices"] == 6091


def test_the_measured_correlations_of_labels(published: LabelStatistics) -> None:
    phi = {frozenset(pair): round(coefficient.value or 0, 3) for *pair, coefficient in published.correlations}
    for *_, coefficient in published.correlations:
        assert (coefficient.low or 1) < (coefficient.value or 0) < (coefficient.high or -1)
    assert phi[frozenset(("sad", "tearful"))] == 0.378
    assert phi[frozenset(("bouncy", "energetic"))] == 0.402
    assert phi[frozenset(("energetic", "sad"))] == -0.261


def test_the_cells_that_deviate_most_have_haberman_s_residuals(published: LabelStatistics) -> None:
    seen = by_name(published, "seen")
    table = pd.DataFrame(seen.counts, index=list(seen.groups)).T
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.to_numpy().sum()
    rows, columns = 1 - table.sum(axis=1) / table.to_numpy().sum(), 1 - table.sum(axis=0) / table.to_numpy().sum()
    residual = (table - expected) / np.sqrt(expected * np.outer(rows, columns))
    assert [one["label"] for one in seen.deviating] == residual.abs().max(axis=1).nlargest(5).index.tolist()
    assert seen.deviating[0]["residual"] == pytest.approx(
        residual.loc[seen.deviating[0]["label"], seen.deviating[0]["group"]], abs=0.006
    )


def test_moving_labels_up_reverses_the_conclusion_on_the_setup_and_no_other() -> None:
    (labels,) = agreement(import_muvi(muvi_folder()), bootstrap=PLAIN, by=PUBLISHED_GROUPS).labels
    p = {name: by_name(labels, name).p or 1 for name in ("setup", "gender", "years", "seen", "overlay")}
    assert p["setup"] < 1e-20
    assert max(p["gender"], p["years"], p["seen"]) < 0.05 < p["overlay"]


def test_labels_agree_only_where_they_are_moved_up() -> None:
    def pooled(static_rows: Any) -> Coefficient:
        choices = choices_of(import_muvi(muvi_folder(), static_rows=static_rows), "gems")
        (row,) = choice_agreement(replace(choices, setup=np.zeros_like(choices.setup)), None, "all", Bootstrap(200))
        return row.coefficients["alpha_labels"]

    as_published, corrected = pooled("as-published"), pooled("corrected")
    assert as_published.value == pytest.approx(-0.001, abs=5e-4)
    assert corrected.value == pytest.approx(0.089, abs=5e-4)
    assert as_published.low is not None
    assert as_published.low < 0 < (corrected.low or 0)


def over_time(annotations: Any, **options: Any) -> Agreement:
    return agreement(annotations, **{"bootstrap": Bootstrap(200), **options})


def test_leave_one_out_ccc_over_time_is_that_of_every_series(tmp_path: Path) -> None:
    annotations = import_muvi(like_muvi(tmp_path / "muvi", videos=4, raters=9), static_rows="as-published")
    frame = annotations.ratings.to_pandas().query("dimension == 'valence' and setup == 'music'")
    scores, pairs = [], []
    for _, cell in frame.groupby("video_id", observed=True):
        ratings = cell.pivot(index="rater", columns="time", values="value").dropna(how="all").to_numpy()
        for j in range(len(ratings)):
            value = ewe(np.delete(ratings, j, 0), "all")[0]
            known = np.isfinite(ratings[j])
            scores.append(audmetric.concordance_cc(ratings[j][known], value[known]))
            pairs += [float(ccc(ratings[j], ratings[i])) for i in range(j)]
    row = next(
        r for r in over_time(annotations, weights="all").by_setup if (r.setup, r.dimension) == ("music", "valence")
    )
    loo = row.coefficients["loo_ccc"]
    assert loo.value == pytest.approx(np.mean(scores), abs=1e-9)
    assert (loo.sd, loo.n) == (pytest.approx(np.std(scores), abs=1e-9), len(scores))
    assert row.distribution is not None
    assert row.distribution[3] == pytest.approx(np.median(scores))
    assert row.coefficients["pairwise_ccc"].value == pytest.approx(np.mean(pairs), abs=1e-9)
    items = frame.pivot(index="rater", columns=["video_id", "time"], values="value").to_numpy()
    assert row.coefficients["alpha_interval"].value == pytest.approx(
        krippendorff.alpha(items, level_of_measurement="interval")
    )


def test_ratings_once_per_clip(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    ratings = np.clip(np.rint(rng.normal(3, 1.2, 60) + rng.normal(0, 0.8, (4, 60))), 1, 5)
    frame = pd.DataFrame([(f"r{r}", f"v{v:02d}", ratings[r, v]) for r in range(4) for v in range(60)])
    frame.columns = ["rater", "video_id", "value"]
    (row,) = over_time(import_tidy(frame.assign(setup="all", dimension="valence"))).by_setup
    coefficients = row.coefficients
    assert coefficients["loo_ccc"].value == pytest.approx(leave_one_out_ccc(ratings).mean())
    pairs = [float(ccc(ratings[i], ratings[j])) for i in range(4) for j in range(i)]
    assert coefficients["pairwise_ccc"].value == pytest.approx(np.mean(pairs))
    for level in ("interval", "ordinal", "nominal"):
        assert coefficients[f"alpha_{level}"].value == pytest.approx(
            krippendorff.alpha(ratings, level_of_measurement=level)
        )
    assert coefficients["fleiss_kappa"].value == pytest.approx(reference_kappa(aggregate_raters(ratings.T)[0]))
    for one in coefficients.values():
        assert one.low is not None and one.value is not None and one.high is not None
        assert one.low < one.value < one.high


@pytest.mark.parametrize("videos", [20, 80])
def test_intervals_hold_the_truth_95_times_in_100(videos: int) -> None:
    """Percentiles of the bootstrap hold it .88 and .90 times over 20 videos."""
    truth = {"alpha": 1 / (1 + 0.8**2), "mean": 0.5}
    held = dict.fromkeys(truth, 0)
    studies = 400
    for seed in range(studies):
        rng = np.random.default_rng([videos, seed])
        ratings = rng.normal(0, 1, videos) + rng.normal(0, 0.8, (3, videos))
        # As skewed as CCCs of series are: most near 1, some near 0.
        scores, bootstrap = 1 - rng.exponential(0.5, videos), Bootstrap(200, seed)
        measured = {"alpha": krippendorff_alpha(ratings, bootstrap=bootstrap)}
        measured["mean"] = mean_of(scores, np.arange(videos), bootstrap, "")
        for name, one in measured.items():
            assert one.low is not None and one.high is not None
            held[name] += one.low <= truth[name] <= one.high
    assert {name: count / studies for name, count in held.items()} == pytest.approx(
        dict.fromkeys(truth, 0.95), abs=0.03
    )


def test_intervals_are_over_videos_and_repeatable() -> None:
    rng = np.random.default_rng(0)
    tables = [of_matrix(latent(rng, 60) + rng.normal(0, 0.3, (3, 60)), video_id=f"v{v}").to_pandas() for v in range(20)]
    annotations = import_tidy(pd.concat(tables))
    first, second, other = (
        over_time(annotations, bootstrap=Bootstrap(300, seed)).by_setup[0].coefficients["loo_ccc"] for seed in (0, 0, 1)
    )
    assert first == second
    assert first.low != other.low
    single = over_time(import_tidy(tables[0])).by_setup[0].coefficients["alpha_interval"]
    assert (single.low, single.reason) == (None, "no interval: fewer than 5 videos")


def test_means_of_setups_are_correlated_within_each_video() -> None:
    rng = np.random.default_rng(0)
    tables, expected = [], []
    for video in range(5):
        music, both = latent(rng, 60), latent(rng, 60)
        both += music
        rated = {"music": music + rng.normal(0, 0.2, (3, 60)), "audiovisual": both + rng.normal(0, 0.2, (2, 60))}
        tables += [of_matrix(r, video_id=f"v{video}", setup=s).to_pandas() for s, r in rated.items()]
        expected.append(np.corrcoef(rated["music"].mean(0), rated["audiovisual"].mean(0))[0, 1])
    (row,) = over_time(import_tidy(pd.concat(tables))).between_setups
    assert row.setups == ("music", "audiovisual")
    assert row.correlation.value == pytest.approx(np.mean(expected))
    assert row.correlation.sd == pytest.approx(np.std(expected))


def test_means_of_setups_once_per_clip_are_correlated_over_videos() -> None:
    rng = np.random.default_rng(0)
    rows = [
        (f"r{r}", f"v{v:02d}", setup, float(v + rng.normal(0, 10)))
        for v in range(30) for setup in ("text", "all") for r in range(2)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["rater", "video_id", "setup", "value"])
    (row,) = over_time(import_tidy(frame.assign(dimension="valence"))).between_setups
    means = frame.groupby(["video_id", "setup"]).value.mean().unstack()
    assert row.correlation.value == pytest.approx(means["text"].corr(means["all"]))
    assert (row.correlation.low or 1) < (row.correlation.value or 0) < (row.correlation.high or 0)


def test_medians_of_series_are_tested_by_ranks() -> None:
    rng = np.random.default_rng(0)
    tables, medians = [], []
    for video in range(6):
        for setup, level in (("music", 0.3), ("visual", 0.0), ("audiovisual", 0.2)):
            ratings = level + latent(rng, 40, 0.2) + rng.normal(0, 0.2, (4, 1)) + rng.normal(0, 0.05, (4, 40))
            tables.append(of_matrix(ratings, video_id=f"v{video}", setup=setup).to_pandas())
            medians += [(f"r{j}", setup, np.median(one)) for j, one in enumerate(ratings)]
    raters = pa.table({"rater": [f"r{j}" for j in range(4)], "gender": ["f", "m", "f", "m"], "age": [20, 30, 40, 50]})
    result = over_time(import_tidy(pd.concat(tables), raters=raters)).medians
    medians = pd.DataFrame(medians, columns=["rater", "setup", "median"])
    by_setup = {name: group["median"].to_numpy() for name, group in medians.groupby("setup")}
    setup = next(test for test in result if test.by == "setup")
    h, p = kruskal(*by_setup.values())
    assert (setup.h, setup.p) == (pytest.approx(h), pytest.approx(p))
    assert setup.epsilon_squared == pytest.approx(h / 71)
    assert setup.medians["music"] == (pytest.approx(np.median(by_setup["music"])), 24)
    pair = next(one for one in setup.pairs if one.groups == ("music", "visual"))
    u, p = mannwhitneyu(by_setup["music"], by_setup["visual"])
    assert (pair.u, pair.p) == (pytest.approx(u), pytest.approx(p))
    assert pair.superiority.value == pytest.approx(u / 24**2)
    assert 0.5 < (pair.superiority.low or 0) < (pair.superiority.value or 0) <= (pair.superiority.high or 0)
    assert {test.by for test in result} == {"setup", "gender", "age > 35"}


def test_ties_share_their_ranks() -> None:
    frame = pd.DataFrame(
        [
            (f"r{r}", f"v{v}", s, float((r + v + (s == "b")) % 3))
            for r in range(3)
            for v in range(6)
            for s in ("a", "b")
        ],
        columns=["rater", "video_id", "setup", "value"],
    )
    (test,) = over_time(import_tidy(frame.assign(dimension="x")), by=["setup"]).medians
    a, b = (frame[frame.setup == s].value for s in ("a", "b"))
    u = float(mannwhitneyu(a, b).statistic)
    assert test.pairs[0].superiority.value == pytest.approx(u / (len(a) * len(b)))


def only(rows: tuple[SetupAgreement, ...]) -> dict[str, str | None]:
    """The reasons of the only row's coefficients."""
    (row,) = rows
    return {name: one.reason for name, one in row.coefficients.items() if one.value is None}


def test_what_is_not_defined_is_null_with_its_reason() -> None:
    one_value = tidy(rater=["a", "b"] * 2, video_id=["v1", "v1", "v2", "v2"], value=[3.0] * 4)
    assert only(over_time(import_tidy(one_value)).by_setup) == {
        "loo_ccc": "no video has two raters",
        "pairwise_ccc": "no video has two raters",
        **dict.fromkeys(
            ("alpha_interval", "alpha_ordinal", "alpha_nominal", "fleiss_kappa", *INTRACLASS),
            "all ratings are the same",
        ),
    }
    alone = tidy(rater=["a"] * 3, video_id=["v1", "v2", "v3"], value=[1.0, 2.0, 3.0])
    reasons = only(over_time(import_tidy(alone)).by_setup)
    assert reasons["alpha_interval"] == reasons["fleiss_kappa"] == "no item has two ratings"
    unequal = tidy(rater=["a", "b", "c", "a", "b"], video_id=["v1"] * 3 + ["v2"] * 2, value=[1.0, 2.0, 2.0, 1.0, 3.0])
    reasons = only(over_time(import_tidy(unequal)).by_setup)
    assert reasons.pop("fleiss_kappa") == "items have 2 to 3 ratings, and kappa needs the same number of all: see alpha"
    assert reasons.keys() == {*INTRACLASS} - {"icc1", "icc1k"}
    assert "fewer than two items are rated by all raters" in reasons["icc2"]
    labels = tidy(rater=["a", "b"], value=[None, None], label=["sad", "sad"], dimension="mood")
    result = over_time(import_tidy(labels))
    reasons = only(result.by_setup)
    assert reasons["alpha_labels"] == "every label was chosen by all or by none"
    assert reasons["fleiss_kappa"] == "all ratings are the same"
    assert reasons["loo_ccc"] == "labels are not numbers"
    assert result.labels[0].tests == ()


def test_single_labels_have_kappa_and_alpha() -> None:
    rng = np.random.default_rng(0)
    names = np.array(["joy", "sad", "calm"])
    chosen = np.where(rng.random((3, 40)) < 0.7, rng.integers(0, 3, 40), rng.integers(0, 3, (3, 40)))
    rows = [(f"r{r}", f"v{v:02d}", names[chosen[r, v]]) for r in range(3) for v in range(40)]
    frame = pd.DataFrame(rows, columns=["rater", "video_id", "label"]).assign(setup="all", dimension="mood", value=None)
    (row,) = over_time(import_tidy(frame)).by_setup
    assert row.coefficients["fleiss_kappa"].value == pytest.approx(reference_kappa(aggregate_raters(chosen.T)[0]))
    expected = krippendorff.alpha(chosen.astype(float), level_of_measurement="nominal")
    assert row.coefficients["alpha_nominal"].value == pytest.approx(expected)


def test_rounds_are_measured_apart_and_on_their_common_clips() -> None:
    rng = np.random.default_rng(0)
    rows = [
        (f"r{r}", f"v{v}", round_, float(rng.integers(1, 6)))
        for r in range(3) for round_, clips in (("before", 4), ("after", 8)) for v in range(clips)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["rater", "video_id", "round", "value"]).assign(setup="all", dimension="valence")
    result = over_time(import_tidy(frame)).by_setup
    assert [(row.round, row.clips, row.videos) for row in result] == [
        ("before", "all", 4),
        ("after", "all", 8),
        ("before", "common", 4),
        ("after", "common", 4),
    ]


def test_an_unknown_column_to_compare_by_is_said(tmp_path: Path) -> None:
    annotations = import_muvi(like_muvi(tmp_path / "muvi"), static_rows="as-published")
    with pytest.raises(SettingsError, match='no column "sex" to compare by, only setup, seen, overlay, age, gender'):
        agreement(annotations, by=["sex"])
    with pytest.raises(SettingsError, match="gender holds string, not numbers"):
        agreement(annotations, by=["gender>3"])


def test_the_report_has_every_number_in_json_beside_it(tmp_path: Path) -> None:
    annotations = import_muvi(like_muvi(tmp_path / "muvi"), static_rows="as-published")
    result = over_time(annotations)
    text, numbers = write_agreement(result, annotations, tmp_path / "agreement.md")
    shown, stored = text.read_text(), json.loads(numbers.read_text())
    loo = result.by_setup[0].coefficients["loo_ccc"]
    assert (loo.low, f"| {loo.value:.3f} ± {loo.sd:.3f} |" in shown) == (None, True)
    assert "no interval: fewer than 5 videos" in shown
    assert stored["by_setup"][0]["coefficients"]["loo_ccc"]["value"] == loo.value
    assert stored["by_setup"][0]["coefficients"]["fleiss_kappa"]["value"] is None
    assert "## Not defined" in shown
    where = "music arousal, music valence, visual arousal, visual valence, audiovisual arousal and 1 more"
    reason = "more than 50 distinct values, so a continuous scale rather than categories"
    assert f"- α ordinal, α nominal, Fleiss' κ ({where}): {reason}\n" in shown
    assert "labels are not numbers" not in shown  # columns that a table does not have are not explained
    with pytest.raises(SettingsError, match=r"expected NAME\.md"):
        write_agreement(result, annotations, tmp_path / "agreement.html")


def test_names_of_raters_cannot_break_the_tables_of_a_report(tmp_path: Path) -> None:
    table = tidy(rater=["a|b", "c"], setup="x|y\nz", video_id=["v1", "v1"], value=[1.0, 2.0])
    annotations = import_tidy(table)
    text, _ = write_agreement(over_time(annotations), annotations, tmp_path / "a.md")
    assert "| x\\|y z | valence |" in text.read_text()


def test_the_study_s_way_leaves_out_both_dimensions_and_uses_118_windows(tmp_path: Path) -> None:
    folder = like_muvi(tmp_path / "muvi")
    series = pd.read_csv(folder / "av_data.csv")
    series.loc[(series.participant_id == 1) & (series.media_id == "vid01"), "valence"] = 0.2
    series.to_csv(folder / "av_data.csv", index=False)
    annotations = import_muvi(folder, static_rows="as-published")
    result = agreement(annotations, weights="all", windows=118, whole_clips=True, bootstrap=PLAIN)
    assert sum(row.ratings for row in result.by_setup if row.kind == "over time") == 2 * (6 * 5 - 1)
    assert [name.split()[-1] for name in result.left_out["constant"]] == ["arousal", "valence"]
    scores = []
    modality = {"music": "music", "visual": "muted_video", "audiovisual": "video"}
    row = next(one for one in result.by_setup if (one.setup, one.dimension) == ("visual", "arousal"))
    for (medium, _), cell in series[series.media_modality == modality[row.setup]].groupby(
        ["media_id", "media_modality"]
    ):
        kept = [one for rater, one in cell.groupby("participant_id") if (rater, medium) != (1, "vid01")]
        ratings = np.stack([one.arousal.to_numpy()[:118] for one in kept])
        scores += leave_one_out_ccc(ratings, "all").tolist()
    assert row.coefficients["loo_ccc"].value == pytest.approx(np.nanmean(scores))


def test_columns_that_are_not_compared_by_are_named(tmp_path: Path) -> None:
    annotations = import_muvi(muvi_folder())
    result = agreement(annotations, bootstrap=PLAIN)
    assert result.not_compared["country_live_longest"] == "10 groups, more than 8"
    text, _ = write_agreement(result, annotations, tmp_path / "a.md")
    assert "country_live_longest (10 groups, more than 8)" in text.read_text()


def test_the_published_label_counts_follow_when_the_unreliable_series_are_dropped(published: LabelStatistics) -> None:
    """18 rows, whose series are not published, are missing from the study's table 3."""
    table = reference()["muvi_paper"]["table3_totals"]
    dropped = {"music": 5, "visual": 6, "audiovisual": 7, OVER_ALL: 18}
    for name, rows in dropped.items():
        computed, theirs = published.by_setup[name], "all" if name == OVER_ALL else name
        assert round(table[theirs] / (computed["ratings"] - rows), 2) == table["mean_labels"][theirs]
        assert 0 < computed["choices"] - table[theirs] < 27 * rows


def test_the_study_s_table_5_where_its_series_are_at_hand() -> None:
    if not (muvi_folder() / "av_data.csv").is_file():
        pytest.skip("the study's av_data.csv is not at hand")
    published = reference()["muvi_paper"]["table5_loo_ccc"]
    rated = import_muvi(muvi_folder())
    rows = agreement(rated, weights="all", windows=118, whole_clips=True, bootstrap=PLAIN).by_setup
    assert sum(row.ratings for row in rows if row.kind == "over time" and row.dimension == "arousal") == 1476
    for row in rows:
        if row.kind == "over time":
            assert row.coefficients["loo_ccc"].value == pytest.approx(published[row.setup][row.dimension][0], abs=0.005)
