"""What is installed: one top-level name, typed, from a wheel or a checkout, whatever lies beside the user's code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import user_folder
from user_folder import WAYS

import avcues

ROOT = Path(__file__).parents[1]
TOP = ("avcues", "extractors", "models_cache", "pipeline", "pyproject.toml", "setup.py", "README.md", "LICENSE")
LINKED = ("extractors", "models_cache", "pipeline")


def build(source: Path, kind: str, out: Path) -> subprocess.CompletedProcess[str]:
    """Builds a "wheel" or "sdist" from a source folder."""
    out.mkdir(exist_ok=True)
    code = f"from setuptools.build_meta import build_{kind}; build_{kind}({str(out)!r})"
    return subprocess.run([sys.executable, "-c", code], cwd=source, capture_output=True, text=True, check=False)


def contents(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info" not in name}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, with their symbolic links."""
    folder = tmp_path_factory.mktemp("source")
    leave_out = shutil.ignore_patterns("__pycache__", "downloads")
    for name in TOP:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=leave_out)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    done = build(source, "wheel", out)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel, what it needs, and a package of the name `pipeline`."""
    folder = tmp_path_factory.mktemp("installed") / "environment"
    venv.create(folder, symlinks=True)
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    subprocess.run([*command, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (here,) = {Path(path) for path in sys.path if Path(path, "pytest", "__init__.py").is_file()}
    (site / "dependencies.pth").write_text(f"{here}\n")
    (site / "pipeline").mkdir()
    (site / "pipeline" / "__init__.py").write_text("MINE = 'of another distribution'\n")
    return folder / "bin" / "python"


def test_a_wheel_has_one_top_level_name_and_is_typed(wheel: Path) -> None:
    names = contents(wheel)
    assert {name.partition("/")[0] for name in names} == {"avcues"}
    assert {"avcues/py.typed", "avcues/__init__.pyi", "avcues/models_cache/manifest.toml"} <= names
    tracked = {path.relative_to(ROOT).as_posix() for folder in LINKED for path in (ROOT / folder).rglob("*.py")}
    assert {f"avcues/{name}" for name in tracked} <= names


def test_a_wheel_made_of_the_sdist_is_the_same(source: Path, wheel: Path, tmp_path: Path) -> None:
    done = build(source, "sdist", tmp_path)
    assert done.returncode == 0, done.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as sdist:
        sdist.extractall(tmp_path, filter="data")
    done = build(tmp_path / archive.name.removesuffix(".tar.gz"), "wheel", tmp_path)
    assert done.returncode == 0, done.stderr
    (second,) = tmp_path.glob("*.whl")
    assert contents(second) == contents(wheel)


def test_sources_without_their_links_are_refused_in_plain_words(source: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(source, tmp_path / "copy", symlinks=True))
    for name in LINKED:  # as git does where the system has no links
        (copy / "avcues" / name).unlink()
        (copy / "avcues" / name).write_text(f"../{name}")
    done = build(copy, "wheel", tmp_path / "out")
    assert done.returncode != 0
    assert "git config core.symlinks true" in done.stderr
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        *(("wheel", way) for way in WAYS),
        *(("editable", way) for way in ("script", "pytest", "script with PYTHONPATH=.")),
    ],
)
def test_files_of_everyday_names_beside_the_users_code_do_no_harm(
    kind: str, way: str, media: Callable[[str], Path], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    python = request.getfixturevalue("python") if kind == "wheel" else Path(sys.executable)
    folder = tmp_path / "user"
    user_folder.fill(folder, media("tiny4.mp4"))
    seen = user_folder.use(python, folder, way)
    installed = Path(str(seen.pop("avcues"))).parents[1]
    assert installed.name == "site-packages" if kind == "wheel" else installed == ROOT
    public = [avcues, avcues.annotations, avcues.training]
    assert seen == {"names": sum(len(module.__all__) for module in public), "state": "done", "not mine": []}


def test_another_distribution_may_ship_a_package_pipeline(
    python: Path, media: Callable[[str], Path], tmp_path: Path
) -> None:
    user_folder.fill(tmp_path / "user", media("tiny4.mp4"), mine=())
    seen = user_folder.use(python, tmp_path / "user", "script", mine=("pipeline",))
    assert (seen["state"], seen["not mine"]) == ("done", [])


def test_the_command_runs_in_a_folder_whose_files_shadow_pythons_own(
    python: Path, media: Callable[[str], Path], tmp_path: Path
) -> None:
    user_folder.fill(tmp_path / "user", media("tiny4.mp4"))
    for name in ("random", "types", "queue", "numbers"):
        (tmp_path / "user" / f"{name}.py").write_text("raise SystemExit('the file of the user was imported')\n")
    for workers, features in (("1", "color,rhythm"), ("2", "color")):
        command = [python.with_name("avcues"), "extract", "clip.mp4", "-o", "out", "--features", features]
        done = subprocess.run(
            [*command, "--workers", workers],
            cwd=tmp_path / "user",
            env={**os.environ, "AVCUES_OFFLINE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_a_program_that_uses_every_public_name_passes_a_strict_type_checker(python: Path, tmp_path: Path) -> None:
    program = Path(__file__).parent / "support" / "typed_user.py"
    text = program.read_text()
    for prefix, module in (("avcues", avcues), ("ratings", avcues.annotations), ("training", avcues.training)):
        used = set(re.findall(rf"\b{prefix}\.(\w+)", text)) | {"annotations", "training"}
        assert set(module.__all__) <= used, (prefix, set(module.__all__) - used)
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\n")
    command = [sys.executable, "-m", "mypy", "--no-incremental", "--config-file", "mypy.ini"]
    checked = subprocess.run(
        [*command, "--python-executable", str(python), str(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
