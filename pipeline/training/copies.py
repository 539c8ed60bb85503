"""The same video under two names: remuxed, encoded again or trimmed. The source files differ; the tables show it.

Half seconds are compared by their colour, and by their loudness and timbre. A copy has most half seconds of the other
video, all at the same distance in time, and much nearer to them than the half seconds of one video are to each other:
rows that are equal were decoded to the same pictures or samples; rows that are near were encoded again or trimmed. Half
seconds in which nothing changes, as in black or silent stretches, say nothing, and a title that two videos share is
too little of them.
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
_FEWEST = 6  # half seconds that change; with fewer, chance could agree
_SHARE = 0.5
_MOST = 40  # half seconds of a video by which it is recognised
_AT_REST = 0.02  # change of columns with deviation 1, from one half second to the next
NEAR: Mapping[str, float] = {"picture": 0.55, "sound": 0.35}
"""By modality, the distance below which half seconds count as the same, in units of the median distance of its own:
the largest at which at most one in 1,000 unlike pairs of one set of clips passed for copies, of sound none, because
videos may share music. benchmarks/copies.py chooses on that set and judges on another."""
_TOLERANCE = 2  # quarter seconds by which the distance in time may differ


class CopyPair(NamedTuple):
    """Two videos with the same content.

    Args:
        modality: What is the same: "picture" or "sound".
        share: Of the half seconds that change in the shorter of them, those that are found in the other.
        offset: Half seconds by which the second is later.
    """

    first: str
    second: str
    modality: str
    share: float
    offset: int

    def __str__(self) -> str:
        return f"{self.first} and {self.second} ({self.share:.0%} of the {self.modality})"


Traces = Mapping[str, Mapping[str, Floats]]
"""By modality and video, (windows, columns) colour or loudness and timbre; NaN where a value is missing."""


@dataclass(frozen=True)
class Copies:
    """Videos with the same content, each pair once.

    Args:
        equal: Whose half seconds are equal.
        near: Whose half seconds are nearly so.
    """

    equal: tuple[CopyPair, ...] = ()
    near: tuple[CopyPair, ...] = ()


def read_traces(data: Dataset, videos: Sequence[str] | None = None) -> Traces:
    """The colour and the sound of videos, as far as the dataset's folder has such tables.

    Args:
        data: Any tables of its folder are read, not only those that it was opened with.
        videos: None: all.
    """
    by_modality = {}
    for modality, tables in (("picture", _PICTURE), ("sound", _SOUND)):
        table = next((name for name in tables if name in data.catalog.tables), None)
        if table is None:
            continue
        opened = open_dataset(data.catalog.folder, columns=tables[table])
        names = [column.name for column in opened.stored if not pa.types.is_string(column.type)]
        traces = {}
        for video_id in data.videos if videos is None else videos:
            if video_id in opened.lengths:
                try:
                    trace = matrix(opened.read(video_id), names).astype(np.float32)
                except DatasetError:  # said where the video is used
                    continue
                if np.isfinite(trace).any():
                    traces[video_id] = trace
        by_modality[modality] = traces
    return by_modality


class Probe(NamedTuple):
    """Half seconds of a video by which copies of it are recognised: those that change, evenly chosen.

    Args:
        windows: (n,) ascending.
        rows: (n, columns) as in the traces.
    """

    windows: npt.NDArray[np.int64]
    rows: Floats


Probes = Mapping[str, Mapping[str, Probe]]
"""By modality and video. Those of a video in which hardly anything changes tell equal rows only; black has none."""


def probes_of(traces: Traces) -> Probes:
    """The half seconds by which copies of videos are recognised."""
    probes: dict[str, dict[str, Probe]] = {}
    for modality, sources in traces.items():
        probes[modality] = {}
        scale = _Scale(list(sources.values()))
        for video_id, trace in sources.items():
            values = scale.apply(trace)
            change = np.diff(values, axis=0)
            moving = np.flatnonzero((change**2).mean(axis=1) > _AT_REST**2) + 1
            if len(moving) < _FEWEST:
                moving = np.flatnonzero((change != 0).any(axis=1)) + 1
            if len(moving) >= _FEWEST:
                chosen = moving[np.unique(np.linspace(0, len(moving) - 1, _MOST).astype(int))]
                probes[modality][video_id] = Probe(chosen, trace[chosen])
    return probes


def find_copies(probes: Probes, traces: Traces, near: Mapping[str, float] = NEAR) -> Copies:
    """Finds videos with the content of others; a video is never its own copy.

    Args:
        probes: Of the videos whose copies are looked for.
        traces: In which they are looked for.
        near: As `NEAR`.
    """
    equal: dict[frozenset[str], CopyPair] = {}
    alike: dict[frozenset[str], CopyPair] = {}
    for modality, modality_probes in probes.items():
        among = traces.get(modality, {})
        if modality_probes and among:
            for pair, is_equal in _pairs(modality, modality_probes, among, near[modality]):
                (equal if is_equal else alike).setdefault(frozenset(pair[:2]), pair)
    only_near = tuple(pair for videos, pair in alike.items() if videos not in equal)
    return Copies(equal=tuple(equal.values()), near=only_near)


class _Scale:
    """Columns brought to mean 0 and deviation 1 over some rows; those that are constant are dropped, NaN becomes 0."""

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
    modality: str, probes: Mapping[str, Probe], traces: Mapping[str, Floats], near: float
) -> Iterator[tuple[CopyPair, bool]]:
    """Pairs of videos, and whether their rows are equal: half of a probe is found at one distance in time."""
    scale = _Scale([*traces.values(), *(probe.rows for probe in probes.values())])
    between = {video_id: _with_midpoints(scale.apply(trace)) for video_id, trace in traces.items() if len(trace)}
    edges = np.cumsum([0, *(len(rows) for rows in between.values())])
    library = np.concatenate(list(between.values()))
    squares = (library**2).sum(axis=1)
    for video_id, probe in probes.items():
        query = scale.apply(probe.rows)
        own_squares = (query**2).sum(axis=1)[:, None]
        within_query = own_squares + own_squares.T - 2 * query @ query.T
        close = near**2 * float(np.median(within_query[~np.eye(len(query), dtype=bool)]))
        squared = own_squares + squares - 2 * query @ library.T
        for i, (other_video, rows) in enumerate(between.items()):
            if other_video == video_id:
                continue
            if _at_rest(query):
                pair = _equal_at_rest(video_id, probe, other_video, traces[other_video], modality)
                if pair is not None:
                    yield pair, True
                continue
            nearest = squared[:, edges[i] : edges[i + 1]].argmin(axis=1)
            close_rows = squared[np.arange(len(query)), edges[i] + nearest] < close
            if close_rows.sum() < _FEWEST:
                continue
            offsets = nearest - 2 * probe.windows  # in quarter seconds
            offset = Counter(offsets[close_rows].tolist()).most_common(1)[0][0]
            agreeing = close_rows & (np.abs(offsets - offset) <= _TOLERANCE)
            # Of a trimmed copy, only the half seconds that both have can be found.
            place = 2 * probe.windows + offset
            overlap = (place >= 0) & (place < len(rows))
            span = np.ptp(probe.windows[overlap]) + 1 if overlap.any() else 0
            shorter = min((len(rows) + 1) // 2, int(np.ptp(probe.windows)) + 1)
            enough = max(_FEWEST, _SHARE * overlap.sum())
            if agreeing.sum() < enough or span < _SHARE * shorter:
                continue
            equal = (rows[nearest] == query).all(axis=1) & agreeing
            share = min(1.0, float(agreeing.sum() / overlap.sum()))
            yield CopyPair(video_id, other_video, modality, share, round(offset / 2)), bool(equal.sum() >= enough)


def _at_rest(rows: Floats) -> bool:
    """Whether hardly anything changes from one row to the next."""
    return bool(np.median((np.diff(rows, axis=0) ** 2).mean(axis=1)) <= _AT_REST**2)


def _equal_at_rest(video_id: str, probe: Probe, other: str, trace: Floats, modality: str) -> CopyPair | None:
    """The pair, if half of the probe's rows are in the other video, exactly and at one distance in time."""
    window = {row.tobytes(): k for k, row in enumerate(trace)}
    rows = [row.tobytes() for row in probe.rows]
    offsets = Counter(window[row] - k for row, k in zip(rows, probe.windows.tolist(), strict=True) if row in window)
    offset, count = offsets.most_common(1)[0] if offsets else (0, 0)
    if count < max(_FEWEST, _SHARE * len(set(rows))):
        return None
    return CopyPair(video_id, other, modality, count / len(rows), offset)


def _with_midpoints(rows: Floats) -> Floats:
    """(2 n - 1, columns): each row, and between two the mean of both, for copies that were trimmed between them."""
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
    return pa.table({name: pa.array(c, kind) for name, c, kind in zip(names, columns, types, strict=True)})


def probes_from(table: pa.Table) -> Probes:
    """The probes that `probe_table` wrote.

    Raises:
        ValueError: They are something else.
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
