"""Stamps of files, which show a later run without opening files that nothing of a video has changed.

A record keeps the stamps of a video's media file and tables, as build tools do: size and times of last change. If a
stamp differs, for example after copying a folder, the footers of the tables and the content of the media file decide,
and new stamps are recorded.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avcues.pipeline.store.documents import open_regular_file

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

_BLOCK_BYTES = 1 << 20

Stamps = dict[str, Any]
"""The keys "media": [size, mtime_ns, ctime_ns]; "words": name and fingerprint of the sidecar; "tables": by table, its
stamp followed by the digest of its recipe."""


def stamp(path: Location) -> list[int] | None:
    """Size and times of the last change of content and metadata; None unless it is a file on this machine."""
    if not isinstance(path, Path):
        return None
    try:
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


def digest(recipe: Mapping[str, Any]) -> str:
    """A short hash of a recipe."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]


def checksum(path: Location) -> str | None:
    """CRC-32 of the content of a file; None unless it is a file on this machine."""
    if not isinstance(path, Path):
        return None
    crc = 0
    with open_regular_file(path) as file:
        while block := file.read(_BLOCK_BYTES):
            crc = zlib.crc32(block, crc)
    return f"{crc:08x}"


def merge_stamps(earlier: Stamps, latest: Stamps) -> Stamps:
    """The latest stamps, and earlier stamps of other tables that were made from the same file."""
    if not latest or earlier.get("media") != latest["media"]:
        return latest
    return latest | {"tables": earlier["tables"] | latest["tables"]}
