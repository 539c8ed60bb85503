"""Which process of pytest-xdist runs which tests, in which order, and what happens if a process dies.

A module is run by one process, so that its fixtures are made once; modules that take long come first, so that all
processes end at about the same time.

If a process dies, a new process runs its tests again. A test during which a second process dies fails.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

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
    """Gives modules to processes in the order of the collection, and those of a dead process to the others."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return nodeid if module == _SPLIT else module

    def schedule(self) -> None:
        self.config.option.loadscopereorder = False
        super().schedule()

    def remove_node(self, node: WorkerController) -> str | None:
        # Finished modules would be handed out again without tests, and a process that gets none waits forever.
        modules = self.assigned_work[node]
        for module in [module for module, tests in modules.items() if all(tests.values())]:
            del modules[module]
        return super().remove_node(node)

    def _reschedule(self, node: WorkerController) -> None:
        super()._reschedule(node)
        # A process starts a test only when it knows the next, or that there is none.
        while not node.shutting_down and self._pending_of(self.assigned_work[node]) < 2:
            super()._reschedule(node)


class DeadProcesses:
    """A plugin of pytest that says which processes died, how, and while they ran which tests."""

    def __init__(self) -> None:
        self._statuses: dict[WorkerController, str] = {}
        self._deaths: Counter[str] = Counter()
        self._lines: list[str] = []

    def pytest_testnodedown(self, node: WorkerController, error: object) -> None:
        if error:
            process: subprocess.Popen[bytes] = node.gateway._io.popen
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=30)
            self._statuses[node] = f"exit status {process.returncode}"

    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        self._deaths[crashitem] += 1
        self._lines.append(f"{crashitem}: {self._statuses[report.node]}")
        if self._deaths[crashitem] == 1:
            report.outcome = "died"  # type: ignore[assignment]  (the test runs again)

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        return ("died", "D", "DIED") if report.outcome == "died" else None  # type: ignore[comparison-overlap]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._lines:
            terminalreporter.section("test processes that died, and were replaced")
            for line in self._lines:
                terminalreporter.write_line(line)


def long_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The tests, those of long modules first."""
    rank = {module: i for i, module in enumerate(LONG)}
    return sorted(items, key=lambda item: rank.get(item.nodeid.partition("::")[0], len(rank)))
