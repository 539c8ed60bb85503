"""The sound that codecs add before the content, for containers that do not state its length."""

from __future__ import annotations

from fractions import Fraction

from av.audio.stream import AudioStream

# Encoder and decoder of MP3: 576 + 529 samples (LAME's technical FAQ); of layers 1 and 2, the polyphase filters alone.
_MP3_SAMPLES = 1105
_POLYPHASE_SAMPLES = 481
# One frame of the transform (ISO/IEC 14496-3).
_AAC_SAMPLES = 1024
# Up to each sampling rate, the samples of a frame.
_WMA_FRAMES = ((16_000, 512), (22_050, 1024), (48_000, 2048), (96_000, 4096))


def codec_delay_s(container_format: str, stream: AudioStream) -> Fraction:
    """Seconds of sound before the content in a file with only sound; 0 if its container removes them.

    In files with a picture, muxers and players allow for the delay.

    Args:
        container_format: FFmpeg's name of the container format.
        stream: The only stream.
    """
    codec, rate_hz = stream.codec_context.name, stream.codec_context.sample_rate
    samples = 0
    if container_format in ("aac", "loas"):
        samples = _AAC_SAMPLES
    elif container_format == "mp3" and not stream.start_time:  # a header that states the delay moves the start
        samples = _MP3_SAMPLES if codec.startswith("mp3") else _POLYPHASE_SAMPLES
    elif container_format == "asf" and codec in ("wmav1", "wmav2"):
        samples = next((frame_samples for max_hz, frame_samples in _WMA_FRAMES if rate_hz <= max_hz), 0)
    return Fraction(samples, rate_hz)
