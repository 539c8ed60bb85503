"""Images that wait until their shot is certain take little memory, however large they are."""

from __future__ import annotations

import os
import tracemalloc
from collections import deque

import numpy as np
import pytest

from avcues.pipeline.extraction.image_ring import ImageRing, LazyImage


@pytest.mark.parametrize("max_bytes", [0, 1 << 30])
def test_every_image_comes_back_as_it_was(max_bytes: int) -> None:
    ring, random = ImageRing(10, max_bytes), np.random.default_rng(0)
    sizes = [(36, 64), (64, 36), (36, 64), (0, 0), (20, 20), (72, 128)]
    images = [random.integers(0, 256, (*sizes[i % len(sizes)], 3), np.uint8) for i in range(40)]
    waiting: deque[tuple[int, LazyImage]] = deque()
    for i, image in enumerate(images):
        waiting.append((i, ring.store(image[:, ::-1])))  # a view, as a turned frame is
        if len(waiting) == 10:
            number, lazy = waiting.popleft()
            np.testing.assert_array_equal(lazy(), images[number][:, ::-1])


def test_large_images_wait_in_a_file() -> None:
    ring = ImageRing(100)
    tracemalloc.start()
    try:
        waiting = [ring.store(np.full((1080, 1920, 3), i, np.uint8)) for i in range(100)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * 1920 * 1080 * 3
    assert [image().mean() for image in (waiting[0], waiting[50], waiting[99])] == [0, 50, 99]


def test_a_full_disk_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pwrite", lambda descriptor, content, start: 10)
    with pytest.raises(OSError, match="No space left"):
        ImageRing(100, 0).store(np.zeros((10, 10, 3), np.uint8))
