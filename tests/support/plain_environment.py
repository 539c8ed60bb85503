"""An environment with avcues and its dependencies only: what `pip install avcues` gives, without its extras."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import tomllib
import venv
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def make(folder: Path) -> Path:
    """Makes the environment, with links to what is installed here; returns its Python."""
    venv.create(folder, symlinks=True)
    packages = folder / "packages"
    packages.mkdir()
    for distribution in _needed():
        for file in distribution.files or ():
            link = packages / file.parts[0]
            if file.parts[0] != ".." and not link.is_symlink():
                link.symlink_to(Path(str(distribution.locate_file(file.parts[0]))).absolute())
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "avcues.pth").write_text(f"{packages}\n{ROOT}\n")
    return folder / "bin" / "python"


def avcues(python: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs the command in the environment, off the network."""
    return run(python, "from avcues.pipeline.cli.app import main; main()", *arguments)


def run(python: Path, code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs a program in the environment, off the network."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"AVCUES_OFFLINE": "1"}
    command = [str(python), "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def _needed() -> list[importlib.metadata.Distribution]:
    """avcues and what it requires, directly or not, without the extras that nothing asks for."""
    # Not from the installed metadata, which may be older than the project's file.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = _asked(project["dependencies"], "")
    findings = {("avcues", ""): importlib.metadata.distribution("avcues")}
    while wanted:
        name, extra = wanted.pop()
        if (name, extra) not in findings:
            try:
                findings[name, extra] = importlib.metadata.distribution(name)
            except importlib.metadata.PackageNotFoundError:  # the build of torch for another machine asks for more
                continue
            wanted += _asked(findings[name, extra].requires or (), extra)
    return list(findings.values())


def _asked(requirements: Iterable[str], extra: str) -> list[tuple[str, str]]:
    """Names and extras that hold on this machine, given the extra for which they are asked."""
    holding = [r for r in map(Requirement, requirements) if r.marker is None or r.marker.evaluate({"extra": extra})]
    return [(canonicalize_name(r.name), wanted) for r in holding for wanted in ("", *r.extras)]
