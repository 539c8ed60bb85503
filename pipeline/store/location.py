"""Locations of files: a path on this machine, or a URL of any store that fsspec knows (s3://, gs://, ...)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from avcues.pipeline.errors import InputError

if TYPE_CHECKING:
    from upath import UPath

    Location: TypeAlias = Path | UPath


def location(text: str) -> Location:
    """The location that a user names.

    Raises:
        InputError: The text is empty, or no filesystem is known for the URL.
    """
    if not text:
        raise InputError("a path is empty; is a shell variable unset?")
    protocol, separator, address = text.partition("://")
    if not separator or not protocol.isalnum():
        return Path(text)
    if protocol in ("file", "local"):
        return Path(address)
    from upath import UPath

    try:
        url_path = UPath(text)
        url_path.fs  # noqa: B018  (imports the filesystem's own package)
    except (ImportError, ValueError) as error:
        raise InputError(f"{text}: {protocol}:// cannot be read on this machine ({error})") from error
    return url_path
