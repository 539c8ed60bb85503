"""The record of every video: `_status/<video_id>.json`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from avcues.errors import AvcuesError
from avcues.models_cache import WeightsError
from avcues.pipeline.errors import OutputError, one_line
from avcues.pipeline.notebook import html_facts
from avcues.pipeline.store.documents import read_document, write_json
from avcues.pipeline.store.layout import record_path, recorded_videos, requested_path
from avcues.pipeline.store.lock import run_at_work
from avcues.pipeline.store.manifest import require_manifest
from avcues.pipeline.store.stamps import merge_stamps
from avcues.pipeline.store.video_input import VideoInput

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location


@dataclass(frozen=True, kw_only=True)
class VideoResult:
    """The result of processing one video, as recorded in `_status/<video_id>.json`.

    Args:
        source: Absolute path of the media file, or its URL.
        state: "done", or "failed" with the error's class and message.
        windows: Rows of every window table.
        tables: Rows of each table.
        computed: Features whose tables this run wrote.
        reused: Features of earlier runs whose tables are up to date.
        left_out: Features that this run left out because their weights are missing, each with the reason.
        damage: By kind, how many parts could not be decoded.
        lost_s: Seconds that are missing at the end according to the header of a truncated file; 0 if the file is whole
            or its headers do not give the duration.
        notes: Facts about this file that matter for reading its values.
        retries: How often the video was restarted after a transient error, a crash or an unexpected error.
        seconds: Wall-clock seconds by stage, and in "total".
        peak_memory_bytes: Largest resident set size of the process so far.
        ends_run: Whether the error does not depend on the video, so that every other video would fail too.
        unexpected: Whether neither the file nor the user caused the error: a device or a library failed and may fail
            again for later videos of the same process.
        checksums: CRC-32 of each table's file, which reveals any changed bit.
        stamps: Size and times of the media file, its tables and its sidecar of words, which show a later run that
            nothing has changed.
    """

    video_id: str
    source: str
    state: str
    error_class: str | None = None
    error: str | None = None
    duration_s: float = 0.0
    windows: int = 0
    tables: dict[str, int] = field(default_factory=dict)
    computed: tuple[str, ...] = ()
    reused: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    damage: dict[str, int] = field(default_factory=dict)
    lost_s: float = 0.0
    notes: tuple[str, ...] = ()
    retries: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    peak_memory_bytes: int = 0
    ends_run: bool = False
    unexpected: bool = False
    stamps: dict[str, Any] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        """For notebooks: the result of the video."""
        rows = ", ".join(f"{name} {rows}" for name, rows in self.tables.items())
        facts = {
            "error": self.error,
            "seconds": self.duration_s,
            "rows of tables": rows,
            "notes": "; ".join(self.notes),
        }
        facts |= {"left out": ", ".join(self.left_out), "damage": describe_damage(self.damage, self.lost_s)}
        return html_facts(f"{self.video_id}: {self.state}", facts)


def failed_result(
    video: VideoInput, error: Exception, *, retries: int = 0, seconds: float = 0.0, peak_memory_bytes: int = 0
) -> VideoResult:
    """The result of a video that failed with an error."""
    message = str(error)
    if not isinstance(error, AvcuesError):
        message = f"{video.source}: {type(error).__name__}: {one_line(error)}"
    return VideoResult(
        video_id=video.video_id,
        source=video.source,
        state="failed",
        error_class=type(error).__name__,
        error=message,
        retries=retries,
        seconds={"total": round(seconds, 4)},
        peak_memory_bytes=peak_memory_bytes,
        ends_run=isinstance(error, OutputError | WeightsError),
        unexpected=not isinstance(error, AvcuesError),
    )


def describe_damage(counts: Mapping[str, int], lost_s: float = 0.0) -> str:
    """The damage of a file in words; empty if nothing was lost.

    Args:
        counts: As in `VideoResult.damage`.
        lost_s: As in `VideoResult.lost_s`.
    """
    end = [f"{lost_s:.1f} s lost at the end"] if lost_s else []
    return ", ".join(end + [f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items() if count])


def write_record(result: VideoResult, out: Location) -> None:
    """Writes the result of a video, merged with what earlier runs recorded about the tables that were kept."""
    if result.state == "done" and result.reused:
        earlier = read_record(out, result.video_id)
        if earlier.get("state") == "done":
            stamps = merge_stamps(earlier.get("stamps") or {}, result.stamps)
            adds_nothing = result.tables.keys() <= earlier["tables"].keys() and stamps == earlier.get("stamps")
            if not result.computed and adds_nothing:
                return
            result = replace(
                result,
                tables=earlier["tables"] | result.tables,
                damage=_larger_counts(earlier["damage"], result.damage),
                notes=tuple(dict.fromkeys((*earlier.get("notes", ()), *result.notes))),
                lost_s=max(earlier.get("lost_s", 0.0), result.lost_s),
                stamps=stamps,
                checksums=earlier.get("checksums", {}) | result.checksums,
            )
    write_json(asdict(result), record_path(out, result.video_id))


def _larger_counts(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    """Combines the damage of two passes over the same file, which may have decoded different streams."""
    return {kind: max(first.get(kind, 0), second.get(kind, 0)) for kind in sorted(first.keys() | second.keys())}


def read_record(out: Location, video_id: str) -> dict[str, Any]:
    """The fields of `VideoResult` after a video's last run; empty without a readable record."""
    try:
        record = read_document(record_path(out, video_id), "record")
    except (OSError, ValueError):
        return {}
    return record if record["video_id"] == video_id else {}


def read_records(out: Location) -> Iterator[dict[str, Any]]:
    """Yields every readable record of a folder, in the order of video ids."""
    for video_id in recorded_videos(out):
        record = read_record(out, video_id)
        if record:
            yield record


def remember_requested(video_ids: Collection[str], out: Location) -> None:
    """Records which videos a run was asked to process, so that `overview` can name those that are still queued."""
    ids = dict.fromkeys((*requested_videos(out), *video_ids))
    write_json({"video_ids": list(ids)}, requested_path(out))


def requested_videos(out: Location) -> list[str]:
    """Ids of all videos that any run on a folder was asked to process; empty if their file cannot be read."""
    try:
        return list(read_document(requested_path(out), "requested")["video_ids"])
    except (OSError, ValueError):
        return []


@dataclass
class Failures:
    """Failed videos with the same cause."""

    error_class: str
    cause: str
    video_ids: list[str] = field(default_factory=list)
    example: str = ""


@dataclass
class Overview:
    """The progress of a folder.

    Args:
        done: Number of finished videos.
        damaged: Number of finished videos with parts that could not be decoded.
        truncated: Ids of finished videos that end too early, each with the lost seconds.
        hours: Total duration of the finished videos.
        failures: Failed videos by cause; the largest group comes first.
        queued: Ids of requested videos without a record.
        unreadable: Ids of videos with a damaged record.
        left_out: Features that runs left out because their weights are missing, each with the number of videos.
        at_work: The run that works on the folder now, in words; empty if there is none.
    """

    done: int = 0
    damaged: int = 0
    truncated: dict[str, float] = field(default_factory=dict)
    hours: float = 0.0
    failures: list[Failures] = field(default_factory=list)
    queued: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    at_work: str = ""

    @property
    def failed(self) -> int:
        """Number of failed videos."""
        return sum(len(group.video_ids) for group in self.failures)


def overview(out: Location) -> Overview:
    """Reads every record of a folder.

    Raises:
        SettingsError: The folder is not a dataset.
    """
    require_manifest(out)
    groups: dict[tuple[str, str], Failures] = defaultdict(lambda: Failures("", ""))
    summary = Overview()
    queued = dict.fromkeys(requested_videos(out))
    for video_id in recorded_videos(out):
        record = read_record(out, video_id)
        if not record:
            summary.unreadable.append(video_id)
            continue
        queued.pop(record["video_id"], None)
        for feature in record["left_out"]:
            summary.left_out[feature] = summary.left_out.get(feature, 0) + 1
        if record["state"] == "done":
            summary.done += 1
            summary.damaged += bool(record["damage"])
            if lost_s := record.get("lost_s"):
                summary.truncated[record["video_id"]] = lost_s
            summary.hours += record["duration_s"] / 3600
            continue
        cause = _cause(record)
        group = groups[str(record["error_class"]), cause]
        group.error_class, group.cause = str(record["error_class"]), cause
        group.video_ids.append(record["video_id"])
        group.example = group.example or str(record["error"])
    summary.failures = sorted(groups.values(), key=lambda group: -len(group.video_ids))
    summary.queued = list(queued)
    summary.at_work = run_at_work(out)
    return summary


def _cause(record: Mapping[str, Any]) -> str:
    """The error without the path of the video, so that failures with the same cause form one group."""
    return str(record["error"]).removeprefix(str(record["source"])).lstrip(": ")
