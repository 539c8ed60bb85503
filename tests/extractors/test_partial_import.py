"""Packages whose `__init__` is postponed, and what a run that needs no network leaves unimported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

POSTPONED = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, sys.argv[1])
sys.setswitchinterval(1e-5)
from avcues.extractors.partial_import import postpone_init
def ours():
    postpone_init("heavy")
    from heavy.light import VALUE
    return VALUE
def theirs():
    import heavy
    return heavy.INITIALISED, heavy.light.VALUE, heavy.light is sys.modules["heavy.light"]
barrier = threading.Barrier(8)
def at_once(work):
    barrier.wait()
    return work()
with ThreadPoolExecutor(8) as pool:
    results = list(pool.map(at_once, [ours, theirs] * 4))
assert results == [1, (True, 1, True)] * 4, results
import heavy
assert heavy.RUNS == [1], heavy.RUNS
"""

WHILE_IT_RUNS = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, sys.argv[1])
from avcues.extractors.partial_import import postpone_init
postpone_init("heavy")
from heavy.light import VALUE
barrier = threading.Barrier(8)
def theirs(_):
    import heavy
    barrier.wait()  # one runs the __init__, which takes a while; the others must wait for it
    return heavy.INITIALISED
with ThreadPoolExecutor(8) as pool:
    assert all(pool.map(theirs, range(8)))
import heavy
assert heavy.RUNS == [1], heavy.RUNS
"""

ONLY_OURS = """
import sys
sys.path.insert(0, sys.argv[1])
from avcues.extractors.partial_import import postpone_init
postpone_init("heavy")
from heavy.light import VALUE
assert "heavy.slow" not in sys.modules
import heavy
assert "heavy.slow" not in sys.modules
from heavy import INITIALISED
assert "heavy.slow" in sys.modules
"""

EXTRACT = """
import sys
from avcues.extractors.compute import Compute
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.extraction.video import process_video
from avcues.pipeline.store.video_input import VideoInput
from pathlib import Path
settings = Settings(features=("emobase", "color", "lighting"), compute=Compute(threads=int(sys.argv[3])))
measurements = settings.measurements()
result = process_video(VideoInput("video", sys.argv[1]), measurements, Path(sys.argv[2]))
assert result.state == "done", result.error
print(*{name.partition(".")[0] for name in sys.modules})
"""


@pytest.fixture
def heavy(tmp_path: Path) -> Path:
    """A folder with a package whose `__init__` takes a while, and imports a module that only it needs."""
    package = tmp_path / "heavy"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import heavy.light, heavy.slow\nRUNS = [*globals().get('RUNS', []), 1]\nINITIALISED = True\n"
    )
    (package / "light.py").write_text("import sys\nVALUE = 1\nmodule = sys.modules[__name__]\n")
    (package / "slow.py").write_text("import time\ntime.sleep(0.2)\n")
    return tmp_path


@pytest.mark.parametrize("code", [POSTPONED, WHILE_IT_RUNS, ONLY_OURS])
def test_a_postponed_package_is_whole_for_every_thread(heavy: Path, code: str) -> None:
    subprocess.run([sys.executable, "-c", code, str(heavy)], check=True)


@pytest.mark.parametrize("threads", [1, 2])
def test_features_without_networks_load_no_large_library(media, tmp_path: Path, threads: int) -> None:
    command = [sys.executable, "-c", EXTRACT, str(media("tiny4.mp4")), str(tmp_path), str(threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert not {
        "torch",
        "torchvision",
        "pandas",
        "openvino",
        "requests",
        "distributed",
        "librosa",
        "numba",
        "scipy",
    } & set(done.stdout.split())
