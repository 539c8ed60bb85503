"""Measures of predicted shares of categories: those of classification, and the cross-entropy of the shares.

A row's category is the one with the largest share. A row whose label has several largest shares has no category: it
enters the cross-entropy only, and the number of such rows is reported. UAR and F1 average over the categories that
occur among the labels, with equal weights (Schuller et al. 2009, The INTERSPEECH 2009 Emotion Challenge);
`sklearn.metrics` gives the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.pipeline.training import intervals
from avcues.pipeline.training.intervals import Floats, finite_or_none

SHARE_MEASURES = ("uar", "f1", "accuracy", "cross_entropy")
_SMALLEST_SHARE = 1e-7


@dataclass(frozen=True, kw_only=True, eq=False)
class ShareLabels:
    """Labels of rows, each as shares of K categories.

    Args:
        names: The K categories.
        videos: The video of each of N rows.
        shares: (N, K), each row sums to 1.
        groups: The group of each row; None: its video.
    """

    names: tuple[str, ...]
    videos: tuple[str, ...]
    shares: Floats
    groups: tuple[str, ...] | None = None

    @property
    def units(self) -> tuple[str, ...]:
        """The independent unit of each row: its group if there are groups, otherwise its video."""
        return self.groups or self.videos

    @property
    def has_one_largest(self) -> npt.NDArray[np.bool_]:
        """(N,) whether a row has a single largest share."""
        largest = self.shares.max(axis=1, keepdims=True)
        return np.asarray((self.shares >= largest - 1e-9).sum(axis=1) == 1)


def cross_entropy(labels: Floats, predicted: Floats) -> Floats:
    """(N,) cross-entropy in nats of (N, K) predicted shares with (N, K) shares of the labels."""
    return np.asarray(-(labels * np.log(np.maximum(predicted, _SMALLEST_SHARE))).sum(axis=1))


def confusion(labels: ShareLabels, predicted: Floats) -> Floats:
    """(K, K) number of rows by category of the label (first axis) and of the prediction (second axis)."""
    return _sums(labels, predicted)[:, :-2].sum(axis=0).reshape(len(labels.names), -1)


def evaluate_shares(labels: ShareLabels, seeds: Sequence[Floats]) -> dict[str, Any]:
    """Computes every measure of predicted shares, as JSON values; an undefined measure is null.

    Args:
        seeds: For each seed, (N, K) predicted shares.

    Returns:
        For each of the `SHARE_MEASURES` its value (the mean over seeds) and its 95 % interval over videos or groups;
        the confusion matrix (label by prediction, mean over seeds); and the number of labels without one largest share.
    """
    per_seed = [_sums(labels, predicted) for predicted in seeds]
    unit_sums = intervals.sum_by_group(np.concatenate(per_seed, axis=1), labels.units)
    figures: dict[str, Any] = {}
    for measure in SHARE_MEASURES:

        def mean_over_seeds(sums: Floats, measure: str = measure) -> Floats:
            sums_by_seed = sums.reshape(*sums.shape[:-1], len(seeds), -1)
            return np.asarray(_measure_of_sums(sums_by_seed, measure).mean(axis=-1))

        seed_values = [float(_measure_of_sums(sums.sum(axis=0), measure)) for sums in per_seed]
        scale = intervals.ERROR if measure == "cross_entropy" else intervals.IDENTITY
        low, high = intervals.interval(unit_sums, mean_over_seeds, scale)
        if measure != "cross_entropy":
            low, high = max(0.0, low), min(1.0, high)
        value = float(np.mean(seed_values))
        figures[measure] = {
            name: finite_or_none(number)
            for name, number in (("value", value), ("low", low), ("high", high), ("between_seeds", np.std(seed_values)))
        }
    return {
        "videos": len(set(labels.videos)),
        **({} if labels.groups is None else {"groups": len(set(labels.groups))}),
        "rows": len(labels.shares),
        "without_one_largest_share": int((~labels.has_one_largest).sum()),
        **figures,
        "categories": list(labels.names),
        "confusion": np.mean([confusion(labels, predicted) for predicted in seeds], axis=0).tolist(),
        "per_video": _per_video(labels, np.mean(seeds, axis=0)),
    }


def compare_shares(labels: ShareLabels, first: Floats, second: Floats) -> dict[str, Any]:
    """Tests whether one model has a higher UAR than another, paired by video or group.

    Args:
        first: (N, K) predicted shares.
        second: (N, K) predicted shares of the same rows.
    """
    return intervals.paired_statistic_test(
        _sums(labels, first), _sums(labels, second), lambda sums: _measure_of_sums(sums, "uar"), labels.units
    ) | {"videos": len(set(labels.videos))}


def _sums(labels: ShareLabels, predicted: Floats) -> Floats:
    """(N, K² + 2) the contribution of each row to the confusion matrix, the cross-entropy and the number of rows."""
    categories = len(labels.names)
    contributions = np.zeros((len(predicted), categories * categories + 2))
    rows = np.flatnonzero(labels.has_one_largest)
    contributions[rows, labels.shares[rows].argmax(axis=1) * categories + predicted[rows].argmax(axis=1)] = 1
    contributions[:, -2] = cross_entropy(labels.shares, predicted)
    contributions[:, -1] = 1
    return contributions


def _measure_of_sums(sums: Floats, measure: str) -> Floats:
    """(...) the value of a measure, computed from (..., K² + 2) sums."""
    categories = int(np.sqrt(sums.shape[-1] - 2))
    matrix = sums[..., :-2].reshape(*sums.shape[:-1], categories, categories)
    hits, labelled, predicted = np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(axis=-1), matrix.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        if measure == "cross_entropy":
            return np.asarray(sums[..., -2] / sums[..., -1])
        if measure == "accuracy":
            return np.asarray(hits.sum(axis=-1) / labelled.sum(axis=-1))
        present = labelled > 0
        by_category = hits / labelled if measure == "uar" else 2 * hits / (labelled + predicted)
        return np.asarray(np.where(present, by_category, 0).sum(axis=-1) / present.sum(axis=-1))


def _per_video(labels: ShareLabels, predicted: Floats) -> list[dict[str, Any]]:
    """For each video, the mean shares of its labels and of its predictions, and its mean cross-entropy."""
    videos, row_videos = np.unique(np.array(labels.videos), return_inverse=True)
    counts = np.bincount(row_videos)[:, None]
    mean_entropies = np.bincount(row_videos, cross_entropy(labels.shares, predicted)) / counts[:, 0]
    means = []
    for values in (labels.shares, predicted):
        sums = np.zeros((len(videos), values.shape[1]))
        np.add.at(sums, row_videos, values)
        means.append(sums / counts)
    return [
        {
            "video_id": str(video_id),
            "target": label.tolist(),
            "prediction": value.tolist(),
            "cross_entropy": float(mean_entropy),
        }
        for video_id, label, value, mean_entropy in zip(videos, *means, mean_entropies, strict=True)
    ]
