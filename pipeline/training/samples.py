"""What models learn from: the features of every window of the labelled videos, and their labels."""

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
"""Name of the column that is added to every table: 1 where no value of its row is missing, else 0."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """Labels of every row of one role and dimension.

    Args:
        values: (rows, C) labels between -1 and 1, or shares between 0 and 1; NaN where there is none.
        names: Of the C columns: the raters, the categories, or "gold".
        heads: (C,) which output of the model predicts each column.
        outputs: Names of the model's outputs.
        readout: (outputs,) weights that make one prediction of the outputs; empty: each output is a prediction.
        shares: Whether the C values of a row are shares that sum to 1.
    """

    values: Floats
    names: tuple[str, ...] = ("gold",)
    heads: tuple[int, ...] = (0,)
    outputs: tuple[str, ...] = ("gold",)
    readout: tuple[float, ...] = (1.0,)
    shares: bool = False

    def learned(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """(outputs,) whether a row has a label for the output. What is predicted by the others means nothing."""
        has_values = np.isfinite(self.values[rows]).any(axis=0)
        return np.isin(np.arange(len(self.outputs)), np.array(self.heads)[has_values])

    def readout_of(self, rows: npt.NDArray[np.int64]) -> tuple[float, ...]:
        """The readout of a model that learned from some rows; outputs without a label in them get the weight 0."""
        if not self.readout:
            return ()
        weights = np.array(self.readout) * self.learned(rows)
        return tuple((weights / (weights.sum() or 1.0)).tolist())


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """All windows of all labelled videos, one after the other.

    Args:
        videos: Ids, in the order of their rows.
        edges: (videos + 1,) the rows of video i are edges[i] to edges[i + 1].
        columns: Per block, the names of the columns of `features`.
        features: Per block, (rows, F) float32; NaN where a value is missing.
        targets: Labels to learn from, by role (`MAIN`, or the name of a block to pretrain) and dimension.
        gold: By dimension, (rows, P) labels to be judged by: one number, or the share of each category; NaN where there
            is none.
        fingerprints: Of the source file of each video.
        groups: The group of each video, such as its film or speaker; videos without one are groups of their own.
        of_folds: For each fold `targets` and `gold` of its own, where these are fitted to training videos; else none.
    """

    videos: tuple[str, ...]
    edges: npt.NDArray[np.int64]
    columns: Mapping[str, tuple[str, ...]]
    features: Mapping[str, npt.NDArray[np.float32]]
    targets: Mapping[str, Mapping[str, Target]]
    gold: Mapping[str, Floats]
    fingerprints: Mapping[str, str]
    groups: Mapping[str, str] = field(default_factory=dict)
    of_folds: tuple[tuple[Mapping[str, Mapping[str, Target]], Mapping[str, Floats]], ...] = ()

    def of_fold(self, fold: int | None) -> Samples:
        """The samples with the labels of a fold; None: with those that were fitted to all videos."""
        if fold is None or not self.of_folds:
            return self
        targets, gold = self.of_folds[fold]
        return replace(self, targets=targets, gold=gold)

    @cached_property
    def _place(self) -> dict[str, int]:
        return {video_id: i for i, video_id in enumerate(self.videos)}

    def span(self, video_id: str) -> tuple[int, int]:
        """First row of a video, and the one after its last."""
        place = self._place[video_id]
        return int(self.edges[place]), int(self.edges[place + 1])

    def rows(self, videos: Iterable[str]) -> npt.NDArray[np.int64]:
        """Every row of some videos, in their order."""
        return np.concatenate([np.arange(0), *(np.arange(*self.span(video_id)) for video_id in videos)])

    def labelled(self, videos: Iterable[str], values: Floats, history: tuple[int, int]) -> npt.NDArray[np.int64]:
        """The rows of some videos that have a label and, before it, all windows that a model has to see.

        Args:
            values: (rows,) or (rows, C) labels.
            history: As `TrainingSettings.history`.
        """
        length, horizon = history
        reach = length - 1 + horizon
        is_labelled = np.asarray(np.isfinite(values.reshape(len(values), -1)).any(axis=1))
        rows = [np.arange(first + reach, max(first + reach, end)) for first, end in map(self.span, videos)]
        return np.concatenate([np.arange(0), *(video_rows[is_labelled[video_rows]] for video_rows in rows)])

    def has_labels(self, role: str) -> frozenset[str]:
        """Videos with a label of that role, in any dimension."""
        every = [target.values for target in self.targets[role].values()]
        return frozenset(
            video_id
            for video_id in self.videos
            if any(np.isfinite(values[slice(*self.span(video_id))]).any() for values in every)
        )

    def window(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The video (its place in `videos`) and the window of each row."""
        place = np.searchsorted(self.edges, rows, side="right") - 1
        return place, rows - self.edges[place]


def with_presence(data: Dataset, tables: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns that tables give a model: their numeric columns in the order of the files, then `PRESENT`.

    Raises:
        DatasetError: A table has no number.
    """
    names: list[str] = []
    for table in tables:
        columns = [c.name for c in data.stored if c.table == table and not pa.types.is_string(c.type)]
        if not columns:
            raise DatasetError(f"{table}: has no column of numbers that a model could read")
        names += [*columns, f"{table}.{PRESENT}"]
    return tuple(names)


def features_of(table: pa.Table, columns: Sequence[str]) -> npt.NDArray[np.float32]:
    """(rows, columns) float32 of one video, NaN where a value is missing.

    Args:
        table: As `Dataset.read` gives it.
        columns: As `with_presence` gives them.
    """
    stored = set(table.column_names)
    values = np.empty((table.num_rows, len(columns)), np.float32)
    measured = [i for i, name in enumerate(columns) if name in stored]
    values[:, measured] = matrix(table, [columns[i] for i in measured])
    for i in set(range(len(columns))) - set(measured):
        prefix = columns[i].removesuffix(PRESENT)
        table_columns = [k for k in measured if columns[k].startswith(prefix)]
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
    """Reads the features of labelled videos, each once.

    Args:
        blocks: As `TrainingSettings.blocks`.
        videos: The labelled ones.
        targets: By role and dimension, rows as `edges_of` places them.
        gold: By dimension.
        groups: The group of each video.
        on_progress: Called with the number of videos that were read, and of all.

    Raises:
        DatasetError: A table has no number, or a file is missing or damaged.
    """
    edges = edges_of(data, videos)
    columns = {block: with_presence(data, tables) for block, tables in blocks.items()}
    features = {block: np.empty((edges[-1], len(names)), np.float32) for block, names in columns.items()}
    fingerprints = {}
    for i, video_id in enumerate(videos):
        table = data.read(video_id)
        for block, names in columns.items():
            features[block][edges[i] : edges[i + 1]] = features_of(table, names)
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


def edges_of(data: Dataset, videos: Sequence[str]) -> npt.NDArray[np.int64]:
    """(videos + 1,) where the rows of each video begin and end, when all stand one after the other."""
    return np.cumsum([0, *(data.lengths[video_id] for video_id in videos)], dtype=np.int64)
