"""Measures of predicted numbers: over the time course of each video and over all windows, or over clips.

CCC is the concordance correlation coefficient (Lin 1989) with population moments, as in audtorch and audmetric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.statistics.consensus import ccc, pearson
from avcues.pipeline.training import intervals
from avcues.pipeline.training.intervals import finite_or_none

MEASURES = ("ccc", "pearson", "rmse", "mse")
_BOUNDS = {"ccc": (-1.0, 1.0), "pearson": (-1.0, 1.0), "rmse": (0.0, np.inf), "mse": (0.0, np.inf)}
_S111_ROWS = 111  # of the study's script

Floats = npt.NDArray[np.float64]


def scores(target: Floats, prediction: Floats) -> dict[str, float]:
    """CCC, Pearson correlation, RMSE and MSE of one series; NaN if undefined, such as the correlation of a constant.

    Args:
        target: (N,) labels.
        prediction: (N,) predictions of these labels.
    """
    if not len(target):
        return dict.fromkeys(MEASURES, float("nan"))
    mse = float(((target - prediction) ** 2).mean())
    # Without this, the correlation of a constant would be that of rounding errors.
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
        videos: Ids.
        rows: For each video, the (windows,) indices of its rows.
        folds: For each video, the fold that tested it.
        targets: (M,) labels.
        values: (M,) predictions.
        groups: For each video, its group; None: each video is a group of its own.
    """

    videos: tuple[str, ...]
    rows: tuple[npt.NDArray[np.int64], ...]
    folds: tuple[int, ...]
    targets: Floats
    values: Floats
    groups: tuple[str, ...] | None = None

    def slices(self, scoring: Literal["video", "s111"]) -> tuple[npt.NDArray[np.int64], ...]:
        """For each video, the indices of the rows from which its score is computed.

        With "s111", slice j of a fold is rows 111 j to 111 j + 110 of the concatenated rows of all its videos, as in
        the study's script: if videos have 114 rows, slice j begins 3 j rows before video j.
        """
        if scoring == "video":
            return self.rows
        by_fold = {
            fold: np.concatenate(
                [rows for rows, row_fold in zip(self.rows, self.folds, strict=True) if row_fold == fold]
            )
            for fold in set(self.folds)
        }
        slices = []
        for i, fold in enumerate(self.folds):
            first = _S111_ROWS * self.folds[:i].count(fold)
            slices.append(by_fold[fold][first : first + _S111_ROWS])
        return tuple(slices)


def evaluate(seeds: Sequence[Predictions], scoring: Literal["video", "s111"] = "video") -> dict[str, Any]:
    """Computes every measure of a model that predicts a label over time, as JSON values; an undefined measure is null.

    Args:
        seeds: For each seed, its predictions of the same labels; a video's score is the mean over seeds.

    Returns:
        For each measure, the mean, sd (population) and 95 % interval over videos or groups, and the sd of the mean
        between seeds; under "pooled", the measures of all windows together, with intervals; and the scores of each
        video.
    """
    videos, groups = seeds[0].videos, seeds[0].groups
    per_video = {measure: np.empty((len(seeds), len(videos))) for measure in MEASURES}
    for seed_index, seed_predictions in enumerate(seeds):
        for video_index, rows in enumerate(seed_predictions.slices(scoring)):
            video_scores = scores(seed_predictions.targets[rows], seed_predictions.values[rows])
            for measure in MEASURES:
                per_video[measure][seed_index, video_index] = video_scores[measure]
    means = {measure: values.mean(axis=0) for measure, values in per_video.items()}
    return {
        "videos": len(videos),
        **_count(groups),
        "windows": len(seeds[0].targets),
        **{measure: _summary_over_videos(measure, means[measure], per_video[measure], groups) for measure in MEASURES},
        "pooled": _pooled(seeds),
        "per_video": [
            {"video_id": video_id, **{measure: finite_or_none(means[measure][video_index]) for measure in MEASURES}}
            for video_index, video_id in enumerate(videos)
        ],
    }


def evaluate_clips(seeds: Sequence[Predictions]) -> dict[str, Any]:
    """Computes every measure of a model that predicts one number per clip, as JSON values; null if undefined.

    Args:
        seeds: For each seed, its predictions of the same labels, one row per clip; figures are means over seeds.

    Returns:
        For each measure, its value over clips, its 95 % interval over clips or groups, and its sd between seeds; for
        each clip, the label, the mean prediction and its error.
    """
    first = seeds[0]
    order = np.concatenate(first.rows)
    predicted = np.mean([seed_predictions.values[order] for seed_predictions in seeds], axis=0)
    by_measure = {
        measure: [scores(seed_predictions.targets, seed_predictions.values)[measure] for seed_predictions in seeds]
        for measure in MEASURES
    }
    pooled = _pooled(seeds)
    return {
        "videos": len(first.videos),
        **_count(first.groups),
        **{
            measure: pooled[measure] | {"between_seeds": finite_or_none(np.std(by_measure[measure]))}
            for measure in MEASURES
        },
        "per_video": [
            {"video_id": video_id, "target": float(label), "prediction": float(value), "error": float(value - label)}
            for video_id, label, value in zip(first.videos, first.targets[order], predicted, strict=True)
        ],
    }


def compare_clips(labels: Floats, first: Floats, second: Floats, groups: Sequence[str] | None = None) -> dict[str, Any]:
    """Tests whether one model has a higher CCC over clips than another, as `intervals.paired_statistic_test`.

    Args:
        labels: (clips,) labels.
        first: (clips,) predictions.
        second: (clips,) predictions of the same clips.
    """

    def ccc_of(sums: Floats) -> Floats:
        return np.nan_to_num(score_of_sums(sums, "ccc"))

    return intervals.paired_statistic_test(_sums(labels, first), _sums(labels, second), ccc_of, groups)


def score_of_sums(sums: Floats, measure: str) -> Floats:
    """Values of a measure, of shape (...), computed from sums of shape (..., 6).

    Args:
        sums: Number of rows, sums and sums of squares of labels and predictions, and sum of their products.
        measure: One of the `MEASURES`.
    """
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
    """(N, 6) the contribution of each row to the sums that `score_of_sums` reads."""
    return np.column_stack([np.ones(len(targets)), targets, values, targets**2, values**2, targets * values])


def _count(groups: Sequence[str] | None) -> dict[str, int]:
    return {} if groups is None else {"groups": len(set(groups))}


def _summary_over_videos(measure: str, means: Floats, per_seed: Floats, groups: Sequence[str] | None) -> dict[str, Any]:
    """Summarises (videos,) mean scores, leaving out the undefined; `per_seed` has the (seeds, videos) scores."""
    defined = np.isfinite(means)
    defined_means = means[defined]
    if not len(defined_means):
        return dict.fromkeys(("mean", "sd", "low", "high", "between_seeds")) | {"undefined": len(means)}
    defined_groups = (
        None if groups is None else [group for group, is_defined in zip(groups, defined, strict=True) if is_defined]
    )
    low, high = intervals.mean_interval(defined_means, defined_groups, _BOUNDS[measure])
    return {
        "mean": float(defined_means.mean()),
        "sd": float(defined_means.std()),
        "low": finite_or_none(low),
        "high": finite_or_none(high),
        "between_seeds": float(per_seed[:, defined].mean(axis=1).std()),
        "undefined": int(len(means) - len(defined_means)),
    }


def _pooled(seeds: Sequence[Predictions]) -> dict[str, dict[str, float | None]]:
    """Each measure over all rows together, averaged over seeds, with intervals over videos or groups."""
    seed_scores = [scores(seed_predictions.targets, seed_predictions.values) for seed_predictions in seeds]
    sums = np.concatenate(
        [
            intervals.sum_by_group(_sums_by_video(seed_predictions), seed_predictions.groups)
            for seed_predictions in seeds
        ],
        axis=1,
    )
    pooled = {}
    for measure in MEASURES:
        value = float(np.mean([measures[measure] for measures in seed_scores]))
        low = high = float("nan")
        if np.isfinite(value):

            def mean_over_seeds(sums: Floats, measure: str = measure) -> Floats:
                sums_by_seed = sums.reshape(*sums.shape[:-1], len(seeds), 6)
                return np.asarray(score_of_sums(sums_by_seed, measure).mean(axis=-1))

            scale = intervals.CORRELATION if measure in ("ccc", "pearson") else intervals.ERROR
            low, high = intervals.interval(sums, mean_over_seeds, scale)
        pooled[measure] = {"value": finite_or_none(value), "low": finite_or_none(low), "high": finite_or_none(high)}
    return pooled


def _sums_by_video(predictions: Predictions) -> Floats:
    """(videos, 6) sums over the rows of each video."""
    return np.array(
        [_sums(predictions.targets[rows], predictions.values[rows]).sum(axis=0) for rows in predictions.rows]
    )
