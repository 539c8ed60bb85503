"""Features of this folder, installed as any third-party package is: found by an entry point."""

from __future__ import annotations

import os
from pathlib import Path


def install(folder: Path, module: str, extractor: str) -> dict[str, str]:
    """Installs the feature `module` into a folder; returns the environment in which it is found."""
    package = folder / f"avcues_{module}-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: avcues-{module}\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(f"[avcues.extractors]\n{module} = {module}:{extractor}\n")
    (folder / f"{module}.py").write_text(Path(__file__).with_name(f"{module}.py").read_text())
    found_first = (str(folder), os.environ.get("PYTHONPATH"))
    return {**os.environ, "AVCUES_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(filter(None, found_first))}
