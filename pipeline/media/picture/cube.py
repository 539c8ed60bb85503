"""Converts the colours of frames by a lookup table of 65 x 65 x 65 colours."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.video.reformatter import Interpolation, VideoReformatter

from avcues.pipeline.media.picture.color_tags import without_matrix
from avcues.pipeline.media.picture.tone import ColorEncoding, to_sdr

POINTS = 65  # with 33, colours near black lose a hundredth of their saturation
_FORMAT, _YCC_FORMAT = "gbrp16le", "yuv444p16le"  # FFmpeg's fast path of lut3d
EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP


class ColorCube:
    """Converts frames to R'G'B' of BT.709. For one thread.

    Args:
        color: Colour encoding of the frames.
    """

    def __init__(self, color: ColorEncoding) -> None:
        self._is_ycc = color.matrix != "rgb"
        self._color = color
        self._reformatter = VideoReformatter()
        self._graphs: dict[tuple[int, int], Graph] = {}

    def rgb(self, frame: av.VideoFrame, width: int, height: int, interpolation: Interpolation) -> npt.NDArray[np.uint8]:
        """(height, width, 3) uint8 R'G'B'; the frame is scaled before its colours are converted."""
        codes = self._codes(frame, width, height, interpolation | EXACT)
        graph = self._graphs.get((width, height)) or self._graph(width, height)
        graph.push(codes)
        converted = graph.vpull()
        green, blue, red = (
            np.frombuffer(plane, np.uint16).reshape(height, -1)[:, :width]  # type: ignore[call-overload]
            for plane in converted.planes
        )
        rgb = cv2.merge([red, green, blue])
        return np.asarray(cv2.convertScaleAbs(rgb, alpha=255 / 65535), np.uint8).reshape(height, width, 3)

    def _codes(self, frame: av.VideoFrame, width: int, height: int, interpolation: Interpolation) -> av.VideoFrame:
        """Code values in 16 bits."""
        if not self._is_ycc:
            return self._reformatter.reformat(
                frame, width, height, format=_FORMAT, interpolation=interpolation, threads=1
            )
        with without_matrix(frame):
            ycc = self._reformatter.reformat(
                frame, width, height, format=_YCC_FORMAT, interpolation=interpolation, threads=1
            )
        codes = av.VideoFrame(width, height, _FORMAT)
        # Y, Cb and Cr go to the cube as its red, green and blue.
        for plane, source in zip(codes.planes, (ycc.planes[1], ycc.planes[2], ycc.planes[0]), strict=True):
            plane.update(bytes(source))
        return codes

    def _graph(self, width: int, height: int) -> Graph:
        graph = Graph()
        graph.threads = 1
        source = graph.add_buffer(
            width=width, height=height, format=av.VideoFormat(_FORMAT), time_base=Fraction(1, 1000)
        )
        with tempfile.TemporaryDirectory(prefix="avcues-") as folder:
            file = Path(folder) / "sdr.cube"
            file.write_bytes(_cube(self._color))
            lut = graph.add("lut3d", file=str(file), interp="tetrahedral")
        sink = graph.add("buffersink")
        source.link_to(lut)
        lut.link_to(sink)
        graph.configure()
        self._graphs[width, height] = graph
        return graph


@lru_cache(maxsize=2)
def _cube(color: ColorEncoding) -> bytes:
    """The lookup table as the content of a .cube file."""
    axis = np.linspace(0, 1, POINTS)
    third, second, first = np.meshgrid(axis, axis, axis, indexing="ij")  # the first channel varies fastest
    cube = to_sdr(np.stack([first, second, third], axis=-1).reshape(-1, 3), color)
    lines = "\n".join(f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in cube.tolist())
    return f"LUT_3D_SIZE {POINTS}\n{lines}\n".encode("ascii")
