"""How often 95 % intervals of agreement hold the truth: `python benchmarks/interval_coverage.py [STUDIES]`.

Studies of 5 to 80 videos are made up again and again, with the same raters and other videos each time; the truth is the
mean coefficient of ten times 4,000 videos. Printed, and written to `results/interval_coverage.md`: the share of
intervals that hold the truth, and for comparison that of plain percentiles of the bootstrap.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np

from avcues.pipeline.annotations.across_setups.inconsistency import RatingsBySetup, difference
from avcues.pipeline.annotations.reliability.between_setups import pearson_over_clips
from avcues.pipeline.annotations.reliability.choice_agreement import mean_alpha_of_labels
from avcues.pipeline.annotations.reliability.label_statistics import phi_of
from avcues.pipeline.annotations.reliability.median_tests import Superiority
from avcues.pipeline.annotations.reliability.setup_agreement import mean_ccc
from avcues.pipeline.annotations.statistics import coefficients, intervals
from avcues.pipeline.annotations.statistics.coefficients import (
    Bootstrap,
    Coefficient,
    estimate,
    fleiss_kappa,
    krippendorff_alpha,
    mean_of,
)
from avcues.pipeline.annotations.statistics.consensus import ewe, leave_one_out_ccc, others_of_each, pairwise_ccc
from avcues.pipeline.annotations.statistics.intervals import SHARE

VIDEOS = (5, 10, 20, 80)
POPULATIONS, VIDEOS_OF_TRUTH = 10, 4000
NOISE = np.array([0.3, 0.5, 0.6, 0.8, 1.0, 2.0])
WINDOWS, LABELS = 40, 4
Values = np.ndarray


def study(random: np.random.Generator, videos: int, bootstrap: Bootstrap) -> Iterator[tuple[str, Coefficient]]:
    """Every coefficient that has an interval over videos, of one made-up study."""
    raters = len(NOISE)
    codes = np.arange(videos)
    # Over time: videos differ in how much they move, and raters in their noise.
    moves = random.gamma(2, 0.5, (videos, 1, 1))
    course = np.cumsum(random.normal(0, 0.3, (videos, 1, WINDOWS)), -1) * moves
    noise = np.cumsum(random.normal(0, 0.15, (videos, raters, WINDOWS)), -1) * NOISE[:, None]
    series = course + noise + random.normal(0, 0.2, (videos, raters, 1))
    loo = leave_one_out_ccc(series, "others")
    yield "leave-one-out CCC, over time", mean_of(loo.ravel(), np.repeat(codes, raters), bootstrap, "")
    first, second = np.triu_indices(raters, 1)
    pairs = pairwise_ccc(series)[:, first, second]
    yield "pairwise CCC, over time", mean_of(pairs.ravel(), np.repeat(codes, pairs.shape[1]), bootstrap, "")
    flat = series.transpose(1, 0, 2).reshape(raters, -1)
    owner = np.repeat(codes, WINDOWS)
    yield "α interval, over time", krippendorff_alpha(flat, "interval", videos=owner, bootstrap=bootstrap)
    # Once per clip, 1 to 5.
    felt = random.normal(size=videos)
    rated = np.clip(np.rint(3 + felt + NOISE[:, None] * random.normal(size=(raters, videos))), 1, 5)
    consensus = ewe(others_of_each(rated), "others")[0]
    yield "leave-one-out CCC, once per clip", mean_ccc(rated, consensus, bootstrap)
    yield "pairwise CCC, once per clip", mean_ccc(rated[first], rated[second], bootstrap)
    for level in ("interval", "ordinal", "nominal"):
        yield f"α {level}, once per clip", krippendorff_alpha(rated, level, bootstrap=bootstrap)  # type: ignore[arg-type]
    yield "Fleiss' κ", fleiss_kappa(rated, bootstrap=bootstrap)
    # Labels.
    liking = random.normal(size=(videos, 1, LABELS)) + np.array([-1.5, -0.5, 0, 0.5])
    chosen = liking + NOISE[:, None] * random.normal(size=(videos, raters, LABELS)) > 0
    rows, item = chosen.reshape(-1, LABELS), np.repeat(codes, raters)
    yield "mean α of labels", mean_alpha_of_labels(rows, item, codes, bootstrap)
    yield "φ of two labels", phi_of(*(rows[:, i].astype(np.float64) for i in (1, 2)), item, bootstrap)
    # A second setup.
    other = 0.6 * felt + 0.8 * random.normal(size=videos)
    rated_again = np.clip(np.rint(3.4 + other + NOISE[:, None] * random.normal(size=(raters, videos))), 1, 5)
    yield "Pearson's r of setups, once per clip", pearson_over_clips(rated.mean(0), rated_again.mean(0), bootstrap)
    values, in_first = np.concatenate([rated.ravel(), rated_again.ravel()]), np.arange(2 * rated.size) < rated.size
    pair = Superiority(values, in_first, np.tile(codes, 2 * raters))
    yield "superiority", estimate(pair, bootstrap, "", scale=SHARE)
    names = tuple(map(str, range(raters))), tuple(map(str, codes)), ("music", "visual")
    scores = difference(RatingsBySetup(np.stack([rated, rated_again], -1), *names), (0, 1), bootstrap)
    yield "difference score, mean over raters", scores.mean
    yield "difference score of one rater", scores.raters["0"]


def percentiles(statistic: intervals.Statistic, *_: object, replicates: int, seed: int) -> tuple[float, float]:
    """The plain percentiles of the draws."""
    random = np.random.default_rng(seed)
    counts = random.multinomial(statistic.units, np.full(statistic.units, 1 / statistic.units), replicates)
    drawn = statistic.of(counts.astype(np.float64))
    low, high = np.percentile(drawn[np.isfinite(drawn)], [2.5, 97.5])
    return float(low), float(high)


def coverage(studies: int, videos: int, truth: dict[str, float]) -> dict[str, tuple[float, float, float]]:
    """By coefficient, the share of intervals that hold the truth, that of percentiles, and the median width."""
    bootstrap = Bootstrap(replicates=500)
    within: dict[str, list[tuple[bool, float]]] = {name: [] for name in truth}
    plain: dict[str, list[bool]] = {name: [] for name in truth}
    for seed in range(studies):
        for name, interval in study(np.random.default_rng([videos, seed]), videos, bootstrap):
            if interval.low is not None and interval.high is not None:
                within[name].append((interval.low <= truth[name] <= interval.high, interval.high - interval.low))
        with mock.patch.object(coefficients, "interval", percentiles):
            for name, interval in study(np.random.default_rng([videos, seed]), videos, bootstrap):
                if interval.low is not None and interval.high is not None:
                    plain[name].append(interval.low <= truth[name] <= interval.high)
    return {
        name: (
            float(np.mean([hit for hit, _ in within[name]])),
            float(np.mean(plain[name])),
            float(np.median([width for _, width in within[name]])),
        )
        for name in truth
    }


def main(studies: int) -> None:
    """Prints and writes a line per coefficient."""
    populations = [study(np.random.default_rng(seed), VIDEOS_OF_TRUTH, Bootstrap(0)) for seed in range(POPULATIONS)]
    truth = {
        parts[0][0]: float(np.mean([coefficient.value for _, coefficient in parts]))
        for parts in zip(*populations, strict=True)
    }
    measured = {videos: coverage(studies, videos, truth) for videos in VIDEOS}
    lines = [
        "# Benchmark: coverage of 95 % intervals of agreement",
        "",
        f"{studies} made-up studies of each size, 500 bootstrap samples: the share of intervals that hold the truth, "
        "in brackets that of plain percentiles, and the median width.",
        "",
        f"| coefficient | truth | {' | '.join(f'{videos} videos | width' for videos in VIDEOS)} |",
        f"| --- | --: |{' --: | --: |' * len(VIDEOS)}",
    ]
    for name, value in truth.items():
        cells = (measured[videos][name] for videos in VIDEOS)
        row = " | ".join(f"{within:.3f} ({plain:.3f}) | {width:.2f}" for within, plain, width in cells)
        lines.append(f"| {name} | {value:.3f} | {row} |")
    print("\n".join(lines))
    (Path(__file__).parent / "results" / "interval_coverage.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
