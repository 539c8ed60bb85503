"""Stamps of files, by which a later run sees, without opening anything, that nothing of a video has changed.

A record keeps the stamps of a video's media file and tables, as build tools do: size and times of last change. Where
one differs, as after copying a folder, the footers of the tables and the content of the media file decide, and the
stamps are taken anew.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avcues.pipeline.store.documents import open_plain

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

_BLOCK_BYTES = 1 << 20

Stamps = dict[str, Any]
"""`{"media": [size, mtime_ns, ctime_ns], "words": mark of the sidecar, "tables": {table: [..., digest of recipe]}}`."""


def stamp(place: Location) -> list[int] | None:
    """Size, and when content and metadata last changed; None for what is not a file on this machine."""
    if not isinstance(place, Path):
        return None
    try:
        stat = place.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


def digest(recipe: Mapping[str, Any]) -> str:
    """A short name of a recipe; equal recipes have equal ones."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]


def checksum(place: Location) -> str | None:
    """CRC-32 of a file's content; None for what is not a file on this machine."""
    if not isinstance(place, Path):
        return None
    crc = 0
    with open_plain(place) as file:
        while block := file.read(_BLOCK_BYTES):
            crc = zlib.crc32(block, crc)
    return f"{crc:08x}"


def merged(earlier: Stamps, latest: Stamps) -> Stamps:
    """The latest stamps, with those of other tables that were made from the same file."""
    if not latest or earlier.get("media") != latest["media"]:
        return latest
    return latest | {"tables": earlier["tables"] | latest["tables"]}
