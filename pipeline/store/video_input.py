"""The input of a run: a media file, and the id of its tables and its record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from avcues.pipeline.store.location import location

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location


@dataclass(frozen=True, slots=True)
class VideoInput:
    """A media file, and the id that names its tables.

    Args:
        video_id: The id.
        source: Absolute path, or URL.
        bytes: Size of the file; 0 if unknown.
    """

    video_id: str
    source: str
    bytes: int = 0

    @property
    def location(self) -> Location:
        """The location of the file."""
        return location(self.source)
