"""Motion on pictures whose motion is known, and through the whole pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import extract

from avcues.extractors.compute import Compute
from avcues.extractors.motion import Motion
from avcues.extractors.protocol import FramePair

WIDTH, HEIGHT, FPS = 1280, 720, 25
SIDE = 260


def texture(seed: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Noise of several sizes, (height, width) uint8."""
    draw = np.random.default_rng(seed)
    layers = [cv2.GaussianBlur(draw.normal(0, 1, (height, width)), (0, 0), sigma) for sigma in (4, 8, 16, 32)]
    return np.clip(128 + 22 * sum(layer / layer.std() for layer in layers), 0, 255).astype(np.uint8)


def square(step_px: int, frames: int) -> Iterable[np.ndarray]:
    """A textured square that moves right over a still texture, by so many pixels a frame."""
    ground, face = texture(1), texture(2, SIDE, SIDE)
    for i in range(frames):
        image = ground.copy()
        x = 200 + step_px * i
        image[200 : 200 + SIDE, x : x + SIDE] = face
        yield image


def pan(step_px: int, frames: int) -> Iterable[np.ndarray]:
    """A picture that moves left, by so many pixels a frame."""
    wide = texture(3, 3 * WIDTH)
    for i in range(frames):
        x = 100 + step_px * i
        yield wide[:, x : x + WIDTH]


def zoom(rate: float, frames: int) -> Iterable[np.ndarray]:
    """A picture that grows by a factor of e in 1 / rate seconds."""
    picture = texture(4)
    for i in range(frames):
        matrix = cv2.getRotationMatrix2D(((WIDTH - 1) / 2, (HEIGHT - 1) / 2), 0, float(np.exp(rate * i / FPS)))
        yield cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def write(path: Path, frames: Iterable[np.ndarray]) -> Path:
    """A nearly lossless video."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"qp": "12", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="gray").reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def measure(tmp_path: Path) -> Callable[[Iterable[np.ndarray]], dict[str, np.ndarray]]:
    def measured(frames: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
        out = extract(write(tmp_path / "clip.mp4", frames), tmp_path / "out", features=("motion",))
        return {name: out.column("motion", name) for name in out.table("motion").column_names[4:]}

    return measured


@pytest.mark.parametrize("step_px", [7, 14, 26])
def test_a_square_moves_against_a_still_camera(measure: Callable, step_px: int) -> None:
    motion = measure(square(step_px, 25))
    speed = step_px * FPS / HEIGHT
    share = SIDE**2 / (WIDTH * HEIGHT)
    np.testing.assert_allclose(motion["flow_mean"], speed * share, rtol=0.05)
    np.testing.assert_allclose(motion["moving_share"], share, rtol=0.05)
    # The rim is neither still nor fast.
    np.testing.assert_allclose(motion["flow_std"], speed * np.sqrt(share * (1 - share)), rtol=0.15)
    np.testing.assert_allclose(motion["flow_coherence"], 1, atol=0.05)
    np.testing.assert_allclose([motion["pan_x"], motion["pan_y"], motion["zoom"]], 0, atol=0.005)


@pytest.mark.parametrize("step_px", [3, 14, 43])
def test_a_pan_is_the_cameras(measure: Callable, step_px: int) -> None:
    motion = measure(pan(step_px, 25))
    speed = step_px * FPS / HEIGHT
    np.testing.assert_allclose(motion["pan_x"], -speed, rtol=0.05)
    np.testing.assert_allclose(motion["flow_mean"], speed, rtol=0.05)
    np.testing.assert_allclose(motion["flow_coherence"], 1, atol=0.05)
    np.testing.assert_allclose([motion["pan_y"], motion["zoom"]], 0, atol=0.03)
    assert motion["moving_share"].max() < 0.05


@pytest.mark.parametrize("rate", [0.1, 0.4, -0.3])
def test_a_zoom_is_the_cameras(measure: Callable, rate: float) -> None:
    motion = measure(zoom(rate, 25))
    np.testing.assert_allclose(motion["zoom"], rate, rtol=0.05)
    np.testing.assert_allclose([motion["pan_x"], motion["pan_y"]], 0, atol=0.01)
    assert motion["flow_coherence"].max() < 0.1
    assert motion["moving_share"].max() < 0.05


def test_a_still_picture_does_not_move(measure: Callable) -> None:
    motion = measure([texture(5)] * 25)
    for name in ("flow_mean", "flow_std", "pan_x", "pan_y", "zoom", "moving_share"):
        np.testing.assert_allclose(motion[name], 0, atol=1e-3, err_msg=name)
    assert np.isnan(motion["flow_coherence"]).all()


def test_flow_does_not_span_a_cut(measure: Callable) -> None:
    """Two still shots that meet between the frames of what would be a pair."""
    motion = measure([texture(6)] * 26 + [np.roll(texture(7), 40) // 2] * 24)
    np.testing.assert_allclose(motion["flow_mean"], 0, atol=1e-3)
    np.testing.assert_allclose(motion["difference_mean"], 0, atol=1e-3)
    assert motion["pairs"].tolist() == [2, 2, 1, 2]


def test_bars_and_pictures_without_texture(measure: Callable) -> None:
    barred = []
    for image in pan(14, 25):
        image = image.copy()
        image[:90] = image[-90:] = 0
        barred.append(image)
    motion = measure(barred)
    np.testing.assert_allclose(motion["flow_mean"], 14 * FPS / (HEIGHT - 180), rtol=0.06)
    assert motion["moving_share"].max() < 0.06
    flat = measure(np.full((HEIGHT, WIDTH), level, np.uint8) for level in range(100, 125))
    assert np.isnan(flat["pan_x"]).all()
    assert np.isnan(flat["moving_share"]).all()


def test_a_slide_show_has_no_pairs(tmp_path: Path) -> None:
    motion = Motion()
    motion.setup(Compute(device="cpu"))
    pair = FramePair((texture(8, 256, 144), texture(8, 256, 144)), 0.04)
    assert motion.process_pair(pair)[0] == 0
    with av.open(str(tmp_path / "slides.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=1)
        stream.width, stream.height, stream.pix_fmt = 256, 144, "gray"
        stream.time_base = Fraction(1, 1000)
        for i in range(4):
            frame = av.VideoFrame.from_ndarray(texture(i, 256, 144), format="gray")
            frame.pts, frame.time_base = 1000 * i, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    motion = extract(tmp_path / "slides.mkv", tmp_path / "out", features=("motion", "color"))
    assert motion.table("motion")["flow_mean"].null_count == motion.table("motion").num_rows > 4


def test_a_pair_has_the_same_values_wherever_its_arrays_lie_in_memory() -> None:
    """OpenCV's own norm and magnitude of floats do not: bytes of tables differed from run to run."""
    motion = Motion()
    motion.setup(Compute())
    first, second = (np.ascontiguousarray(cv2.resize(image, (256, 144))) for image in square(12, 2))
    draw = np.random.default_rng(0)
    values, other_values = set(), []
    for _ in range(40):
        other_values.append(np.empty(draw.integers(1, 1_600_000), np.uint8))
        if len(other_values) > 20:
            other_values.pop(draw.integers(0, 20))
        values.add(motion.process_pair(FramePair((first.copy(), second.copy()), 0.04)).tobytes())
    assert len(values) == 1
