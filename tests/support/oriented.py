"""Clips of one picture whose display matrix turns and mirrors it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

EIGHT = [(degrees, hflip, False) for degrees in (0, 90, 180, 270) for hflip in (False, True)]
"""All orientations: degrees, whether left and right change places, whether top and bottom do."""


def corners(size: tuple[int, int]) -> np.ndarray:
    """Grey, with a red, a green and a blue patch in three corners, so that no two orientations look alike."""
    width, height = size
    image = np.full((height, width, 3), 90, np.uint8)
    image[: height // 3, : width // 3] = (230, 20, 20)
    image[: height // 3, -width // 3 :] = (20, 200, 20)
    image[-height // 3 :, : width // 3] = (20, 20, 230)
    return image


def still_clip(path: Path, image: np.ndarray, degrees: int = 0, *, hflip: bool = False, vflip: bool = False) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=4, options={"qp": "1", "preset": "ultrafast"})
        stream.height, stream.width, stream.pix_fmt = *image.shape[:2], "yuv420p"
        if degrees or hflip or vflip:
            stream.set_display_rotation(degrees, hflip=hflip, vflip=vflip)
        for i in range(4):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 4)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def seen(coded: np.ndarray, degrees: int, *, hflip: bool = False, vflip: bool = False) -> np.ndarray:
    """The picture as a viewer sees it."""
    image = np.rot90(coded, degrees // 90)
    image = image[:, ::-1] if hflip else image
    return image[::-1] if vflip else image


def with_matrix(source: Path, out: Path, degrees: int = 0, *, hflip: bool = False) -> Path:
    """The packets of a clip, to be shown turned or mirrored."""
    with av.open(str(source)) as reader, av.open(str(out), "w") as writer:
        stream = writer.add_stream_from_template(reader.streams.video[0])
        stream.set_display_rotation(degrees, hflip=hflip)
        for packet in reader.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                writer.mux(packet)
    return out
