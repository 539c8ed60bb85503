"""Clips: which samples of which shot go into which clip."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import av
import numpy as np
import numpy.typing as npt
import pytest

from avcues.extractors.protocol import ClipBatch
from avcues.pipeline.extraction.center_crop import CenterCrop
from avcues.pipeline.extraction.clips import ClipMeans, ClipSampler
from avcues.pipeline.extraction.shots import SettledFrame
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.picture.stage import PictureStage
from avcues.pipeline.media.picture.stream_properties import StreamProperties
from avcues.pipeline.media.reading import Reading


class Recorder:
    """A clip extractor that keeps the first channel of the first pixel of every frame that it is given."""

    name, version, citation, settings, tables = "recorder", 1, "-", None, ()
    Settings = type(None)
    clip_frames, clip_rate_hz, short_side_px, crop_px = 64, 25, 256, 224

    def __init__(self) -> None:
        self.clips: list[list[int]] = []

    def setup(self, compute: object) -> None:
        pass

    def process_clips(self, batch: ClipBatch) -> npt.NDArray[np.float32]:
        self.clips += [[int(frame[0, 0, 0]) for frame in clip] for clip in batch.clips]
        return batch.clips[:, :, 0, 0, 0].mean(axis=1, keepdims=True).astype(np.float32)

    def describe_shots(
        self, means: npt.NDArray[np.float32], clips: npt.NDArray[np.int32], covered_s: npt.NDArray[np.float32]
    ) -> dict:
        self.means, self.counts, self.covered_s = means, clips, covered_s
        return {}


def run(fps: int, *shot_lengths: int) -> Recorder:
    """Feeds shots of the given numbers of frames; frame i of the video shows the value i."""
    recorder = Recorder()
    sampler, means = ClipSampler(recorder, plain()), ClipMeans(recorder)
    number = 0
    for shot, length in enumerate(shot_lengths):
        for _ in range(length):
            image = np.full((2, 2, 3), number, np.uint8)
            settled = SettledFrame(shot, Fraction(number, fps), Fraction(number + 1, fps), image.copy)
            for clip in sampler.push(settled):
                means.add(means.measure(clip))
            number += 1
    for clip in sampler.finish():
        means.add(means.measure(clip))
    means.tables(0)
    return recorder


@pytest.mark.parametrize(
    ("length", "expected", "covered_s"),
    [
        (64, [range(64)], 2.56),
        (95, [range(64)], 2.56),
        (96, [range(64), range(32, 96)], 3.84),
        (128, [range(64), range(64, 128)], 5.12),
        (30, [[i % 30 for i in range(64)]], 1.2),
        (1, [[0] * 64], 0.04),
    ],
)
def test_clips_of_one_shot(length: int, expected: list, covered_s: float) -> None:
    recorder = run(25, length)
    assert recorder.clips == [list(clip) for clip in expected]
    assert recorder.covered_s.tolist() == [pytest.approx(covered_s)]


def test_clips_never_cross_a_cut() -> None:
    recorder = run(25, 70, 10, 64)
    assert recorder.clips == [list(range(64)), [70 + i % 10 for i in range(64)], list(range(80, 144))]
    assert recorder.counts.tolist() == [1, 1, 1]


def test_a_shots_value_is_the_mean_over_its_clips() -> None:
    recorder = run(25, 128)
    assert recorder.counts.tolist() == [2]
    assert recorder.means[0, 0] == pytest.approx(63.5)


@pytest.mark.parametrize(("fps", "first"), [(50, [0, 2, 4, 6]), (12, [0, 0, 0, 1]), (25, [0, 1, 2, 3])])
def test_samples_follow_the_clock_not_the_frame_count(fps: int, first: list[int]) -> None:
    clip = run(fps, 200).clips[0]
    if fps == 12:
        assert clip[:8] == [0, 0, 0, 1, 1, 2, 2, 3]
    else:
        assert clip[:4] == first


def test_a_long_shot_holds_no_more_than_a_short_one() -> None:
    sampler = ClipSampler(Recorder(), plain())
    clips = 0
    for number in range(5000):
        image = np.zeros((2, 2, 3), np.uint8)
        clips += len(list(sampler.push(SettledFrame(0, Fraction(number, 25), Fraction(number + 1, 25), image.copy))))
        assert len(sampler._recent_images) <= 64
    assert clips + len(list(sampler.finish())) == 78


def test_frames_that_no_clip_samples_are_not_scaled() -> None:
    sampler, scaled = ClipSampler(Recorder(), plain()), []
    for number in range(100):
        frame = SettledFrame(0, Fraction(number, 50), Fraction(number + 1, 50), partial(_scale, scaled, number))
        list(sampler.push(frame))
    assert scaled == list(range(0, 100, 2))


def _scale(scaled: list[int], number: int) -> npt.NDArray[np.uint8]:
    scaled.append(number)
    return np.zeros((2, 2, 3), np.uint8)


def plain() -> PictureStage:
    """Of a stream with square pixels."""
    return PictureStage(StreamProperties(), Reading())


@pytest.mark.parametrize("format", ["yuv420p", "yuv410p", "rgb24", "yuv420p10le"])
@pytest.mark.parametrize(
    "size", [(1280, 720), (640, 480), (720, 1280), (854, 480), (1998, 1080), (320, 240), (512, 512)]
)
def test_images_are_those_of_ffmpegs_area_scaler(size: tuple[int, int], format: str) -> None:
    """Whether the whole frame is scaled or a part of it; rounding may differ by one level."""
    width, height = size
    random = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    decoded = av.VideoFrame.from_ndarray(random, format="rgb24").reformat(width, height, format=format)
    frame = VideoFrame(decoded, 0, Fraction(0), Fraction(1, 25))
    scale = 256 / min(size)
    scaled = decoded.reformat(round(width * scale), round(height * scale), format="gbrp", interpolation="AREA")
    top, left = (scaled.height - 224) // 2, (scaled.width - 224) // 2
    expected = scaled.to_ndarray()[top : top + 224, left : left + 224]
    difference = np.abs(ClipSampler(Recorder(), plain()).image(frame).astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def test_only_the_middle_of_a_wide_frame_is_scaled() -> None:
    columns, rows = CenterCrop(256, 224, plain())._axes(av.VideoFrame(1280, 720, "yuv420p"))
    assert (columns.first_px, columns.source_px, columns.scaled_px, columns.skipped_px) == (256, 768, 273, 24)
    assert (rows.first_px, rows.source_px, rows.scaled_px) == (0, 720, 256)


def test_frames_may_change_their_size_in_mid_stream() -> None:
    crop, grey = (
        CenterCrop(256, 224, plain()),
        [av.VideoFrame(*size, "gray") for size in [(1280, 720), (640, 480), (1280, 720)]],
    )
    for frame in grey:
        frame.planes[0].update(bytes([128]) * frame.planes[0].buffer_size)
        image = crop(frame)
        assert image.shape == (224, 224, 3)
        assert len(np.unique(image)) == 1
