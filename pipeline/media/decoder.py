"""Decodes the streams of an open media file once, packet by packet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import Any, Protocol

import av
from av.error import FFmpegError

from avcues.pipeline.errors import MediaError
from avcues.pipeline.media.completeness import StreamTally
from avcues.pipeline.media.frame_census import FrameCensus
from avcues.pipeline.media.frames import AudioBlock, Damage, FrameStatistics, VideoFrame
from avcues.pipeline.media.packet_ends import PacketEnds
from avcues.pipeline.media.part import Part, is_empty
from avcues.pipeline.media.reading import Reading
from avcues.pipeline.media.scrambling import scrambled_packets
from avcues.pipeline.media.sound import SoundConverter
from avcues.pipeline.media.stream_metadata import MediaMetadata
from avcues.pipeline.media.subtitles.cues import Cue
from avcues.pipeline.media.subtitles.streams import add_cues
from avcues.pipeline.media.timestamps import DecodeOrderTimestamps, MonotonicFrameFilter

# Containers whose frames have no presentation times.
_CONTAINERS_WITHOUT_PTS = ("avi", "mpegvideo")
# Frames and blocks up to this much before t = 0 are priming, or belong to a shot that was cut off.
_LEAD_IN = Fraction(1, 2)
# A part that begins within this distance of the end of the previous part continues its clock.
_SAME_CLOCK_GAP_S = (Fraction(-1), Fraction(10))


class OpenMedia(Protocol):
    """The members of an open file (`avcues.pipeline.media.container.Media`) that a decoder needs."""

    name: str
    metadata: MediaMetadata
    damage: Damage
    frames: FrameStatistics
    lost_s: Fraction
    reading: Reading
    notes: list[str]
    cues: list[Cue]
    trust_headers: bool
    resources: ExitStack
    part: Part

    @property
    def audio_rate_hz(self) -> int:
        """Samples per second of every `AudioBlock`."""

    @property
    def audio_streams(self) -> int:
        """Number of audio streams that are mixed."""

    def timed_frame(self, part: Part, frame: av.VideoFrame, pts: int | None, last: VideoFrame | None) -> VideoFrame:
        """Adds its times to a decoded frame."""


class Decoder:
    """Decodes the requested streams of a file, part by part, and updates the counts, notes and cues of the file.

    Args:
        media: The open file.
        video: Decode the video stream, if there is one.
        audio: Decode the audio streams, if there are any.
        subtitle_stream: Number of the subtitle stream to collect, if any.
        threads: Threads of the video decoder.
    """

    def __init__(
        self, media: OpenMedia, *, video: bool, audio: bool, subtitle_stream: int | None, threads: int
    ) -> None:
        self._media = media
        self._reads_video = video and media.metadata.video is not None
        self._reads_audio = audio and media.metadata.audio is not None
        self._subtitle_stream = subtitle_stream
        self._threads = threads
        self._frame_filter = MonotonicFrameFilter(media.damage, media.frames)
        self._last_block: AudioBlock | None = None
        self._successor_ids: set[int] = set()

    def decode(self) -> Iterator[VideoFrame | AudioBlock]:
        """Yields frames as decoded and blocks of sound, in file order.

        Raises:
            MediaError: Everything that was requested is encrypted.
        """
        decoded_anything = False
        part: Part | None = self._media.part
        while part is not None:
            ends = PacketEnds()
            for item in self._decode_part(part, ends):
                decoded_anything = True
                yield item
            part = self._next_part(part, ends)
        for frame in self._frame_filter.finish():
            decoded_anything = True
            yield frame
        if self._media.damage.packets_encrypted and not decoded_anything:
            raise MediaError(f"{self._media.name}: is encrypted; decrypt it first")

    def _decode_part(
        self,
        part: Part,
        ends: PacketEnds,
    ) -> Iterator[VideoFrame | AudioBlock]:
        video = part.video if self._reads_video else None
        audio_streams = part.audio[: self._media.audio_streams] if self._reads_audio else ()
        streams: list[Any] = [*(() if video is None else (video,)), *audio_streams]
        subtitle_streams = [
            stream for stream in part.container.streams.subtitles if stream.index == self._subtitle_stream
        ]
        if not (streams or subtitle_streams):
            return
        if part.video is not None:
            part.video.codec_context.thread_count = self._threads
        tallies = {stream.index: part.tally(stream) for stream in streams}
        converters = {stream.index: self._converter(part, i) for i, stream in enumerate(audio_streams)}
        times = DecodeOrderTimestamps() if part.format in _CONTAINERS_WITHOUT_PTS else None
        census = FrameCensus(self._media.damage)
        for packet in part.packets([*streams, *subtitle_streams], self._media.damage, ends):
            if packet.stream in subtitle_streams:
                self._media.damage.subtitles_undecodable += add_cues(
                    packet, part.clock(packet.stream), self._media.cues
                )
                continue
            is_video = packet.stream is video
            tallies[packet.stream.index].add(packet)
            if is_empty(packet):
                # A Theora encoder writes an empty packet for a picture like the last one. Where frames are
                # reordered, and in containers without times, the last frame decoded need not be the one before it.
                repeats = (
                    is_video and times is None and self._frame_filter.last is not None and not _reorders_frames(part)
                )
                if repeats and (last := self._frame_filter.last) is not None:
                    yield from self._frame_filter.push(self._media.timed_frame(part, last.frame, packet.pts, last))
                continue
            if packet.size and packet.has_sidedata("encryption_info"):
                self._media.damage.packets_encrypted += 1
                continue
            if is_video and times is not None:
                times.add_packet(packet)
            try:
                frames = packet.decode()
            except (FFmpegError, EOFError):
                self._count_undecodable(packet, times, is_video=is_video)
                continue
            if is_video:
                census.add_packet(packet)
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    census.add_frame(frame)
                    pts = frame.pts if times is None else times.next_time()
                    picture = self._media.timed_frame(part, frame, pts, self._frame_filter.last)
                    self._media.damage.video_frames_before_start += picture.start < -_LEAD_IN
                    yield from self._frame_filter.push(picture)
                elif isinstance(frame, av.AudioFrame):
                    yield from self._convert_sound(part, packet.stream.index, converters[packet.stream.index], frame)
        for converter in converters.values():
            yield from self._count_early_blocks(converter.finish())
            if len(converter.layouts) > 1:
                self._media.notes.append(
                    f"the layout of channels changes ({', '.join(converter.layouts)}): the level of their mix may jump"
                )
        if times is None:
            census.finish()
        self._count_missing(part, tallies)
        if part.format == "mpegts" and part is self._media.part:
            self._media.damage.packets_encrypted += scrambled_packets(part.file, [stream.id for stream in streams])

    def _next_part(self, part: Part, ends: PacketEnds) -> Part | None:
        """The next part of the file, on a clock that continues where this part ends; None after the last part."""
        next_part = part.next_part(
            self._media.name, self._media.reading, ends, self._media.damage, trust_headers=self._media.trust_headers
        )
        if next_part is None:
            return None
        self._media.resources.callback(next_part.container.close)
        last, block = self._frame_filter.last, self._last_block
        end = Fraction(0) if last is None else last.start + last.duration
        if block is not None and block.start is not None:
            end = max(end, block.start + Fraction(block.channels.shape[1], self._media.audio_rate_hz))
        if next_part.format == "mpegts":
            clock_gap = next_part.origin - part.origin - end
            end = next_part.origin - part.origin if _SAME_CLOCK_GAP_S[0] <= clock_gap <= _SAME_CLOCK_GAP_S[1] else end
            self._successor_ids |= {stream.id for stream in next_part.selection.streams}
            notes_before = self._media.part.selection.notes()
            self._media.notes[: len(notes_before)] = self._media.part.selection.notes(self._successor_ids)
            self._media.notes.append("the programme continues under other stream numbers, which were read")
        else:
            self._media.notes.append("a second file is appended to this one, and was read")
        next_part.origin -= end
        return next_part

    def _converter(self, part: Part, position: int) -> SoundConverter:
        return SoundConverter(
            self._media.audio_rate_hz,
            part.format,
            surround_downmix=self._media.reading.downmix,
            damage=self._media.damage,
            trust_headers=self._media.trust_headers,
            stream=position,
            first_start=-part.origin,
        )

    def _count_undecodable(self, packet: Any, times: DecodeOrderTimestamps | None, *, is_video: bool) -> None:
        if not is_video:
            self._media.damage.audio_packets_undecodable += 1
            return
        self._media.damage.video_packets_undecodable += 1
        if times is not None:
            times.drop_packet(packet)

    def _convert_sound(
        self, part: Part, stream: int, converter: SoundConverter, frame: av.AudioFrame
    ) -> Iterator[AudioBlock]:
        start = duration = None
        if frame.pts is not None:
            clock = part.audio_clocks[stream]
            ticks = frame.duration or Fraction(frame.samples, frame.sample_rate) / clock.time_base
            start, duration = clock.seconds(frame.pts), clock.length(frame.pts, ticks)
        yield from self._count_early_blocks(converter.convert(frame, start, duration))

    def _count_early_blocks(self, blocks: Iterable[AudioBlock]) -> Iterator[AudioBlock]:
        for block in blocks:
            if block.start is not None:
                self._media.damage.audio_blocks_before_start += block.start < -_LEAD_IN
                self._last_block = block
            yield block

    def _count_missing(self, part: Part, tallies: dict[int, StreamTally]) -> None:
        for index, tally in tallies.items():
            packets, seconds = tally.missing_packets()
            self._media.lost_s = max(self._media.lost_s, seconds)
            if part.video is not None and index == part.video.index:
                self._media.damage.video_packets_missing += packets
            else:
                self._media.damage.audio_packets_missing += packets


def _reorders_frames(part: Part) -> bool:
    return part.video is not None and bool(part.video.codec_context.has_b_frames)
