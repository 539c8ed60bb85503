"""The blocks of the README and of the pages in docs do what they say.

A block takes part if its fence says so: "```sh run" and "```python run" are run, "```csv NAME" is written to that file.
The blocks of a section run in order, in one folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from avcues.models_cache import WeightsError
from avcues.models_cache.cache import resolve
from avcues.pipeline.report import page

ROOT = Path(__file__).parents[1]
NETWORKS = ("expressions/mini_xception", "faces/centerface")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_SECTION = re.compile(r"^##? (?P<title>.+?)\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(?P<language>\w+) (?P<tag>\S+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def sections() -> dict[str, list[re.Match[str]]]:
    """The tagged blocks of every section that has any."""
    blocks = {
        section["title"]: list(_BLOCK.finditer(section["text"]))
        for page in PAGES
        for section in _SECTION.finditer(page.read_text())
    }
    return {title: found for title, found in blocks.items() if found}


@pytest.mark.parametrize("title", sections())
def test_the_blocks_of_a_section_run(title: str, place: Path) -> None:
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
    code = "".join(block["code"] for block in sections()[title])
    try:  # the blocks run offline
        if "avcues report" in code:
            page.library()
        for name in NETWORKS if "expressions" in code else ():
            resolve(name)
        if "lightgbm" in code:
            import lightgbm  # noqa: F401  (its wheel needs the system's libgomp)
    except (OSError, WeightsError) as error:
        pytest.skip(str(error))
    for block in sections()[title]:
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


def test_the_way_into_training_is_among_them() -> None:
    languages = [block["language"] for block in sections()["Into training"] if block["tag"] == "run"]
    assert languages.count("python") == 7
    assert languages.count("sh") == 2


def test_from_the_demo_to_a_fitted_model_is_ten_lines() -> None:
    (code,) = [block["code"] for block in sections()["Into training"] if "sklearn" in block["code"]]
    assert len([line for line in code.splitlines() if line]) <= 10
