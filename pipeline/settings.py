"""The settings of a run, and the pin that keeps all runs on one output folder alike."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from extractors import registry
from extractors.compute import Compute
from extractors.protocol import AudioExtractor, Extractor
from pipeline.errors import SettingsError
from pipeline.provenance import avcues_version, recipe
from pipeline.tables import TIMELINE, write_json

if TYPE_CHECKING:
    from pipeline.storage import Location

SPINE = "shots"
"""The feature that every dataset has: window tables hang on the timeline, and the timeline names the shots."""

STEP_UNIT = Fraction(1, 50)
"""A whole number of the hops of every audio extractor, so that any feature can be added to any dataset."""
SHORTEST_STEP = Fraction(1, 10)
PIN_NAME = "dataset.json"
_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that decides what a run computes.

    Args:
        step: Window length in seconds.
        features: Extractor names; `SPINE` is added.
        options: Extractor name to its options.
    """

    step: Fraction = Fraction(1, 2)
    features: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    compute: Compute = field(default_factory=Compute)

    def create_extractors(self) -> list[Extractor]:
        """The extractors of this run, the shot detector first.

        Raises:
            AvcuesError: A feature or an option is unknown, or the step does not suit an extractor.
        """
        if self.step < SHORTEST_STEP or self.step % STEP_UNIT:
            raise SettingsError(
                f"--step {float(self.step):g}: expected a multiple of {float(STEP_UNIT):g} s, "
                f"{float(SHORTEST_STEP):g} s or more"
            )
        for name in self.options:
            if name not in registry.names():
                hint = registry.nearest_feature(name)
                raise SettingsError(f'options are set for "{name}": there is no such feature{hint}')
        ordered = dict.fromkeys((SPINE, *(self.features or registry.names())))
        extractors = [registry.create(name, self.options.get(name)) for name in ordered]
        for extractor in extractors:
            if isinstance(extractor, AudioExtractor) and self.step % extractor.hop:
                raise SettingsError(
                    f"--step {float(self.step):g} does not suit {extractor.name}: "
                    f"it must be a multiple of {float(extractor.hop):g} s"
                )
        return extractors


def pin(
    out: Location,
    settings: Settings,
    extractors: Sequence[Extractor],
    *,
    overwrite: bool = False,
    video_ids: Collection[str] = (),
) -> None:
    """Writes `dataset.json`, or checks that this run agrees with the one that is there and adds new features to it.

    Raises:
        SettingsError: The folder holds tables made with other settings.
    """
    path = out / PIN_NAME
    recipes = {extractor.name: recipe(extractor, settings.step, settings.compute) for extractor in extractors}
    tables = {table.name: extractor.name for extractor in extractors for table in extractor.tables}
    tables[TIMELINE.name] = SPINE
    pinned = read_pin(out)
    if pinned is not None:
        left = sorted(pinned["recipes"].keys() - recipes.keys())
        if overwrite and left and pinned["step"] != str(settings.step):
            raise SettingsError(
                f"{out} was made with step = {pinned['step']}, and this run would leave {', '.join(left)} as it is: "
                "name every feature to overwrite, or use another --out"
            )
        others = {path.stem for path in (out / TIMELINE.name).glob("*.parquet")} - set(video_ids)
        if overwrite and others and _differences(pinned, recipes):
            raise SettingsError(
                f"{out} holds {len(others)} videos that this run does not make anew ({min(others)}, ...), and its "
                "settings are others: name every video to overwrite, or use another --out"
            )
        for what, there, wanted in [] if overwrite else _differences(pinned, recipes):
            raise SettingsError(
                f"{out} was made with {what} = {json.dumps(there)}, this run asks for {json.dumps(wanted)}: "
                "use another --out, the same settings, or --overwrite to make everything anew"
            )
        recipes = pinned["recipes"] | recipes
        tables = pinned["tables"] | tables
        if recipes == pinned["recipes"]:
            return
    write_json(
        {
            "format": _FORMAT,
            "avcues": avcues_version(),
            "step": str(settings.step),
            "recipes": recipes,
            "tables": tables,
        },
        path,
    )


def read_pin(out: Location) -> dict[str, Any] | None:
    """The pin of an output folder: step, recipes by extractor, and extractor by table; None where there is none.

    Raises:
        SettingsError: It is damaged or of another version.
    """
    path = out / PIN_NAME
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}); {out} must be a folder") from error
    except ValueError as error:
        raise SettingsError(f"{path} is damaged ({error}); restore it or remove it to make the dataset anew") from error
    if document.get("format") != _FORMAT:
        raise SettingsError(f"{path} was written by another version of avcues; use another --out")
    return dict(document)


def require_pin(out: Location) -> dict[str, Any]:
    """The pin of a folder that must be a dataset.

    Raises:
        SettingsError: It is none, or its pin is damaged or of another version.
    """
    pinned = read_pin(out)
    if pinned is None:
        raise SettingsError(f"{out}: has no {PIN_NAME}; name a folder that avcues extract made")
    return pinned


def _differences(pinned: Mapping[str, Any], recipes: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    found = []
    for name, wanted in recipes.items():
        there = pinned["recipes"].get(name)
        if there is None:
            if wanted["step"] != pinned["step"]:
                found.append(("step", pinned["step"], wanted["step"]))
            continue
        found += [
            (key if key == "step" else f"{name} {key}", there.get(key), wanted.get(key))
            for key in sorted(wanted.keys() | there.keys())
            if there.get(key) != wanted.get(key)
        ]
    return sorted(found, key=lambda item: item[0] != "step")
