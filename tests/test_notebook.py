"""The notebook in docs runs from its first cell to its last."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tour.ipynb"


def test_the_notebook_runs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVCUES_OFFLINE", "1")
    monkeypatch.setenv("IPYTHONDIR", str(place / ".ipython"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(place)}}).execute()
    printed = [output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]
    assert sum("lighting.median_brightness" in data.get("text/html", "") for data in shown) == 1
    assert sum("image/png" in data for data in shown) == 1
    assert sum("<iframe srcdoc" in data.get("text/html", "") for data in shown) == 1
    assert "".join(printed).count("correlation with the gold standard") == 3


def test_it_is_committed_without_results() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
