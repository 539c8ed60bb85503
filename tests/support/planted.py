"""Samples whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from avcues.pipeline.training.determinism import one_thread
from avcues.pipeline.training.evaluate import scores
from avcues.pipeline.training.fitting import fit_model
from avcues.pipeline.training.protocol import CLEAN, MAIN, Protocol
from avcues.pipeline.training.samples import Samples, Target
from avcues.pipeline.training.settings import TrainingSettings
from avcues.pipeline.training.splits import Parts

DIMENSION = "valence"

SMALL = replace(CLEAN, units=32, learning_rate=2e-3, epochs=40)
"""Networks of an eighth of the width, which learn the planted truths in a second; the step is larger in return."""


def make_samples(features: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray]) -> Samples:
    """Samples of videos v00, v01, ...

    Args:
        features: Per block, (videos, windows, columns).
        labels: Per role, (videos, windows), NaN where there is no label; `MAIN` is what is judged.
    """
    videos, windows = labels[MAIN].shape
    ids = tuple(f"v{i:02}" for i in range(videos))
    return Samples(
        videos=ids,
        edges=np.arange(videos + 1) * windows,
        columns={name: tuple(f"{name}.x{i}" for i in range(values.shape[2])) for name, values in features.items()},
        features={name: values.reshape(-1, values.shape[2]).astype(np.float32) for name, values in features.items()},
        targets={role: {DIMENSION: Target(values=values.reshape(-1, 1))} for role, values in labels.items()},
        gold={DIMENSION: labels[MAIN].reshape(-1, 1)},
        fingerprints={video_id: video_id for video_id in ids},
    )


def parts_of(samples: Samples, train: int, validation: int) -> Parts:
    """The first videos train, the next validate, the others are tested."""
    ids = samples.videos
    return Parts(ids[:train], ids[train : train + validation], ids[train + validation :])


def latents(random: np.random.Generator, videos: int, windows: int, memory: float = 0.95) -> np.ndarray:
    """(videos, windows) of first-order autoregression, of variance 1."""
    values = random.normal(size=(videos, windows))
    for k in range(1, windows):
        values[:, k] = memory * values[:, k - 1] + np.sqrt(1 - memory**2) * values[:, k]
    return values


def seen_through(random: np.random.Generator, latent: np.ndarray, columns: int = 20, noise: float = 0.5) -> np.ndarray:
    """(videos, windows, columns) that hold the latent, each with noise of its own."""
    directions = random.choice([-1, 1], columns)
    return latent[..., None] * directions + noise * random.normal(size=(*latent.shape, columns))


def settings_for(model: str, blocks: Sequence[str], protocol: Protocol = SMALL, **options: Any) -> TrainingSettings:
    """Settings that read those of the tables `audio`, `visual` and `text` that are named, each as its modality."""
    tables = {name: (name,) for name in ("audio", "visual", "text") if name in blocks}
    return TrainingSettings(model=model, **tables, dimensions=(DIMENSION,), protocol=protocol, **options)


def ccc_of_test_videos(samples: Samples, parts: Parts, settings: TrainingSettings, **options: Any) -> float:
    """The mean CCC of the test videos, of one model."""
    gold = samples.gold[DIMENSION]
    with one_thread():
        fitted, inputs = fit_model(samples, parts, DIMENSION, settings, **options)
        coefficients = []
        for video_id in parts.test:
            rows = samples.labelled_rows([video_id], gold, settings.history)
            coefficients.append(scores(gold[rows, 0], fitted.predict(inputs, rows)[:, 0])["ccc"])
    return float(np.mean(coefficients))
