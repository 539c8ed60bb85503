"""Real media and weights: those beside the checkout, or what the package index has."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pieces
import pytest
from clips import CHEAP, Clip, Extracted, click, extract
from finished_folders import make_dataset
from once import once
from planted_folder import plant
from stand_ins import MADE_BY, stand_in

from avcues.extractors import numba_cache
from avcues.models_cache import WeightsError
from avcues.models_cache.cache import WEIGHTS_DIR_VARIABLE

SHARED = Path(__file__).resolve().parents[2] / "shared"

numba_cache.prepare()  # before any test module imports librosa
if (SHARED / "weights").is_dir():
    os.environ.setdefault(WEIGHTS_DIR_VARIABLE, str(SHARED / "weights"))


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None):
        from scheduling import DeadProcesses

        config.pluginmanager.register(DeadProcesses())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    from scheduling import ByModule

    return ByModule(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        from scheduling import long_first

        items[:] = long_first(items)


@pytest.fixture(scope="session")
def media(pytestconfig: pytest.Config) -> Callable[[str], Path]:
    """Path of a named file of the test media, or of its stand-in; skips where the package index cannot be reached."""
    stand_ins = pytestconfig.cache.mkdir(f"media-{MADE_BY}")

    def find(name: str) -> Path:
        path = SHARED / "media" / name
        if path.exists():
            return path
        try:
            return stand_in(name, stand_ins)
        except WeightsError as error:
            pytest.skip(str(error))

    return find


@pytest.fixture(scope="session")
def yolo_checkpoint() -> Path:
    """A real COCO checkpoint."""
    path = SHARED / "weights" / "yolov8n-coco-int8deq.pt"
    if not path.exists():
        pytest.skip("there is no public YOLO checkpoint on the package index")
    return path


@pytest.fixture(scope="session")
def real60(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Extracted:
    """The 60 s test clip with every table that needs no network, made once."""
    return once(tmp_path_factory, "real60", partial(extract, media("real60.mp4"), features=CHEAP))


@pytest.fixture(scope="session")
def planted(real60: Extracted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features, ratings and gold standards of ten videos, one of them too short to learn from; for reading only."""
    lengths = {f"clip{i:02}": 40 for i in range(9)} | {"short": 4}
    return once(tmp_path_factory, "planted", lambda folder: plant(real60.out, "real60", folder / "study", lengths))


@pytest.fixture(scope="session")
def finished(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished folder of five short videos, one without sound and one without a picture; for reading only."""
    names = {"007": "tiny4.mp4", "rot90_12": "rot90_12.mp4", "silent": "noaudio20.mp4", "vfr20": "vfr20.mp4"}
    videos = {video_id: media(name) for video_id, name in names.items()}
    features = ("emobase", "color", "lighting")

    def make(folder: Path) -> Path:
        sound = Clip(sounds=[click(5.2, 1.5)]).write(folder / "sound.mkv")
        return make_dataset(folder / "features", videos | {"sound": sound}, features, plugins=True)

    return once(tmp_path_factory, "finished", make)


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished folder, to be changed."""
    return Path(shutil.copytree(finished, tmp_path / "features"))


@pytest.fixture(scope="session")
def real_frames(media: Callable[[str], Path]) -> np.ndarray:
    """(6, 720, 1280, 3) uint8 RGB: a crying woman, a street, a cartoon, a man, a laughing woman, a bus."""
    import av

    wanted = [int(second * 25) for second in (2.5, 14, 22, 26.5, 47.5, 54)]
    with av.open(str(media("real60.mp4"))) as container:
        frames = [f.to_ndarray(format="rgb24") for i, f in enumerate(container.decode(video=0)) if i in wanted]
    return np.stack(frames)


@pytest.fixture(scope="session")
def demo_clips(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Clips named as those of `make demo`: three pieces of a video that have nothing in common."""
    film = media("real60.mp4")
    clips = once(tmp_path_factory, "demo-clips", lambda folder: pieces.cut(film, folder, 3, seconds=14))
    return dict(zip(("bigbuckbunny", "bikes", "WolfgangLanger_Pexels"), clips, strict=True))


@pytest.fixture(scope="session")
def demo(demo_clips: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make demo` leaves behind, made of other clips and without networks; for reading only."""
    features = ("emobase", "color", "lighting")
    return once(tmp_path_factory, "demo", lambda folder: make_dataset(folder, demo_clips, features))


@pytest.fixture
def place(media: Callable[[str], Path], demo: Path, tmp_path: Path) -> Path:
    """A folder as a reader of the documentation has it: `demo` of `make demo`, a clip, and a folder of videos."""
    shutil.copytree(demo, tmp_path / "demo")
    (tmp_path / "clip.mp4").write_bytes(media("tiny4.mp4").read_bytes())
    (tmp_path / "videos").mkdir()
    for name in ("black_silent10.mp4", "rot90_12.mp4"):
        (tmp_path / "videos" / name).write_bytes(media(name).read_bytes())
    return tmp_path
