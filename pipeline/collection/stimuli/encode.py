"""Writes a stimulus that starts at t = 0, with copied or newly encoded streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.resampler import AudioResampler

from avcues.pipeline.collection.stimuli.streams import Kind, Packets
from avcues.pipeline.errors import MediaError
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.downmix import Samples, downmix
from avcues.pipeline.media.frames import AudioBlock, VideoFrame
from avcues.pipeline.media.timestamps import fraction

_TICKS = 90_000
_RATE_HZ = 48_000
_TIME_TOLERANCE = Fraction(1, 1000)
# The index comes first, so that playback starts before the whole file is loaded.
_MP4_OPTIONS = {"movflags": "+faststart+negative_cts_offsets"}
_VIDEO_ENCODERS = (("libx264", {"crf": "19", "preset": "veryfast"}), ("libvpx-vp9", {"crf": "30", "b": "0"}))


def copy_streams(source: str, target: Path, media: Media, packets: dict[Kind, Packets], kinds: Sequence[Kind]) -> None:
    """Copies packets with shifted times, so that t = 0 of the source is t = 0 of the file."""
    with (
        av.open(source, metadata_errors="ignore") as container,
        av.open(str(target), "w", format="mp4", options=_MP4_OPTIONS) as out,
    ):
        chosen_streams = [container.streams[packets[kind].index] for kind in kinds]
        streams = {stream.index: out.add_stream_from_template(stream) for stream in chosen_streams}
        for packet in container.demux(*chosen_streams):
            if packet.dts is None or packet.pts is None:
                continue
            shift = round(media.origin / fraction(packet.time_base))
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = streams[packet.stream_index]
            out.mux(packet)


def encode_streams(target: Path, media: Media, kinds: Sequence[Kind]) -> dict[Kind, Packets]:
    """Decodes a file and encodes what a viewer sees as H.264 and AAC; black or silence fills late starts of streams.

    Returns:
        The times of the encoded packets.

    Raises:
        MediaError: Nothing can be decoded, or this build of FFmpeg has no encoder.
    """
    with av.open(str(target), "w", format="mp4", options=_MP4_OPTIONS) as container:
        out = _Output(container, len(kinds))
        picture = _PictureEncoder(out, media) if "video" in kinds else None
        sound = _SoundEncoder(out, media) if "audio" in kinds else None
        for item in media.decode(video=picture is not None, audio=sound is not None, threads=2):
            if isinstance(item, VideoFrame):
                assert picture is not None
                picture.add(item)
            elif sound is not None:
                sound.add(item)
        parts: dict[Kind, _PictureEncoder | _SoundEncoder | None] = {"video": picture, "audio": sound}
        written = {kind: part.finish() for kind, part in parts.items() if part is not None}
    if missing := [kind for kind, times in written.items() if not times.starts]:
        raise MediaError(f"{media.name}: no {' and no '.join(missing)} can be decoded")
    return written


class _Output:
    """A file that accepts packets at once, but writes them only when all its streams are known."""

    def __init__(self, container: Any, streams: int) -> None:
        self._container, self._missing = container, streams
        self._waiting: list[Any] = []

    def add_stream(self, *args: Any, **options: Any) -> Any:
        self._missing -= 1
        return self._container.add_stream(*args, **options)

    def mux(self, packets: Iterable[Any]) -> None:
        self._waiting += packets
        if self._missing <= 0:
            for packet in self._waiting:
                self._container.mux(packet)
            self._waiting.clear()


class _PictureEncoder:
    def __init__(self, out: _Output, media: Media) -> None:
        self._out = out
        self._converter = media.picture.converter()
        self._stream: Any = None
        self._rate = media.frame_rate
        self._times = Packets(0, "")

    def add(self, picture: VideoFrame) -> None:
        """Encodes a frame at its presentation time."""
        image = self._converter.upright(picture.frame)
        image = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
        if self._stream is None:
            self._open(image)
            if picture.start > _TIME_TOLERANCE:
                self._encode(np.zeros_like(image), Fraction(0))
        elif image.shape[:2] != (self._stream.height, self._stream.width):
            raise MediaError("the picture changes its size, which browsers do not play; convert the file first")
        if picture.start > -_TIME_TOLERANCE:
            self._encode(image, max(picture.start, Fraction(0)))
            self._times.end = picture.start + picture.duration

    def finish(self) -> Packets:
        """Writes the frames that the encoder still has."""
        if self._stream is not None:
            self._out.mux(self._stream.encode(None))
        return self._times

    def _open(self, image: npt.NDArray[np.uint8]) -> None:
        name, options = next(
            (encoder for encoder in _VIDEO_ENCODERS if encoder[0] in av.codecs_available), (None, None)
        )
        if name is None:
            raise MediaError("this build of FFmpeg can encode neither H.264 nor VP9")
        self._stream = self._out.add_stream(name, rate=round(self._rate) or 25, options=options)
        self._stream.height, self._stream.width = image.shape[:2]
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _TICKS)
        self._stream.time_base = Fraction(1, _TICKS)

    def _encode(self, image: npt.NDArray[np.uint8], start: Fraction) -> None:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        frame.pts, frame.time_base = round(start * _TICKS), Fraction(1, _TICKS)
        self._times.starts.append(start)
        self._out.mux(self._stream.encode(frame))


class _SoundEncoder:
    def __init__(self, out: _Output, media: Media) -> None:
        self._out, self._rate = out, media.audio_rate_hz
        self._stream = out.add_stream("aac", rate=_RATE_HZ, layout="stereo", options={"b": "192k"})
        self._resampler = AudioResampler(format="fltp", layout="stereo", rate=_RATE_HZ, frame_size=1024)
        self._streams = [_PlacedSound(self._rate) for _ in range(media.audio_streams)]
        self._encoded_samples = 0

    def add(self, block: AudioBlock) -> None:
        """Places a block at its time, and encodes the samples that all streams have, mixed with equal weights."""
        self._streams[block.stream].add(_stereo(block.channels), block.start)
        self._encode(min(stream.samples for stream in self._streams))

    def finish(self) -> Packets:
        """Writes the remaining samples."""
        longest = max(stream.samples for stream in self._streams)
        for stream in self._streams:
            stream.fill(longest)
        self._encode(longest)
        if self._encoded_samples:
            for block in self._resampler.resample(None):
                self._out.mux(self._stream.encode(block))
            self._out.mux(self._stream.encode(None))
        return Packets(
            0,
            "",
            starts=[Fraction(0)] if self._encoded_samples else [],
            end=Fraction(self._encoded_samples, self._rate),
        )

    def _encode(self, end: int) -> None:
        for count in _chunk_sizes(end - self._encoded_samples, self._rate):
            mixed = np.mean([stream.take(count) for stream in self._streams], axis=0, dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(np.clip(mixed, -1, 1), format="fltp", layout="stereo")
            frame.sample_rate, frame.time_base, frame.pts = self._rate, Fraction(1, self._rate), self._encoded_samples
            self._encoded_samples += count
            for block in self._resampler.resample(frame):
                self._out.mux(self._stream.encode(block))


class _PlacedSound:
    """The sound of a stream from t = 0 on: silence fills gaps, and overlapping samples are dropped."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._waiting = np.zeros((2, 0), np.float32)
        self._taken = 0

    @property
    def samples(self) -> int:
        return self._taken + self._waiting.shape[1]

    def add(self, samples: npt.NDArray[np.float32], start: Fraction | None) -> None:
        first_sample = self.samples if start is None else round(start * self._rate_hz)
        if first_sample > self.samples + 1:
            self.fill(first_sample)
        elif first_sample < self.samples - 1:
            samples = samples[:, self.samples - first_sample :]
        self._waiting = np.concatenate([self._waiting, samples], axis=1)

    def fill(self, end: int) -> None:
        silence = np.zeros((2, max(0, end - self.samples)), np.float32)
        self._waiting = np.concatenate([self._waiting, silence], axis=1)

    def take(self, count: int) -> npt.NDArray[np.float32]:
        block, self._waiting = self._waiting[:, :count], self._waiting[:, count:]
        self._taken += count
        return block


def _stereo(channels: Samples) -> npt.NDArray[np.float32]:
    """(2, n) samples; more than two channels become their mean, as in avcues' measurements."""
    if len(channels) == 2:
        return np.stack([downmix([channels[:1]]), downmix([channels[1:]])])
    return np.repeat(downmix([channels])[None], 2, axis=0)


def _chunk_sizes(total: int, max_size: int) -> Iterator[int]:
    while total > 0:
        yield min(total, max_size)
        total -= max_size
