"""Modules without the `__init__` of their package, and what a run that needs no network leaves unimported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT_INIT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from avcues.extractors.partial_import import without_init
with without_init("heavy"):
    from heavy.light import VALUE, module
assert VALUE == 1
assert not [name for name in sys.modules if name.startswith("heavy")]
import heavy
assert heavy.INITIALISED and heavy.light.VALUE == 1 and heavy.light is not module
with without_init("heavy"):
    from heavy import light
assert light is heavy.light
"""

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
from avcues.pipeline.extraction.video import Measurements, process_video
from avcues.pipeline.store.video_input import VideoInput
from pathlib import Path
settings = Settings(features=("emobase", "color", "lighting"), compute=Compute(threads=int(sys.argv[3])))
measurements = Measurements(extractors=settings.create_extractors(), step=settings.step, compute=settings.compute)
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


@pytest.mark.parametrize("code", [POSTPONED, ONLY_OURS])
def test_a_postponed_package_is_whole_for_every_thread(heavy: Path, code: str) -> None:
    subprocess.run([sys.executable, "-c", code, str(heavy)], check=True)


def test_a_module_is_imported_alone_and_the_package_stays_importable(heavy: Path) -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_INIT, str(heavy)], check=True)


def test_a_package_that_is_not_installed_is_an_import_error() -> None:
    from avcues.extractors.partial_import import without_init

    with pytest.raises(ModuleNotFoundError), without_init("no_such_package"):
        import no_such_package.module  # type: ignore[import-not-found]  # noqa: F401


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
