"""The record of every video: `_status/<video_id>.json`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.inputs import VideoInput
from pipeline.result import VideoResult
from pipeline.settings import require_pin
from pipeline.storage import write_atomically
from pipeline.tables import read_table, write_json

if TYPE_CHECKING:
    from pipeline.storage import Location

FOLDER = "_status"
_ASKED_FOR = ".inputs"


def record(result: VideoResult, out: Location) -> None:
    """Writes what became of a video, on top of what earlier runs found out about the tables that were kept."""
    path = out / FOLDER / f"{result.video_id}.json"
    if result.state == "done" and result.kept:
        before = read_record(out, result.video_id)
        if before.get("state") == "done":
            if not result.made and result.tables.keys() <= before["tables"].keys():
                return
            result = replace(
                result,
                tables=before["tables"] | result.tables,
                damage=_larger(before["damage"], result.damage),
            )
    write_json(asdict(result), path)


def _larger(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    """Damage of two passes over the same file, which may have decoded different streams."""
    return {kind: max(first.get(kind, 0), second.get(kind, 0)) for kind in sorted(first.keys() | second.keys())}


def read_record(out: Location, video_id: str) -> dict[str, Any]:
    """The record of a video's last run; empty where there is none, or a damaged one."""
    try:
        return dict(json.loads((out / FOLDER / f"{video_id}.json").read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def recorded_ids(out: Location) -> list[str]:
    """Ids of the videos that have a record, sorted."""
    return sorted(path.stem for path in (out / FOLDER).glob("*.json"))


def read_records(out: Location) -> Iterator[dict[str, Any]]:
    """Every record of a folder, by video id."""
    for video_id in recorded_ids(out):
        found = read_record(out, video_id)
        if found.get("video_id"):
            yield found


def remember_inputs(videos: tuple[VideoInput, ...], out: Location) -> None:
    """Notes which videos the folder is for, so that those not begun can be told."""
    ids = pa.array([video.video_id for video in videos], pa.string())
    before = _asked_for(out)
    others = before.filter(pc.invert(pc.is_in(before, value_set=ids)))
    table = pa.table({"video_id": pa.chunked_array([*others.chunks, ids])})
    write_atomically(out / FOLDER / _ASKED_FOR, lambda file: pq.write_table(table, file, compression="zstd"))


def _asked_for(out: Location) -> pa.ChunkedArray:
    """Ids of all videos that any run was asked for."""
    place = out / FOLDER / _ASKED_FOR
    return read_table(place)["video_id"] if place.exists() else pa.chunked_array([], pa.string())


@dataclass
class Failures:
    """Failures of one cause."""

    error_class: str
    cause: str
    video_ids: list[str] = field(default_factory=list)
    example: str = ""


@dataclass
class Overview:
    """Where a folder stands.

    Args:
        done: Number of finished videos; `damaged` of them had parts that could not be decoded.
        hours: Length of the finished videos.
        failures: The largest group first.
        not_begun: Ids of videos that were asked for and have no record.
    """

    done: int = 0
    damaged: int = 0
    hours: float = 0.0
    failures: list[Failures] = field(default_factory=list)
    not_begun: list[str] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Number of failed videos."""
        return sum(len(group.video_ids) for group in self.failures)


def overview(out: Location) -> Overview:
    """Reads every record of a folder.

    Raises:
        SettingsError: It is not a folder that avcues works on.
    """
    require_pin(out)
    groups: dict[tuple[str, str], Failures] = defaultdict(lambda: Failures("", ""))
    summary = Overview()
    not_begun = dict.fromkeys(_asked_for(out).to_pylist())
    for found in read_records(out):
        not_begun.pop(found["video_id"], None)
        if found["state"] == "done":
            summary.done += 1
            summary.damaged += bool(found["damage"])
            summary.hours += found["duration_s"] / 3600
            continue
        cause = _cause(found)
        group = groups[found["error_class"], cause]
        group.error_class, group.cause = found["error_class"], cause
        group.video_ids.append(found["video_id"])
        group.example = group.example or found["error"]
    summary.failures = sorted(groups.values(), key=lambda group: -len(group.video_ids))
    summary.not_begun = list(not_begun)
    return summary


def _cause(found: dict[str, Any]) -> str:
    """The error without what is this video's own."""
    return str(found["error"]).replace(found["source"], "").replace(found["video_id"], "").lstrip(": ")
