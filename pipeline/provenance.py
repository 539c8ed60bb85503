"""What a table was made with: enough to make it again, and to tell whether it is up to date."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from functools import cache
from typing import Any

from extractors.compute import Compute
from extractors.protocol import Extractor

_LIBRARIES = (
    "av",
    "dask",
    "librosa",
    "numpy",
    "opensmile",
    "opencv-python-headless",
    "pyarrow",
    "scenedetect-headless",
)


@cache
def avcues_version() -> str:
    """Version of the installed distribution."""
    return importlib.metadata.version("avcues")


@cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries whose code decides values."""
    versions = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


@cache
def decoder() -> str:
    """The decoder, with the versions of the FFmpeg libraries that PyAV bundles."""
    import av

    libraries = ", ".join(f"{name} {'.'.join(map(str, v))}" for name, v in sorted(av.library_versions.items()))
    return f"PyAV {av.__version__} ({libraries})"


def recipe(extractor: Extractor, step: Fraction) -> dict[str, Any]:
    """What decides an extractor's values apart from the video; equal recipes, equal tables."""
    return {
        "extractor": extractor.name,
        "version": extractor.version,
        "settings": asdict(extractor.settings),
        "step": str(step),
    }


def metadata(extractor: Extractor, step: Fraction, compute: Compute, source: Mapping[str, Any]) -> dict[str, Any]:
    """The schema metadata of an extractor's tables for one video."""
    return {
        "avcues": avcues_version(),
        "recipe": recipe(extractor, step),
        "citation": extractor.citation,
        "device": compute.device,
        "precision": compute.precision,
        "source": dict(source),
        "decoder": decoder(),
        "libraries": library_versions(),
    }
