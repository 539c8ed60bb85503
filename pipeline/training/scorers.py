"""Scores out-of-fold predictions, one class per kind of label: time courses, clips, shares of categories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.training.baselines import BASELINES
from avcues.pipeline.training.categories import ShareLabels, compare_shares, evaluate_shares
from avcues.pipeline.training.evaluate import Predictions, compare_clips, evaluate, evaluate_clips, scores
from avcues.pipeline.training.intervals import Floats, paired_test
from avcues.pipeline.training.settings import TrainingSettings

Scoring = Literal["video", "s111"]
Groups = Mapping[str, str]


class Scorer(Protocol):
    """Scores the predictions of one dimension. Each table holds rows of `out_of_fold.parquet` of one model."""

    @property
    def kind(self) -> Literal["course", "clips", "shares"]:
        """The kind of label that is scored."""

    @property
    def headline(self) -> str:
        """The measure by which models are compared."""

    @property
    def baselines(self) -> tuple[str, ...]:
        """Names of the baselines that suit this kind of label."""

    def evaluate(self, rows: pa.Table, column: str = "prediction") -> dict[str, Any]:
        """Computes every measure of a column of predictions, as JSON values."""

    def compare(
        self, first: pa.Table, second: pa.Table, column: str = "prediction", other_column: str = "prediction"
    ) -> dict[str, Any] | None:
        """Tests whether one model is better than the other on the rows that both predict; None: there are none."""

    def importance(self, unablated: pa.Table, importance: pa.Table) -> dict[str, float]:
        """By table, the loss of the headline measure without it, largest first."""


def scorer_of(settings: TrainingSettings, dimension: str, groups: Groups, scoring: Scoring | None = None) -> Scorer:
    """The scorer that suits the labels of a dimension.

    Args:
        groups: The group of each video; empty: each video is a group of its own.
        scoring: Replaces the scoring of the settings.
    """
    if dimension in settings.categories:
        return ShareScorer(
            settings.labels_of(dimension), settings.categories[dimension], settings.unit == "clip", groups
        )
    if settings.unit == "clip":
        return ClipScorer(groups)
    return CourseScorer(scoring or settings.protocol.scoring, groups)


@dataclass(frozen=True)
class CourseScorer:
    """For one number per window: scores the time course of each video."""

    scoring: Scoring
    groups: Groups
    kind: Literal["course"] = "course"
    headline: str = "ccc"
    baselines: tuple[str, ...] = BASELINES

    def evaluate(self, rows: pa.Table, column: str = "prediction") -> dict[str, Any]:
        seeds = predictions_by_seed(rows, column, self.groups)
        return evaluate(seeds if column == "prediction" else seeds[:1], self.scoring)

    def compare(
        self, first: pa.Table, second: pa.Table, column: str = "prediction", other_column: str = "prediction"
    ) -> dict[str, Any] | None:
        windows = _key_set(first), _key_set(second)
        common = windows[0] & windows[1]
        unpaired = len(windows[0] | windows[1]) - len(common)
        if unpaired:
            first, second = (_rows_with_keys(rows, common) for rows in (first, second))
        first_ccc, second_ccc = (
            (
                {entry["video_id"]: entry["ccc"] for entry in self.evaluate(rows, name)["per_video"]}
                for rows, name in ((first, column), (second, other_column))
            )
            if common
            else ({}, {})
        )
        videos = [
            video_id
            for video_id in first_ccc
            if first_ccc[video_id] is not None and second_ccc.get(video_id) is not None
        ]
        if not videos:
            return None
        groups = independent_units(videos, self.groups)
        compared = paired_test(
            np.array([first_ccc[video_id] for video_id in videos]),
            np.array([second_ccc[video_id] for video_id in videos]),
            groups,
        )
        return compared | ({"rows": len(common), "unpaired_rows": unpaired} if unpaired else {})

    def importance(self, unablated: pa.Table, importance: pa.Table) -> dict[str, float]:
        return _mean_lost(importance)


@dataclass(frozen=True)
class ClipScorer:
    """For one number per clip: scores the concordance over clips."""

    groups: Groups
    kind: Literal["clips"] = "clips"
    headline: str = "ccc"
    baselines: tuple[str, ...] = BASELINES[:1]

    def evaluate(self, rows: pa.Table, column: str = "prediction") -> dict[str, Any]:
        seeds = predictions_by_seed(rows, column, self.groups)
        return evaluate_clips(seeds if column == "prediction" else seeds[:1])

    def compare(
        self, first: pa.Table, second: pa.Table, column: str = "prediction", other_column: str = "prediction"
    ) -> dict[str, Any] | None:
        labels, first_values = _clips(first, column)
        _, second_values = _clips(second, other_column)
        videos = [video_id for video_id in first_values if video_id in second_values]
        if len(videos) < 2:
            return None
        target, first_predictions, second_predictions = (
            np.array([by_video[video_id] for video_id in videos]) for by_video in (labels, first_values, second_values)
        )
        return compare_clips(target, first_predictions, second_predictions, independent_units(videos, self.groups))

    def importance(self, unablated: pa.Table, importance: pa.Table) -> dict[str, float]:
        unablated_ccc = self.evaluate(unablated)["ccc"]["value"]
        labels = _clips(unablated, "prediction")[0]
        lost = {}
        for (table,), table_rows in rows_by_group(importance, "table"):
            rows = importance.take(pa.array(table_rows))
            repeats = []
            for _, repeat_rows in rows_by_group(rows, "seed", "repeat"):
                predicted = rows["prediction"].to_numpy()[repeat_rows]
                target = np.array(
                    [labels[video_id] for video_id in rows["video_id"].take(pa.array(repeat_rows)).to_pylist()]
                )
                repeats.append(scores(target, predicted)["ccc"])
            lost[table] = float((unablated_ccc or 0.0) - np.nanmean(repeats))
        return _largest_first(lost)


@dataclass(frozen=True)
class ShareScorer:
    """For shares of categories per clip or window: scores the classification."""

    labels: tuple[str, ...]
    names: tuple[str, ...]
    by_clip: bool
    groups: Groups
    kind: Literal["shares"] = "shares"
    headline: str = "uar"

    @property
    def baselines(self) -> tuple[str, ...]:
        return BASELINES[:1] if self.by_clip else BASELINES

    def evaluate(self, rows: pa.Table, column: str = "prediction") -> dict[str, Any]:
        labels, seeds, _ = self._read(rows, column)
        return evaluate_shares(labels, seeds if column == "prediction" else seeds[:1])

    def compare(
        self, first: pa.Table, second: pa.Table, column: str = "prediction", other_column: str = "prediction"
    ) -> dict[str, Any] | None:
        labels, first_values, keys = self._read(first, column)
        _, second_values, other_keys = self._read(second, other_column)
        row_of_key = {key: i for i, key in enumerate(other_keys)}
        common = [i for i, key in enumerate(keys) if key in row_of_key]
        if not common:
            return None
        common_labels = ShareLabels(
            names=labels.names,
            videos=tuple(labels.videos[i] for i in common),
            shares=labels.shares[common],
            groups=None if labels.groups is None else tuple(labels.groups[i] for i in common),
        )
        second_shares = np.mean(second_values, axis=0)[[row_of_key[keys[i]] for i in common]]
        unpaired = len(keys) + len(other_keys) - 2 * len(common)
        compared = compare_shares(common_labels, np.mean(first_values, axis=0)[common], second_shares)
        return compared | ({"rows": len(common), "unpaired_rows": unpaired} if unpaired else {})

    def importance(self, unablated: pa.Table, importance: pa.Table) -> dict[str, float]:
        return _mean_lost(importance)

    def _read(self, rows: pa.Table, column: str) -> tuple[ShareLabels, list[Floats], list[tuple[str, int]]]:
        """Reads the labels, the shares that each seed predicted, and the video and window of each row."""
        targets, per_seed, keys = [], [], []
        for (_,), seed_rows in sorted(rows_by_group(rows, "seed"), key=lambda group: group[0]):
            seed_table = rows.take(pa.array(seed_rows))
            by_label = dict(rows_by_group(seed_table, "dimension"))
            columns = [seed_table.take(pa.array(by_label[(name,)])) for name in self.labels]
            targets = [part["target"].to_numpy() for part in columns]
            per_seed.append(np.column_stack([part[column].to_numpy() for part in columns]))
            keys = _keys(columns[0])
        videos = [video_id for video_id, _ in keys]
        groups = independent_units(videos, self.groups)
        labels = ShareLabels(
            names=self.names,
            videos=tuple(videos),
            shares=np.column_stack(targets),
            groups=None if groups is None else tuple(groups),
        )
        return labels, per_seed, keys


def predictions_by_seed(table: pa.Table, column: str, groups: Groups) -> list[Predictions]:
    """The predictions of each seed for one dimension, in the order of the seeds."""
    predictions = []
    for (_,), seed_rows in sorted(rows_by_group(table, "seed"), key=lambda group: group[0]):
        rows = table.take(pa.array(seed_rows))
        video_rows = {video_id: row_indices for (video_id,), row_indices in rows_by_group(rows, "video_id")}
        folds = rows["fold"].to_numpy()
        units = independent_units(list(video_rows), groups)
        predictions.append(
            Predictions(
                videos=tuple(video_rows),
                rows=tuple(video_rows.values()),
                folds=tuple(int(folds[row_indices[0]]) for row_indices in video_rows.values()),
                targets=rows["target"].to_numpy(),
                values=rows[column].to_numpy(),
                groups=None if units is None else tuple(units),
            )
        )
    return predictions


def rows_with_values(table: pa.Table, **values: str) -> pa.Table:
    """The rows in which each named column has the given value."""
    for name, value in values.items():
        table = table.filter(pc.equal(table[name], value))
    return table


def rows_by_group(table: pa.Table, *keys: str) -> Iterator[tuple[tuple[Any, ...], npt.NDArray[np.int64]]]:
    """Yields each combination of values with the indices of its rows, in the order of first occurrence."""
    numbered = table.select(list(keys)).append_column("row", pa.array(np.arange(table.num_rows)))
    grouped = numbered.group_by(list(keys), use_threads=False).aggregate([("row", "list")])
    names = zip(*(grouped[key].to_pylist() for key in keys), strict=True)
    for name, rows in zip(names, grouped["row_list"], strict=True):
        yield name, rows.values.to_numpy()


def independent_units(videos: Sequence[str], groups: Groups) -> list[str] | None:
    """The independent unit of each video: its group, or its id if it has no group; None if no video has a group."""
    if not groups:
        return None
    return [f"group {groups[video_id]}" if video_id in groups else video_id for video_id in videos]


def _clips(rows: pa.Table, column: str) -> tuple[dict[str, float], dict[str, float]]:
    """The label of each clip, and its prediction averaged over seeds."""
    values, target = rows[column].to_numpy(), rows["target"].to_numpy()
    clip_rows = {video_id: row_indices for (video_id,), row_indices in rows_by_group(rows, "video_id")}
    labels = {video_id: float(target[row_indices[0]]) for video_id, row_indices in clip_rows.items()}
    return labels, {video_id: float(values[row_indices].mean()) for video_id, row_indices in clip_rows.items()}


def _keys(rows: pa.Table) -> list[tuple[str, int]]:
    windows = pc.fill_null(rows["window"], -1).to_pylist()
    return list(zip(rows["video_id"].to_pylist(), windows, strict=True))


def _key_set(rows: pa.Table) -> set[tuple[str, int]]:
    return set(_keys(rows))


def _rows_with_keys(rows: pa.Table, keys: set[tuple[str, int]]) -> pa.Table:
    return rows.filter(pa.array([key in keys for key in _keys(rows)], pa.bool_()))


def _mean_lost(importance: pa.Table) -> dict[str, float]:
    lost = importance["lost"].to_numpy()
    return _largest_first({name: float(lost[rows].mean()) for (name,), rows in rows_by_group(importance, "table")})


def _largest_first(lost: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(lost.items(), key=lambda entry: -entry[1]))
