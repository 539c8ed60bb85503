"""Bounds on what a file's headers claim, checked before memory for it is allocated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import av.logging

from avcues.pipeline.errors import MediaError

MAX_PIXELS = 1 << 26
"""Most pixels of a picture: 8192 x 8192. A decoded picture and its RGB copy take up to 4.5 bytes per pixel."""
AUDIO_RATES_HZ = range(1_000, 768_000 + 1)
"""Accepted samples per second. Resampling from a lower rate multiplies the samples."""
MAX_CHANNELS = 64
"""Most channels of sound: seventh-order Ambisonics has 64."""

_REMEDY = "if the file is sound, pass `trust_headers=True`"
_OVERSIZED = re.compile(r"Picture size (\d+)x(\d+) (?:exceeds|is invalid)")


def decoder_options(*, trust_headers: bool) -> dict[str, str]:
    """FFmpeg options under which no decoder allocates a picture of more than `MAX_PIXELS`."""
    return {} if trust_headers else {"max_pixels": str(MAX_PIXELS)}


@contextmanager
def refusing_oversized_pictures(name: str, *, trust_headers: bool) -> Iterator[None]:
    """Raises an error if FFmpeg refuses a picture size while a file is opened.

    FFmpeg reports the size of such a stream as 0 x 0, and writes the claimed size only to its log.

    Raises:
        MediaError: The headers claim larger pictures than `decoder_options` allow, or than FFmpeg can decode at all.
    """
    level, skips_repeated = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)  # an earlier file may have been refused for the same size
    try:
        with av.logging.Capture(local=True) as lines:
            yield
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skips_repeated)
    for _, _, line in lines:
        if oversized := _OVERSIZED.match(line):
            width, height = map(int, oversized.groups())
            if trust_headers:
                raise MediaError(f"{name}: FFmpeg cannot decode pictures of {width} x {height} pixels; scale them down")
            check_picture(name, width, height)


def check_picture(name: str, width: int, height: int) -> None:
    """Checks the size of a picture.

    Raises:
        MediaError: The picture has more than `MAX_PIXELS`.
    """
    if width * height > MAX_PIXELS:
        raise MediaError(
            f"{name}: claims pictures of {width} x {height} pixels; expected at most {MAX_PIXELS:,} pixels "
            f"(8192 x 8192); {_REMEDY}"
        )


def check_sound(name: str, rate_hz: int, channels: int) -> None:
    """Checks the sample rate and the number of channels.

    Raises:
        MediaError: One of them is out of bounds.
    """
    if rate_hz not in AUDIO_RATES_HZ:
        raise MediaError(
            f"{name}: claims {rate_hz:,} audio samples per second; expected {AUDIO_RATES_HZ[0]:,} to "
            f"{AUDIO_RATES_HZ[-1]:,}; {_REMEDY}"
        )
    if channels > MAX_CHANNELS:
        raise MediaError(f"{name}: claims {channels} audio channels; expected at most {MAX_CHANNELS}; {_REMEDY}")
