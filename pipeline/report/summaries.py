"""The means of a table in each video, and its correlations with ratings and predictions within videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avcues.pipeline.report.targets import Target
from avcues.pipeline.report.video import Values

_LEAST_VARIANCE = 1e-10
"""Least variance of a column within a video, as a share of its squared mean; less is rounding error."""

Targets = Mapping[str, Mapping[str, Target]]
"""By video, then by the name of the target."""


@dataclass(frozen=True, kw_only=True)
class ColumnSummary:
    """A column as its table documents it."""

    name: str
    unit: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class TableSummary:
    """A table over all videos.

    Args:
        columns: The numeric columns.
        means: (videos, columns) float32 mean over the windows of a video; NaN: no value.
        missing: (videos, columns) float32 share of the windows without a value; NaN: the video lacks the table.
        within: For each target the correlation (columns,) of the windows' deviations from the means of their videos;
            NaN: not defined.
        windows: For each target the largest number of windows in any of these correlations.
    """

    table: str
    columns: tuple[ColumnSummary, ...]
    means: npt.NDArray[np.float32]
    missing: npt.NDArray[np.float32]
    within: Mapping[str, Values]
    windows: Mapping[str, int]

    @property
    def names(self) -> list[str]:
        """Names of the columns, after that of the table."""
        return [f"{self.table}.{column.name}" for column in self.columns]


class Summing:
    """Sums over the rows of one table, video by video: call `begin`, then `add` with batches of rows, then `end`."""

    def __init__(self, columns: int, videos: Sequence[str], targets: Targets) -> None:
        self._place = {video_id: i for i, video_id in enumerate(videos)}
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
        """Adds a batch of (rows, columns), NaN where a value is missing."""
        known = ~np.isnan(values)
        if not self._rows:
            self._shift = np.sum(values, axis=0, where=known) / np.maximum(known.sum(axis=0), 1)
        x = np.where(known, values - self._shift, 0.0)
        self._count += known.sum(axis=0)
        self._sum += x.sum(axis=0)
        if self.names:
            y = self._target_deviations(self._rows, len(values))
            rated, present = ~np.isnan(y), known.astype(np.float64)
            y, weights = np.where(rated, y, 0.0), rated.astype(np.float64)
            self._target_sums += (
                present.T @ weights,
                x.T @ weights,
                present.T @ y,
                x.T @ y,
                (x * x).T @ weights,
                present.T @ (y * y),
            )
        self._rows += len(values)

    def end(self, complete: bool) -> None:
        """Ends the video; its sums are dropped if it is not complete, because its file is damaged."""
        if not complete or not self._rows:
            return
        row = self._place[self._video]
        with np.errstate(invalid="ignore", divide="ignore"):
            self.means[row] = np.where(self._count > 0, self._sum / self._count + self._shift, np.nan)
            self.missing[row] = 1 - self._count / self._rows
            n, x, y, xy, xx, yy = self._target_sums
            several = n > 1
            self._n += np.where(several, n, 0)
            self._xy += np.where(several, xy - x * y / n, 0)
            xx = np.where(several, xx - x * x / n, 0)
            self._xx += np.where(xx > _LEAST_VARIANCE * n * np.square(self._shift)[:, None], xx, 0)
            self._yy += np.where(several, yy - y * y / n, 0)

    def _target_deviations(self, first: int, rows: int) -> Values:
        """(rows, targets): deviations from the mean of the video, from window `first` on; NaN where there is none."""
        values = np.full((rows, len(self.names)), np.nan)
        for i, name in enumerate(self.names):
            target = self._targets.get(self._video, {}).get(name)
            if target is not None and target.windows is not None:
                part = target.windows[first : first + rows]
                values[: len(part), i] = part - target.mean
        return values

    def table(self, name: str, columns: Sequence[ColumnSummary]) -> TableSummary:
        """The summary of the table."""
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
