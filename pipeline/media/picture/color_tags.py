"""FFmpeg's names of colour tags, and replacements for tags that are missing or that its scaler lacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av

_UNSPECIFIED_MATRIX, _UNSPECIFIED_RANGE = 2, 0

MATRICES = {
    0: "rgb",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    11: "smpte2085",
    12: "chroma-derived-nc",
    13: "chroma-derived-c",
    14: "ictcp",
    15: "ipt-c2",
    16: "ycgco-re",
    17: "ycgco-ro",
}
TRANSFERS = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "ebu3213",
}
RANGES = {1: "limited", 2: "full"}
FIELD_ORDERS = {1: "progressive", 2: "tt", 3: "bb", 4: "tb", 5: "bt"}
UNTAGGED = "untagged"
HDR = ("smpte2084", "arib-std-b67")
NOT_CONVERTED = ("linear", "log100", "log316", "smpte428")
WIDE = ("bt2020", "smpte431", "smpte432")
_MIN_HD_WIDTH, _MAX_SD_HEIGHT = 1280, 576
_SWSCALE_MATRICES = ("rgb", "bt709", "fcc", "bt470bg", "smpte170m", "smpte240m", "bt2020nc")
BT2020NC = 9
_BT709, _SMPTE170M = 1, 6


def tag_name(names: dict[int, str], value: Any) -> str:
    """FFmpeg's name of a tag."""
    return names.get(int(value), UNTAGGED)


def matrix_to_use(tag: str, primaries: str, width: int, height: int) -> tuple[int | None, str | None]:
    """The matrix to read Y'CbCr with, by FFmpeg's number, and a note for the user; None and None: the tagged matrix.

    Without a tag it is BT.709 for high definition and otherwise BT.601, as in players.
    """
    is_hd = width >= _MIN_HD_WIDTH or height > _MAX_SD_HEIGHT
    if tag == UNTAGGED:
        return (_BT709, "HD video without a colour matrix tag is read as BT.709") if is_hd else (None, None)
    if tag in _SWSCALE_MATRICES:
        return None, None
    number = BT2020NC if primaries in WIDE else _BT709 if is_hd or primaries == "bt709" else _SMPTE170M
    return (
        number,
        f"the colour matrix {tag} cannot be converted: {MATRICES[number]} is used instead, and colours may be wrong",
    )


@contextmanager
def without_matrix(frame: av.VideoFrame, *, without_range: bool = False) -> Iterator[None]:
    """A context in which a frame has no tag of its matrix, so that FFmpeg neither converts levels nor refuses them.

    Args:
        frame: The frame, which gets its tags back, because others read them.
        without_range: Whether the tag of the range is hidden, too.
    """
    matrix, color_range = frame.colorspace, frame.color_range
    frame.colorspace = _UNSPECIFIED_MATRIX
    if without_range:
        frame.color_range = _UNSPECIFIED_RANGE
    try:
        yield
    finally:
        frame.colorspace, frame.color_range = matrix, color_range
