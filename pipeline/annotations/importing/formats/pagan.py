"""PAGAN: a log of annotations of all participants, `VideoTime` in milliseconds, in which a value holds until the next.

`OriginalName` is the name of the video, in newer versions with its length in seconds: `clip1.mp4 - 60.5`. Names of
YouTube videos are titles, whose commas the log does not quote, with the id in brackets. A run through a video begins
with a packet of 0 and, if it gets to the end, closes with one of 0, which is no rating. A participant's further runs
through the video are its repetitions.

RankTrace has no bounds: bring raters to one scale with `gold --standardise rater`. GTrace runs from -100 to 100. Binary
labels are -1 and 1 where the rater felt a change.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.importing.table_map import TableMap, tidy_part
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_tables import raw_rows

_COLUMNS = ("OriginalName", "DatabaseName", "Participant", "SessionID", "Timestamp", "VideoTime", "Value")
_LENGTH = re.compile(r" - \d+(\.\d+)?$")
_YOUTUBE = re.compile(r".*\((?P<name>[\w-]{11})\)")
_CLIP = ("OriginalName", "Participant")
_RESTART_MS = 1000.0
"""A video that goes back by more than this was started anew."""


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    name = options.dimension or "rating"
    parts = [_part(file, name, options.setup or "audiovisual") for file in files]
    return Reading(parts=parts, dimensions={name: Dimension(name=name, hold=True)})


def _part(file: Path, dimension: str, setup: str) -> Part:
    packets = _packets(file)
    run = _runs(packets)
    packets = packets.append_column("run", pa.array(run, pa.float64()))
    rating = packets.filter(pa.array(~_closes_run(packets)))
    # The last packet of an instant counts.
    latest_rows = rating.group_by([*_CLIP, "run", "VideoTime"], use_threads=False).aggregate([("row", "max")])
    last_of_instant = rating.filter(pc.is_in(rating["row"], latest_rows["row_max"].combine_chunks()))
    counts = {
        "closing a run with 0": len(packets) - len(rating),
        "replaced by another one of the same instant": len(rating) - len(last_of_instant),
    }
    sources = {"video_id": "OriginalName", "rater": "Participant", "time": "VideoTime", "value": "Value"}
    sources |= {"repeat": "run", "setup": f"={setup}", "dimension": f"={dimension}"}
    part = tidy_part(last_of_instant, file, TableMap(keys=sources, time_unit="ms"))
    return Part(
        table=part.table,
        name=part.name,
        rows=last_of_instant["row"].to_numpy()[np.asarray(part.rows) - 1],
        notes=[
            f"{file.name}: left out: {counted(count, 'packet')} {reason}" for reason, count in counts.items() if count
        ],
    )


def _packets(file: Path) -> pa.Table:
    """The packets of a log with their rows in the file, and video names without titles and lengths."""
    rows = raw_rows(file)
    if not rows or tuple(rows[0]) != _COLUMNS:
        raise InputError(
            f"{file}: lacks the columns that every log of PAGAN has, and only those: {', '.join(_COLUMNS)}"
        )
    cells = [[",".join(row[: len(row) - 6]), *row[len(row) - 6 :]] for row in rows[1:]]
    for number, row in enumerate(cells, 1):
        if len(row) != len(_COLUMNS) or not _is_number(row[-1]) or not _is_number(row[-2]):
            raise InputError(f"{file}: row {number}: ends in no numbers VideoTime and Value")
    columns = dict(zip(_COLUMNS, zip(*cells, strict=True), strict=True)) if cells else {}
    if not columns:
        raise InputError(f"{file}: has no packets")
    table = pa.table(
        {
            "OriginalName": pa.array([_name(text) for text in columns["OriginalName"]], pa.string()),
            "Participant": pa.array(columns["Participant"], pa.string()),
            "SessionID": pa.array(columns["SessionID"], pa.string()),
            **{name: pa.array([float(cell) for cell in columns[name]]) for name in ("VideoTime", "Value")},
            "Timestamp": pa.array([float(cell) if _is_number(cell) else 0.0 for cell in columns["Timestamp"]]),
            "row": pa.array(range(1, len(cells) + 1), pa.int64()),
        }
    )
    # Packets may have arrived out of order.
    return table.take(pa.array(np.argsort(table["Timestamp"].to_numpy(), kind="stable")))


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", text) is not None


def _name(text: str) -> str:
    """The name of a video: without its length, and of YouTube's without its title."""
    if not _LENGTH.search(text):
        return text
    name = _LENGTH.sub("", text)
    youtube = _YOUTUBE.fullmatch(name)
    return name if youtube is None else youtube["name"]


def _runs(packets: pa.Table) -> np.ndarray:
    """(N,) number of earlier runs of the participant through the video; a new session or a jump back begins a run."""
    run = np.zeros(len(packets))
    run_state: dict[tuple[str, str], tuple[int, str, float]] = {}
    keys = zip(*(packets[name].to_pylist() for name in (*_CLIP, "SessionID", "VideoTime")), strict=True)
    for i, (video, participant, session, time) in enumerate(keys):
        number, last_session, last_time = run_state.get((video, participant), (0, session, 0.0))
        number += session != last_session or time < last_time - _RESTART_MS
        run_state[video, participant] = number, session, time
        run[i] = number
    return run


def _closes_run(packets: pa.Table) -> np.ndarray:
    """(N,) whether a packet is 0 and the last of several in its run."""
    keys = list(zip(*(packets[name].to_pylist() for name in (*_CLIP, "run")), strict=True))
    last_row = {key: i for i, key in enumerate(keys)}
    count = Counter(keys)
    value = packets["Value"].to_numpy()
    return np.array([last_row[key] == i and value[i] == 0 and count[key] > 1 for i, key in enumerate(keys)], bool)


FORMAT = Format(
    title="PAGAN (OriginalName, DatabaseName, Participant, SessionID, Timestamp, VideoTime, Value)",
    files="log.csv",
    looks_like=lambda path, head: "OriginalName" in head and "VideoTime" in head,
    read=_read,
)
