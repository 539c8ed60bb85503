"""Tables and figures of perspectives on a study of the design of Du et al. 2023, against numpy and published values."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from studies import reference, tidy

from avcues.pipeline.annotations import Bootstrap, NotShownError, Results, import_tidy, plot, tables
from avcues.pipeline.annotations.ratings.schema import Annotations

SETUPS = ("text", "audio", "video", "all")
RATERS = ("anno1", "anno2", "anno3")
PLAIN = Bootstrap(0)
COMMON = 30


def study(ratings: dict[str | None, np.ndarray]) -> Annotations:
    """By round (raters, clips, setups) ratings of valence from 1 to 5."""
    rows = [
        (RATERS[r], f"c{c:03d}", SETUPS[s], values[r, c, s], round_)
        for round_, values in ratings.items()
        for r, c, s in product(*map(range, values.shape))
    ]
    frame = pd.DataFrame(rows, columns=["rater", "video_id", "setup", "value", "round"]).assign(dimension="valence")
    return import_tidy(frame, ranges={"valence": (1, 5)}, levels={"valence": "ordinal"})


def planted(seed: int, clips: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.asarray(np.clip(np.rint(rng.normal(3, 1, (1, clips, 1)) + rng.normal(0, 0.8, (3, clips, 4))), 1, 5))


BEFORE, AFTER = planted(0, 94), planted(1, COMMON)


@pytest.fixture(scope="module")
def one_round() -> Results:
    return Results(annotations=study({None: BEFORE}), bootstrap=PLAIN, threshold=1.35)


@pytest.fixture(scope="module")
def two_rounds() -> Results:
    return Results(annotations=study({"before": BEFORE, "after": AFTER}), bootstrap=PLAIN)


def test_table_1_holds_mean_and_variance(one_round: Results) -> None:
    numbers = tables.ratings_by_rater(one_round, "valence").numbers.to_pandas().set_index(["rater", "setup"])
    for (r, rater), (s, setup) in product(enumerate(RATERS), enumerate(SETUPS)):
        row = numbers.loc[(rater, setup)]
        assert (row["mean"], row["variance"]) == pytest.approx((BEFORE[r, :, s].mean(), BEFORE[r, :, s].var()))


def test_table_2_prints_the_published_shares() -> None:
    """From ratings that have them: each published share is a count of 94 clips."""
    published = reference()["perspectivism_paper"]["table2_neg_neu_pos"]
    ratings = np.zeros((3, 94, 4))
    for (r, rater), (s, setup) in product(enumerate(RATERS), enumerate(SETUPS)):
        counts = (94 * np.array(published[rater][setup])).round().astype(int)
        ratings[r, :, s] = np.repeat([1, 3, 5], counts)
    table = tables.polarity(Results(annotations=study({None: ratings}), bootstrap=PLAIN), "valence")
    assert table.header == ("rater", *SETUPS)
    for row, name in zip(table.rows, (*RATERS, "avg"), strict=True):
        for cell, setup in zip(row[1:], SETUPS, strict=True):
            printed = [float(share) for share in cell.split(" / ")]
            assert printed == pytest.approx([100 * share for share in published[name][setup]], abs=0.11)


def test_table_3_is_the_regression_of_the_study_s_size(one_round: Results) -> None:
    table = tables.regression(one_round, "valence")
    assert "282 ratings, 278 degrees of freedom" in table.caption
    design = np.c_[np.ones(282), BEFORE.reshape(-1, 4)[:, :3]]
    expected = np.linalg.lstsq(design, BEFORE.reshape(-1, 4)[:, 3])[0]
    numbers = table.numbers.to_pandas().query("errors == 'plain'").set_index("term")
    assert numbers["coefficient"].tolist() == pytest.approx(expected.tolist())
    assert numbers.index.tolist() == ["const", "text", "audio", "video"]


def test_tables_4_and_6_hold_the_agreement_of_each_round(one_round: Results, two_rounds: Results) -> None:
    table = tables.agreement_by_setup(one_round, "valence")
    assert table.header[:4] == ("setup", "clips", "raters", "Fleiss' κ")
    assert [row[:3] for row in table.rows] == [(setup, "94", "3") for setup in SETUPS]
    rounds = tables.agreement_by_setup(two_rounds, "valence").numbers.to_pandas()
    kappa = rounds.query("coefficient == 'fleiss_kappa' and setup == 'audio'").set_index("round")
    # On the clips that both rounds share.
    assert kappa["clips"].to_dict() == {"before": COMMON, "after": COMMON}
    for name, ratings in (("before", BEFORE[:, :COMMON, 1]), ("after", AFTER[:, :, 1])):
        counts = np.stack([(ratings == value).sum(0) for value in range(1, 6)], 1)
        within = ((counts**2).sum(1) - 3) / 6
        chance = ((counts.sum(0) / counts.sum()) ** 2).sum()
        assert kappa["value"][name] == pytest.approx((within.mean() - chance) / (1 - chance))


def test_table_5_and_figure_2_hold_the_difference_scores(two_rounds: Results) -> None:
    numbers = tables.difference_scores(two_rounds, "valence").numbers.to_pandas()
    drawn = {figure.name: figure.numbers.to_pandas() for figure in plot.difference_matrices(two_rounds, "valence")}
    assert list(drawn) == ["difference_matrices_valence_before", "difference_matrices_valence_after"]
    for a, b in combinations(range(4), 2):
        pair = numbers.query("setup == @SETUPS[@a] and other_setup == @SETUPS[@b]").set_index(["round", "rater"])[
            "value"
        ]
        for name, ratings in (("before", BEFORE[:, :COMMON]), ("after", AFTER)):
            expected = np.sqrt(((ratings[..., a] - ratings[..., b]) ** 2).mean(1))
            assert [pair[name, rater] for rater in RATERS] == pytest.approx(expected.tolist())
            assert pair[name, "mean"] == pytest.approx(expected.mean())
            assert pair[name, "variance"] == pytest.approx(expected.var())
        # The matrices are of all clips of a round.
        of_all = np.sqrt(((BEFORE[..., a] - BEFORE[..., b]) ** 2).mean(1))
        matrix = drawn["difference_matrices_valence_before"].set_index(["rater", "setup", "other_setup"])["difference"]
        assert [matrix[rater, SETUPS[a], SETUPS[b]] for rater in RATERS] == pytest.approx(of_all.tolist())
        assert matrix["mean over raters", SETUPS[a], SETUPS[b]] == pytest.approx(of_all.mean())


def test_table_7_and_figure_3_hold_inconsistency_by_polarity(one_round: Results) -> None:
    squares = [(BEFORE[..., a] - BEFORE[..., b]) ** 2 for a, b in combinations(range(4), 2)]
    scores, rated = np.sqrt(np.mean(squares, 0)), BEFORE[..., 3]
    polarity = {"negative": rated < 3, "neutral": rated == 3, "positive": rated > 3}
    groups = {
        "all": scores >= 0,
        "consistent": scores == 0,
        "inconsistent": scores > 0,
        "weak": (scores > 0) & (scores < 1.35),
        "strong": scores >= 1.35,
    }
    numbers = tables.inconsistency_by_polarity(one_round, "valence").numbers.to_pandas()
    for row in numbers.itertuples():
        assert row.ratings == (groups[row.group] & polarity[row.polarity]).sum()
    (figure,) = plot.inconsistency(one_round, "valence")
    drawn = figure.numbers.to_pandas()
    assert drawn["count"].sum() == 282
    assert drawn.groupby("polarity")["count"].sum().to_dict() == {name: rows.sum() for name, rows in polarity.items()}
    from_threshold_on = drawn[drawn["lowest_score"] >= 1.35 - 1e-6].groupby("polarity")["count"].sum()
    assert from_threshold_on.to_dict() == {name: (rows & groups["strong"]).sum() for name, rows in polarity.items()}


def test_table_8_counts_shared_labels_of_inconsistent_ratings() -> None:
    """One rater, two clips, of which the first is rated inconsistently."""
    rows = [
        *(("a", setup, value, None) for setup, value in zip(SETUPS, (1, 1, 5, 5), strict=True)),
        *(("b", setup, 3, None) for setup in SETUPS),
        *(("a", setup, None, label) for setup, label in zip(SETUPS, ("joy", "sad", "joy", "joy"), strict=True)),
        *(("b", setup, None, "joy") for setup in SETUPS),
    ]
    frame = pd.DataFrame(rows, columns=["video_id", "setup", "value", "label"])
    frame = frame.assign(rater="r", dimension=np.where(frame["label"].isna(), "valence", "emotion"))
    results = Results(annotations=import_tidy(frame, ranges={"valence": (1, 5)}), bootstrap=PLAIN, threshold=1.35)
    table = tables.label_agreement(results, "valence", "emotion")
    assert table.header == ("label", "all", "any other", "text", "audio", "video")
    assert table.rows[0] == ("joy", "1", "1", "1", "0", "1")


def test_a_design_between_raters_is_shown_on_means() -> None:
    """No rater meets a clip in two setups, as in the MuVi study."""
    rng = np.random.default_rng(0)
    setups = ("music", "visual", "audiovisual")
    rows = [
        (f"{setup}{r}", f"c{c}", setup, float(rng.integers(1, 6)))
        for setup in setups
        for r in range(3)
        for c in range(8)
    ]
    frame = pd.DataFrame(rows, columns=["rater", "video_id", "setup", "value"]).assign(dimension="valence")
    results = Results(annotations=import_tidy(frame, ranges={"valence": (1, 5)}), bootstrap=PLAIN)
    means = frame.groupby(["video_id", "setup"])["value"].mean().unstack()
    expected = np.sqrt(((means["music"] - means["visual"]) ** 2).mean())
    table = tables.difference_scores(results, "valence")
    assert "No rater met a clip in two setups" in table.caption
    assert table.numbers.to_pandas().query("other_setup == 'visual'")["value"].tolist() == pytest.approx([expected])
    (figure,) = plot.difference_matrices(results, "valence")
    assert figure.numbers.to_pandas().query("other_setup == 'visual'")["difference"].tolist() == pytest.approx(
        [expected]
    )
    (scores,) = plot.inconsistency(results, "valence")
    assert scores.numbers.to_pandas()["count"].sum() == 8
    assert "8 clips, by the means over raters" in scores.caption
    assert "clip means" in tables.regression(results, "valence").caption


def test_table_5_of_the_music_video_study_has_a_total() -> None:
    """The mean and spread over the series of all setups, from those of each."""
    rng = np.random.default_rng(0)
    felt = rng.normal(0, 0.3, 60).cumsum() / 4
    rows = [
        (f"r{r}", f"v{v}", setup, 0.5 * k, float(np.clip(felt[k] * (1 - 0.2 * r) + noise[k], -1, 1)))
        for setup, videos in (("music", 2), ("visual", 4))
        for v in range(videos)
        for r in range(3)
        for noise in [rng.normal(0, 0.1, 60)]
        for k in range(60)
    ]
    frame = pd.DataFrame(rows, columns=["rater", "video_id", "setup", "time", "value"]).assign(dimension="arousal")
    results = Results(annotations=import_tidy(frame, range_=(-1, 1)), bootstrap=PLAIN)
    whole = import_tidy(frame.assign(video_id=frame["setup"] + frame["video_id"], setup="music"), range_=(-1, 1))
    (pooled,) = Results(annotations=whole, bootstrap=PLAIN).agreement.by_setup
    numbers = tables.rater_agreement(results).numbers.to_pandas().set_index("setup")
    expected = pooled.coefficients["loo_ccc"]
    total = numbers.loc["all setups"]
    assert (total["mean"], total["sd"], total["n"]) == pytest.approx((expected.value, expected.sd, 18))


def test_one_setup_has_no_perspectives() -> None:
    ratings = tidy(rater=["r1", "r2"], value=[0.1, 0.3])
    results = Results(annotations=import_tidy(ratings), bootstrap=PLAIN)
    for make in (tables.polarity, tables.regression, tables.difference_scores, tables.inconsistency_by_polarity):
        with pytest.raises(NotShownError, match="there is one setup only"):
            make(results, "valence")
