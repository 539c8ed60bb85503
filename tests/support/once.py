"""What many tests read, made once for all processes that run them."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from filelock import FileLock

Value = TypeVar("Value")


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Value]) -> Value:
    """What `make` returns for an empty folder; the process that comes first makes it, the others wait for it."""
    place = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent  # of all processes
    folder, value = place / f"once-{name}", place / f"once-{name}.pickle"
    with FileLock(f"{folder}.lock"):
        if not value.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            value.write_bytes(pickle.dumps(make(folder)))
        return pickle.loads(value.read_bytes())
