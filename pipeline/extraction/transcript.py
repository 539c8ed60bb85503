"""Chooses the source of a video's words, and makes the tables of words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from avcues.extractors.protocol import Columns, TextExtractor, Transcriber
from avcues.extractors.transcript import Transcript, sorted_by_time
from avcues.pipeline.errors import MediaError
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.subtitles.cues import utterances_of
from avcues.pipeline.media.subtitles.languages import language_code
from avcues.pipeline.media.subtitles.sidecars import Sidecar, SidecarWords, find_sidecars, read_sidecar
from avcues.pipeline.media.subtitles.streams import SubtitleStreamMetadata, choose_stream

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location


def transcriber_of(extractors: Iterable[object]) -> Transcriber | None:
    """The extractor that decides where words come from; None if no extractor does."""
    return next((extractor for extractor in extractors if isinstance(extractor, Transcriber)), None)


def sidecar_identity(video: Location, extractors: Iterable[object]) -> dict[str, str] | None:
    """Name and fingerprint of the file beside the video that has its words; None without such a file."""
    transcriber = transcriber_of(extractors)
    sidecars = _sidecars(video, transcriber) if transcriber is not None else []
    return sidecars[0].identity() if sidecars else None


def _sidecars(video: Location, transcriber: Transcriber) -> list[Sidecar]:
    return find_sidecars(video, transcriber.language) if "sidecar" in transcriber.sources else []


@dataclass
class Source:
    """The source of one video's words.

    Args:
        kind: "sidecar", "stream", "speech"; None: the video has no source of words.
        sidecar: Words of the file beside the video.
        stream: The subtitle stream to read.
        metadata: Description of the source for the metadata of tables.
        notes: Notes for the user, one line each: what was left out or assumed.
    """

    kind: str | None = None
    sidecar: SidecarWords | None = None
    stream: SubtitleStreamMetadata | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def choose_source(video: Location, media: Media, transcriber: Transcriber) -> Source:
    """Chooses the first of the transcriber's sources that the video has; notes report those that cannot be read.

    Args:
        video: The media file.
        media: The open media file.
        transcriber: Names the sources to try, and the language.
    """
    source = Source()
    sidecars = _sidecars(video, transcriber)
    source.metadata["sidecar"] = sidecars[0].identity() if sidecars else None
    for kind in transcriber.sources:
        if kind == "sidecar":
            source.sidecar = _first_readable(sidecars, source.notes)
        elif kind == "stream":
            source.stream = _choose_stream(media, transcriber, source.notes)
        if (
            (kind == "sidecar" and source.sidecar)
            or (kind == "stream" and source.stream)
            or (kind == "speech" and media.metadata.audio is not None)
        ):
            source.kind = kind
        if source.kind is not None:
            break
    return source


def _first_readable(sidecars: Sequence[Sidecar], notes: list[str]) -> SidecarWords | None:
    for sidecar in sidecars:
        try:
            words = read_sidecar(sidecar)
        except MediaError as error:
            notes.append(f"{error}; not used")
            continue
        notes += words.notes
        later_sidecars = [later.name for later in sidecars[sidecars.index(sidecar) + 1 :]]
        if later_sidecars:
            notes.append(f"words are from {sidecar.name}; not used: {', '.join(later_sidecars)}")
        return words
    return None


def _choose_stream(media: Media, transcriber: Transcriber, notes: list[str]) -> SubtitleStreamMetadata | None:
    picture_streams = [stream for stream in media.subtitle_streams if not stream.is_text]
    if picture_streams:
        descriptions = ", ".join(f"{stream.codec} {stream.language or ''}".strip() for stream in picture_streams)
        notes.append(f"left out: subtitles that are pictures, not text ({descriptions})")
    return choose_stream(media.subtitle_streams, transcriber.language)


class TextPass:
    """Makes the tables of all text extractors from one source.

    Args:
        source: Source of the words.
        transcriber: Names the language of words whose source does not name it.
        extractors: The text extractors that have work to do.

    Attributes:
        notes: Notes for the user, one line each; complete after `tables`.
    """

    def __init__(self, source: Source, transcriber: Transcriber, extractors: Sequence[TextExtractor]) -> None:
        self.source = source
        self.notes: list[str] = list(source.notes)
        self._transcriber = transcriber
        self._extractors = extractors

    def tables(self, media: Media, recognised: Transcript | None, step: Fraction, windows: int) -> dict[str, Columns]:
        """Columns by table; empty if the video has no words.

        Args:
            media: The media file after the decode pass.
            recognised: Transcript of the recogniser; None if it was not used.
            step: Window length in seconds.
            windows: Number of windows.
        """
        transcript = self._transcript(media, recognised)
        metadata = self.source.metadata
        metadata |= {
            "kind": self.source.kind,
            "language": transcript.language,
            "utterances": len(transcript.utterances),
            "rejected": len(transcript.rejected),
        }
        if not transcript.utterances and not transcript.rejected:
            self.notes.append(f"no words: {self._reason_without_words()}; the tables of text are null")
            return {}
        end = windows * step
        words_outside = sum(
            not 0 <= word.start < end for utterance in transcript.utterances for word in utterance.words
        )
        if words_outside:
            self.notes.append(
                f"{words_outside} words begin before the start or after the end of the video and are left out"
            )
        tables: dict[str, Columns] = {}
        for extractor in self._extractors:
            tables |= extractor.process_transcript(transcript, step, windows)
            self.notes += extractor.notes(transcript)
        return tables

    def _transcript(self, media: Media, recognised: Transcript | None) -> Transcript:
        default_language = self._transcriber.language and language_code(self._transcriber.language)
        if self.source.sidecar is not None:
            return Transcript(self.source.sidecar.utterances, self.source.sidecar.language or default_language)
        if self.source.stream is not None:
            subtitles = utterances_of(media.cues, "stream")
            self.source.metadata["stream"] = {"index": self.source.stream.index, "codec": self.source.stream.codec}
            if subtitles.counts:
                left_out = ", ".join(f"{reason}: {count}" for reason, count in subtitles.counts.items())
                self.notes.append(f"subtitle stream {self.source.stream.index}: left out are {left_out}")
            return Transcript(sorted_by_time(subtitles.utterances), self.source.stream.language or default_language)
        return Transcript(()) if recognised is None else recognised

    def _reason_without_words(self) -> str:
        if self.source.kind is None:
            missing_sources = {
                "sidecar": "no readable file beside the video",
                "stream": "no subtitle stream of text",
                "speech": "no sound",
            }
            return ", ".join(missing_sources[kind] for kind in self._transcriber.sources)
        return {
            "sidecar": "the file beside the video has none",
            "stream": "the subtitle stream has none",
            "speech": "the recogniser heard none",
        }[self.source.kind]
