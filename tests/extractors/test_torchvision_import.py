"""Extractors get ready beside each other, and several of them want torchvision."""

from __future__ import annotations

import subprocess
import sys

_PROCESS = """
from concurrent.futures import ThreadPoolExecutor
from extractors.torchvision_import import torchvision
with ThreadPoolExecutor(4) as pool:
    found = list(pool.map(lambda _: torchvision().transforms.v2.functional.resize, range(4)))
assert len(set(found)) == 1
"""


def test_threads_that_want_it_at_once_get_the_same_module() -> None:
    subprocess.run([sys.executable, "-c", _PROCESS], check=True, timeout=120)
