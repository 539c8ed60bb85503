"""Divides videos into folds, in the same way on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Collection


def shuffled(videos: Collection[str], seed: int) -> list[str]:
    """Ids in an order that depends only on the ids and the seed, not on the machine or the versions of libraries."""
    return sorted(videos, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())


def test_videos_of_folds(videos: Collection[str], folds: int, seed: int) -> list[set[str]]:
    """The test videos of each fold: each video is in one fold, and folds differ by at most one video.

    Raises:
        ValueError: There are fewer than 2 folds, or more than videos.
    """
    if not 2 <= folds <= len(videos):
        raise ValueError(f"`folds={folds}`: expected 2 to {len(videos)}, the number of videos")
    order = shuffled(videos, seed)
    return [set(order[fold::folds]) for fold in range(folds)]
