"""Which process of pytest-xdist runs which tests, and in which order.

A module is run by one process, so that its fixtures are made once; modules that take long come first, so that all
processes end at about the same time.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from xdist.scheduler import LoadScopeScheduling

LONG = (
    "tests/test_readme.py",
    "tests/faults/test_killed_commands.py",
    "tests/faults/test_cluster.py",
    "tests/faults/test_recovery.py",
    "tests/pipeline/training/test_commands.py",
    "tests/faults/test_poisoned_batch.py",
    "tests/pipeline/runtime/test_run.py",
    "tests/pipeline/runtime/test_hub_models.py",
    "tests/conformance/test_picture_reference.py",
    "tests/pipeline/collection/test_time.py",
    "tests/pipeline/collection/test_nothing_lost.py",
    "tests/pipeline/collection/test_pages.py",
    "tests/test_install.py",
    "tests/extractors/test_numba_cache.py",
    "tests/pipeline/training/test_planted.py",
    "tests/faults/test_offline.py",
    "tests/faults/test_fuzz.py",
    "tests/pipeline/dataset/test_dataset.py",
)
"""Modules that take half a minute or more, the longest first."""

_SPLIT = "tests/test_readme.py"  # too long for one process, and its tests share no fixture of their own


class ByModule(LoadScopeScheduling):
    """Gives modules to processes in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return nodeid if module == _SPLIT else module

    def schedule(self) -> None:
        self.config.option.loadscopereorder = False
        super().schedule()


def long_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The tests, those of long modules first."""
    rank = {module: i for i, module in enumerate(LONG)}
    return sorted(items, key=lambda item: rank.get(item.nodeid.partition("::")[0], len(rank)))
