"""How a table was made: enough to make it again, and to decide whether it is up to date."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.models_cache.cache import WeightsFinder
from avcues.models_cache.hashing import sha256, sha256_of_folder
from avcues.models_cache.hub import parse_hub_name, user_weights_path
from avcues.models_cache.manifest import asset
from avcues.version import __version__

_COMMON_LIBRARIES = ("av", "numpy", "pyarrow")
_ALTERNATIVE_NAMES = {  # distributions of the same project
    "opencv-python-headless": "opencv-python",
    "scenedetect-headless": "scenedetect",
    "ultralytics-opencv-headless": "ultralytics",
}


def library_versions(extractor: BaseExtractor, device: str) -> dict[str, str]:
    """Versions of the libraries that contribute to an extractor's values on a device."""
    names = {*_COMMON_LIBRARIES, *extractor.libraries}
    if device != "cpu":
        names -= {"openvino"} - {*extractor.cpu_libraries}
    versions = {name: version for library in sorted(names) for name, version in _installed_version(library).items()}
    return {"python": platform.python_version()} | versions


@cache
def _installed_version(library: str) -> dict[str, str]:
    for name in filter(None, (library, _ALTERNATIVE_NAMES.get(library))):
        try:
            return {name: importlib.metadata.version(name)}
        except importlib.metadata.PackageNotFoundError:
            continue
    return {}


@cache
def decoder() -> str:
    """The decoder, with the versions of the FFmpeg libraries that PyAV bundles."""
    import av

    libraries = ", ".join(
        f"{name} {'.'.join(map(str, version))}" for name, version in sorted(av.library_versions.items())
    )
    return f"PyAV {av.__version__} ({libraries})"


def recipe(
    extractor: BaseExtractor, step: Fraction, compute: Compute, reading: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """Everything that determines an extractor's values, apart from the video: equal recipes give equal tables.

    Args:
        reading: What of `avcues.pipeline.media.reading.Reading` decides the values.
    """
    document: dict[str, Any] = {
        "extractor": extractor.name,
        "version": extractor.version,
        "settings": asdict(extractor.settings),
        "step": str(step),
    }
    if reading:
        document["reading"] = dict(reading)
    if extractor.needed_extractors:
        document["needs"] = {
            needed.name: recipe(needed, step, compute, reading) for needed in extractor.needed_extractors
        }
    files = {option: Path(value) for option in extractor.user_files if (value := getattr(extractor.settings, option))}
    if files:
        document["settings"] |= {option: file.name for option, file in files.items()}
        document["files"] = {file.name: _hash_of(file, file.stat().st_mtime_ns) for file in files.values()}
    weights = weights_of(extractor, compute.weights)
    if weights:
        # The recipe has the name and hash of a user's file, not its folder.
        document["settings"] |= {
            option: _recorded_name(value)
            for option, value in document["settings"].items()
            if option in extractor.user_weights
        }
        document |= {"weights": weights, "precision": precision(extractor, compute)}
    if extractor.int8_table is not None and precision(extractor, compute).startswith("int8"):
        document["ranges"] = extractor.int8_table.sha256
    return document


def assets_of(extractor: BaseExtractor) -> list[str]:
    """Names of the weights files in the manifest that an extractor uses."""
    names_in_use = (
        asset_name(candidates, getattr(extractor.settings, option))
        for option, candidates in extractor.weights_in_use.items()
    )
    manifest_names = {name for candidates in extractor.weights_in_use.values() for name in candidates}
    return [name for name in names_in_use if name in manifest_names]


def weights_of(extractor: BaseExtractor, finder: WeightsFinder) -> dict[str, str]:
    """SHA-256 of every weights file that an extractor uses, by asset name or, for files of the user, by file name."""
    hashes = dict(extractor.pinned_files)
    for option, candidates in extractor.weights_in_use.items():
        value = getattr(extractor.settings, option)
        name = asset_name(candidates, value)
        if name in candidates:
            hashes[name] = finder.resolve(name).sha256
        else:
            file = user_weights_path(value, finder, extractor.hub_weights)
            hashes[_recorded_name(value)] = _hash_of(file, file.stat().st_mtime_ns)
    return hashes


def _recorded_name(value: str) -> str:
    """The name of a user's file or folder, without its path; for a model of the hub, its name and revision."""
    return value if parse_hub_name(value) and not Path(value).exists() else Path(value).name


@cache
def _hash_of(path: Path, mtime_ns: int) -> str:
    """SHA-256 of a user's file or folder; cached, because every table of every video needs it."""
    return sha256_of_folder(path) if path.is_dir() else sha256(path)


def asset_name(candidates: Sequence[str], variant: str) -> str:
    """The asset of a variant, "<task>/<variant>", given the assets of other variants of the task."""
    return f"{candidates[0].partition('/')[0]}/{variant}"


def precision(extractor: BaseExtractor, compute: Compute) -> str:
    """The precision in which the extractor computes."""
    return extractor.precision_in(compute)


def citation_of(extractor: BaseExtractor) -> str:
    """The paper or tool that an extractor follows, and those of the networks that it uses."""
    networks = [asset(name).citation for name in assets_of(extractor)]
    return "; ".join(dict.fromkeys((extractor.citation, *networks)))


def metadata(
    extractor: BaseExtractor,
    step: Fraction,
    compute: Compute,
    source: Mapping[str, Any],
    reading: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """The schema metadata of an extractor's tables for one video.

    Args:
        compute: The settings of computation, with the device that was used.
        reading: As for `recipe`.
    """
    device = compute.device if extractor.uses_network else "cpu"
    return {
        "avcues": __version__,
        "recipe": recipe(extractor, step, compute, reading),
        "citation": citation_of(extractor),
        "device": device,
        "precision": precision(extractor, compute),
        "source": dict(source),
        "decoder": decoder(),
        "libraries": library_versions(extractor, device),
    }
