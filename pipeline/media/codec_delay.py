"""The sound that codecs add before the content, for containers that do not state its length."""

from __future__ import annotations

from fractions import Fraction

from av.audio.stream import AudioStream

# Samples that the encoder and the decoder of a codec add together; codecs that add less than 3 ms are left out.
_SAMPLES = {
    "aac": 1024,  # one frame of the transform (ISO/IEC 14496-3)
    "ac3": 256,  # one block of the transform (ATSC A/52)
    "amrnb": 40,
    "dca": 512,  # the filters of DTS (ETSI TS 102 114)
    "eac3": 256,
    "g723_1": 60,
    "mp1": 481,  # the polyphase filters of layers 1 and 2
    "mp2": 481,
    "mp3": 1105,  # 576 + 529 (LAME's technical FAQ)
    "nellymoser": 128,
    "opus": 312,
}
# Up to each sampling rate, the samples of a frame of WMA, and those that Speex adds.
_WMA_FRAMES = ((16_000, 512), (22_050, 1024), (48_000, 2048), (96_000, 4096))
_SPEEX_SAMPLES = ((8_000, 80), (16_000, 223), (48_000, 509))
# Containers that never allow for the delay, and those where some muxers do, and some do not.
_STATED_NOWHERE = ("aac", "ac3", "amr", "asf", "dts", "eac3", "loas", "mp3")
_UNCERTAIN_CONTAINERS = ("mpegts", "flv", "avi", "wav", "matroska,webm")


def codec_delay_s(container_format: str, stream: AudioStream) -> Fraction:
    """Seconds of sound before the content in a file with only sound; 0 if its container removes them.

    In files with a picture, muxers and players allow for the delay.

    Args:
        container_format: FFmpeg's name of the container format.
        stream: The only stream.
    """
    codec = _codec(stream)
    if container_format == "asf" and not codec.startswith("wma"):
        return Fraction(0)
    if container_format == "mp3" and stream.start_time:  # a header that states the delay moves the start
        return Fraction(0)
    is_speex_in_ogg = container_format == "ogg" and codec == "speex"  # other codecs in Ogg state the delay
    return _delay_s(stream) if container_format in _STATED_NOWHERE or is_speex_in_ogg else Fraction(0)


def possible_delay_s(container_format: str, stream: AudioStream) -> Fraction:
    """Seconds by which sound alone may be late in a container that does not say whether it allows for the delay."""
    if container_format == "matroska,webm" and _codec(stream) == "opus":  # the container states it
        return Fraction(0)
    return _delay_s(stream) if container_format in _UNCERTAIN_CONTAINERS else Fraction(0)


def _delay_s(stream: AudioStream) -> Fraction:
    codec, rate_hz = _codec(stream), stream.codec_context.sample_rate
    by_rate = {"wmav1": _WMA_FRAMES, "wmav2": _WMA_FRAMES, "speex": _SPEEX_SAMPLES}.get(codec)
    if by_rate is None:
        return Fraction(_SAMPLES.get(codec, 0), rate_hz)
    return Fraction(next((samples for max_hz, samples in by_rate if rate_hz <= max_hz), 0), rate_hz)


def _codec(stream: AudioStream) -> str:
    """The codec, whichever of FFmpeg's decoders decodes it."""
    return (
        stream.codec_context.name.removeprefix("lib").removesuffix("float").removesuffix("_fixed").removesuffix("_latm")
    )
