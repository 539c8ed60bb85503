"""What a run is asked for: a media file, and the id of its tables and its record."""

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
        source: Absolute path, or URL.
        bytes: Size of the file, 0 if it is not known.
    """

    video_id: str
    source: str
    bytes: int = 0

    @property
    def location(self) -> Location:
        """Where the file lies."""
        return location(self.source)
