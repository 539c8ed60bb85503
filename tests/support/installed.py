"""Features and models of this folder, installed as any third-party package is: found by entry points."""

from __future__ import annotations

import os
from pathlib import Path


def install(
    folder: Path, module: str, name: str, manifest: str | None = None, group: str = "avcues.extractors"
) -> dict[str, str]:
    """Installs the feature or model `module` into a folder; returns the environment in which it is found.

    Args:
        folder: Where packages are found.
        module: A module beside this one.
        name: The class in it.
        manifest: The `manifest.toml` that pins its weights, if it has any.
        group: "avcues.models" for a model.
    """
    package = folder / f"avcues_{module}-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: avcues-{module}\nVersion: 1.0\n")
    entry_points = f"[{group}]\n{module} = {module}:{name}\n"
    code = Path(__file__).with_name(f"{module}.py").read_text()
    if manifest is None:
        (folder / f"{module}.py").write_text(code)
    else:
        (folder / module).mkdir()
        (folder / module / "__init__.py").write_text(code)
        (folder / module / "manifest.toml").write_text(manifest)
        entry_points += f"[avcues.weights]\n{module} = {module}\n"
    (package / "entry_points.txt").write_text(entry_points)
    found_first = (str(folder), os.environ.get("PYTHONPATH"))
    return {**os.environ, "AVCUES_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(filter(None, found_first))}
