"""Sidecars: files beside a video that hold its words."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from typing import TYPE_CHECKING

from avcues.extractors.transcript import Utterance, sorted_by_time
from avcues.pipeline.errors import MediaError
from avcues.pipeline.media.source import fingerprint
from avcues.pipeline.media.subtitles.cues import utterances_of
from avcues.pipeline.media.subtitles.encoding import decode
from avcues.pipeline.media.subtitles.languages import language_code
from avcues.pipeline.media.subtitles.subtitle_file import FORMATS, read_cues
from avcues.pipeline.media.subtitles.timed_words import (
    SUFFIXES,
    read_json,
    read_table,
    read_textgrid,
    without_impossible_confidences,
)

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

_NAME_TAGS = ("sdh", "cc", "hi", "default", "forced")
_MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Sidecar:
    """A file beside a video, with its stem.

    Args:
        location: The file.
        language: ISO 639 code in its name; None if it names none.
        forced: Whether it holds only translations of foreign speech instead of everything that is said.
    """

    location: Location
    language: str | None
    forced: bool

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.location.name

    def identity(self) -> dict[str, str]:
        """Name and fingerprint of the file; files with other contents have other fingerprints."""
        try:
            return {"name": self.name, "fingerprint": fingerprint(self.location)}
        except MediaError:  # empty or unreadable: `read_sidecar` raises the error
            return {"name": self.name, "fingerprint": "unreadable"}


@dataclass(frozen=True)
class SidecarWords:
    """The words of a sidecar.

    Args:
        utterances: The utterances, in the order of their starts.
        language: ISO 639 code, or None if it is not known.
        notes: Notes for the user, one line each: what was left out or assumed.
    """

    utterances: tuple[Utterance, ...]
    language: str | None
    notes: tuple[str, ...]


def find_sidecars(video: Location, language: str | None) -> list[Sidecar]:
    """The sidecars of a video, the preferred one first.

    The criteria are, in this order: full sidecars before forced ones; the requested language, then files that name no
    language, then English, then others by their codes; words with their own times before subtitles; the order of
    `FORMATS`.

    Args:
        video: The media file.
        language: ISO 639 code of the requested language, or None.
    """
    stem = video.stem
    pattern = f"{glob.escape(stem)}.*"
    sidecars = [_sidecar(location, stem) for location in video.parent.glob(pattern) if location.name != video.name]
    preferred = language_code(language) if language else None

    def sort_key(sidecar: Sidecar) -> tuple[object, ...]:
        ranks = {preferred: 0, None: 1, "en": 2} if preferred else {None: 1, "en": 2}
        suffixes = (".textgrid", ".json", ".csv", ".tsv", *FORMATS)
        return (
            sidecar.forced,
            ranks.get(sidecar.language, 3),
            sidecar.language or "",
            suffixes.index(sidecar.location.suffix.lower()),
            sidecar.name,
        )

    return sorted((sidecar for sidecar in sidecars if sidecar is not None), key=sort_key)


def _sidecar(location: Location, stem: str) -> Sidecar | None:
    """The sidecar, if the file is named like one (stem, languages and tags, suffix), else None."""
    if location.suffix.lower() not in (*FORMATS, *SUFFIXES):
        return None
    name_parts = [part for part in location.name[len(stem) : -len(location.suffix)].split(".") if part]
    tags = [part.lower() for part in name_parts if part.lower() in _NAME_TAGS and len(name_parts) > 1]
    languages = [language_code(part) for part in name_parts if part.lower() not in tags]
    if None in languages or len(languages) > 1:
        return None
    return Sidecar(location, languages[0] if languages else None, "forced" in tags)


def read_sidecar(sidecar: Sidecar) -> SidecarWords:
    """Reads a sidecar.

    Raises:
        MediaError: The file cannot be read, or holds no words; the message begins with its name.
        OSError: Reading failed for a temporary reason.
    """
    try:
        return _read_words(sidecar)
    except MediaError as error:
        raise MediaError(f"{sidecar.name}: {error}") from error


def _read_words(sidecar: Sidecar) -> SidecarWords:
    suffix = sidecar.location.suffix.lower()
    size = sidecar.location.stat().st_size
    if size > _MAX_BYTES:
        raise MediaError(f"is {size >> 20} MiB, too large for subtitles")
    if size == 0:
        raise MediaError("is empty (0 bytes)")
    text, guessed_encoding = decode(sidecar.location.read_bytes())
    notes = (
        [f"its encoding was guessed to be {guessed_encoding}; save it as UTF-8 to be sure"] if guessed_encoding else []
    )
    language = sidecar.language
    if suffix in FORMATS:
        cues, unreadable = read_cues(text, suffix)
        subtitles = utterances_of(cues, "sidecar")
        counts = subtitles.counts | ({"subtitles that cannot be read": unreadable} if unreadable else {})
        notes += (
            [f"left out are {', '.join(f'{reason}: {count}' for reason, count in counts.items())}"] if counts else []
        )
        utterances = list(subtitles.utterances)
    elif suffix == ".json":
        utterances, named_language = read_json(text, "sidecar")
        language = language or (language_code(named_language) if named_language else None)
    else:
        utterances = read_textgrid(text, "sidecar") if suffix == ".textgrid" else read_table(text, "sidecar")
    utterances, impossible = without_impossible_confidences(utterances)
    if impossible:
        notes.append(f"the confidence of {impossible} words is no number from 0 to 1, and left out")
    if not utterances:
        raise MediaError("holds no words" + (f" ({'; '.join(notes)})" if notes else ""))
    return SidecarWords(sorted_by_time(utterances), language, tuple(f"{sidecar.name}: {note}" for note in notes))
