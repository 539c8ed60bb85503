"""Measures, intervals and permutation tests, against reference tools and exact answers."""

from __future__ import annotations

from itertools import product

import audmetric
import numpy as np
import pytest
from scipy import stats

from avcues.pipeline.training.evaluate import Predictions, evaluate, score_of_sums, scores
from avcues.pipeline.training.intervals import CORRELATION, interval, mean_interval, paired_test

RANDOM = np.random.default_rng(0)


def predictions(videos: int = 6, windows: int = 40, folds: int = 2, noise: float = 0.5, seed: int = 0) -> Predictions:
    random = np.random.default_rng(seed)
    targets = np.random.default_rng(99).normal(size=videos * windows)
    return Predictions(
        videos=tuple(f"v{i}" for i in range(videos)),
        rows=tuple(np.arange(i * windows, (i + 1) * windows) for i in range(videos)),
        folds=tuple(i % folds for i in range(videos)),
        targets=targets,
        values=targets + noise * random.normal(size=len(targets)),
    )


def test_measures_are_those_of_audmetric() -> None:
    target, prediction = RANDOM.normal(size=100), RANDOM.normal(0.3, 2, size=100)
    scored = scores(target, prediction)
    assert scored["ccc"] == pytest.approx(audmetric.concordance_cc(target, prediction))
    assert scored["pearson"] == pytest.approx(audmetric.pearson_cc(target, prediction))
    assert scored["mse"] == pytest.approx(audmetric.mean_squared_error(target, prediction))
    assert scored["rmse"] == pytest.approx(scored["mse"] ** 0.5)


def test_what_is_not_defined_is_null_and_counted() -> None:
    constant = scores(np.full(9, 0.1), np.arange(9.0))
    assert np.isnan(constant["pearson"])
    assert constant["ccc"] == 0
    assert np.isnan(scores(np.full(9, 0.1), np.full(9, 0.1))["ccc"])
    one = predictions(videos=2)
    flat = Predictions(videos=one.videos, rows=one.rows, folds=one.folds, targets=one.targets, values=0 * one.values)
    evaluated = evaluate([flat])
    assert evaluated["pearson"] == {
        "mean": None, "sd": None, "low": None, "high": None, "between_seeds": None, "undefined": 2
    }  # fmt: skip
    assert evaluated["pooled"]["pearson"] == {"value": None, "low": None, "high": None}
    assert evaluated["pooled"]["rmse"]["value"] == pytest.approx(float(np.sqrt((one.targets**2).mean())))


def test_pooled_measures_are_of_all_windows_and_their_intervals_draw_videos() -> None:
    one = predictions()
    evaluated = evaluate([one])
    for measure, value in scores(one.targets, one.values).items():
        pooled = evaluated["pooled"][measure]
        assert pooled["value"] == pytest.approx(value)
        assert pooled["low"] < value < pooled["high"]


def test_figures_over_videos_are_means_with_an_interval_over_videos() -> None:
    seeds = [predictions(seed=seed) for seed in range(2)]
    evaluated = evaluate(seeds)
    by_hand = np.mean([[scores(s.targets[r], s.values[r])["ccc"] for r in s.rows] for s in seeds], axis=0)
    assert evaluated["ccc"]["mean"] == pytest.approx(by_hand.mean())
    assert evaluated["ccc"]["sd"] == pytest.approx(by_hand.std())
    assert [one["ccc"] for one in evaluated["per_video"]] == pytest.approx(by_hand.tolist())
    # Of six videos whose scores are nearly normal, Student's t.
    expected = stats.t.interval(0.95, 5, by_hand.mean(), stats.sem(by_hand))
    assert (evaluated["ccc"]["low"], evaluated["ccc"]["high"]) == pytest.approx(expected, abs=0.03)
    assert evaluated["ccc"]["between_seeds"] > 0


def test_no_interval_reaches_beyond_what_a_measure_can_be() -> None:
    """Of few videos, one of which goes badly, Student's t ends at a CCC of 1.34."""
    targets = np.random.default_rng(0).normal(size=4 * 40)
    bad = np.arange(4 * 40) >= 3 * 40
    values = np.where(bad, 0.2 * targets, 0.99 * targets)
    rows = tuple(np.arange(i * 40, (i + 1) * 40) for i in range(4))
    evaluated = evaluate(
        [Predictions(videos=("a", "b", "c", "d"), rows=rows, folds=(0,) * 4, targets=targets, values=values)]
    )
    assert evaluated["ccc"]["high"] == 1
    assert -1 < evaluated["ccc"]["low"] < evaluated["ccc"]["mean"]
    assert evaluated["mse"]["low"] == 0
    assert np.isnan(mean_interval(np.array([0.5]), bounds=(-1, 1))).all()


def test_a_paired_permutation_is_near_the_exact_one() -> None:
    one, other = RANDOM.normal(0.35, 0.5, 10), RANDOM.normal(0, 0.5, 10)
    comparison = paired_test(one, other)
    signs = np.array(list(product([-1, 1], repeat=10)))
    exact = np.mean(np.abs((signs * (one - other)).mean(axis=1)) >= abs((one - other).mean()) - 1e-12)
    assert comparison["p"] == pytest.approx(exact, abs=0.015)
    assert comparison["difference"] == pytest.approx((one - other).mean())
    assert paired_test(one, one)["p"] == 1


def test_slices_of_111_begin_within_the_video_before() -> None:
    one = predictions(videos=4, windows=114, folds=2)
    assert [rows[0] for rows in one.slices("video")] == [0, 114, 228, 342]
    # Fold 0 tests videos 0 and 2, whose rows stand one after the other.
    slices = one.slices("s111")
    assert [len(rows) for rows in slices] == [111] * 4
    assert slices[0].tolist() == list(range(111))
    assert slices[2].tolist() == [111, 112, 113, *range(228, 228 + 108)]


def courses(random: np.random.Generator, videos: int, windows: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """(videos, windows) labels and predictions, good on some videos and bad on others."""

    def walk() -> np.ndarray:
        values = random.normal(size=(videos, windows))
        for k in range(1, windows):
            values[:, k] = 0.95 * values[:, k - 1] + np.sqrt(1 - 0.95**2) * values[:, k]
        return values

    target = 0.5 * random.normal(size=(videos, 1)) + 0.5 * walk()
    offset, noise = random.normal(size=(videos, 1)), random.uniform(0, 1, (videos, 1))
    return target, 0.4 * target + 0.2 * offset + 0.4 * noise * walk()


def sums(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """(videos, 6) as `score_of_sums` reads them."""
    parts = (np.ones_like(target), target, prediction, target**2, prediction**2, target * prediction)
    return np.stack([part.sum(axis=1) for part in parts], axis=1)


@pytest.mark.parametrize(("videos", "studies"), [(20, 500), (80, 300)])
def test_intervals_hold_the_truth_in_95_of_100_studies(videos: int, studies: int) -> None:
    """Percentiles of the draws hold it in .91 (pooled) and .93 (mean) of studies of 20 videos."""
    random = np.random.default_rng(1)

    def pooled(sums: np.ndarray) -> np.ndarray:
        return score_of_sums(sums, "ccc")

    every = sums(*courses(random, 100_000))
    truths = {"mean": pooled(every).mean(), "pooled": pooled(every.sum(axis=0))}
    held = {"mean": 0, "pooled": 0}
    for _ in range(studies):
        of_study = sums(*courses(random, videos))
        intervals = {"mean": mean_interval(pooled(of_study)), "pooled": interval(of_study, pooled, CORRELATION)}
        for name, (low, high) in intervals.items():
            held[name] += low <= truths[name] <= high
    for name, times in held.items():
        assert times / studies == pytest.approx(0.95, abs=0.03), name
