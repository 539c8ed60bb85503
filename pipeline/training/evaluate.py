"""How good predictions of numbers are: of each video's course and of all windows, or of clips with one label each.

CCC is the concordance correlation coefficient (Lin 1989) with population moments, as audtorch and audmetric have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.statistics.consensus import ccc, pearson
from avcues.pipeline.training import intervals

MEASURES = ("ccc", "pearson", "rmse", "mse")
_POSSIBLE = {"ccc": (-1.0, 1.0), "pearson": (-1.0, 1.0), "rmse": (0.0, np.inf), "mse": (0.0, np.inf)}
_SCRIPTS_SLICE = 111

Floats = npt.NDArray[np.float64]


def scores(target: Floats, prediction: Floats) -> dict[str, float]:
    """CCC, Pearson, RMSE and MSE of one series; NaN where one is not defined, such as the correlation of a constant."""
    if not len(target):
        return dict.fromkeys(MEASURES, float("nan"))
    mse = float(((target - prediction) ** 2).mean())
    # The correlation of a constant would be that of the rounding errors of its mean.
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
    """The predictions of one model, or baseline, for one dimension's labels, by one seed.

    Args:
        videos: Ids, in the order of their rows.
        rows: For each video, its (windows,) rows.
        folds: For each video, the fold that tested it.
        targets: (M,) labels.
        values: (M,) predictions.
        groups: For each video, the group that it belongs to; None: each is one of its own.
    """

    videos: tuple[str, ...]
    rows: tuple[npt.NDArray[np.int64], ...]
    folds: tuple[int, ...]
    targets: Floats
    values: Floats
    groups: tuple[str, ...] | None = None

    def slices(self, scoring: Literal["video", "s111"]) -> tuple[npt.NDArray[np.int64], ...]:
        """For each video the rows that its score is computed from.

        With "s111", slice j of a fold is rows 111 j to 111 j + 110 of the joined rows of all its videos, as in the
        study's script: where videos have 114 rows, it begins 3 j rows before video j.
        """
        if scoring == "video":
            return self.rows
        by_fold = {
            fold: np.concatenate([r for r, f in zip(self.rows, self.folds, strict=True) if f == fold])
            for fold in set(self.folds)
        }
        slices = []
        for i, fold in enumerate(self.folds):
            first = _SCRIPTS_SLICE * self.folds[:i].count(fold)
            slices.append(by_fold[fold][first : first + _SCRIPTS_SLICE])
        return tuple(slices)


def evaluate(seeds: Sequence[Predictions], scoring: Literal["video", "s111"] = "video") -> dict[str, Any]:
    """Every measure of a model that predicts the course of a label: JSON values; null is what is not defined.

    Args:
        seeds: Predictions of the same labels by each seed; a video's score is the mean over seeds.

    Returns:
        For each measure mean, sd (population) and 95 % interval over videos or groups, and the sd of the mean between
        seeds; the measures of all windows together, "pooled", with their intervals; and the scores of each video.
    """
    videos, groups = seeds[0].videos, seeds[0].groups
    per_video = {measure: np.empty((len(seeds), len(videos))) for measure in MEASURES}
    for s, seed_predictions in enumerate(seeds):
        for v, rows in enumerate(seed_predictions.slices(scoring)):
            video_scores = scores(seed_predictions.targets[rows], seed_predictions.values[rows])
            for measure in MEASURES:
                per_video[measure][s, v] = video_scores[measure]
    means = {measure: values.mean(axis=0) for measure, values in per_video.items()}
    return {
        "videos": len(videos),
        **_count(groups),
        "windows": len(seeds[0].targets),
        **{measure: _over_videos(measure, means[measure], per_video[measure], groups) for measure in MEASURES},
        "pooled": _pooled(seeds),
        "per_video": [
            {"video_id": video_id, **{measure: _json(means[measure][v]) for measure in MEASURES}}
            for v, video_id in enumerate(videos)
        ],
    }


def evaluate_clips(seeds: Sequence[Predictions]) -> dict[str, Any]:
    """Every measure of a model that predicts one number per clip: JSON values; null is what is not defined.

    Args:
        seeds: Predictions of the same labels by each seed, one row per clip; figures are means over seeds.

    Returns:
        For each measure its value over clips, its 95 % interval over clips or groups, and its sd between seeds; and the
        label, the mean prediction and its error of each clip.
    """
    first = seeds[0]
    order = np.concatenate(first.rows)
    predicted = np.mean([seed_predictions.values[order] for seed_predictions in seeds], axis=0)
    by_measure = {
        measure: [scores(seed_run.targets, seed_run.values)[measure] for seed_run in seeds] for measure in MEASURES
    }
    pooled = _pooled(seeds)
    return {
        "videos": len(first.videos),
        **_count(first.groups),
        **{measure: pooled[measure] | {"between_seeds": _json(np.std(by_measure[measure]))} for measure in MEASURES},
        "per_video": [
            {"video_id": video_id, "target": float(label), "prediction": float(value), "error": float(value - label)}
            for video_id, label, value in zip(first.videos, first.targets[order], predicted, strict=True)
        ],
    }


def compare_clips(labels: Floats, first: Floats, second: Floats, groups: Sequence[str] | None = None) -> dict[str, Any]:
    """Whether one model's CCC over clips is better than another's: paired by clip, as `intervals.paired_statistic`.

    Args:
        labels: (clips,)
        first: (clips,) predictions.
        second: (clips,) predictions of the same clips.
    """

    def ccc_of(sums: Floats) -> Floats:
        return np.nan_to_num(score_of_sums(sums, "ccc"))

    return intervals.paired_statistic(_sums(labels, first), _sums(labels, second), ccc_of, groups)


def score_of_sums(sums: Floats, measure: str) -> Floats:
    """(...) one of the `MEASURES`, of (..., 6) sums: number, sums, sums of squares, and sum of products."""
    count, sum_t, sum_p, square_t, square_p, product = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        if measure in ("mse", "rmse"):
            mse = np.maximum(square_t - 2 * product + square_p, 0) / count
            return np.asarray(np.sqrt(mse) if measure == "rmse" else mse)
        mean_t, mean_p = sum_t / count, sum_p / count
        variance_t, variance_p = (np.maximum(s / count - m**2, 0) for s, m in ((square_t, mean_t), (square_p, mean_p)))
        covariance = product / count - mean_t * mean_p
        if measure == "pearson":
            return np.asarray(covariance / np.sqrt(variance_t * variance_p))
        return np.asarray(2 * covariance / np.maximum(variance_t + variance_p + (mean_t - mean_p) ** 2, 1e-15))


def _sums(targets: Floats, values: Floats) -> Floats:
    """(N, 6) of single rows."""
    return np.column_stack([np.ones(len(targets)), targets, values, targets**2, values**2, targets * values])


def _count(groups: Sequence[str] | None) -> dict[str, int]:
    return {} if groups is None else {"groups": len(set(groups))}


def _over_videos(measure: str, means: Floats, per_seed: Floats, groups: Sequence[str] | None) -> dict[str, Any]:
    """Summary of the defined ones of (videos,) mean scores; `per_seed`: the (seeds, videos) scores they average."""
    defined = np.isfinite(means)
    defined_means = means[defined]
    if not len(defined_means):
        return dict.fromkeys(("mean", "sd", "low", "high", "between_seeds")) | {"undefined": len(means)}
    defined_groups = (
        None if groups is None else [group for group, is_known in zip(groups, defined, strict=True) if is_known]
    )
    low, high = intervals.mean_interval(defined_means, defined_groups, _POSSIBLE[measure])
    return {
        "mean": float(defined_means.mean()),
        "sd": float(defined_means.std()),
        "low": _json(low),
        "high": _json(high),
        "between_seeds": float(per_seed[:, defined].mean(axis=1).std()),
        "undefined": int(len(means) - len(defined_means)),
    }


def _pooled(seeds: Sequence[Predictions]) -> dict[str, dict[str, float | None]]:
    """Each measure of all rows together, as the mean over seeds; intervals are over videos or groups."""
    seed_scores = [scores(seed_predictions.targets, seed_predictions.values) for seed_predictions in seeds]
    sums = np.concatenate(
        [intervals.by_group(_sums_by_video(seed_predictions), seed_predictions.groups) for seed_predictions in seeds],
        axis=1,
    )
    pooled = {}
    for measure in MEASURES:
        value = float(np.mean([measures[measure] for measures in seed_scores]))
        low = high = float("nan")
        if np.isfinite(value):

            def mean_over_seeds(sums: Floats, measure: str = measure) -> Floats:
                split = sums.reshape(*sums.shape[:-1], len(seeds), 6)
                return np.asarray(score_of_sums(split, measure).mean(axis=-1))

            scale = intervals.CORRELATION if measure in ("ccc", "pearson") else intervals.ERROR
            low, high = intervals.interval(sums, mean_over_seeds, scale)
        pooled[measure] = {"value": _json(value), "low": _json(low), "high": _json(high)}
    return pooled


def _sums_by_video(predictions: Predictions) -> Floats:
    """(videos, 6) sums over the rows of each video."""
    return np.array(
        [_sums(predictions.targets[rows], predictions.values[rows]).sum(axis=0) for rows in predictions.rows]
    )


def _json(value: float | np.floating[Any]) -> float | None:
    return float(value) if np.isfinite(value) else None
