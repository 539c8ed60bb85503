"""Which streams of a file are read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from avcues.pipeline.errors import MediaError
from avcues.pipeline.media.format_dump import FormatDump
from avcues.pipeline.media.reading import MIX, Reading
from avcues.pipeline.media.timestamps import fraction

# Sound for a special audience or purpose is a version of the main sound, not a channel of it.
_VERSIONS = (
    Disposition.dub
    | Disposition.comment
    | Disposition.karaoke
    | Disposition.hearing_impaired
    | Disposition.visual_impaired
    | Disposition.clean_effects
    | Disposition.descriptions
)
_LATER_S = 0.5


@dataclass(frozen=True)
class Selection:
    """The streams that are read.

    Args:
        video: None: there is none.
        audio: One, or several that are mixed with the same weight: channels in tracks of their own, or what the user
            asked for.
        unread: The others that could be.
    """

    video: VideoStream | None
    audio: tuple[AudioStream, ...]
    unread: tuple[Any, ...] = ()

    @property
    def streams(self) -> tuple[Any, ...]:
        """All of them."""
        return (*(() if self.video is None else (self.video,)), *self.audio)

    def only_new(self, ids: Collection[int]) -> Selection:
        """The streams whose identifiers in the container are not among those."""
        video = None if self.video is None or self.video.id in ids else self.video
        return Selection(video, tuple(stream for stream in self.audio if stream.id not in ids))

    def notes(self, read_later: Collection[int] = ()) -> list[str]:
        """What a reader of the values should know.

        Args:
            read_later: Identifiers of streams that were read as successors of others.
        """
        notes = []
        if len(self.audio) > 1:
            notes.append(f"{len(self.audio)} audio streams are read as channels of one sound")
        if unread := [stream for stream in self.unread if stream.id not in read_later]:
            notes.append(f"not read: {_list(unread)}; choose with `video_stream` and `audio_stream`")
        return notes


def select(name: str, container: InputContainer, dump: FormatDump, reading: Reading) -> Selection:
    """Chooses the streams: the picture, and the sound of its programme.

    Args:
        name: The file, as the user knows it.
        container: The open file.
        dump: What FFmpeg prints of it.
        reading: What the user asked for.

    Raises:
        MediaError: There is no such stream, or neither a video nor an audio stream.
    """
    videos = [s for s in container.streams.video if _decodable(s) and not s.disposition & Disposition.attached_pic]
    audios = [s for s in container.streams.audio if _decodable(s) and s.codec_context.sample_rate]
    if not videos and not audios:
        raise MediaError(f"{name}: has neither a video nor an audio stream that can be decoded")
    video = _video(name, container, videos, dump, reading.video_stream)
    audio = _audio(name, container, audios, video, dump, reading.audio_stream)
    read = {stream.index for stream in (video, *audio) if stream is not None}
    return Selection(video, audio, tuple(s for s in (*videos, *audios) if s.index not in read))


def _video(
    name: str, container: InputContainer, videos: Sequence[VideoStream], dump: FormatDump, number: int | None
) -> VideoStream | None:
    if number is not None:
        chosen = next((s for s in videos if s.index == number), None)
        if chosen is None:
            raise MediaError(f"{name}: has no video stream {number}; it has {_list(videos)}")
        return chosen
    best: Any = container.streams.best("video")
    if best not in videos:
        best = next(iter(videos), None)
    if best is not None and (programme := dump.programme_of(best.index)):
        # A stream whose PID changes continues as another one: the first is read first.
        alike = [s for s in videos if s.index in programme and s.codec_context.name == best.codec_context.name]
        first = min(alike, key=_start_s)
        if _start_s(first) < _start_s(best) - _LATER_S:
            return first
    return best


def _audio(
    name: str,
    container: InputContainer,
    audios: Sequence[AudioStream],
    video: VideoStream | None,
    dump: FormatDump,
    choice: str | None,
) -> tuple[AudioStream, ...]:
    programme = None if video is None else dump.programme_of(video.index)
    same_programme = [s for s in audios if programme is None or s.index in programme]
    if choice is not None and choice != MIX:
        chosen = [s for s in audios if choice == str(s.index)] or [
            s for s in same_programme + list(audios) if (s.language or "").lower() == choice.lower()
        ]
        if not chosen:
            raise MediaError(f"{name}: has no audio stream {choice}; it has {_list(audios)}")
        return (chosen[0],)
    if not same_programme:
        return ()
    if choice == MIX:
        return tuple(same_programme)
    if len(same_programme) > 1 and _are_channels(same_programme):
        return tuple(same_programme)
    best: Any = container.streams.best("audio", related=video) if video else container.streams.best("audio")
    if best not in same_programme:
        best = same_programme[0]
    if programme is not None:
        first = min((s for s in same_programme if s.codec_context.name == best.codec_context.name), key=_start_s)
        if _start_s(first) < _start_s(best) - _LATER_S:
            best = first
    return (best,)


def _are_channels(streams: Sequence[AudioStream]) -> bool:
    """Whether each of several tracks holds one channel of the same sound, as cameras and editing systems write them."""
    forms = {(s.codec_context.channels, s.codec_context.sample_rate, s.codec_context.name, s.language) for s in streams}
    return (
        len(forms) == 1
        and streams[0].codec_context.channels == 1
        and not any(s.disposition & _VERSIONS for s in streams)
        and len({s.metadata.get("title") for s in streams if "title" in s.metadata}) <= 1
        and max(map(_start_s, streams)) - min(map(_start_s, streams)) < _LATER_S
    )


def _list(streams: Sequence[Any]) -> str:
    if not streams:
        return "none"
    return ", ".join(
        f"stream {s.index} ({s.type}{f', {s.language}' if s.language not in (None, 'und') else ''})" for s in streams
    )


def _start_s(stream: Any) -> float:
    return float((stream.start_time or 0) * fraction(stream.time_base))


def _decodable(stream: Any) -> bool:
    return getattr(stream, "codec_context", None) is not None
