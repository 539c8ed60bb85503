"""Notes on stereoscopic and spherical pictures, which are measured as stored."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import av

_STEREO = {
    1: "side by side",
    2: "one above the other",
    3: "in turn",
    4: "as a checkerboard",
    5: "as a checkerboard, side by side",
    6: "line by line",
    7: "column by column",
}
"""Layouts by FFmpeg's AVStereo3DType."""
_PROJECTIONS = {
    0: "equirectangular",
    1: "cubemap",
    2: "a tile of an equirectangular one",
    3: "half equirectangular",
    5: "fisheye",
    6: "parametric immersive",
}
"""Projections by FFmpeg's AVSphericalProjection; 4 is a flat picture."""


def unusual_notes(frame: av.VideoFrame) -> list[str]:
    """Notes for the user, one line each, if the picture is stereoscopic or spherical."""
    side_data: Mapping[str, Any] = frame.side_data
    notes = []
    if stereo := _STEREO.get(_first_int(side_data, "STEREO3D")):
        notes.append(f"stereoscopic: the pictures of both eyes, stored {stereo}, are measured as one")
    if projection := _PROJECTIONS.get(_first_int(side_data, "SPHERICAL")):
        notes.append(f"spherical: measured as it is stored ({projection}), not as a viewer sees a part of it")
    return notes


def _first_int(side_data: Mapping[str, Any], kind: str) -> int:
    data = side_data.get(kind)
    return -1 if data is None else int(struct.unpack_from("<i", bytes(data))[0])
