"""The sound that codecs add before the content, for containers that do not state its length."""

from __future__ import annotations

from fractions import Fraction

from av.audio.stream import AudioStream

# Encoder and decoder of MP3: 576 + 529 samples (LAME's technical FAQ); of layers 1 and 2, the polyphase filters alone.
_MP3_SAMPLES = 1105
_POLYPHASE_SAMPLES = 481
# One frame of the transform (ISO/IEC 14496-3).
_AAC_SAMPLES = 1024
# Containers in which some muxers allow for the delay, and some do not.
_UNCERTAIN_CONTAINERS = ("mpegts", "flv", "avi", "wav", "matroska,webm")
# Up to each sampling rate, the samples of a frame.
_WMA_FRAMES = ((16_000, 512), (22_050, 1024), (48_000, 2048), (96_000, 4096))


def codec_delay_s(container_format: str, stream: AudioStream) -> Fraction:
    """Seconds of sound before the content in a file with only sound; 0 if its container removes them.

    In files with a picture, muxers and players allow for the delay.

    Args:
        container_format: FFmpeg's name of the container format.
        stream: The only stream.
    """
    if container_format == "asf" and not stream.codec_context.name.startswith("wma"):
        return Fraction(0)
    if container_format == "mp3" and stream.start_time:  # a header that states the delay moves the start
        return Fraction(0)
    return _delay_s(stream) if container_format in ("aac", "loas", "mp3", "asf") else Fraction(0)


def possible_delay_s(container_format: str, stream: AudioStream) -> Fraction:
    """Seconds by which sound alone may be late in a container that does not say whether it allows for the delay."""
    return _delay_s(stream) if container_format in _UNCERTAIN_CONTAINERS else Fraction(0)


def _delay_s(stream: AudioStream) -> Fraction:
    codec, rate_hz = stream.codec_context.name, stream.codec_context.sample_rate
    samples = 0
    if codec.startswith("aac"):
        samples = _AAC_SAMPLES
    elif codec.startswith("mp3"):
        samples = _MP3_SAMPLES
    elif codec.startswith(("mp1", "mp2")):
        samples = _POLYPHASE_SAMPLES
    elif codec in ("wmav1", "wmav2"):
        samples = next((frame_samples for max_hz, frame_samples in _WMA_FRAMES if rate_hz <= max_hz), 0)
    return Fraction(samples, rate_hz)
