"""Training data: the features of every window of the labelled videos, and their labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.dataset.join import matrix
from avcues.pipeline.errors import DatasetError

PRESENT = "present"
"""Name of the column that is added to every table: 1 if no value of the row is missing, otherwise 0."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """The labels of every row, for one role and one dimension.

    Args:
        values: (rows, C) labels between -1 and 1, or shares between 0 and 1; NaN where a label is missing.
        names: Names of the C columns: the raters, the categories, or "gold".
        heads: (C,) for each column, the index of the model's output that predicts it.
        outputs: Names of the model's outputs.
        readout: (outputs,) weights that combine the outputs to one prediction; empty: each output is a prediction.
        shares: Whether the C values of a row are shares that sum to 1.
    """

    values: Floats
    names: tuple[str, ...] = ("gold",)
    heads: tuple[int, ...] = (0,)
    outputs: tuple[str, ...] = ("gold",)
    readout: tuple[float, ...] = (1.0,)
    shares: bool = False

    def labelled_outputs(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """(outputs,) whether any of these rows has a label for the output; other outputs cannot be learned."""
        has_values = np.isfinite(self.values[rows]).any(axis=0)
        return np.isin(np.arange(len(self.outputs)), np.array(self.heads)[has_values])

    def fitted_readout(self, rows: npt.NDArray[np.int64]) -> tuple[float, ...]:
        """The readout of a model that learned from these rows; outputs without labels get the weight 0."""
        if not self.readout:
            return ()
        weights = np.array(self.readout) * self.labelled_outputs(rows)
        return tuple((weights / (weights.sum() or 1.0)).tolist())


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """All windows of all labelled videos, one video after the other.

    Args:
        videos: Ids, in the order of their rows.
        edges: (videos + 1,) the rows of video i are edges[i] to edges[i + 1] (exclusive).
        columns: By block, the names of the columns of `features`.
        features: By block, (rows, F) float32; NaN where a value is missing.
        targets: Labels to learn from, by role (`MAIN`, or the name of a block to pretrain) and dimension.
        gold: By dimension, (rows, P) labels for evaluation: one number, or the share of each category; NaN where a
            label is missing.
        fingerprints: The fingerprint of the source file of each video.
        groups: The group of each video, such as its film or speaker; videos without one are groups of their own.
        fold_labels: For each fold, its own `targets` and `gold`, if these are fitted to training videos; otherwise
            empty.
    """

    videos: tuple[str, ...]
    edges: npt.NDArray[np.int64]
    columns: Mapping[str, tuple[str, ...]]
    features: Mapping[str, npt.NDArray[np.float32]]
    targets: Mapping[str, Mapping[str, Target]]
    gold: Mapping[str, Floats]
    fingerprints: Mapping[str, str]
    groups: Mapping[str, str] = field(default_factory=dict)
    fold_labels: tuple[tuple[Mapping[str, Mapping[str, Target]], Mapping[str, Floats]], ...] = ()

    def with_fold_labels(self, fold: int | None) -> Samples:
        """The samples with the labels of a fold; None: with the labels that were fitted to all videos."""
        if fold is None or not self.fold_labels:
            return self
        targets, gold = self.fold_labels[fold]
        return replace(self, targets=targets, gold=gold)

    @cached_property
    def _index_of_video(self) -> dict[str, int]:
        return {video_id: i for i, video_id in enumerate(self.videos)}

    def span(self, video_id: str) -> tuple[int, int]:
        """The first row of a video, and the row after its last."""
        index = self._index_of_video[video_id]
        return int(self.edges[index]), int(self.edges[index + 1])

    def rows(self, videos: Iterable[str]) -> npt.NDArray[np.int64]:
        """(n,) indices of all rows of some videos, in the order of the videos."""
        return np.concatenate([np.arange(0), *(np.arange(*self.span(video_id)) for video_id in videos)])

    def labelled_rows(self, videos: Iterable[str], values: Floats, history: tuple[int, int]) -> npt.NDArray[np.int64]:
        """(n,) indices of the rows of some videos that have a label and all windows that a model has to see before it.

        Args:
            values: (rows,) or (rows, C) labels.
            history: As `TrainingSettings.history`.
        """
        length, horizon = history
        reach = length - 1 + horizon
        is_labelled = np.asarray(np.isfinite(values.reshape(len(values), -1)).any(axis=1))
        rows = [np.arange(first + reach, max(first + reach, end)) for first, end in map(self.span, videos)]
        return np.concatenate([np.arange(0), *(video_rows[is_labelled[video_rows]] for video_rows in rows)])

    def labelled_videos(self, role: str) -> frozenset[str]:
        """The videos that have a label of that role in any dimension."""
        labels = [target.values for target in self.targets[role].values()]
        return frozenset(
            video_id
            for video_id in self.videos
            if any(np.isfinite(values[slice(*self.span(video_id))]).any() for values in labels)
        )

    def videos_and_windows(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The video (its index in `videos`) and the window of each row."""
        video_index = np.searchsorted(self.edges, rows, side="right") - 1
        return video_index, rows - self.edges[video_index]


def model_columns(data: Dataset, tables: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns that a model reads: of each table, the numeric columns in file order and `PRESENT`.

    Raises:
        DatasetError: A table has no numeric column.
    """
    names: list[str] = []
    for table in tables:
        columns = [
            column.name
            for column in data.stored_columns
            if column.table == table and not pa.types.is_string(column.type)
        ]
        if not columns:
            raise DatasetError(f"{table}: has no numeric column that a model could read")
        names += [*columns, f"{table}.{PRESENT}"]
    return tuple(names)


def feature_matrix(table: pa.Table, columns: Sequence[str]) -> npt.NDArray[np.float32]:
    """(rows, columns) float32 features of one video, NaN where a value is missing.

    Args:
        table: As `Dataset.read` returns it.
        columns: As `model_columns` returns them.
    """
    stored_names = set(table.column_names)
    values = np.empty((table.num_rows, len(columns)), np.float32)
    stored_columns = [i for i, name in enumerate(columns) if name in stored_names]
    values[:, stored_columns] = matrix(table, [columns[i] for i in stored_columns])
    for i in set(range(len(columns))) - set(stored_columns):
        prefix = columns[i].removesuffix(PRESENT)
        table_columns = [k for k in stored_columns if columns[k].startswith(prefix)]
        values[:, i] = ~np.isnan(values[:, table_columns]).any(axis=1)
    return values


def read_samples(
    data: Dataset,
    blocks: Mapping[str, Sequence[str]],
    videos: Sequence[str],
    targets: Mapping[str, Mapping[str, Target]],
    gold: Mapping[str, Floats],
    groups: Mapping[str, str] | None = None,
    on_progress: Callable[[int, int], object] = lambda done, videos: None,
) -> Samples:
    """Reads the features of labelled videos; each video is read once.

    Args:
        blocks: As `TrainingSettings.blocks`.
        videos: Ids of the labelled videos.
        targets: By role and dimension, with rows as `row_edges` places them.
        gold: By dimension, as `Samples.gold`.
        groups: The group of each video.
        on_progress: Called with the number of videos read so far and the number of all videos.

    Raises:
        DatasetError: A table has no numeric column, or a file is missing or damaged.
    """
    edges = row_edges(data, videos)
    columns = {block: model_columns(data, tables) for block, tables in blocks.items()}
    features = {block: np.empty((edges[-1], len(names)), np.float32) for block, names in columns.items()}
    fingerprints = {}
    for i, video_id in enumerate(videos):
        table = data.read(video_id)
        for block, names in columns.items():
            features[block][edges[i] : edges[i + 1]] = feature_matrix(table, names)
        fingerprints[video_id] = data.fingerprint(video_id) or video_id
        on_progress(i + 1, len(videos))
    return Samples(
        videos=tuple(videos),
        edges=edges,
        columns=columns,
        features=features,
        targets=targets,
        gold=gold,
        fingerprints=fingerprints,
        groups=groups or {},
    )


def row_edges(data: Dataset, videos: Sequence[str]) -> npt.NDArray[np.int64]:
    """(videos + 1,) the first row of each video in the concatenated rows, and their number."""
    return np.cumsum([0, *(data.lengths[video_id] for video_id in videos)], dtype=np.int64)
