"""A user's folder with files of everyday names, from which avcues is used in every way that people run Python."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

MODULES = ("annotations", "config", "data", "evaluate", "pipeline", "random_", "test", "train", "utils")
PACKAGES = ("dataset", "extractors", "features", "labels", "media", "models", "models_cache")

PROBE = """
import importlib, json, sys
import avcues
result = {"avcues": avcues.__file__}
public = (avcues, avcues.annotations, avcues.training)
result["names"] = sum(getattr(module, name) is not None for module in public for name in module.__all__)
(done,) = avcues.extract_many(["clip.mp4"], "out_" + WAY, features=["color"], workers=1)
result["state"] = done.error or done.state
result["not mine"] = [name for name in MINE if not hasattr(importlib.import_module(name), "MINE")]
"""


def fill(folder: Path, clip: Path, mine: tuple[str, ...] = (*MODULES, *PACKAGES)) -> None:
    """Makes the folder.

    Args:
        folder: Where the user works.
        clip: A video, copied to `clip.mp4`.
        mine: Modules that the user has there.
    """
    folder.mkdir()
    (folder / "clip.mp4").write_bytes(clip.read_bytes())
    for name in mine:
        file = folder / (f"{name}.py" if name in MODULES else f"{name}/__init__.py")
        file.parent.mkdir(exist_ok=True)
        file.write_text("MINE = True\n")


def use(python: Path, folder: Path, way: str, mine: tuple[str, ...] = (*MODULES, *PACKAGES)) -> dict[str, object]:
    """Uses avcues as a script, with -m, with -c, in pytest or in a notebook; returns what the probe found.

    Args:
        python: The interpreter.
        folder: As `fill` made it.
        way: One of `WAYS`.
        mine: Modules that must be the user's own.
    """
    if way == "notebook":
        mine = tuple(name for name in mine if name != "test")  # a kernel looks for Python's own modules first
    code = f"WAY, MINE = {way!r}, {mine!r}\n{PROBE}"
    path = "." if way.endswith("with PYTHONPATH=.") else ""
    environment = {**os.environ, "AVCUES_OFFLINE": "1", "PYTHONPATH": path, "PYTHONSAFEPATH": ""}
    return json.loads(WAYS[way](python, folder, code, environment).strip().splitlines()[-1])


def _run(python: Path, folder: Path, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [str(python), *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


def _script(python: Path, folder: Path, code: str, environment: dict[str, str]) -> str:
    (folder / "probe.py").write_text(f"{code}print(json.dumps(result))\n")
    return _run(python, folder, environment, "probe.py")


def _module(python: Path, folder: Path, code: str, environment: dict[str, str]) -> str:
    (folder / "probe.py").write_text(f"{code}print(json.dumps(result))\n")
    return _run(python, folder, environment, "-m", "probe")


def _command(python: Path, folder: Path, code: str, environment: dict[str, str]) -> str:
    return _run(python, folder, environment, "-c", f"{code}print(json.dumps(result))\n")


def _pytest(python: Path, folder: Path, code: str, environment: dict[str, str]) -> str:
    (folder / "test_probe.py").write_text(
        f"{code}\ndef test_it():\n    open('pytest.json', 'w').write(json.dumps(result))\n"
    )
    _run(python, folder, environment, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_probe.py")
    return (folder / "pytest.json").read_text()


def _notebook(python: Path, folder: Path, code: str, environment: dict[str, str]) -> str:
    import nbclient
    import nbformat
    from jupyter_client.manager import AsyncKernelManager

    class Kernel(AsyncKernelManager):
        def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
            return [str(python), "-m", "ipykernel_launcher", "-f", self.connection_file]

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"{code}print(json.dumps(result))")])
    client = nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(folder)}}, kernel_manager_class=Kernel
    )
    client.execute(env=environment)
    return "".join(output.text for output in notebook.cells[0].outputs if output.get("name") == "stdout")


WAYS: dict[str, Callable[[Path, Path, str, dict[str, str]], str]] = {
    "script": _script,
    "-m": _module,
    "-c": _command,
    "pytest": _pytest,
    "notebook": _notebook,
    "script with PYTHONPATH=.": _script,
}
