"""Finds the same video under two names: remuxed, encoded again or trimmed. The source files differ; the tables agree.

Half seconds are compared by their colour, and by their loudness and timbre. A copy contains most half seconds of the
other video, all shifted by the same time, and much closer to them than the half seconds of one video are to each other.
Equal rows were decoded to the same pictures or samples; similar rows were encoded again or trimmed. Half seconds in
which nothing changes, such as black or silent stretches, are ignored, and a title that two videos share is too short to
count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.dataset.join import matrix
from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.errors import DatasetError

Floats = npt.NDArray[np.float32]

_PICTURE = {"color": ("color.*",)}
_SOUND = {
    "emobase": ("emobase.pcm_loudness_sma_amean", "emobase.mfcc_sma?*_amean"),
    "rhythm": ("rhythm.*",),
}
_MIN_ROWS = 6  # half seconds that change; fewer could agree by chance
_MIN_SHARE = 0.5  # least share of a probe's half seconds that a copy contains
_PROBE_ROWS = 40  # most half seconds by which a video is recognised
_MIN_CHANGE = 0.02  # least change between half seconds: root mean square over columns scaled to deviation 1
MAX_DISTANCE: Mapping[str, float] = {"picture": 0.55, "sound": 0.35}
"""By modality, the distance below which half seconds count as the same, relative to the median distance within a video.
It is the largest at which at most 1 in 1,000 pairs of different clips passed for copies (for sound none, because videos
may share music). benchmarks/copies.py chooses it on one set of clips and tests it on another."""
_SHIFT_TOLERANCE = 2  # quarter seconds


class CopyPair(NamedTuple):
    """Two videos with the same content.

    Args:
        modality: What is the same: "picture" or "sound".
        share: Of the changing half seconds of `first` that `second` could contain, the share that it does contain.
        offset: Half seconds by which the content is later in `second`.
    """

    first: str
    second: str
    modality: str
    share: float
    offset: int

    def __str__(self) -> str:
        return f"{self.first} and {self.second} ({self.share:.0%} of the {self.modality})"


Traces = Mapping[str, Mapping[str, Floats]]
"""By modality and video, (windows, columns) colour, or loudness and timbre; NaN where a value is missing."""


@dataclass(frozen=True)
class Copies:
    """Videos with the same content, each pair once.

    Args:
        exact: Pairs whose half seconds are equal.
        similar: Pairs whose half seconds are close, but not equal.
    """

    exact: tuple[CopyPair, ...] = ()
    similar: tuple[CopyPair, ...] = ()


def read_traces(data: Dataset, videos: Sequence[str] | None = None) -> Traces:
    """Reads the colour and the sound of videos, if the dataset's folder has such tables.

    Args:
        data: The dataset; tables of its folder are read even if it was opened without them.
        videos: Ids; None: all videos of the dataset.
    """
    by_modality = {}
    for modality, tables in (("picture", _PICTURE), ("sound", _SOUND)):
        table = next((name for name in tables if name in data.catalog.tables), None)
        if table is None:
            continue
        opened = open_dataset(data.catalog.folder, columns=tables[table])
        names = [column.name for column in opened.stored_columns if not pa.types.is_string(column.type)]
        traces = {}
        for video_id in data.videos if videos is None else videos:
            if video_id in opened.lengths:
                try:
                    trace = matrix(opened.read(video_id), names).astype(np.float32)
                except DatasetError:  # reported where the video is used
                    continue
                if np.isfinite(trace).any():
                    traces[video_id] = trace
        by_modality[modality] = traces
    return by_modality


class Probe(NamedTuple):
    """Half seconds by which copies of a video are recognised: evenly spaced ones among those that change.

    Args:
        windows: (n,) ascending.
        rows: (n, columns), as in the traces.
    """

    windows: npt.NDArray[np.int64]
    rows: Floats


Probes = Mapping[str, Mapping[str, Probe]]
"""By modality and video. A video in which hardly anything changes is recognised by equal rows only, a black one not at
all."""


def probes_of(traces: Traces) -> Probes:
    """The half seconds by which copies of videos are recognised."""
    probes: dict[str, dict[str, Probe]] = {}
    for modality, sources in traces.items():
        probes[modality] = {}
        scale = _Scale(list(sources.values()))
        for video_id, trace in sources.items():
            values = scale.apply(trace)
            change = np.diff(values, axis=0)
            moving = np.flatnonzero((change**2).mean(axis=1) > _MIN_CHANGE**2) + 1
            if len(moving) < _MIN_ROWS:
                moving = np.flatnonzero((change != 0).any(axis=1)) + 1
            if len(moving) >= _MIN_ROWS:
                probe_rows = moving[np.unique(np.linspace(0, len(moving) - 1, _PROBE_ROWS).astype(int))]
                probes[modality][video_id] = Probe(probe_rows, trace[probe_rows])
    return probes


def find_copies(probes: Probes, traces: Traces, max_distance: Mapping[str, float] = MAX_DISTANCE) -> Copies:
    """Finds videos with the content of other videos; a video is never its own copy.

    Args:
        probes: Probes of the videos whose copies are to be found.
        traces: Traces of the videos to search.
        max_distance: Largest distance by modality, as in `MAX_DISTANCE`.
    """
    exact: dict[frozenset[str], CopyPair] = {}
    similar: dict[frozenset[str], CopyPair] = {}
    for modality, modality_probes in probes.items():
        modality_traces = traces.get(modality, {})
        if modality_probes and modality_traces:
            for pair, is_exact in _pairs(modality, modality_probes, modality_traces, max_distance[modality]):
                (exact if is_exact else similar).setdefault(frozenset(pair[:2]), pair)
    only_similar = tuple(pair for videos, pair in similar.items() if videos not in exact)
    return Copies(exact=tuple(exact.values()), similar=only_similar)


class _Scale:
    """Scales columns to mean 0 and deviation 1 over some rows; drops constant columns, and makes NaN 0."""

    def __init__(self, parts: Sequence[Floats]) -> None:
        pooled = np.concatenate(parts)
        finite = np.isfinite(pooled)
        count = np.maximum(1, finite.sum(axis=0))
        mean = np.where(finite, pooled, 0).sum(axis=0) / count
        deviation = np.sqrt((np.where(finite, pooled - mean, 0) ** 2).sum(axis=0) / count)
        self._varies = deviation > 1e-9
        self._mean, self._deviation = mean[self._varies], deviation[self._varies]

    def apply(self, rows: Floats) -> Floats:
        return np.nan_to_num((rows[:, self._varies] - self._mean) / self._deviation).astype(np.float32)


def _pairs(
    modality: str, probes: Mapping[str, Probe], traces: Mapping[str, Floats], max_distance: float
) -> Iterator[tuple[CopyPair, bool]]:
    """Yields pairs in which a video contains half of another's probe at one time shift, and whether rows are equal."""
    scale = _Scale([*traces.values(), *(probe.rows for probe in probes.values())])
    dense_traces = {video_id: _with_midpoints(scale.apply(trace)) for video_id, trace in traces.items() if len(trace)}
    library_edges = np.cumsum([0, *(len(rows) for rows in dense_traces.values())])
    library = np.concatenate(list(dense_traces.values()))
    library_squares = (library**2).sum(axis=1)
    for video_id, probe in probes.items():
        query = scale.apply(probe.rows)
        query_squares = (query**2).sum(axis=1)[:, None]
        within_query = query_squares + query_squares.T - 2 * query @ query.T
        close_squared = max_distance**2 * float(np.median(within_query[~np.eye(len(query), dtype=bool)]))
        squared_distances = query_squares + library_squares - 2 * query @ library.T
        for i, (other_id, rows) in enumerate(dense_traces.items()):
            if other_id == video_id:
                continue
            if _is_static(query):
                pair = _static_pair(video_id, probe, other_id, traces[other_id], modality)
                if pair is not None:
                    yield pair, True
                continue
            nearest = squared_distances[:, library_edges[i] : library_edges[i + 1]].argmin(axis=1)
            close_rows = squared_distances[np.arange(len(query)), library_edges[i] + nearest] < close_squared
            if close_rows.sum() < _MIN_ROWS:
                continue
            offsets = nearest - 2 * probe.windows  # in quarter seconds
            offset = Counter(offsets[close_rows].tolist()).most_common(1)[0][0]
            aligned = close_rows & (np.abs(offsets - offset) <= _SHIFT_TOLERANCE)
            # A trimmed copy can contain only the half seconds that were not cut off.
            expected_places = 2 * probe.windows + offset
            overlap = (expected_places >= 0) & (expected_places < len(rows))
            span = np.ptp(probe.windows[overlap]) + 1 if overlap.any() else 0
            shorter = min((len(rows) + 1) // 2, int(np.ptp(probe.windows)) + 1)
            min_rows = max(_MIN_ROWS, _MIN_SHARE * overlap.sum())
            if aligned.sum() < min_rows or span < _MIN_SHARE * shorter:
                continue
            equal_rows = (rows[nearest] == query).all(axis=1) & aligned
            share = min(1.0, float(aligned.sum() / overlap.sum()))
            yield CopyPair(video_id, other_id, modality, share, round(offset / 2)), bool(equal_rows.sum() >= min_rows)


def _is_static(rows: Floats) -> bool:
    """Whether hardly anything changes from one row to the next."""
    return bool(np.median((np.diff(rows, axis=0) ** 2).mean(axis=1)) <= _MIN_CHANGE**2)


def _static_pair(video_id: str, probe: Probe, other_id: str, trace: Floats, modality: str) -> CopyPair | None:
    """The pair, if the other video contains half of the probe's rows exactly, at one time shift."""
    window_of_row = {row.tobytes(): k for k, row in enumerate(trace)}
    rows = [row.tobytes() for row in probe.rows]
    offsets = Counter(
        window_of_row[row] - k for row, k in zip(rows, probe.windows.tolist(), strict=True) if row in window_of_row
    )
    offset, count = offsets.most_common(1)[0] if offsets else (0, 0)
    if count < max(_MIN_ROWS, _MIN_SHARE * len(set(rows))):
        return None
    return CopyPair(video_id, other_id, modality, count / len(rows), offset)


def _with_midpoints(rows: Floats) -> Floats:
    """(2 n - 1, columns) the rows and the means of neighbours between them, because a copy may lag by half a row."""
    dense = np.empty((2 * len(rows) - 1, rows.shape[1]), np.float32)
    dense[::2] = rows
    dense[1::2] = (rows[1:] + rows[:-1]) / 2
    return dense


def probe_table(probes: Probes) -> pa.Table:
    """Probes as a table: `modality`, `video_id`, `window`, `values`."""
    rows = [
        (modality, video_id, window, values)
        for modality, modality_probes in probes.items()
        for video_id, probe in modality_probes.items()
        for window, values in zip(probe.windows.tolist(), probe.rows.tolist(), strict=True)
    ]
    columns = list(zip(*rows, strict=True)) if rows else [()] * 4
    types = (pa.string(), pa.string(), pa.int32(), pa.list_(pa.float32()))
    names = ("modality", "video_id", "window", "values")
    return pa.table({name: pa.array(column, kind) for name, column, kind in zip(names, columns, types, strict=True)})


def probes_from_table(table: pa.Table) -> Probes:
    """Reads the table that `probe_table` makes.

    Raises:
        ValueError: The table holds something else.
    """
    by_video: dict[tuple[str, str], list[tuple[int, list[float]]]] = {}
    for row in table.to_pylist():
        by_video.setdefault((row["modality"], row["video_id"]), []).append((row["window"], row["values"]))
    probes: dict[str, dict[str, Probe]] = {}
    for (modality, video_id), rows in by_video.items():
        windows, values = zip(*rows, strict=True)
        probe = Probe(np.array(windows, np.int64), np.array(values, np.float32))
        probes.setdefault(modality, {})[video_id] = probe
    return probes
