"""Motion in the picture: optical flow between neighbouring frames, and the part of it that the camera causes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import Column, Columns, FramePair, Table

_GRID_PX = 8  # distance between the points that the camera's motion is fitted to
_MIN_TEXTURE = 4.0  # brightness levels per pixel, of 255; with less, flow is a guess
_MIN_POINTS = 24
_FIT_PX = 0.5  # a point whose flow deviates by less moves with the camera
_MIN_SPEED = 0.01  # frame heights per second: the direction of slower flow is noise
_MAX_BLACK = 24  # of 255
_RIM_RATIO = 0.6  # shorter flow, relative to the mean of its region, belongs to the rim

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


@dataclass(frozen=True)
class MotionSettings:
    """Options of the motion features.

    Args:
        moving_above: Difference from the camera's motion, in frame heights per second, above which a pixel counts as
            moving.
    """

    moving_above: float = 0.1


class Motion(BaseExtractor):
    """Optical flow between a frame and the next one, four times a second, within shots.

    Flow is computed by OpenCV's DIS (preset "medium", without variational refinement) on frames whose longer side is
    256 px. The frames of a pair are 30 to 250 ms apart: neighbours at up to 30 frames per second, every second frame at
    50 and 60. Pairs never span a cut, and black bars do not count. The camera's motion is a shift, a turn and a change
    of scale about the middle of the picture, fitted by RANSAC to the flow of points with texture.

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
        """The (9,) values of a pair: the order is that of `describe_windows`, which gets their means over a window."""
        assert self._flow is not None
        earlier, later = pair.images
        rows, columns = _inside_bars(earlier, later)
        if rows.stop - rows.start < 16 or columns.stop - columns.start < 16:  # the picture is black
            rows, columns = slice(0, earlier.shape[0]), slice(0, earlier.shape[1])
        earlier, later = (np.ascontiguousarray(image[rows, columns]) for image in (earlier, later))
        px_per_speed = len(earlier) * pair.seconds  # the shift at a speed of one frame height per second
        difference = cv2.norm(earlier, later, cv2.NORM_L1) / earlier.size / 255
        if not difference:
            has_texture = len(_textured_points(earlier)[0]) >= _MIN_POINTS
            camera = (0.0, 0.0, 0.0) if has_texture else (np.nan,) * 3
            return np.array([0, 0, 0, 0, 0 if has_texture else np.nan, *camera, 0], np.float64)
        flow = self._flow.calc(earlier, later, None)  # type: ignore[call-overload]
        length = _length(flow[..., 0], flow[..., 1])
        camera_flow, camera = _fit_camera(earlier, flow)
        moving = np.nan
        if camera_flow is not None:
            moving = _moving_share(flow[::2, ::2] - camera_flow, self.settings.moving_above * px_per_speed)
        x, y, scale = camera
        return np.array(
            [
                length.mean(dtype=np.float64) / px_per_speed,
                np.square(length, dtype=np.float64).mean() / px_per_speed**2,
                flow[..., 0].mean() / px_per_speed,
                flow[..., 1].mean() / px_per_speed,
                moving,
                x / px_per_speed,
                y / px_per_speed,
                scale / pair.seconds,
                difference,
            ],
            np.float64,
        )

    def describe_windows(
        self, means: npt.NDArray[np.float64], pair_counts: npt.NDArray[np.int16]
    ) -> Mapping[str, Columns]:
        """Columns of N windows from the (N, 9) means over their pairs."""
        length, squared, x, y, moving, pan_x, pan_y, zoom, difference = means.T
        with np.errstate(invalid="ignore", divide="ignore"):
            coherence = np.where(length > _MIN_SPEED, np.minimum(np.hypot(x, y) / length, 1), np.nan)
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
                "pairs": pair_counts,
            }
        }


def _length(x: npt.NDArray[np.float32], y: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Lengths of vectors, without OpenCV: the last digit of its roots depends on the array's address in memory."""
    length: npt.NDArray[np.float32] = np.sqrt(x * x + y * y)
    return length


def _moving_share(residual: npt.NDArray[np.float32], threshold: float) -> float:
    """Share of pixels that move against the camera, without the rims that flow smears around moving regions.

    Args:
        residual: (H, W, 2) flow less that of the camera.
        threshold: Length above which a pixel moves. In each connected region, pixels below three fifths of the
            region's mean length (weighted by length) belong to the rim.
    """
    length = _length(residual[..., 0], residual[..., 1])
    is_moving = length > threshold
    count, regions = cv2.connectedComponents(is_moving.astype(np.uint8), connectivity=4, ltype=cv2.CV_32S)
    total, squared = (np.bincount(regions.ravel(), x.ravel(), minlength=count) for x in (length, length * length))
    means = squared / np.maximum(total, 1e-9)
    return float(np.mean(is_moving & (length > _RIM_RATIO * means[regions])))


def _inside_bars(earlier: npt.NDArray[np.uint8], later: npt.NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns of the picture inside black bars."""
    is_bright = np.asarray(cv2.max(earlier, later)) > _MAX_BLACK
    spans = []
    for axis in (1, 0):
        visible = np.flatnonzero(is_bright.any(axis=axis))
        spans.append(slice(int(visible[0]), int(visible[-1]) + 1) if len(visible) else slice(0, 0))
    return spans[0], spans[1]


def _textured_points(image: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows and columns of grid points with texture."""
    gradients: list[npt.NDArray[np.float32]] = [
        np.asarray(cv2.Sobel(image, cv2.CV_32F, dx, 1 - dx), np.float32) / np.float32(8) for dx in (1, 0)
    ]
    blurred = cv2.blur(_length(*gradients), (9, 9))
    half_cell = _GRID_PX // 2
    y, x = np.nonzero(np.asarray(blurred)[half_cell::_GRID_PX, half_cell::_GRID_PX] > _MIN_TEXTURE)
    return y * _GRID_PX + half_cell, x * _GRID_PX + half_cell


def _fit_camera(
    image: npt.NDArray[np.uint8], flow: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32] | None, tuple[float, float, float]]:
    """Fits the camera's motion to the flow.

    Returns:
        The camera's part of the flow at every other pixel, or None without enough texture; and the shift in x and y in
        pixels and the logarithm of the scale, or NaN.
    """
    y, x = _textured_points(image)
    no_fit = None, (np.nan, np.nan, np.nan)
    if len(x) < _MIN_POINTS:
        return no_fit
    height, width = image.shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    points = np.stack([x, y], axis=1) - middle
    matrix, _ = cv2.estimateAffinePartial2D(
        points, points + flow[y, x], method=cv2.RANSAC, ransacReprojThreshold=_FIT_PX, maxIters=500
    )
    if matrix is None:
        return no_fit
    x_offsets, y_offsets = (np.arange(0, n, 2) - m for n, m in ((width, middle[0]), (height, middle[1])))
    (a, b, shift_x), (c, d, shift_y) = matrix - np.eye(2, 3)
    camera_flow = np.empty((len(y_offsets), len(x_offsets), 2), np.float32)
    camera_flow[..., 0] = a * x_offsets + (b * y_offsets)[:, None] + shift_x
    camera_flow[..., 1] = c * x_offsets + (d * y_offsets)[:, None] + shift_y
    return camera_flow, (float(shift_x), float(shift_y), float(np.log(np.hypot(*matrix[:, 0]))))
