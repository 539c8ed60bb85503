"""Sound of any sample type becomes mono, whatever the pieces that it comes in."""

from __future__ import annotations

import av
import numpy as np
import pytest

from avcues.pipeline.media.downmix import channels_of, downmix

_FULL_SCALE = {"u8": 128, "s16": 1 << 15, "s32": 1 << 31, "flt": 1, "dbl": 1}


def frame_of(sound: np.ndarray, sample_type: str, *, planar: bool) -> av.AudioFrame:
    """A frame that holds (2, n) samples, -1..1, in a sample type of FFmpeg."""
    name = sample_type + "p" * planar
    scaled = sound * _FULL_SCALE[sample_type] + (128 if sample_type == "u8" else 0)
    dtype = {"u8": np.uint8, "s16": np.int16, "s32": np.int32, "flt": np.float32, "dbl": np.float64}[sample_type]
    stored = scaled.astype(dtype)
    return av.AudioFrame.from_ndarray(
        stored if planar else stored.T.reshape(1, -1).copy(), format=name, layout="stereo"
    )


@pytest.mark.parametrize("planar", [True, False])
@pytest.mark.parametrize("sample_type", _FULL_SCALE)
def test_mono_is_the_mean_of_the_channels_in_every_sample_type(sample_type: str, planar: bool) -> None:
    sound = np.array([[0.5, -0.25, 0.75], [0.0, 0.25, -0.5]])
    channels = channels_of(frame_of(sound, sample_type, planar=planar))
    assert channels.shape == (2, 3)
    mono = downmix([channels])
    assert mono.dtype == np.float32
    np.testing.assert_allclose(mono, [0.25, 0, 0.125], atol=0.004 if sample_type == "u8" else 1e-4)


def test_pieces_are_joined_in_order_whatever_their_type() -> None:
    pieces = [
        np.array([[0.5], [0.25]], np.float32),
        np.zeros((1, 2), np.float32),
        np.array([[1 << 14], [0]], np.int16),
    ]
    assert downmix(pieces).tolist() == [0.375, 0, 0, 0.25]
    assert downmix([]).tolist() == []


def test_broken_samples_are_mended() -> None:
    assert downmix([np.array([[np.nan, np.inf, -np.inf, 3]])]).tolist() == [0, 1, -1, 1]
