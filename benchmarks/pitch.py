"""What the rate of emobase's pitch does to a linear model: LASSO on the columns of pitch, of sounds of known pitch.

    python benchmarks/pitch.py

Thirty sounds of 20 s each are measured at 48 and 44.1 kHz, with `pitch_rate_hz` 16000 and "track": bright ones (twenty
harmonics and three formants) and soft ones (five harmonics), with noise at -26 dB; their pitch wanders between 90 and
350 Hz. A LASSO on the 76 columns of pitch, its penalty chosen among the training sounds, predicts the logarithm of a
window's mean pitch; the score is over sounds that it has not seen.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LassoCV
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from avcues.extractors.emobase import PITCH_COLUMNS, Emobase, EmobaseSettings

SOUNDS, SECONDS = 30, 20
Floats = npt.NDArray[np.float64]


def make(seed: int, rate_hz: int, bright: bool) -> tuple[Floats, Floats]:
    """A sound, and the mean pitch of each window in Hz."""
    draw = np.random.default_rng(seed)
    time = np.arange(SECONDS * rate_hz) / rate_hz
    knots = draw.uniform(np.log(90), np.log(350), SECONDS // 2 + 1)
    hz = np.exp(np.interp(time, np.linspace(0, SECONDS, len(knots)), knots))
    phase = 2 * np.pi * np.cumsum(hz) / rate_hz
    formants = draw.uniform((400, 1000, 2200), (800, 1800, 3000))
    sound = np.zeros_like(time)
    for k in range(1, 21 if bright else 6):
        level = 1 / k + sum(np.exp(-(((k * hz - formant) / 250) ** 2)) for formant in formants if bright)
        sound += level * np.sin(k * phase) * (k * hz < 0.45 * rate_hz)
    sound = 0.2 * sound / sound.std() + draw.normal(0, 0.01, len(time))
    return sound, hz.reshape(2 * SECONDS, -1).mean(axis=1)


def score(rate_hz: int, bright: bool, pitch_rate_hz: int | Literal["track"]) -> tuple[float, float, float]:
    """Correlation of LASSO and of `F0_sma_amean` with the truth on unseen sounds; share of that within 5 % of it."""
    rows, truth, sounds = [], [], []
    for seed in range(SOUNDS):
        sound, hz = make(seed, rate_hz, bright)
        settings = EmobaseSettings(rate_hz=rate_hz, pitch_rate_hz=pitch_rate_hz)
        stream = Emobase(settings).start_audio(rate_hz, Fraction(1, 2), 2 * SECONDS)
        stream.write(sound.astype(np.float32))
        columns = stream.finish(2 * SECONDS)["emobase"]
        rows.append(np.stack([columns[name] for name in PITCH_COLUMNS], axis=1))
        truth.append(np.log(hz))
        sounds += [seed] * len(hz)
    x, y, groups = np.concatenate(rows), np.concatenate(truth), np.array(sounds)
    model = make_pipeline(StandardScaler(), LassoCV(cv=5, max_iter=20000))
    predicted = cross_val_predict(model, x, y, groups=groups, cv=GroupKFold(5))
    mean = x[:, PITCH_COLUMNS.index("F0_sma_amean")]
    near = np.abs(mean / np.exp(y) - 1) <= 0.05
    return float(np.corrcoef(predicted, y)[0, 1]), float(np.corrcoef(mean, y)[0, 1]), float(near.mean())


def main() -> None:
    print("| sound | rate | pitch at | LASSO on 76 columns | `F0_sma_amean` | within 5 % |\n|---|---|---|---|---|---|")
    for bright, rate_hz, pitch_rate_hz in product((True, False), (48000, 44100), (16000, "track")):
        lasso, column, near = score(rate_hz, bright, pitch_rate_hz)  # type: ignore[arg-type]
        at = "16 kHz" if pitch_rate_hz == 16000 else "the track's rate"
        kind = "bright" if bright else "soft"
        print(f"| {kind} | {rate_hz / 1000:g} kHz | {at} | {lasso:.2f} | {column:.2f} | {near:.2f} |")


if __name__ == "__main__":
    main()
