"""Checks whether a video has changed since its tables were made, by the stamps in its record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from avcues.extractors.base import BaseExtractor
from avcues.extractors.protocol import ShotDetector, TextExtractor
from avcues.pipeline.extraction.measurements import Measurements
from avcues.pipeline.store.layout import table_path
from avcues.pipeline.store.records import VideoResult, read_record
from avcues.pipeline.store.stamps import Stamps, digest, stamp
from avcues.pipeline.store.timeline_table import TIMELINE
from avcues.pipeline.store.video_input import VideoInput

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location


def tables_of(extractor: BaseExtractor) -> Iterator[str]:
    """Names of an extractor's tables; the shot detector also makes the timeline."""
    yield from (table.name for table in extractor.tables)
    if isinstance(extractor, ShotDetector):
        yield TIMELINE.name


class StampCheck:
    """Checks by stamps, in a tenth of a millisecond, that all tables of a video are up to date.

    Args:
        measurements: What a run measures.
        out: Output folder.
    """

    def __init__(self, measurements: Measurements, out: Location) -> None:
        self._extractors = measurements.extractors
        self._out = out
        self._reads_words = any(isinstance(extractor, TextExtractor) for extractor in self._extractors)
        self._digests = {
            table: digest(measurements.recipe(extractor))
            for extractor in measurements.extractors
            for table in tables_of(extractor)
        }

    def stamps(self, video: VideoInput, media_stamp: list[int] | None) -> Stamps:
        """Stamps of a video whose tables are up to date; empty if its files are not on this machine.

        Args:
            video: The video.
            media_stamp: Stamp of the media file, taken before it was read.
        """
        tables = {
            table: [*table_stamp, recipe_digest]
            for table, recipe_digest in self._digests.items()
            if (table_stamp := stamp(table_path(self._out, table, video.video_id))) is not None
        }
        if media_stamp is None or not tables:
            return {}
        return {"media": media_stamp, "words": self._sidecar_identity(video), "tables": tables}

    def _sidecar_identity(self, video: VideoInput) -> dict[str, str] | None:
        """The file beside the video that has its words; None if no feature reads words."""
        if not self._reads_words:
            return None
        from avcues.pipeline.extraction.transcript import sidecar_identity  # imports FFmpeg

        return sidecar_identity(video.location, self._extractors)

    def result(self, video: VideoInput) -> VideoResult | None:
        """The result of a run for a video that has not changed; None if it may have changed."""
        record = read_record(self._out, video.video_id)
        recorded = record.get("stamps") or {}
        if record.get("state") != "done" or not recorded or record["source"] != video.source:
            return None
        current = self.stamps(video, stamp(video.location))
        if not current or current["media"] != recorded["media"] or current["words"] != recorded["words"]:
            return None
        if any(recorded["tables"].get(table) != current["tables"].get(table, ()) for table in self._digests):
            return None
        return VideoResult(
            video_id=video.video_id,
            source=video.source,
            state="done",
            duration_s=record["duration_s"],
            windows=record["windows"],
            tables=_rows_of_tables(record["tables"], self._digests),
            reused=tuple(extractor.name for extractor in self._extractors),
            stamps=recorded,
        )


def _rows_of_tables(rows: Mapping[str, int], tables: Mapping[str, str]) -> dict[str, int]:
    return {table: rows[table] for table in tables if table in rows}
