"""Features of a finished folder as arrays, from which lags are estimated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.dataset.selection import joinable_columns


class FeatureValues(Mapping[str, npt.NDArray[np.float64]]):
    """Numeric features by video: (windows, columns) float64, NaN is missing. A video is read on access.

    Args:
        dataset: Opened by `open_dataset`.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._names = [column.name for column in dataset.stored_columns if not pa.types.is_string(column.type)]

    @property
    def tables(self) -> tuple[str, ...] | None:
        """Names of the tables, sorted; None: some columns of a table are not read."""
        names = {column.table for column in self._dataset.stored_columns}
        all_columns = [column.name for column in joinable_columns(self._dataset.catalog) if column.table in names]
        return tuple(sorted(names)) if len(all_columns) == len(self._dataset.stored_columns) else None

    def __getitem__(self, video_id: str) -> npt.NDArray[np.float64]:
        if video_id not in self._dataset.lengths:
            raise KeyError(video_id)
        table = self._dataset.read(video_id)
        return np.column_stack([table[name].cast(pa.float64()).to_numpy() for name in self._names])

    def __iter__(self) -> Iterator[str]:
        return iter(self._dataset.videos)

    def __len__(self) -> int:
        return len(self._dataset.videos)
