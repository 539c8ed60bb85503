"""What a table was made with: enough to make it again, and to tell whether it is up to date."""

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

_OF_EVERY_TABLE = ("av", "numpy", "pyarrow")
_OTHER_NAMES = {  # of the same project
    "opencv-python-headless": "opencv-python",
    "scenedetect-headless": "scenedetect",
    "ultralytics-opencv-headless": "ultralytics",
}


def library_versions(extractor: BaseExtractor, device: str) -> dict[str, str]:
    """Versions of the libraries whose code took part in an extractor's values, computed on a device."""
    names = {*_OF_EVERY_TABLE, *extractor.libraries}
    if device != "cpu":
        names -= {"openvino"}
    versions = {name: version for library in sorted(names) for name, version in _installed(library).items()}
    return {"python": platform.python_version()} | versions


@cache
def _installed(library: str) -> dict[str, str]:
    for name in filter(None, (library, _OTHER_NAMES.get(library))):
        try:
            return {name: importlib.metadata.version(name)}
        except importlib.metadata.PackageNotFoundError:
            continue
    return {}


@cache
def decoder() -> str:
    """The decoder, with the versions of the FFmpeg libraries that PyAV bundles."""
    import av

    libraries = ", ".join(f"{name} {'.'.join(map(str, v))}" for name, v in sorted(av.library_versions.items()))
    return f"PyAV {av.__version__} ({libraries})"


def recipe(
    extractor: BaseExtractor, step: Fraction, compute: Compute, reading: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """What decides an extractor's values apart from the video; equal recipes, equal tables.

    Args:
        reading: Choices of how the media file is read that are not the default.
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
        # A file of the user's own is known by its name and hash, wherever it lies.
        document["settings"] |= {
            k: _own_name(v) for k, v in document["settings"].items() if k in extractor.user_weights
        }
        document |= {"weights": weights, "precision": precision(extractor, compute)}
    if extractor.int8_table is not None and precision(extractor, compute).startswith("int8"):
        document["ranges"] = extractor.int8_table.sha256
    return document


def assets_of(extractor: BaseExtractor) -> list[str]:
    """Names of the manifest's weights files that an extractor uses."""
    named = (
        asset_name(candidates, getattr(extractor.settings, o)) for o, candidates in extractor.weights_in_use.items()
    )
    every = {name for candidates in extractor.weights_in_use.values() for name in candidates}
    return [name for name in named if name in every]


def weights_of(extractor: BaseExtractor, finder: WeightsFinder) -> dict[str, str]:
    """SHA-256 of every weights file that an extractor uses, by asset name or, for the user's own, file name."""
    hashes = dict(extractor.pinned_files)
    for option, candidates in extractor.weights_in_use.items():
        value = getattr(extractor.settings, option)
        asset = asset_name(candidates, value)
        if asset in candidates:
            hashes[asset] = finder.resolve(asset).sha256
        else:
            file = user_weights_path(value, finder, extractor.hub_weights)
            hashes[_own_name(value)] = _hash_of(file, file.stat().st_mtime_ns)
    return hashes


def _own_name(value: str) -> str:
    """A file or folder of the user's own by its name, wherever it lies; a model of the hub by its name and revision."""
    return value if parse_hub_name(value) and not Path(value).exists() else Path(value).name


@cache
def _hash_of(path: Path, mtime_ns: int) -> str:
    """SHA-256 of a file or folder of the user's own: every table of every video asks for it."""
    return sha256_of_folder(path) if path.is_dir() else sha256(path)


def asset_name(candidates: Sequence[str], variant: str) -> str:
    """Asset of a variant, given those of its siblings: all are "<task>/<variant>" of one task."""
    return f"{candidates[0].partition('/')[0]}/{variant}"


def precision(extractor: BaseExtractor, compute: Compute) -> str:
    """The precision that the extractor computes in."""
    return extractor.precision_in(compute)


def cited(extractor: BaseExtractor) -> str:
    """The paper or tool that an extractor follows, and those of the networks that it uses, but of no others."""
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
        compute: With the device that was used.
        reading: As for `recipe`.
    """
    device = compute.device if extractor.uses_network else "cpu"
    return {
        "avcues": __version__,
        "recipe": recipe(extractor, step, compute, reading),
        "citation": cited(extractor),
        "device": device,
        "precision": precision(extractor, compute),
        "source": dict(source),
        "decoder": decoder(),
        "libraries": library_versions(extractor, device),
    }
