"""The blocks of the README and of the pages in docs do what they say.

A block is run if its fence says so, "```sh run" or "```python run"; the content of "```csv NAME", of any language,
becomes that file. The blocks of a page run in order, in one folder, as a reader would run them. Of other blocks the
Python compiles, and the commands have these arguments and options.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from avcues.models_cache import WeightsError
from avcues.models_cache.cache import resolve
from avcues.pipeline.cli.app import app
from avcues.pipeline.report import page

ROOT = Path(__file__).parents[1]
NETWORKS = ("expressions/mini_xception", "faces/centerface")
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
}
_BLOCK = re.compile(r"^```(?P<language>\w+)(?: (?P<tag>\S+))?\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(name: str, *, tagged: bool) -> list[re.Match[str]]:
    """The blocks of a page that take part in its run, or the others."""
    return [block for block in _BLOCK.finditer(PAGES[name]) if bool(block["tag"]) == tagged]


@pytest.mark.parametrize("name", [name for name in PAGES if blocks(name, tagged=True)])
def test_the_blocks_of_a_page_run(name: str, place: Path) -> None:
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        # What a block installs is installed for this test alone.
        "PIP_TARGET": str(place / "site"),
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "false",
        "PYTHONPATH": str(place / "site"),
        "HF_HOME": str(place / ".huggingface"),
        "HF_HUB_OFFLINE": "1",
        "AVCUES_OFFLINE": "1",
    }
    page_blocks = blocks(name, tagged=True)
    code = "".join(block["code"] for block in page_blocks)
    try:  # the blocks run offline
        if "avcues report" in code:
            page.library()
        for network in NETWORKS if "expressions" in code else ():
            resolve(network)
        if "lightgbm" in code:
            import lightgbm  # noqa: F401  (its wheel needs the system's libgomp)
    except (OSError, WeightsError) as error:
        pytest.skip(str(error))
    for block in page_blocks:
        if block["tag"] != "run":
            (place / block["tag"]).parent.mkdir(parents=True, exist_ok=True)
            (place / block["tag"]).write_text(block["code"])
            continue
        shell = (
            ["bash", "-euo", "pipefail", "-c"] if block["language"] == "sh" else [sys.executable, "-W", "error", "-c"]
        )
        done = subprocess.run(
            [*shell, block["code"]],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{block['code']}\n{done.stdout}\n{done.stderr}"


def commands(code: str) -> list[list[str]]:
    """The words after `avcues` of each command in a block of shell."""
    lines = [shlex.split(line, comments=True) for line in code.replace("\\\n", " ").splitlines()]
    return [words[words.index("avcues") + 1 :] for words in lines if "avcues" in words]


@pytest.mark.parametrize("name", PAGES)
def test_the_other_blocks_name_what_exists(name: str) -> None:
    for block in blocks(name, tagged=False):
        if block["language"] == "python":
            compile(block["code"], name, "exec")
        for words in commands(block["code"]) if block["language"] == "sh" else ():
            command: Any = typer.main.get_command(app)
            while hasattr(command, "commands"):
                command = command.commands[words.pop(0)]
            command.make_context(command.name, words)  # raises where an argument or option does not exist


def test_from_the_demo_to_a_fitted_model_is_ten_lines() -> None:
    (code,) = [block["code"] for block in blocks("README.md", tagged=True) if "sklearn" in block["code"]]
    assert len([line for line in code.splitlines() if line]) <= 10
    assert code in PAGES["docs/training_data.md"]
