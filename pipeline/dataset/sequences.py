"""Sequences of windows as a torch dataset."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
import torch.utils.data

from avcues.pipeline.dataset.join import matrix
from avcues.pipeline.errors import DatasetError

SequenceNulls = Literal["nan", "zero", "drop"]


class VideoTables(Protocol):
    """The source of sequences: videos with their numbers of windows, and the joined rows of each video."""

    @property
    def lengths(self) -> Mapping[str, int]: ...

    @property
    def schema(self) -> pa.Schema: ...

    def read(self, video_id: str) -> pa.Table: ...


class Sequences(torch.utils.data.Dataset[dict[str, Any]]):
    """Sequences of `length` consecutive windows of one video, `hop` windows apart; `Dataset.sequences` makes them.

    An item is a dictionary that torch's DataLoader can batch:

    | key        | value                                                                                            |
    |------------|--------------------------------------------------------------------------------------------------|
    | `features` | (length, F) float32, columns as in `features`; nulls according to `nulls`                        |
    | `mask`     | (length, F) bool, True where a value is present; only with nulls="zero"                          |
    | `targets`  | (length, T) float32, columns as in `targets`; NaN where a label is missing; absent without targets |
    |            | with a horizon: (T,) float32, of the window `horizon` windows after the last                     |
    | `video_id` | str                                                                                              |
    | `window`   | int, the first window                                                                            |

    With nulls="drop", sequences with a null among their features or targets are left out; every video is read once when
    the object is made to find them. Otherwise a video is read when one of its items is first requested.

    Attributes:
        features: Names of the F feature columns, without columns of text.
        targets: Names of the T target columns.
    """

    def __init__(
        self,
        tables: VideoTables,
        length: int,
        hop: int,
        *,
        horizon: int | None,
        features: Sequence[str],
        targets: Sequence[str],
        nulls: SequenceNulls,
        cache_bytes: int,
    ) -> None:
        if length < 1 or hop < 1:
            raise ValueError(f"`length={length}`, `hop={hop}`: expected 1 or more")
        if horizon is not None and horizon < 0:
            raise ValueError(f"`horizon={horizon}`: expected 0 (the last window of the sequence) or more")
        if nulls not in get_args(SequenceNulls):
            raise ValueError(f"`nulls={nulls!r}`: expected {', '.join(get_args(SequenceNulls))}")
        numeric = {field.name for field in tables.schema if not pa.types.is_string(field.type)}
        for name in targets:
            if name not in numeric:
                raise DatasetError(f"{name} is text: give numbers as targets, such as class numbers")
        self.features = tuple(name for name in features if name in numeric and name not in targets)
        self.targets = tuple(targets)
        if not self.features:
            raise DatasetError("no numeric feature column remains")
        self._tables = tables
        self._videos = tuple(tables.lengths)
        self._length = length
        self._horizon = horizon
        self._nulls = nulls
        self._cache_bytes = cache_bytes
        self._cache: OrderedDict[str, npt.NDArray[np.float32]] = OrderedDict()
        self._starts = [self._starts_of(video_id, windows, hop) for video_id, windows in tables.lengths.items()]
        self._ends = list(accumulate(len(starts) for starts in self._starts))
        if not len(self):
            needed = length + (horizon or 0)
            raise DatasetError(f"no video has {needed} windows in a row{' without a null' if nulls == 'drop' else ''}")

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"sequence {index} of {len(self)}")
        index %= len(self)
        video = bisect_right(self._ends, index)
        starts = self._starts[video]
        window = int(starts[index - self._ends[video]])  # counted from the video's last sequence
        video_id = self._videos[video]
        values = self._values(video_id)
        features = torch.from_numpy(values[window : window + self._length, : len(self.features)].copy())
        item: dict[str, Any] = {"features": features, "video_id": video_id, "window": window}
        if self._nulls == "zero":
            item["mask"] = ~features.isnan()
            item["features"] = features.nan_to_num(0.0)
        if self.targets:
            item["targets"] = torch.from_numpy(values[self._target_windows(window), len(self.features) :].copy())
        return item

    def _target_windows(self, window: int) -> slice | int:
        """The windows whose labels are the targets of the sequence that starts at `window`."""
        end = window + self._length
        return slice(window, end) if self._horizon is None else end - 1 + self._horizon

    def __getstate__(self) -> dict[str, Any]:
        """The state without the cache, so that copies for worker processes are small."""
        return self.__dict__ | {"_cache": OrderedDict()}

    def _starts_of(self, video_id: str, windows: int, hop: int) -> Sequence[int] | npt.NDArray[np.int32]:
        horizon = self._horizon or 0
        starts = range(0, windows - self._length - horizon + 1, hop)
        if self._nulls != "drop" or not starts:
            return starts
        nulls = np.isnan(self._values(video_id))
        in_sequence = nulls if self._horizon is None else nulls[:, : len(self.features)]
        null_counts = np.concatenate([[0], in_sequence.any(axis=1).cumsum()])
        is_complete = (null_counts[self._length :] == null_counts[: -self._length])[
            : windows - self._length - horizon + 1
        ]
        if self._horizon is not None:
            is_complete &= ~nulls[self._length - 1 + horizon :, len(self.features) :].any(axis=1)
        return np.arange(0, len(is_complete), hop, dtype=np.int32)[is_complete[::hop]]

    def _values(self, video_id: str) -> npt.NDArray[np.float32]:
        """(N, F + T) values of a video, NaN where a value is missing."""
        if video_id in self._cache:
            self._cache.move_to_end(video_id)
            return self._cache[video_id]
        values = matrix(self._tables.read(video_id), (*self.features, *self.targets))
        self._cache[video_id] = values
        while len(self._cache) > 1 and sum(cached.nbytes for cached in self._cache.values()) > self._cache_bytes:
            self._cache.popitem(last=False)
        return values
