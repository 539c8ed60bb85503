"""The documentation as a site: built without a warning, self-contained, and with every column of every feature."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from types import ModuleType

import pytest

import avcues

ROOT = Path(__file__).parents[1]
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*?\bsrc="([^"]+)"|<link\b(?![^>]*rel="canonical")[^>]*?\bhref="([^"]+)\""""
)
_IN_STYLES = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make docs` makes."""
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(out)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr  # strict: a warning is an error
    return out


def test_every_column_has_its_row(site: Path) -> None:
    for name, feature in avcues.features().items():
        page = (site / "reference" / "columns" / f"{name}.html").read_text()
        listed = {
            tuple(map(unescape, row))
            for row in re.findall(r"<tr><td><code>(.*?)</code></td><td>(.*?)</td><td>(.*?)</td>", page)
        }
        columns = [column for table in (*feature.tables, *feature.extra_tables) for column in table.columns]
        assert listed >= {(column.name, column.meaning, column.unit) for column in columns}, name
        assert feature.citation in unescape(page)


@pytest.mark.parametrize(
    ("page", "module"), [("python", avcues), ("annotations", avcues.annotations), ("training", avcues.training)]
)
def test_every_public_name_is_explained(page: str, module: ModuleType, site: Path) -> None:
    text = (site / "reference" / f"{page}.html").read_text()
    names = set(module.__all__) - {"__version__", "annotations", "training"}
    assert {name for name in names if f'id="{module.__name__}.{name}"' not in text} == set()
    assert "doc-module" not in text  # a function in a module of its own name is the function


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loads = {
        (path.name, target)
        for path in site.rglob("*")
        if path.suffix in (".html", ".css")
        for match in (_LOADED if path.suffix == ".html" else _IN_STYLES).finditer(path.read_text())
        for target in match.groups()
        if target
    }
    assert any(target.endswith(".js") for _, target in loads)
    assert [load for load in loads if re.match(r"(https?:)?//", load[1])] == []
