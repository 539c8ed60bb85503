"""Properties of a video stream in its headers that decide how it is displayed."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from avcues.pipeline.media.format_dump import Cropping

# A more extreme pixel aspect is a broken header.
_MAX_PIXEL_ASPECT = 4
# Encoders that round sizes to even numbers write aspects such as 226:225; nobody sees those, and scaling would blur.
_MAX_DEVIATION = Fraction(1, 100)


@dataclass(frozen=True)
class StreamProperties:
    """Properties of a stream that decide how it is displayed, besides the tags of its frames.

    Args:
        pixel_aspect: Width of a pixel to its height.
        cropping: Pixels that players crop, by the container.
        interlaced: Whether the header flags the stream as interlaced.
        may_be_interlaced: Whether video of this size and rate is often interlaced: a missing flag proves little.
        dolby_vision: Whether the stream is Dolby Vision without a compatible base layer (profile 5).
        hidden_alpha: Whether the container declares transparency, which the decoder may not read.
    """

    pixel_aspect: Fraction = Fraction(1)
    cropping: Cropping = field(default_factory=Cropping)
    interlaced: bool = False
    may_be_interlaced: bool = False
    dolby_vision: bool = False
    hidden_alpha: bool = False


def usable_aspect(aspect: Fraction) -> Fraction:
    """The pixel aspect to use; 1 for aspects that are impossible, or that no viewer could distinguish from 1."""
    return Fraction(1) if not is_possible_aspect(aspect) or abs(aspect - 1) < _MAX_DEVIATION else aspect


def is_possible_aspect(aspect: Fraction) -> bool:
    """Whether a pixel aspect can be true."""
    return Fraction(1, _MAX_PIXEL_ASPECT) <= aspect <= _MAX_PIXEL_ASPECT
