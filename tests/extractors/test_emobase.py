"""Conversion to the samples that openSMILE takes, and rates that it cannot take."""

from __future__ import annotations

import numpy as np
import pytest

from extractors.emobase import Emobase, EmobaseSettings, to_int16
from models_cache import AvcuesError


def test_full_scale_is_clipped_not_wrapped() -> None:
    samples = np.array([-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, -2.0], np.float32)
    assert to_int16(samples).tolist() == [-32768, -16384, 0, 16384, 32767, 32767, -32768]


@pytest.mark.parametrize("rate_hz", [22050, 11025, 4000])
def test_rates_whose_hop_is_no_whole_number_of_samples_are_refused(rate_hz: int) -> None:
    with pytest.raises(AvcuesError, match="--audio-rate 48000"):
        Emobase(EmobaseSettings(rate_hz=rate_hz))


def test_native_rate_is_taken_from_the_track() -> None:
    assert Emobase(EmobaseSettings(rate_hz="native")).rate_hz is None
