"""Samples whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipeline.training.samples import MAIN, Samples, Target
from pipeline.training.splits import Parts

DIMENSION = "valence"


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
        gold={DIMENSION: labels[MAIN].ravel()},
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
