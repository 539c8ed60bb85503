"""How hard the faults are tried: quickly in every run, at full length with AVCUES_FAULTS=full."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def thorough() -> bool:
    """Whether to try faults at full length."""
    return os.environ.get("AVCUES_FAULTS") == "full"
