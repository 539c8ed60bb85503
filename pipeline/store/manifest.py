"""`dataset.json`: the settings that all runs on an output folder share."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.store.documents import check_document, read_document, write_json
from avcues.pipeline.store.layout import MANIFEST, manifest_path, videos_with_table
from avcues.pipeline.store.timeline_table import TIMELINE
from avcues.version import __version__

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

BASE_FEATURE = "shots"
"""The feature that every dataset has. It also makes the timeline; all window tables have the same rows."""

_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The content of `dataset.json`.

    Args:
        step: Window length in seconds.
        recipes: By extractor, its recipe, as `avcues.pipeline.store.provenance.recipe` makes it.
        tables: By table, its extractor.
    """

    step: Fraction
    recipes: Mapping[str, Mapping[str, Any]]
    tables: Mapping[str, str]


def read_manifest(out: Location) -> Manifest | None:
    """Reads the manifest of an output folder; None if it has none.

    Raises:
        SettingsError: The manifest is damaged or of another version.
    """
    path = manifest_path(out)
    try:
        document = read_document(path, "any")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}); {out} must be a folder") from error
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    if document.get("format") != _FORMAT:
        raise SettingsError(f"{path} was written by another version of avcues; use another `out`")
    try:
        check_document(document, "manifest")
        if not ({*document["tables"].values()} <= document["recipes"].keys() and TIMELINE.name in document["tables"]):
            raise ValueError("its entries contradict each other")
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    return Manifest(step=Fraction(document["step"]), recipes=document["recipes"], tables=document["tables"])


def require_manifest(out: Location) -> Manifest:
    """Reads the manifest of a folder that must be a dataset.

    Raises:
        SettingsError: The folder has no manifest, or one that is damaged or of another version.
    """
    manifest = read_manifest(out)
    if manifest is None:
        raise SettingsError(f"{out}: has no {MANIFEST}; name a folder that avcues extract made")
    return manifest


def pin(out: Location, requested: Manifest, *, overwrite: bool = False, video_ids: Collection[str] = ()) -> None:
    """Writes the manifest, or checks that this run agrees with the existing one and adds its new features to it.

    Args:
        requested: What this run computes.
        overwrite: Whether every table of `video_ids` is computed again.
        video_ids: The videos of the run.

    Raises:
        SettingsError: The folder holds tables made with other settings.
    """
    pinned = read_manifest(out)
    recipes, tables = requested.recipes, requested.tables
    if pinned is not None:
        _check_agreement(out, pinned, requested, overwrite=overwrite, video_ids=video_ids)
        recipes, tables = {**pinned.recipes, **recipes}, {**pinned.tables, **tables}
        if (recipes, tables) == (pinned.recipes, pinned.tables):
            return
    document = {
        "format": _FORMAT,
        "avcues": __version__,
        "step": str(requested.step),
        "recipes": recipes,
        "tables": tables,
    }
    write_json(document, manifest_path(out))


def check_settings(
    out: Location, requested: Manifest, *, overwrite: bool = False, video_ids: Collection[str] = ()
) -> None:
    """Checks, as `pin` does, that a run agrees with the existing manifest, but writes nothing.

    Args:
        out: Output folder.
        requested: What the run would compute.
        overwrite: Whether every table of `video_ids` would be computed again.
        video_ids: The videos of the run.

    Raises:
        SettingsError: The folder holds tables made with other settings.
    """
    pinned = read_manifest(out)
    if pinned is not None:
        _check_agreement(out, pinned, requested, overwrite=overwrite, video_ids=video_ids)


def _check_agreement(
    out: Location, pinned: Manifest, requested: Manifest, *, overwrite: bool, video_ids: Collection[str]
) -> None:
    unrequested = sorted(pinned.recipes.keys() - requested.recipes.keys())
    if overwrite and unrequested and pinned.step != requested.step:
        raise SettingsError(
            f"{out} was made with step = {pinned.step}, and this run would not change {', '.join(unrequested)}: "
            "name every feature to overwrite, or use another `out`"
        )
    outdated = [
        f"{name} needs {need}"
        for name in unrequested
        for need in _changed_needs(pinned.recipes[name], requested.recipes)
    ]
    if overwrite and outdated:
        raise SettingsError(
            f"{out}: this run would make features outdated that it does not overwrite ({', '.join(outdated)}): name "
            "these features as well, or use another `out`"
        )
    other_videos = set(videos_with_table(out, TIMELINE.name)) - set(video_ids)
    differences = _differences(pinned, requested.recipes)
    if overwrite and other_videos and differences:
        raise SettingsError(
            f"{out} holds {len(other_videos)} videos that this run would not overwrite ({min(other_videos)}, ...), "
            "made with other settings: name every video to overwrite, or use another `out`"
        )
    for setting, pinned_value, requested_value in [] if overwrite else differences:
        raise SettingsError(
            f"{out} was made with {setting} = {json.dumps(pinned_value)}, but this run has "
            f"{json.dumps(requested_value)}: "
            "use another `out`, the same settings, or `overwrite` to compute everything again"
        )


def _differences(pinned_manifest: Manifest, recipes: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Any, Any]]:
    differences: list[tuple[str, Any, Any]] = []
    for name, requested in recipes.items():
        pinned = pinned_manifest.recipes.get(name)
        if pinned is None:
            if requested["step"] != str(pinned_manifest.step):
                differences.append(("step", str(pinned_manifest.step), requested["step"]))
            continue
        differences += [
            (key if key == "step" else f"{name} {key}", pinned.get(key), requested.get(key))
            for key in sorted(requested.keys() | pinned.keys())
            if pinned.get(key) != requested.get(key)
        ]
    return sorted(differences, key=lambda item: item[0] != "step")


def _changed_needs(pinned_recipe: Mapping[str, Any], recipes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Names of the extractors whose values the tables of a pinned recipe need and which this run would change."""
    return [
        name
        for name, needed in pinned_recipe.get("needs", {}).items()
        if name in recipes and _without_sound_choice(needed, name) != _without_sound_choice(recipes[name], name)
    ]


def _without_sound_choice(recipe: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A recipe without the choice of the sound, if the sound affects only the timeline and not the shots."""
    sound_keys = ("audio_stream", "downmix", "sound_version") if name == BASE_FEATURE else ()
    reading = {key: value for key, value in recipe.get("reading", {}).items() if key not in sound_keys}
    return {**recipe, "reading": reading}


def _damaged(path: Location, reason: str) -> SettingsError:
    return SettingsError(
        f"{path} is damaged ({reason}); restore it, or remove it and run the same avcues extract again, which keeps "
        "existing tables"
    )
