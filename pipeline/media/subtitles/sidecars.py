"""The files beside a video that hold its words."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from typing import TYPE_CHECKING

from avcues.extractors.transcript import Utterance, sorted_by_time
from avcues.pipeline.errors import MediaError
from avcues.pipeline.media.source import fingerprint
from avcues.pipeline.media.subtitles.cues import utterances_of
from avcues.pipeline.media.subtitles.encoding import decode
from avcues.pipeline.media.subtitles.languages import code
from avcues.pipeline.media.subtitles.subtitle_file import FORMATS, read_cues
from avcues.pipeline.media.subtitles.timed_words import SUFFIXES, read_json, read_table, read_textgrid

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

_TAGS = ("sdh", "cc", "hi", "default", "forced")
_LARGEST_BYTES = 64 << 20


@dataclass(frozen=True)
class Sidecar:
    """A file beside a video, with its stem.

    Args:
        language: ISO 639 code, by its name; None if that names none.
        forced: It holds what foreigners say, not all that is said.
    """

    place: Location
    language: str | None
    forced: bool

    @property
    def name(self) -> str:
        """Its file name."""
        return self.place.name

    def identity(self) -> dict[str, str]:
        """Its name, and a fingerprint of its content, which differs for another file of the same name."""
        try:
            return {"name": self.name, "fingerprint": fingerprint(self.place)}
        except MediaError:  # empty, or not to be read: reading it says so
            return {"name": self.name, "fingerprint": "unreadable"}


@dataclass(frozen=True)
class SidecarWords:
    """What a sidecar says.

    Args:
        language: ISO 639 code, or None.
        notes: What was left out or assumed, one line each.
    """

    utterances: tuple[Utterance, ...]
    language: str | None
    notes: tuple[str, ...]


def find_sidecars(video: Location, language: str | None) -> list[Sidecar]:
    """The sidecars of a video, the preferred one first.

    Preferred are, in this order: full ones to forced ones; the language wanted, then files that name none, then
    English, then the rest by language; words with times of their own to subtitles; and the order of `FORMATS`.

    Args:
        video: The media file.
        language: ISO 639 code of the language wanted, or None.
    """
    stem = video.stem
    pattern = f"{glob.escape(stem)}.*"
    sidecars = [_sidecar(place, stem) for place in video.parent.glob(pattern) if place.name != video.name]
    language_code = code(language) if language else None

    def order(sidecar: Sidecar) -> tuple[object, ...]:
        ranks = {language_code: 0, None: 1, "en": 2} if language_code else {None: 1, "en": 2}
        suffixes = (".textgrid", ".json", ".csv", ".tsv", *FORMATS)
        return (
            sidecar.forced,
            ranks.get(sidecar.language, 3),
            sidecar.language or "",
            suffixes.index(sidecar.place.suffix.lower()),
            sidecar.name,
        )

    return sorted((sidecar for sidecar in sidecars if sidecar is not None), key=order)


def _sidecar(place: Location, stem: str) -> Sidecar | None:
    """The sidecar, if the file's name says that it is one: stem, languages and tags, suffix."""
    if place.suffix.lower() not in (*FORMATS, *SUFFIXES):
        return None
    middle = [part for part in place.name[len(stem) : -len(place.suffix)].split(".") if part]
    tags = [part.lower() for part in middle if part.lower() in _TAGS and len(middle) > 1]
    languages = [code(part) for part in middle if part.lower() not in tags]
    if None in languages or len(languages) > 1:
        return None
    return Sidecar(place, languages[0] if languages else None, "forced" in tags)


def read_sidecar(sidecar: Sidecar) -> SidecarWords:
    """Reads a sidecar.

    Raises:
        MediaError: It cannot be read, or holds no words; the message begins with its name.
        OSError: Reading failed for a temporary reason.
    """
    try:
        return _read(sidecar)
    except MediaError as error:
        raise MediaError(f"{sidecar.name}: {error}") from error


def _read(sidecar: Sidecar) -> SidecarWords:
    suffix = sidecar.place.suffix.lower()
    size = sidecar.place.stat().st_size
    if size > _LARGEST_BYTES:
        raise MediaError(f"is {size >> 20} MiB, too large for subtitles")
    if size == 0:
        raise MediaError("is empty (0 bytes)")
    text, guessed = decode(sidecar.place.read_bytes())
    notes = [f"its encoding was guessed to be {guessed}; save it as UTF-8 to be sure"] if guessed else []
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
        utterances, spoken = read_json(text, "sidecar")
        language = language or (code(spoken) if spoken else None)
    else:
        utterances = read_textgrid(text, "sidecar") if suffix == ".textgrid" else read_table(text, "sidecar")
    if not utterances:
        raise MediaError("holds no words" + (f" ({'; '.join(notes)})" if notes else ""))
    return SidecarWords(sorted_by_time(utterances), language, tuple(f"{sidecar.name}: {note}" for note in notes))
