"""Registry of extractors: the built-in ones and those of the entry-point group `avcues.extractors`."""

from __future__ import annotations

import importlib
import importlib.metadata
import math
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from avcues.errors import AvcuesError, nearest
from avcues.extractors.base import BaseExtractor, with_defaults

ENTRY_POINTS = "avcues.extractors"

_BUILT_IN = {
    "shots": "avcues.extractors.shots:Shots",
    "emobase": "avcues.extractors.emobase:Emobase",
    "egemaps": "avcues.extractors.egemaps:Egemaps",
    "compare_2016": "avcues.extractors.compare_2016:Compare2016",
    "rhythm": "avcues.extractors.rhythm:Rhythm",
    "color": "avcues.extractors.color:Color",
    "lighting": "avcues.extractors.lighting:Lighting",
    "motion": "avcues.extractors.motion:Motion",
    "expressions": "avcues.extractors.expressions:Expressions",
    "scenes": "avcues.extractors.scenes:Scenes",
    "objects": "avcues.extractors.objects:Objects",
    "actions": "avcues.extractors.actions:Actions",
    "words": "avcues.extractors.words:Words",
    "text": "avcues.extractors.text:Text",
    "text_embedding": "avcues.extractors.text_embedding:TextEmbedding",
}

OPENSMILE = ("emobase", "egemaps", "compare_2016")
"""Features computed by openSMILE."""

_OPTIONAL_FEATURES = (
    *("egemaps", "compare_2016"),  # overlap with emobase
    *("words", "text", "text_embedding"),  # what people say can be personal
)

_EXTRA_TABLES = {
    "actions_embedding": "actions",
    "scenes_embedding": "scenes",
    "expressions_embedding": "expressions",
    "faces_embedding": "expressions",
}

_FEATURE_OF_TABLE = {
    "faces": "expressions",
    "detections": "objects",
    "utterances": "words",
    "timeline": "every feature",
}


@cache
def names() -> tuple[str, ...]:
    """Names of all extractors, built-in ones first."""
    installed = (point.name for point in importlib.metadata.entry_points(group=ENTRY_POINTS))
    return (*_BUILT_IN, *sorted(set(installed) - set(_BUILT_IN)))


def default_names() -> tuple[str, ...]:
    """Names of the extractors that a run uses by default."""
    return tuple(name for name in names() if name not in _OPTIONAL_FEATURES)


def extra_tables() -> dict[str, str]:
    """Maps each table that is made only when requested by name to its extractor.

    This imports installed extractors. One that cannot be imported adds no table; `load` raises the error.
    """
    return _EXTRA_TABLES | _extra_tables_of_installed()


def features_of_tables() -> dict[str, str]:
    """Maps each built-in table whose name differs from that of its feature to the feature."""
    return _FEATURE_OF_TABLE | _EXTRA_TABLES


def extractor_name(name: str) -> str:
    """The extractor that makes an extra table; returns any other name unchanged. May import installed extractors."""
    if name in names():
        return name
    return _EXTRA_TABLES.get(name) or _extra_tables_of_installed().get(name, name)


def load(name: str) -> type[BaseExtractor]:
    """The class of an extractor, with the defaults of `BaseExtractor`.

    Raises:
        AvcuesError: The name is unknown, or the extractor cannot be imported.
    """
    if name not in names():
        raise AvcuesError(f'there is no feature "{name}"{nearest_feature(name)}')
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        return with_defaults(getattr(importlib.import_module(module), attribute))
    (point, *_) = importlib.metadata.entry_points(group=ENTRY_POINTS, name=name)
    try:
        extractor_class = with_defaults(point.load())
    except Exception as error:
        raise AvcuesError(f'the installed extractor "{name}" ({point.value}) cannot be imported: {error}') from error
    if point.dist is not None and not extractor_class.libraries:
        extractor_class.libraries = (point.dist.name,)
    return extractor_class


def create(name: str, options: Mapping[str, Any] | None = None, extra_tables: Collection[str] = ()) -> BaseExtractor:
    """Makes an extractor with the given options in place of its defaults, without loading models.

    Args:
        name: Feature name.
        options: Values by name; other options keep their defaults.
        extra_tables: Names as in `extra_tables()`; tables of other extractors are ignored.

    Raises:
        AvcuesError: The name is unknown, the extractor cannot be imported, or an option is unknown or has a bad
            value.
    """
    extractor_class: Any = load(name)
    settings = (_settings(name, extractor_class.Settings, options),) if options else ()
    extractor: BaseExtractor = extractor_class(*settings)
    extractor.requested_tables = tuple(table.name for table in extractor.extra_tables if table.name in extra_tables)
    extractor.create_arguments = (name, dict(options or {}), extractor.requested_tables)
    return extractor


def nearest_feature(unknown_name: str) -> str:
    """Hint after an unknown feature name: the feature that makes a table of this name, or the most similar name."""
    if unknown_name in _FEATURE_OF_TABLE:
        return f"; the table {unknown_name} comes with {_FEATURE_OF_TABLE[unknown_name]}"
    return nearest(unknown_name, (*names(), *extra_tables()))


@cache
def _extra_tables_of_installed() -> dict[str, str]:
    tables: dict[str, str] = {}
    for name in [name for name in names() if name not in _BUILT_IN]:
        with suppress(AvcuesError):
            tables |= {table.name: name for table in create(name).extra_tables}
    return tables


def _settings(name: str, settings_class: type, options: Mapping[str, Any]) -> Any:
    from pydantic import TypeAdapter, ValidationError

    option_names = tuple(getattr(settings_class, "__dataclass_fields__", ()))
    for option in options:
        if option not in option_names:
            hint = nearest(option, option_names) if option_names else "; it has no options"
            raise AvcuesError(f'"{name}" has no option "{option}"{hint}')
    try:
        settings: Any = TypeAdapter(settings_class).validate_python(dict(options))
        for option in options:
            value = getattr(settings, option)
            if isinstance(value, float) and not math.isfinite(value):
                raise AvcuesError(f"bad value {options[option]!r} for {name}.{option}: expected a finite number")
        return settings
    except ValidationError as error:
        first_error = error.errors()[0]
        option = ".".join(map(str, (name, *first_error["loc"][:1])))
        # A check of all options together has no location.
        subject = f"bad value {first_error['input']!r} for {option}" if first_error["loc"] else name
        raise AvcuesError(f"{subject}: {first_error['msg'].removeprefix('Value error, ')}") from error
