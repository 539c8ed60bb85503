"""Motion of the picture: optical flow between neighbouring frames, and what of it the camera makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import Column, Columns, FramePair, Table

_GRID_PX = 8  # distance of the points that the camera's motion is fitted to
_LEAST_TEXTURE = 4.0  # of 255 per pixel: with less, flow is a guess
_LEAST_POINTS = 24
_FIT_PX = 0.5  # a point moves with the camera if it is off by less
_STILL = 0.01  # frame heights per second: the direction of slower flow is noise
_BLACK = 24  # of 255
_RIM = 0.6

_SPEED = "frame heights/s"
_TABLE = Table(
    name="motion",
    row="window",
    columns=(
        Column(name="flow_mean", unit=_SPEED, meaning="mean length of optical flow over the picture", low=0),
        Column(name="flow_std", unit=_SPEED, meaning="standard deviation of the length of optical flow", low=0),
        Column(
            name="flow_coherence",
            unit="1",
            meaning="length of the mean flow over the mean length of flow: 1 where all moves one way; null where "
            "nothing moves",
            low=0,
            high=1,
        ),
        Column(
            name="moving_share",
            unit="fraction",
            meaning="share of the picture that moves against the camera; null without texture",
            low=0,
            high=1,
        ),
        Column(
            name="pan_x",
            unit=_SPEED,
            meaning="horizontal motion of the picture by the camera's: positive to the right, as the camera pans left; "
            "null without texture",
        ),
        Column(
            name="pan_y",
            unit=_SPEED,
            meaning="vertical motion of the picture by the camera's: positive downwards, as the camera tilts up; null "
            "without texture",
        ),
        Column(
            name="zoom",
            unit="1/s",
            meaning="growth of the picture by the camera's zoom, as the change of the logarithm of its scale: positive "
            "inwards; null without texture",
        ),
        Column(
            name="difference_mean",
            unit="1",
            meaning="mean absolute difference of the brightness, 0 to 1, of frames about 1/25 s apart",
            low=0,
            high=1,
        ),
        Column(name="pairs", unit="count", meaning="pairs of frames that were compared", dtype="int16", low=1),
    ),
)
_MEASURED = ("length", "length^2", "x", "y", "moving", "pan_x", "pan_y", "zoom", "difference")


@dataclass(frozen=True)
class MotionSettings:
    """Options of the motion features.

    Args:
        moving_above: Difference to the camera's motion, in frame heights per second, above which a pixel counts as
            moving.
    """

    moving_above: float = 0.1


class Motion(BaseExtractor):
    """Optical flow between a frame and the next one, four times a second, within shots.

    Flow is that of OpenCV's DIS (preset "medium", without variational refinement) on frames whose longer side is
    256 px. The frames of a pair are 30 to 250 ms apart: neighbours up to 30 frames a second, next but one at 50 and 60.
    Pairs never span a cut, and black bars do not count. The camera's motion is a shift, a turn and a change of scale
    about the middle of the picture, fitted by RANSAC to the flow of points with texture.

    All means are over the pixels and pairs of a window. A window without a pair, as in slide shows, is null.
    """

    name = "motion"
    version = 1
    citation = (
        "Kroeger et al. 2016, Fast optical flow using dense inverse search; Fischler and Bolles 1981 (RANSAC); "
        "Bordwell 2006 and Cutting et al. 2010 on motion and pace in film"
    )
    libraries = ("opencv-python-headless",)
    Settings = MotionSettings
    tables = (_TABLE,)
    pair_rate_hz = 4
    long_side_px = 256

    def __init__(self, settings: MotionSettings = MotionSettings()) -> None:
        self.settings = settings
        self._flow: cv2.DISOpticalFlow | None = None

    def setup(self, compute: Compute) -> None:
        """Makes the flow estimator."""
        if self._flow is None:
            self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
            self._flow.setVariationalRefinementIterations(0)

    def process_pair(self, pair: FramePair) -> npt.NDArray[np.float64]:
        """(9,) what is averaged over the pairs of a window."""
        assert self._flow is not None
        first, second = pair.images
        rows, columns = _picture(first, second)
        if rows.stop - rows.start < 16 or columns.stop - columns.start < 16:  # black
            rows, columns = slice(0, first.shape[0]), slice(0, first.shape[1])
        a, b = np.ascontiguousarray(first[rows, columns]), np.ascontiguousarray(second[rows, columns])
        height_s = len(a) * pair.seconds  # turns pixels into frame heights per second
        difference = cv2.norm(a, b, cv2.NORM_L1) / a.size / 255
        if not difference:
            textured = len(_textured(a)[0]) >= _LEAST_POINTS
            camera = (0.0, 0.0, 0.0) if textured else (np.nan,) * 3
            return np.array([0, 0, 0, 0, 0 if textured else np.nan, *camera, 0], np.float64)
        flow = self._flow.calc(a, b, None)  # type: ignore[call-overload]
        length = _length(flow[..., 0], flow[..., 1])
        camera_flow, camera = _camera(a, flow)
        moving = np.nan
        if camera_flow is not None:
            moving = _moving_share(flow[::2, ::2] - camera_flow, self.settings.moving_above * height_s)
        x, y, scale = camera
        return np.array(
            [
                length.mean(dtype=np.float64) / height_s,
                np.square(length, dtype=np.float64).mean() / height_s**2,
                flow[..., 0].mean() / height_s,
                flow[..., 1].mean() / height_s,
                moving,
                x / height_s,
                y / height_s,
                scale / pair.seconds,
                difference,
            ],
            np.float64,
        )

    def describe_windows(self, means: npt.NDArray[np.float64], pairs: npt.NDArray[np.int16]) -> Mapping[str, Columns]:
        """Columns of N windows from the (N, 9) means over their pairs."""
        length, squared, x, y, moving, pan_x, pan_y, zoom, difference = means.T
        with np.errstate(invalid="ignore", divide="ignore"):
            coherence = np.where(length > _STILL, np.minimum(np.hypot(x, y) / length, 1), np.nan)
        return {
            "motion": {
                "flow_mean": length,
                "flow_std": np.sqrt(np.maximum(squared - length**2, 0)),
                "flow_coherence": coherence,
                "moving_share": moving,
                "pan_x": pan_x,
                "pan_y": pan_y,
                "zoom": zoom,
                "difference_mean": difference,
                "pairs": pairs,
            }
        }


def _length(x: npt.NDArray[np.float32], y: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Lengths of vectors, without OpenCV: the last digit of its roots depends on the array's place in memory."""
    length: npt.NDArray[np.float32] = np.sqrt(x * x + y * y)
    return length


def _moving_share(residual: npt.NDArray[np.float32], threshold: float) -> float:
    """Share of pixels that move against the camera, without the rims that the flow smears around what moves.

    Args:
        residual: (H, W, 2) flow less that of the camera.
        threshold: Length above which a pixel moves. In each connected region, pixels with less than three fifths of
            the mean length, itself weighted by length, are rim.
    """
    length = _length(residual[..., 0], residual[..., 1])
    moves = length > threshold
    count, regions = cv2.connectedComponents(moves.astype(np.uint8), connectivity=4, ltype=cv2.CV_32S)
    total, squared = (np.bincount(regions.ravel(), x.ravel(), minlength=count) for x in (length, length * length))
    means = squared / np.maximum(total, 1e-9)
    return float(np.mean(moves & (length > _RIM * means[regions])))


def _picture(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns between black bars."""
    bright = np.asarray(cv2.max(first, second)) > _BLACK
    spans = []
    for axis in (1, 0):
        visible = np.flatnonzero(bright.any(axis=axis))
        spans.append(slice(int(visible[0]), int(visible[-1]) + 1) if len(visible) else slice(0, 0))
    return spans[0], spans[1]


def _textured(image: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows and columns of grid points with texture."""
    slopes: list[npt.NDArray[np.float32]] = [
        np.asarray(cv2.Sobel(image, cv2.CV_32F, dx, 1 - dx), np.float32) / np.float32(8) for dx in (1, 0)
    ]
    blurred = cv2.blur(_length(*slopes), (9, 9))
    half = _GRID_PX // 2
    y, x = np.nonzero(np.asarray(blurred)[half::_GRID_PX, half::_GRID_PX] > _LEAST_TEXTURE)
    return y * _GRID_PX + half, x * _GRID_PX + half


def _camera(
    image: npt.NDArray[np.uint8], flow: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32] | None, tuple[float, float, float]]:
    """The camera's part of the flow at every other pixel, its shift in pixels, and the logarithm of its scale."""
    y, x = _textured(image)
    unknown = None, (np.nan, np.nan, np.nan)
    if len(x) < _LEAST_POINTS:
        return unknown
    height, width = image.shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    points = np.stack([x, y], axis=1) - middle
    matrix, _ = cv2.estimateAffinePartial2D(
        points, points + flow[y, x], method=cv2.RANSAC, ransacReprojThreshold=_FIT_PX, maxIters=500
    )
    if matrix is None:
        return unknown
    across, down = (np.arange(0, n, 2) - m for n, m in ((width, middle[0]), (height, middle[1])))
    (a, b, shift_x), (c, d, shift_y) = matrix - np.eye(2, 3)
    camera_flow = np.empty((len(down), len(across), 2), np.float32)
    camera_flow[..., 0] = a * across + (b * down)[:, None] + shift_x
    camera_flow[..., 1] = c * across + (d * down)[:, None] + shift_y
    return camera_flow, (float(shift_x), float(shift_y), float(np.log(np.hypot(*matrix[:, 0]))))
