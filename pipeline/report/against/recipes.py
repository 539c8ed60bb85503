"""Differences in settings and installed versions between two folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from avcues.pipeline.report.video import Video
from avcues.pipeline.store.manifest import Manifest

Row = tuple[str, str, str, str]
"""Feature, setting, value in the first folder, value in the second."""


def setting_differences(first: Manifest, second: Manifest) -> list[Row]:
    """The settings, versions and networks that differ, for the features that both folders have."""
    rows: list[Row] = []
    for feature in [name for name in first.recipes if name in second.recipes]:
        first_recipe, second_recipe = (dict(_flattened(manifest.recipes[feature])) for manifest in (first, second))
        rows += [(feature, *row) for row in _differing(first_recipe, second_recipe)]
    return rows


def version_differences(first: Video, second: Video) -> list[Row]:
    """The versions of avcues and of libraries, and the devices, that differ, for the tables that both folders have."""
    rows: list[Row] = []
    for table in [name for name in first.tables if name in second.tables]:
        first_versions, second_versions = (_versions(video.tables[table]) for video in (first, second))
        rows += [("", *row) for row in _differing(first_versions, second_versions)]
    return list(dict.fromkeys(rows))


def _flattened(recipe: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in recipe.items():
        if key == "settings":
            yield from ((name, str(setting)) for name, setting in value.items() if setting is not None)
        elif key == "weights":
            yield from (
                (f"network {name.partition('/')[0]}", f"{name.partition('/')[2]} ({sha256[:8]})")
                for name, sha256 in value.items()
            )
        elif key not in ("extractor", "step"):
            yield key, str(value)


def _versions(metadata: Mapping[str, Any]) -> dict[str, str]:
    names = {"avcues": metadata["avcues"], "device": metadata["device"], "decoder": metadata["decoder"]}
    return {**{name: str(value) for name, value in names.items()}, **metadata["libraries"]}


def _differing(first: Mapping[str, str], second: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for key in dict.fromkeys([*first, *second]):
        if first.get(key) != second.get(key):
            yield key, first.get(key, "–"), second.get(key, "–")
