"""How good predicted shares of categories are: the usual figures of classification, and the distance of the shares.

A row's category is the one with the largest share. Rows whose label has several largest shares have no category: they
count in the cross-entropy alone, and are counted. UAR and F1 are averages over the categories that some label
has, each with the same weight (Schuller et al. 2009, The INTERSPEECH 2009 Emotion Challenge); `sklearn.metrics` gives
the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.pipeline.training import intervals
from avcues.pipeline.training.intervals import Floats

SHARE_MEASURES = ("uar", "f1", "accuracy", "cross_entropy")
_SMALLEST_SHARE = 1e-7


@dataclass(frozen=True, kw_only=True, eq=False)
class ShareLabels:
    """Labels of rows, each as shares of K categories.

    Args:
        names: Of the K categories.
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
        """The independent unit of each row: its group, or else its video."""
        return self.groups or self.videos

    @property
    def clear(self) -> npt.NDArray[np.bool_]:
        """(N,) whether a row has one largest share."""
        largest = self.shares.max(axis=1, keepdims=True)
        return np.asarray((self.shares >= largest - 1e-9).sum(axis=1) == 1)


def cross_entropy(labels: Floats, predicted: Floats) -> Floats:
    """(N,) in nats, of (N, K) shares each."""
    return np.asarray(-(labels * np.log(np.maximum(predicted, _SMALLEST_SHARE))).sum(axis=1))


def confusion(labels: ShareLabels, predicted: Floats) -> Floats:
    """(K, K) number of rows, by category of the label, then of the prediction."""
    return _sums(labels, predicted)[:, :-2].sum(axis=0).reshape(len(labels.names), -1)


def evaluate_shares(labels: ShareLabels, seeds: Sequence[Floats]) -> dict[str, Any]:
    """Every measure of predicted shares: JSON values; null is what is not defined.

    Args:
        seeds: (N, K) predicted shares by each seed.

    Returns:
        For each of the `SHARE_MEASURES` its value, the mean over seeds, with its 95 % interval over videos or groups;
        the confusion matrix (rows by label, then prediction; mean over seeds); how many labels have no largest share.
    """
    per_seed = [_sums(labels, predicted) for predicted in seeds]
    joined = intervals.by_group(np.concatenate(per_seed, axis=1), labels.units)
    figures: dict[str, Any] = {}
    for measure in SHARE_MEASURES:

        def mean_over_seeds(sums: Floats, measure: str = measure) -> Floats:
            split = sums.reshape(*sums.shape[:-1], len(seeds), -1)
            return np.asarray(_measure_of_sums(split, measure).mean(axis=-1))

        seed_values = [float(_measure_of_sums(sums.sum(axis=0), measure)) for sums in per_seed]
        scale = intervals.ERROR if measure == "cross_entropy" else intervals.AS_IT_IS
        low, high = intervals.interval(joined, mean_over_seeds, scale)
        if measure != "cross_entropy":
            low, high = max(0.0, low), min(1.0, high)
        value = float(np.mean(seed_values))
        figures[measure] = {
            name: _json(number)
            for name, number in (("value", value), ("low", low), ("high", high), ("between_seeds", np.std(seed_values)))
        }
    return {
        "videos": len(set(labels.videos)),
        **({} if labels.groups is None else {"groups": len(set(labels.groups))}),
        "rows": len(labels.shares),
        "without_one_largest_share": int((~labels.clear).sum()),
        **figures,
        "categories": list(labels.names),
        "confusion": np.mean([confusion(labels, predicted) for predicted in seeds], axis=0).tolist(),
        "per_video": _per_video(labels, np.mean(seeds, axis=0)),
    }


def compare_shares(labels: ShareLabels, first: Floats, second: Floats) -> dict[str, Any]:
    """Whether one model's UAR is better than another's: paired by video or group.

    Args:
        first: (N, K) predicted shares.
        second: (N, K) predicted shares of the same rows.
    """
    return intervals.paired_statistic(
        _sums(labels, first), _sums(labels, second), lambda sums: _measure_of_sums(sums, "uar"), labels.units
    ) | {"videos": len(set(labels.videos))}


def _sums(labels: ShareLabels, predicted: Floats) -> Floats:
    """(N, K² + 2) what each row adds to the confusion matrix, the cross-entropy and the number of rows."""
    kinds = len(labels.names)
    cells = np.zeros((len(predicted), kinds * kinds + 2))
    rows = np.flatnonzero(labels.clear)
    cells[rows, labels.shares[rows].argmax(axis=1) * kinds + predicted[rows].argmax(axis=1)] = 1
    cells[:, -2] = cross_entropy(labels.shares, predicted)
    cells[:, -1] = 1
    return cells


def _measure_of_sums(sums: Floats, measure: str) -> Floats:
    """(...) a measure of (..., K² + 2) sums."""
    kinds = int(np.sqrt(sums.shape[-1] - 2))
    matrix = sums[..., :-2].reshape(*sums.shape[:-1], kinds, kinds)
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
    """The mean shares of each video's rows, of the labels and predicted."""
    videos, row_videos = np.unique(np.array(labels.videos), return_inverse=True)
    counts = np.bincount(row_videos)[:, None]
    mean_entropies = np.bincount(row_videos, cross_entropy(labels.shares, predicted)) / counts[:, 0]
    means = []
    for values in (labels.shares, predicted):
        total = np.zeros((len(videos), values.shape[1]))
        np.add.at(total, row_videos, values)
        means.append(total / counts)
    return [
        {
            "video_id": str(video_id),
            "target": label.tolist(),
            "prediction": value.tolist(),
            "cross_entropy": float(mean_entropy),
        }
        for video_id, label, value, mean_entropy in zip(videos, *means, mean_entropies, strict=True)
    ]


def _json(value: float | np.floating[Any]) -> float | None:
    return float(value) if np.isfinite(value) else None
