"""Decides from the tags of a frame how its colours are converted."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import av

from avcues.pipeline.media.picture import color_tags
from avcues.pipeline.media.picture.color_tags import HDR, NOT_CONVERTED, UNTAGGED, WIDE, matrix_to_use, tag_name
from avcues.pipeline.media.picture.tone import PQ_PEAK_NIT, ColorEncoding

Tags = tuple[int, int, int, int, str]

_CUBE_MATRICES = ("ycgco", "bt2020c", "ictcp", "ipt-c2")


@dataclass(frozen=True)
class ColorConversion:
    """The conversion of colours for frames with the same tags.

    Args:
        color: The colour encoding of the frames; None if it is that of an SDR display.
        matrix: FFmpeg's number of the matrix that replaces the tagged one; None: the tagged one is used.
        applied: Conversions by kind, for records.
        notes: Notes for the user on the same conversions.
    """

    color: ColorEncoding | None = None
    matrix: int | None = None
    applied: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def tags_of(frame: av.VideoFrame) -> Tags:
    """The tags that decide the colours of a frame."""
    return frame.colorspace, frame.color_trc, frame.color_primaries, frame.color_range, frame.format.name


def conversion_of(frame: av.VideoFrame, *, dolby_vision: bool = False) -> ColorConversion:
    """The conversion of a frame's colours to those of an SDR display of BT.709.

    Args:
        frame: The frame.
        dolby_vision: Whether its colours are those of Dolby Vision's profile 5, whatever its tags say.
    """
    matrix = tag_name(color_tags.MATRICES, frame.colorspace)
    primaries = tag_name(color_tags.PRIMARIES, frame.color_primaries)
    transfer = tag_name(color_tags.TRANSFERS, frame.color_trc)
    is_ycc = _is_ycc(frame)
    if dolby_vision and is_ycc:
        matrix, primaries, transfer = "ipt-c2", "bt2020", "smpte2084"
    color: ColorEncoding | None = None
    applied, notes = {}, []
    if transfer in HDR or primaries in WIDE or (is_ycc and matrix in _CUBE_MATRICES):
        color = _color_of(frame, transfer, primaries, matrix if is_ycc else "rgb")
        kind = "HDR" if transfer in HDR else "wide gamut" if primaries in WIDE else f"colour matrix {matrix}"
        kind = "Dolby Vision without its dynamic metadata" if matrix == "ipt-c2" else kind
        method = f" by BT.2390 from {color.peak_nit:g} nit" if transfer in HDR else ""
        tags = ", ".join(tag for tag in (transfer, primaries, matrix) if tag != UNTAGGED)
        applied["colour"] = f"{tags} to bt709{method}"
        notes.append(f"{kind} ({tags}) is shown as SDR of BT.709{method}")
    if transfer in NOT_CONVERTED:
        notes.append(f"the transfer {transfer} is not converted: brightness is not what a viewer sees")
    matrix_number = None
    if is_ycc and not (color is not None and matrix in _CUBE_MATRICES):
        matrix_number, replacement_note = matrix_to_use(matrix, primaries, frame.width, frame.height)
        if transfer in HDR and matrix == UNTAGGED:
            matrix_number, replacement_note = color_tags.BT2020NC, None
        if matrix_number is not None and replacement_note:
            applied["matrix"] = color_tags.MATRICES[matrix_number]
            notes.append(replacement_note)
    return ColorConversion(color, matrix_number, applied, tuple(notes))


def coded_conversion(frame: av.VideoFrame) -> ColorConversion:
    """The conversion of colours that are read as coded: only a matrix that the scaler lacks is replaced."""
    tag = tag_name(color_tags.MATRICES, frame.colorspace)
    if tag == UNTAGGED or frame.format.is_rgb:
        return ColorConversion()
    primaries = tag_name(color_tags.PRIMARIES, frame.color_primaries)
    matrix_number, replacement_note = matrix_to_use(tag, primaries, frame.width, frame.height)
    if matrix_number is None or not replacement_note:
        return ColorConversion()
    return ColorConversion(None, matrix_number, {"matrix": color_tags.MATRICES[matrix_number]}, (replacement_note,))


def _is_ycc(frame: av.VideoFrame) -> bool:
    return not frame.format.is_rgb and not frame.format.has_palette and len(frame.format.components) > 1


def _color_of(frame: av.VideoFrame, transfer: str, primaries: str, matrix: str) -> ColorEncoding:
    if primaries not in (*WIDE, "bt709"):
        primaries = "bt2020" if transfer in HDR else "bt709"
    if matrix in ("ictcp", "ipt-c2") and transfer not in HDR:
        transfer = "smpte2084"
    return ColorEncoding(
        transfer=transfer,
        primaries=primaries,
        matrix=matrix if matrix in _CUBE_MATRICES else "rgb",
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
