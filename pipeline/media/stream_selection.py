"""Chooses the streams of a file that are read."""

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

# Sound for a special audience or purpose is an alternative to the main sound, not one of its channels.
_ALTERNATIVES = (
    Disposition.dub
    | Disposition.comment
    | Disposition.karaoke
    | Disposition.hearing_impaired
    | Disposition.visual_impaired
    | Disposition.clean_effects
    | Disposition.descriptions
)
_MAX_START_DIFFERENCE_S = 0.5


@dataclass(frozen=True)
class Selection:
    """The streams that are read.

    Args:
        video: The video stream; None without one.
        audio: One audio stream, or several that are mixed with equal weights: channels in separate tracks, or streams
            that the user requested.
        unread: The other streams that could be read.
    """

    video: VideoStream | None
    audio: tuple[AudioStream, ...]
    unread: tuple[Any, ...] = ()

    @property
    def streams(self) -> tuple[Any, ...]:
        """The video stream, then the audio streams."""
        return (*(() if self.video is None else (self.video,)), *self.audio)

    def without(self, ids: Collection[int]) -> Selection:
        """The selection without the streams that have one of these identifiers in the container."""
        video = None if self.video is None or self.video.id in ids else self.video
        return Selection(video, tuple(stream for stream in self.audio if stream.id not in ids))

    def notes(self, read_later: Collection[int] = ()) -> list[str]:
        """Notes for the user, one line each.

        Args:
            read_later: Identifiers of streams that were read as successors of others.
        """
        notes = []
        if len(self.audio) > 1:
            notes.append(f"{len(self.audio)} audio streams are read as channels of one sound")
        if unread := [stream for stream in self.unread if stream.id not in read_later]:
            notes.append(f"not read: {_describe(unread)}; choose with `video_stream` and `audio_stream`")
        return notes


def select(name: str, container: InputContainer, dump: FormatDump, reading: Reading) -> Selection:
    """Chooses the streams: the picture, and the sound of its programme.

    Args:
        name: Name of the file, for messages.
        container: The open file.
        dump: Programmes and cropping of the file.
        reading: Options of the user.

    Raises:
        MediaError: A requested stream does not exist, or the file has neither a video nor an audio stream.
    """
    video_streams = [
        stream
        for stream in container.streams.video
        if _is_decodable(stream) and not stream.disposition & Disposition.attached_pic
    ]
    audio_streams = [
        stream for stream in container.streams.audio if _is_decodable(stream) and stream.codec_context.sample_rate
    ]
    if not video_streams and not audio_streams:
        raise MediaError(f"{name}: has neither a video nor an audio stream that can be decoded")
    video = _choose_video(name, container, video_streams, dump, reading.video_stream)
    audio = _choose_audio(name, container, audio_streams, video, dump, reading.audio_stream)
    read_indices = {stream.index for stream in (video, *audio) if stream is not None}
    return Selection(
        video, audio, tuple(stream for stream in (*video_streams, *audio_streams) if stream.index not in read_indices)
    )


def _choose_video(
    name: str, container: InputContainer, video_streams: Sequence[VideoStream], dump: FormatDump, requested: int | None
) -> VideoStream | None:
    if requested is not None:
        requested_stream = next((stream for stream in video_streams if stream.index == requested), None)
        if requested_stream is None:
            raise MediaError(f"{name}: has no video stream {requested}; it has {_describe(video_streams)}")
        return requested_stream
    best: Any = container.streams.best("video")
    if best not in video_streams:
        best = next(iter(video_streams), None)
    if best is not None and (programme := dump.programme_of(best.index)):
        # A stream whose PID changes continues as another stream; the earlier one is read first.
        candidates = [
            stream
            for stream in video_streams
            if stream.index in programme and stream.codec_context.name == best.codec_context.name
        ]
        first = min(candidates, key=_start_s)
        if _start_s(first) < _start_s(best) - _MAX_START_DIFFERENCE_S:
            return first
    return best


def _choose_audio(
    name: str,
    container: InputContainer,
    audio_streams: Sequence[AudioStream],
    video: VideoStream | None,
    dump: FormatDump,
    requested: str | None,
) -> tuple[AudioStream, ...]:
    programme = None if video is None else dump.programme_of(video.index)
    same_programme = [stream for stream in audio_streams if programme is None or stream.index in programme]
    if requested is not None and requested != MIX:
        matching = [stream for stream in audio_streams if requested == str(stream.index)] or [
            stream
            for stream in same_programme + list(audio_streams)
            if (stream.language or "").lower() == requested.lower()
        ]
        if not matching:
            raise MediaError(f"{name}: has no audio stream {requested}; it has {_describe(audio_streams)}")
        return (matching[0],)
    if not same_programme:
        return ()
    if requested == MIX:
        return tuple(same_programme)
    if len(same_programme) > 1 and _are_channels(same_programme):
        return tuple(same_programme)
    best: Any = container.streams.best("audio", related=video) if video else container.streams.best("audio")
    if best not in same_programme:
        best = same_programme[0]
    if programme is not None:
        first = min(
            (stream for stream in same_programme if stream.codec_context.name == best.codec_context.name), key=_start_s
        )
        if _start_s(first) < _start_s(best) - _MAX_START_DIFFERENCE_S:
            best = first
    return (best,)


def _are_channels(streams: Sequence[AudioStream]) -> bool:
    """Whether each stream holds one channel of the same sound, as cameras and editing systems write it."""
    formats = {
        (stream.codec_context.channels, stream.codec_context.sample_rate, stream.codec_context.name, stream.language)
        for stream in streams
    }
    return (
        len(formats) == 1
        and streams[0].codec_context.channels == 1
        and not any(stream.disposition & _ALTERNATIVES for stream in streams)
        and len({stream.metadata.get("title") for stream in streams if "title" in stream.metadata}) <= 1
        and max(map(_start_s, streams)) - min(map(_start_s, streams)) < _MAX_START_DIFFERENCE_S
    )


def _describe(streams: Sequence[Any]) -> str:
    if not streams:
        return "none"
    return ", ".join(
        f"stream {stream.index} ({stream.type}{f', {stream.language}' if stream.language not in (None, 'und') else ''})"
        for stream in streams
    )


def _start_s(stream: Any) -> float:
    return float((stream.start_time or 0) * fraction(stream.time_base))


def _is_decodable(stream: Any) -> bool:
    return getattr(stream, "codec_context", None) is not None
