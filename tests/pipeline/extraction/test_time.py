"""A click is heard and a flash is seen in the window in which they happen, whatever the container does to time."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from clips import RATE_HZ, Clip, Extracted, click, extract, steady_frames

from avcues.pipeline.extraction.track import Track
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.downmix import downmix
from avcues.pipeline.media.frames import AudioBlock, Damage, VideoFrame
from avcues.pipeline.media.orientation import Orientation

FEATURES = ("emobase", "color")
CONTAINERS = {".mov": "pcm_s16le", ".mkv": "flac", ".mp4": "flac", ".ts": "mp2", ".m4v": "aac"}


def flash_windows(extracted: Extracted) -> list[int]:
    return np.flatnonzero(extracted.column("color", "value_mean") > 0.5).tolist()


def click_window(extracted: Extracted) -> int:
    return int(np.nanargmax(extracted.column("emobase", "pcm_intensity_sma_max")))


def heard(path: Path) -> tuple[np.ndarray, int]:
    """The whole track from t = 0 on, and its rate."""
    with Media.open(path) as media:
        track = Track(media.audio_rate_hz, media.damage)
        blocks = [b for sound in media.decode(video=False, audio=True) for b in track.place(sound)]
        return downmix([*blocks, *track.finish()]), media.audio_rate_hz


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_click_and_flash_fall_into_their_windows(tmp_path: Path, suffix: str) -> None:
    clip = Clip(steady_frames(8, flash=(3.4, 3.9)), sounds=[click(8, at=5.25)], audio_codec=CONTAINERS[suffix])
    measured = extract(clip.write(tmp_path / f"clip{suffix}"), tmp_path, features=FEATURES)
    is_mp2 = suffix == ".ts"  # its frames of 24 ms reach beyond 8 s; AAC's end is in the edit list
    assert measured.result.windows == 16 + is_mp2
    assert measured.column("timeline", "audio_coverage")[16:].max(initial=0) <= 0.05
    assert flash_windows(measured) == [7]
    assert click_window(measured) == 10


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_late_sound_is_not_moved_to_the_front(tmp_path: Path, suffix: str) -> None:
    clip = Clip(
        steady_frames(8, flash=(3.4, 3.9)),
        sounds=[click(5, at=5.25, start=2.25)],
        audio_codec=CONTAINERS[suffix],
    )
    measured = extract(clip.write(tmp_path / f"clip{suffix}"), tmp_path, features=FEATURES)
    assert flash_windows(measured) == [7]
    assert click_window(measured) == 10
    coverage = measured.column("timeline", "audio_coverage")
    np.testing.assert_allclose(coverage, [0] * 4 + [0.5] + [1] * 9 + [0.5, 0], atol=0.003)
    silent = np.isnan(measured.column("emobase", "pcm_intensity_sma_max"))
    assert np.flatnonzero(silent).tolist() == [0, 1, 2, 3, 15]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_late_video_leaves_nulls_before_its_first_frame(tmp_path: Path, suffix: str) -> None:
    clip = Clip(
        steady_frames(5, flash=(3.4, 3.9), start=2.2),
        sounds=[click(8, at=5.25)],
        audio_codec=CONTAINERS[suffix],
    )
    measured = extract(clip.write(tmp_path / f"clip{suffix}"), tmp_path, features=FEATURES)
    assert flash_windows(measured) == [7]
    assert click_window(measured) == 10
    on_screen = measured.column("timeline", "on_screen").astype(bool)
    assert np.flatnonzero(on_screen).tolist() == list(range(5, 15))
    assert np.array_equal(np.isnan(measured.column("color", "value_mean")), ~on_screen)
    assert measured.table("timeline")["shot"].null_count == 6


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_hole_in_the_sound_is_silence_of_its_length(tmp_path: Path, suffix: str) -> None:
    # The encoder's frames are 96 ms long; stretches are a whole number of these.
    first, second = click(1.92, at=1.25), click(2.88, at=6.25, start=5)
    clip = Clip(steady_frames(8, flash=(3.4, 3.9)), sounds=[first, second], audio_codec=CONTAINERS[suffix])
    path = clip.write(tmp_path / f"clip{suffix}")
    measured = extract(path, tmp_path, features=FEATURES)
    assert flash_windows(measured) == [7]
    intensity = measured.column("emobase", "pcm_intensity_sma_max")
    assert np.flatnonzero(np.nan_to_num(intensity) > 0.1 * np.nanmax(intensity)).tolist() == [2, 12]
    expected = [1, 1, 1, 0.84, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0.76]
    np.testing.assert_allclose(measured.column("timeline", "audio_coverage"), expected, atol=0.003)
    assert np.flatnonzero(np.isnan(intensity)).tolist() == [4, 5, 6, 7, 8, 9]


def test_samples_are_placed_exactly(tmp_path: Path) -> None:
    sounds = [click(2, at=1.25), click(3, at=6.25, start=5)]
    samples, rate_hz = heard(Clip(sounds=sounds, audio_codec="flac").write(tmp_path / "clip.mp4"))
    assert rate_hz == RATE_HZ
    loud = np.flatnonzero(np.abs(samples) > 0.5)
    assert loud.tolist() == [*range(60_000, 60_064), *range(300_000, 300_064)]
    assert len(samples) == 8 * RATE_HZ


def lay(*sounds: AudioBlock) -> tuple[np.ndarray, Track]:
    track = Track(1000, Damage())
    return downmix([*(b for sound in sounds for b in track.place(sound)), *track.finish()]), track


def block(start: Fraction | None, level: float, samples: int, duration: Fraction | None = None) -> AudioBlock:
    return AudioBlock(np.full((1, samples), level, np.float32), start, duration)


def test_overlapping_sound_is_trimmed() -> None:
    samples, track = lay(block(Fraction(0), 0.25, 1000), block(Fraction(1, 2), 0.5, 1000))
    assert samples.tolist() == [0.25] * 1000 + [0.5] * 500
    assert track.spans == [(0, Fraction(3, 2))]


def test_sound_before_the_origin_is_trimmed() -> None:
    samples, _ = lay(block(Fraction(-1, 10), 0.25, 300))
    assert samples.tolist() == [0.25] * 200


def test_jittering_time_stamps_are_contiguous_and_do_not_add_up() -> None:
    jitter = np.random.default_rng(0).integers(-10, 11, 200)
    blocks = [block(Fraction(i * 20 + int(j) * (i > 0), 1000), 0.5, 20) for i, j in enumerate(jitter)]
    samples, track = lay(*blocks)
    assert samples.tolist() == [0.5] * 4000
    assert len(track.spans) == 1


def test_a_lost_packet_is_silence() -> None:
    samples, track = lay(block(Fraction(0), 0.5, 20), block(Fraction(40, 1000), 0.5, 20))
    assert samples.tolist() == [0.5] * 20 + [0] * 20 + [0.5] * 20
    assert track.spans == [(0, Fraction(1, 50)), (Fraction(2, 50), Fraction(3, 50))]


def test_the_last_block_ends_when_its_container_says() -> None:
    samples, track = lay(block(Fraction(0), 0.5, 20), block(Fraction(20, 1000), 0.5, 20, Fraction(5, 1000)))
    assert len(samples) == 25
    assert track.end == Fraction(25, 1000)


def test_a_block_with_a_broken_time_stamp_costs_only_itself() -> None:
    good = [block(Fraction(i * 20, 1000), 0.5, 20) for i in range(5)]
    samples, track = lay(*good[:2], block(Fraction(100), 0.9, 20), *good[3:])
    assert samples.tolist() == [0.5] * 40 + [0] * 20 + [0.5] * 40
    assert track.end == Fraction(100, 1000)


def test_a_broken_time_stamp_does_not_fill_the_disk_with_silence() -> None:
    track = Track(1000, damage := Damage())
    laid = [b for s in (block(Fraction(0), 0.5, 20), block(Fraction(10**6), 0.5, 20)) for b in track.place(s)]
    laid += track.finish()
    assert len(downmix(laid)) == 20
    assert damage.frames_unplaceable == 1


def test_variable_frame_rate_shows_the_frame_on_screen(tmp_path: Path) -> None:
    levels = [0, 60, 120, 180, 240]
    starts = [Fraction(0), Fraction(1), Fraction("1.02"), Fraction("2.5"), Fraction("4.51")]
    clip = Clip(list(zip(starts, levels, strict=True)), last_frame=Fraction("0.99"))
    measured = extract(clip.write(tmp_path / "clip.mov"), tmp_path, features=("color",))
    expected = [0, 0, 60, 120, 120, 180, 180, 180, 180, 180, 240]
    np.testing.assert_allclose(measured.column("color", "value_mean") * 255, expected, atol=3)
    pts = measured.column("timeline", "pts")
    np.testing.assert_allclose(pts, [0, 0, 1, 1.02, 1.02, 2.5, 2.5, 2.5, 2.5, 2.5, 4.51], atol=1e-4)


def test_real_variable_frame_rate_clip_follows_its_time_stamps(media: Callable[[str], Path], tmp_path: Path) -> None:
    path = media("vfr20.mp4")
    measured = extract(path, tmp_path, features=("color",))
    with Media.open(path) as opened:
        starts = [float(p.start) for p in opened.decode(video=True, audio=False) if isinstance(p, VideoFrame)]
    expected = [max(s for s in starts if s <= k / 2) for k in range(40)]
    np.testing.assert_array_equal(measured.column("timeline", "pts"), expected)
    assert len({round(b - a, 3) for a, b in pairwise(starts)}) > 1


def test_rotated_video_is_upright(media: Callable[[str], Path]) -> None:
    """OpenCV's reader, which shares no code with ours, turns pictures upright too."""
    import cv2

    path = media("rot90_12.mp4")
    reader = cv2.VideoCapture(str(path))
    measured, reference = reader.read()
    reader.release()
    assert measured
    with Media.open(path) as opened:
        frame = next(f.frame for f in opened.decode(video=True, audio=False) if isinstance(f, VideoFrame))
    turned = Orientation.of(frame).apply(frame.to_ndarray(format="bgr24"))
    assert turned.shape == reference.shape == (1280, 720, 3)
    assert np.abs(turned.astype(int) - reference).mean() < 2
    upside_down = turned[::-1, ::-1]
    assert np.abs(upside_down.astype(int) - reference).mean() > 20


@pytest.mark.parametrize(("step", "windows"), [(Fraction(1, 2), 16), (Fraction(1), 8), (Fraction(2, 25), None)])
def test_step(tmp_path: Path, step: Fraction, windows: int | None) -> None:
    path = Clip(steady_frames(8, flash=(3.4, 3.9)), sounds=[click(8, at=5.25)]).write(tmp_path / "clip.mov")
    if windows is None:
        with pytest.raises(Exception, match=r"0\.1 s or more"):
            extract(path, tmp_path, step=step)
        return
    measured = extract(path, tmp_path, step=step, features=FEATURES)
    assert measured.result.windows == windows
    assert click_window(measured) == int(Fraction(21, 4) / step)
