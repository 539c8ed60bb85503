"""emobase against opensmile-python itself: bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import opensmile

from extractors.emobase import COLUMN_NAMES, to_int16
from pipeline.extraction.audio import Track
from pipeline.media.container import Media
from pipeline.media.frames import AudioBlock

# The plain way to get windows out of the installed feature set, without our buffers and our streaming.
REFERENCE_CONF = r"""
\{\cm[emobaseConf{?}:path]}
[functL1:cFunctionals]
frameMode = fixed
frameSize = \cm[winSec{0.5}:s]
frameStep = \cm[winSec]
frameCenterSpecial = left
"""


def test_names_and_order_are_opensmiles() -> None:
    smile = opensmile.Smile(opensmile.FeatureSet.emobase, opensmile.FeatureLevel.Functionals)
    assert list(COLUMN_NAMES) == smile.feature_names
    assert len(COLUMN_NAMES) == 988


def test_values_equal_one_pass_of_opensmile_bit_for_bit(real60, media, tmp_path: Path) -> None:
    with Media.open(media("real60.mp4")) as opened:
        track = Track(opened.audio_rate_hz, opened.damage)
        blocks = [b for s in opened.decode(video=False, audio=True) if isinstance(s, AudioBlock) for b in track.lay(s)]
        samples = to_int16(np.concatenate([*blocks, *track.finish()]))
    padded = np.zeros(round((60 + 0.06) * 48000), np.float32)
    padded[: len(samples)] = samples / np.float32(32768)
    conf = tmp_path / "reference.conf"
    conf.write_text(REFERENCE_CONF)
    installed = Path(opensmile.__file__).parent / "core/config/emobase/emobase.conf"
    smile = opensmile.Smile(str(conf), "func", options={"emobaseConf": str(installed)})
    reference = smile.process_signal(padded, 48000).to_numpy()
    table = real60.table("emobase")
    assert reference.shape == (120, 988)
    assert table.column_names[4:] == list(smile.column_names)
    ours = np.stack([table[name].to_numpy() for name in table.column_names[4:]], axis=1)
    np.testing.assert_array_equal(ours, reference)
