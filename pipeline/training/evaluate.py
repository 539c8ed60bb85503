"""How good predictions are: per video and pooled, with intervals over videos, beside baselines.

CCC is the concordance correlation coefficient (Lin 1989) with population moments, as audtorch and audmetric have it.
Intervals are percentiles of a bootstrap that draws whole videos, because the windows of one video are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.statistics.consensus import ccc, pearson

MEASURES = ("ccc", "pearson", "rmse", "mse")
_RESAMPLES = 2000
_PERMUTATIONS = 9999
_SCRIPTS_SLICE = 111

Floats = npt.NDArray[np.float64]


def scores(target: Floats, prediction: Floats) -> dict[str, float]:
    """The `MEASURES` of one series; NaN where one is not defined, as Pearson's correlation of a constant."""
    if not len(target):
        return dict.fromkeys(MEASURES, float("nan"))
    mse = float(((target - prediction) ** 2).mean())
    # What a constant correlates with is the rounding of its mean.
    constant = np.ptp(target) == 0 or np.ptp(prediction) == 0
    equal = constant and mse == 0
    return {
        "ccc": float("nan") if equal else 0.0 if constant else float(ccc(target, prediction)),
        "pearson": float("nan") if constant else float(pearson(target, prediction)),
        "rmse": float(np.sqrt(mse)),
        "mse": mse,
    }


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """What one model, or baseline, said of one dimension's labels, by one seed.

    Args:
        videos: Ids, in the order of their rows.
        rows: For each video, its (windows,) rows.
        folds: For each video, the fold that tested it.
        targets: (M,) labels.
        values: (M,) predictions.
    """

    videos: tuple[str, ...]
    rows: tuple[npt.NDArray[np.int64], ...]
    folds: tuple[int, ...]
    targets: Floats
    values: Floats

    def slices(self, scoring: Literal["video", "s111"]) -> tuple[npt.NDArray[np.int64], ...]:
        """For each video the rows that are scored as it.

        With "s111", slice j of a fold is rows 111 j to 111 j + 110 of all its videos' rows in a row, as in the study's
        script: where videos have 114 rows, it begins 3 j rows before video j.
        """
        if scoring == "video":
            return self.rows
        of_fold = {
            fold: np.concatenate([r for r, f in zip(self.rows, self.folds, strict=True) if f == fold])
            for fold in set(self.folds)
        }
        found = []
        for i, fold in enumerate(self.folds):
            first = _SCRIPTS_SLICE * self.folds[:i].count(fold)
            found.append(of_fold[fold][first : first + _SCRIPTS_SLICE])
        return tuple(found)


def evaluate(seeds: Sequence[Predictions], scoring: Literal["video", "s111"] = "video") -> dict[str, Any]:
    """Every measure of a model: JSON values, where null stands for what is not defined.

    Args:
        seeds: Predictions of the same labels by each seed; a video's score is the mean over seeds.

    Returns:
        For each measure mean, sd (population) and 95 % interval over videos, and the sd of the mean between seeds; the
        measures of all windows together, "pooled", with their intervals; and the scores of each video.
    """
    videos = seeds[0].videos
    per_video = {measure: np.empty((len(seeds), len(videos))) for measure in MEASURES}
    for s, of_seed in enumerate(seeds):
        for v, rows in enumerate(of_seed.slices(scoring)):
            found = scores(of_seed.targets[rows], of_seed.values[rows])
            for measure in MEASURES:
                per_video[measure][s, v] = found[measure]
    means = {measure: values.mean(axis=0) for measure, values in per_video.items()}
    return {
        "videos": len(videos),
        "windows": len(seeds[0].targets),
        **{measure: _over_videos(means[measure], per_video[measure]) for measure in MEASURES},
        "pooled": _pooled(seeds),
        "per_video": [
            {"video_id": video_id, **{measure: _json(means[measure][v]) for measure in MEASURES}}
            for v, video_id in enumerate(videos)
        ],
    }


def interval(values: Floats) -> tuple[float, float]:
    """95 % of the means of resampled values."""
    low, high = np.percentile(values[_resamples(len(values))].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def paired(one: Floats, other: Floats) -> dict[str, Any]:
    """Whether one model is better than another on the same videos.

    Args:
        one: (videos,) scores.
        other: (videos,) scores of the same videos.

    Returns:
        The mean difference with its 95 % interval over videos, and the two-sided p of a permutation test that swaps the
        models' scores within videos.
    """
    differences = one - other
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (_PERMUTATIONS, len(differences)))
    observed = abs(differences.mean())
    as_far = int((np.abs((signs * differences).mean(axis=1)) >= observed - 1e-12).sum())
    low, high = interval(differences)
    return {
        "videos": len(differences),
        "difference": float(differences.mean()),
        "low": low,
        "high": high,
        "p": (1 + as_far) / (1 + _PERMUTATIONS),
    }


def _over_videos(means: Floats, per_seed: Floats) -> dict[str, Any]:
    """Of (videos,) scores, those that are defined; `per_seed` are the (seeds, videos) scores that they come from."""
    defined = np.isfinite(means)
    known = means[defined]
    if not len(known):
        return dict.fromkeys(("mean", "sd", "low", "high", "between_seeds")) | {"undefined": len(means)}
    low, high = interval(known)
    return {
        "mean": float(known.mean()),
        "sd": float(known.std()),
        "low": low,
        "high": high,
        "between_seeds": float(per_seed[:, defined].mean(axis=1).std()),
        "undefined": int(len(means) - len(known)),
    }


def _pooled(seeds: Sequence[Predictions]) -> dict[str, dict[str, float | None]]:
    """Each measure of all windows together, as the mean over seeds; intervals draw videos."""
    of_all = [scores(of_seed.targets, of_seed.values) for of_seed in seeds]
    drawn = _resamples(len(seeds[0].videos))
    resampled = [_scores_of_sums(_sums(of_seed)[drawn].sum(axis=1)) for of_seed in seeds]
    pooled = {}
    for measure in MEASURES:
        value, low, high = np.mean([found[measure] for found in of_all]), np.nan, np.nan
        values = np.mean([found[measure] for found in resampled], axis=0)
        values = values[np.isfinite(values)]  # a draw may be of one constant video alone
        if np.isfinite(value) and len(values):
            low, high = np.percentile(values, [2.5, 97.5])
        pooled[measure] = {"value": _json(value), "low": _json(low), "high": _json(high)}
    return pooled


def _scores_of_sums(sums: Floats) -> dict[str, Floats]:
    """(N,) of each of the `MEASURES`, of (N, 6) sums as `_sums` gives them."""
    count, sum_t, sum_p, square_t, square_p, product = sums.T
    mean_t, mean_p = sum_t / count, sum_p / count
    variance_t, variance_p = (np.maximum(s / count - m**2, 0) for s, m in ((square_t, mean_t), (square_p, mean_p)))
    covariance, mse = product / count - mean_t * mean_p, np.maximum(square_t - 2 * product + square_p, 0) / count
    spread = variance_t + variance_p + (mean_t - mean_p) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = covariance / np.sqrt(variance_t * variance_p)
    return {"ccc": 2 * covariance / np.maximum(spread, 1e-15), "pearson": correlation, "rmse": np.sqrt(mse), "mse": mse}


def _sums(of_seed: Predictions) -> Floats:
    """(videos, 6) number, sums, sums of squares and sum of products of each video."""
    series = [(of_seed.targets[rows], of_seed.values[rows]) for rows in of_seed.rows]
    return np.array([[len(t), t.sum(), p.sum(), (t**2).sum(), (p**2).sum(), (t * p).sum()] for t, p in series])


def _resamples(count: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(0).integers(0, count, (_RESAMPLES, count))


def _json(value: float | np.floating[Any]) -> float | None:
    return float(value) if np.isfinite(value) else None
