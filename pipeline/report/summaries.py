"""Summarises a table: its means in each video, and its correlations with ratings and predictions within videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avcues.pipeline.report.targets import VideoTarget
from avcues.pipeline.report.video import Values

_MIN_VARIANCE = 1e-10
"""Smallest variance of a column within a video, relative to its squared mean; a smaller one is rounding error."""

TargetsByVideo = Mapping[str, Mapping[str, VideoTarget]]
"""Ratings and predictions by video and name."""


@dataclass(frozen=True, kw_only=True)
class ColumnSummary:
    """The documentation of a column."""

    name: str
    unit: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class TableSummary:
    """Summary of a table over all videos.

    Args:
        columns: The numeric columns.
        means: (videos, columns) float32 means over the windows of a video; NaN: no value.
        missing: (videos, columns) float32 shares of the windows without a value; NaN: the video lacks the table.
        within: For each target, (columns,) correlations of the windows' deviations from the means of their videos; NaN:
            undefined.
        windows: For each target, the largest number of windows in any of these correlations.
    """

    table: str
    columns: tuple[ColumnSummary, ...]
    means: npt.NDArray[np.float32]
    missing: npt.NDArray[np.float32]
    within: Mapping[str, Values]
    windows: Mapping[str, int]

    @property
    def names(self) -> list[str]:
        """The columns as `table.column`."""
        return [f"{self.table}.{column.name}" for column in self.columns]


class TableSums:
    """Sums over the rows of a table. For each video, call `begin`, then `add` with batches of rows, then `end`."""

    def __init__(self, columns: int, videos: Sequence[str], targets: TargetsByVideo) -> None:
        self._row_of_video = {video_id: i for i, video_id in enumerate(videos)}
        self._targets = targets
        self.names = sorted(
            {name for by_name in targets.values() for name, target in by_name.items() if target.windows is not None}
        )
        self.means = np.full((len(videos), columns), np.nan, np.float32)
        self.missing = np.full((len(videos), columns), np.nan, np.float32)
        # Sums of products of deviations from the means of the video: columns, targets, columns with targets.
        self._xx, self._yy, self._xy, self._n = np.zeros((4, columns, len(self.names)))

    def begin(self, video_id: str) -> None:
        """Starts a video."""
        self._video, self._rows = video_id, 0
        self._count, self._sum = np.zeros((2, self.means.shape[1]))
        self._target_sums = np.zeros((6, self.means.shape[1], len(self.names)))
        self._shift = np.zeros(self.means.shape[1])

    def add(self, values: Values) -> None:
        """Adds a batch of (rows, columns) values, NaN where a value is missing."""
        present = ~np.isnan(values)
        if not self._rows:
            self._shift = np.sum(values, axis=0, where=present) / np.maximum(present.sum(axis=0), 1)
        x = np.where(present, values - self._shift, 0.0)
        self._count += present.sum(axis=0)
        self._sum += x.sum(axis=0)
        if self.names:
            y = self._target_deviations(self._rows, len(values))
            has_target, x_weights = ~np.isnan(y), present.astype(np.float64)
            y, weights = np.where(has_target, y, 0.0), has_target.astype(np.float64)
            self._target_sums += (
                x_weights.T @ weights,
                x.T @ weights,
                x_weights.T @ y,
                x.T @ y,
                (x * x).T @ weights,
                x_weights.T @ (y * y),
            )
        self._rows += len(values)

    def end(self, complete: bool) -> None:
        """Ends the video; drops its sums if its rows are not complete because its file is damaged."""
        if not complete or not self._rows:
            return
        row = self._row_of_video[self._video]
        with np.errstate(invalid="ignore", divide="ignore"):
            self.means[row] = np.where(self._count > 0, self._sum / self._count + self._shift, np.nan)
            self.missing[row] = 1 - self._count / self._rows
            n, x, y, xy, xx, yy = self._target_sums
            has_two_windows = n > 1
            self._n += np.where(has_two_windows, n, 0)
            self._xy += np.where(has_two_windows, xy - x * y / n, 0)
            xx = np.where(has_two_windows, xx - x * x / n, 0)
            self._xx += np.where(xx > _MIN_VARIANCE * n * np.square(self._shift)[:, None], xx, 0)
            self._yy += np.where(has_two_windows, yy - y * y / n, 0)

    def _target_deviations(self, first: int, rows: int) -> Values:
        """(rows, targets) deviations from the mean of the video, from window `first` on; NaN where missing."""
        values = np.full((rows, len(self.names)), np.nan)
        for i, name in enumerate(self.names):
            target = self._targets.get(self._video, {}).get(name)
            if target is not None and target.windows is not None:
                target_windows = target.windows[first : first + rows]
                values[: len(target_windows), i] = target_windows - target.mean
        return values

    def table(self, name: str, columns: Sequence[ColumnSummary]) -> TableSummary:
        """The summary of all videos that were added."""
        with np.errstate(invalid="ignore", divide="ignore"):
            r = np.where((self._xx > 0) & (self._yy > 0), self._xy / np.sqrt(self._xx * self._yy), np.nan)
        return TableSummary(
            table=name,
            columns=tuple(columns),
            means=self.means,
            missing=self.missing,
            within={target: np.clip(r[:, i], -1, 1) for i, target in enumerate(self.names)},
            windows={target: int(self._n[:, i].max(initial=0)) for i, target in enumerate(self.names)},
        )
