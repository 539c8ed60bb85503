"""Real media, where they are at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from clips import Extracted, extract

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def media() -> Callable[[str], Path]:
    """Path of a named file of the test media; skips where they are not at hand."""

    def find(name: str) -> Path:
        path = SHARED / "media" / name
        if not path.exists():
            pytest.skip(f"test medium {name} is not at hand")
        return path

    return find


@pytest.fixture(scope="session")
def real60(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Extracted:
    """The 60 s test clip with every table, made once."""
    return extract(media("real60.mp4"), tmp_path_factory.mktemp("real60"))
