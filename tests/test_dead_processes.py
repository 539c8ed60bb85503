"""What the suite does with a test process that dies: a crash of a library must not cost the results of other tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = """
from scheduling import ByModule, DeadProcesses

def pytest_configure(config):
    if config.getoption("numprocesses", None):
        config.pluginmanager.register(DeadProcesses())

def pytest_xdist_make_scheduler(config, log):
    return ByModule(config, log)
"""
QUICK = """
import pytest

@pytest.mark.parametrize("i", range(4))
def test_quick(i):
    pass
"""
DIES = """
import os, signal
from pathlib import Path

def test_before():
    pass

def test_that_dies():
    deaths = Path("deaths")
    count = int(deaths.read_text()) if deaths.exists() else 0
    if count < {times}:
        deaths.write_text(str(count + 1))
        os.kill(os.getpid(), signal.SIGKILL)

def test_after():
    pass
"""


@pytest.mark.parametrize(("times", "counts"), [(1, "15 passed, 1 died"), (2, "1 failed, 15 passed, 1 died")])
def test_tests_of_a_dead_process_run_again_once(tmp_path: Path, times: int, counts: str) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name in "abc":
        (tmp_path / f"test_{name}.py").write_text(QUICK)
    (tmp_path / "test_b_dies.py").write_text(DIES.format(times=times))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    options = ["-q", "-n2", "--max-worker-restart=3", "-pno:cacheprovider", f"-c{os.devnull}", "--rootdir=."]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "."],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(Path(__file__).parent / "support")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert re.search(f"^{counts} in ", done.stdout, re.MULTILINE), done.stdout
    assert "test_b_dies.py::test_that_dies: exit status -9" in done.stdout
    assert done.returncode == (times > 1)
