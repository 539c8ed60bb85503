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
from avcues.extractors.partial_import import allow, without_init
allow()
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

EXTRACT = """
import sys
from avcues.extractors.compute import Compute
from avcues.pipeline.runtime.settings import Settings
from avcues.extractors import partial_import
from avcues.pipeline.extraction.video import process_video
from avcues.pipeline.store.files import VideoInput
from pathlib import Path
settings = Settings(features=("emobase", "color", "lighting"), compute=Compute(threads=2))
partial_import.allow()
measurements = settings.measurements()
result = process_video(VideoInput("video", sys.argv[1]), measurements, Path(sys.argv[2]))
assert result.state == "done", result.error
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_a_module_is_imported_alone_and_the_package_stays_importable(tmp_path: Path) -> None:
    package = tmp_path / "heavy"
    package.mkdir()
    (package / "__init__.py").write_text("import heavy.light\nINITIALISED = True\n")
    (package / "light.py").write_text("import sys\nVALUE = 1\nmodule = sys.modules[__name__]\n")
    subprocess.run([sys.executable, "-c", WITHOUT_INIT, str(tmp_path)], check=True)


def test_a_package_that_is_not_installed_is_an_import_error() -> None:
    from avcues.extractors.partial_import import without_init

    with pytest.raises(ModuleNotFoundError), without_init("no_such_package"):
        import no_such_package.module  # type: ignore[import-not-found]  # noqa: F401


def test_features_without_networks_load_no_large_library(media, tmp_path: Path) -> None:
    command = [sys.executable, "-c", EXTRACT, str(media("tiny4.mp4")), str(tmp_path)]
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
