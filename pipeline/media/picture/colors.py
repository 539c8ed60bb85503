"""How the colours of a frame are to be understood, by its tags."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import av

from avcues.pipeline.media.picture import color_tags
from avcues.pipeline.media.picture.color_tags import HDR, NOT_CONVERTED, UNTAGGED, WIDE, matrix_for, name_of
from avcues.pipeline.media.picture.tone import PQ_PEAK_NIT, Color

Tags = tuple[int, int, int, int, str]

_YCC_OF_CUBE = ("ycgco", "bt2020c", "ictcp", "ipt-c2")


@dataclass(frozen=True)
class Colors:
    """What is done to the colours of frames with the same tags.

    Args:
        color: How code values are to be understood, if they are not those of an SDR display.
        matrix: FFmpeg's number of the matrix that Y'CbCr is read with; None: that of the tag.
        applied: What that means, by kind, for the records.
        notes: The same for people.
    """

    color: Color | None = None
    matrix: int | None = None
    applied: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def tags_of(frame: av.VideoFrame) -> Tags:
    """The tags that decide the colours of a frame."""
    return frame.colorspace, frame.color_trc, frame.color_primaries, frame.color_range, frame.format.name


def colors_of(frame: av.VideoFrame, *, dolby_vision: bool = False) -> Colors:
    """What is done so that the colours of a frame become those of an SDR display of BT.709.

    Args:
        frame: The frame.
        dolby_vision: Whether its colours are those of Dolby Vision's profile 5, whatever its tags say.
    """
    matrix = name_of(color_tags.MATRICES, frame.colorspace)
    primaries = name_of(color_tags.PRIMARIES, frame.color_primaries)
    transfer = name_of(color_tags.TRANSFERS, frame.color_trc)
    is_ycc = _is_ycc(frame)
    if dolby_vision and is_ycc:
        matrix, primaries, transfer = "ipt-c2", "bt2020", "smpte2084"
    color: Color | None = None
    applied, notes = {}, []
    if transfer in HDR or primaries in WIDE or (is_ycc and matrix in _YCC_OF_CUBE):
        color = _color_of(frame, transfer, primaries, matrix if is_ycc else "rgb")
        kind = "HDR" if transfer in HDR else "wide gamut" if primaries in WIDE else f"colour matrix {matrix}"
        kind = "Dolby Vision without its dynamic metadata" if matrix == "ipt-c2" else kind
        how = f" by BT.2390 from {color.peak_nit:g} nit" if transfer in HDR else ""
        tags = ", ".join(tag for tag in (transfer, primaries, matrix) if tag != UNTAGGED)
        applied["colour"] = f"{tags} to bt709{how}"
        notes.append(f"{kind} ({tags}) is shown as SDR of BT.709{how}")
    if transfer in NOT_CONVERTED:
        notes.append(f"the transfer {transfer} is not converted: brightness is not what a viewer sees")
    number = None
    if is_ycc and not (color is not None and matrix in _YCC_OF_CUBE):
        number, why = matrix_for(matrix, primaries, frame.width, frame.height)
        if transfer in HDR and matrix == UNTAGGED:
            number, why = color_tags.BT2020NC, None
        if number is not None and why:
            applied["matrix"] = color_tags.MATRICES[number]
            notes.append(why)
    return Colors(color, number, applied, tuple(notes))


def readable(frame: av.VideoFrame) -> Colors:
    """Even as coded, a matrix that the scaler refuses must become another."""
    tag = name_of(color_tags.MATRICES, frame.colorspace)
    if tag == UNTAGGED or frame.format.is_rgb:
        return Colors()
    primaries = name_of(color_tags.PRIMARIES, frame.color_primaries)
    number, why = matrix_for(tag, primaries, frame.width, frame.height)
    if number is None or not why:
        return Colors()
    return Colors(None, number, {"matrix": color_tags.MATRICES[number]}, (why,))


def _is_ycc(frame: av.VideoFrame) -> bool:
    return not frame.format.is_rgb and not frame.format.has_palette and len(frame.format.components) > 1


def _color_of(frame: av.VideoFrame, transfer: str, primaries: str, matrix: str) -> Color:
    if primaries not in (*WIDE, "bt709"):
        primaries = "bt2020" if transfer in HDR else "bt709"
    if matrix in ("ictcp", "ipt-c2") and transfer not in HDR:
        transfer = "smpte2084"
    return Color(
        transfer=transfer,
        primaries=primaries,
        matrix=matrix if matrix in _YCC_OF_CUBE else "rgb",
        full_range=matrix == "ipt-c2" or frame.color_range == 2 or frame.format.name.startswith("yuvj"),
        peak_nit=_peak_nit(frame) if transfer == "smpte2084" else PQ_PEAK_NIT,
    )


def _peak_nit(frame: av.VideoFrame) -> float:
    """Luminance of the brightest pixel, or of the display that the video was graded on."""
    side_data: Mapping[str, Any] = frame.side_data
    light = side_data.get("CONTENT_LIGHT_LEVEL")
    if light is not None and (brightest := struct.unpack_from("<I", bytes(light))[0]):
        return float(max(1, brightest))
    mastering = side_data.get("MASTERING_DISPLAY_METADATA")
    if mastering is not None:
        *_, numerator, denominator, _, has_luminance = struct.unpack_from("<22i", bytes(mastering))
        if has_luminance and denominator > 0 and numerator > 0:
            return float(numerator / denominator)
    return PQ_PEAK_NIT
