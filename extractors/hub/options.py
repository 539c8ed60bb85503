"""The source and the options of a model, as users give them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

from avcues.errors import AvcuesError, nearest

_NAME = re.compile(r"[a-z][a-z0-9_]*")

FACE_DETECTORS = ("faces/yunet", "faces/centerface")
"""Weights files of the detectors, the preferred one first."""

ImageInput = Literal["frames", "faces"]
Pooling = Literal["auto", "pooler", "first", "mean"]


@dataclass(frozen=True, kw_only=True)
class HubOptions:
    """How to use a model.

    Args:
        source: "<owner>/<name>" on the hub, "timm:<name>", or the path of a folder, which begins with ".", "/" or "~".
        revision: Branch, tag or commit; None: the commit that the output folder is pinned to, else the main branch.
        on: Input of an image model: whole "frames", or "faces", each cut out as a square.
        layer: Layer whose hidden states are used instead of the last; 0 is the input of the first layer, and negative
            numbers count from the last.
        pooling: How the vectors of patches or tokens become one embedding: "pooler" (the model's own), "first" (the
            class token) or "mean". "auto" is the model's own pooler, or the mean if it has none or `layer` is given.
        context_s: Seconds of sound around each window, for models of excerpts, or before and after each chunk, for
            models of hidden states; None: the model's default.
        chunk_s: Seconds of sound whose hidden states are computed together.
        rate_hz: Frames per second of the clips of a video model; None: the rate of its training.
        margin: Widening of a face's square beyond the longer side of its box, as a share of that side.
        detector: Face detector, as for the feature `expressions`.
    """

    source: str
    revision: str | None = None
    on: ImageInput = "frames"
    layer: int | None = None
    pooling: Pooling = "auto"
    context_s: Annotated[float, Gt(0), Le(600)] | None = None
    chunk_s: Annotated[float, Gt(0), Le(600)] | None = None
    rate_hz: Annotated[float, Gt(0), Le(240)] | None = None
    margin: Annotated[float, Ge(0), Le(10)] = 0.2
    detector: str = "auto"


def parse_model(text: str) -> tuple[str, dict[str, str]]:
    """Splits "hubert=facebook/hubert-base-ls960,layer=9" into the name and the options.

    Raises:
        AvcuesError: The text has another form.
    """
    name, equals, definition = text.partition("=")
    source, *pairs = definition.split(",")
    options = {"source": source}
    for pair in pairs:
        option, option_equals, value = pair.partition("=")
        if not option_equals:
            raise AvcuesError(f'model "{text}": "{pair}" is not of the form OPTION=VALUE')
        options[option.strip()] = value.strip()
    if not equals or not source:
        raise AvcuesError(f'model "{text}" is not of the form NAME=SOURCE or NAME=SOURCE,OPTION=VALUE')
    return name, options


def validated_options(name: str, model: str | Mapping[str, Any], reserved: Mapping[str, str]) -> HubOptions:
    """Checks the options of a model and completes them with their defaults.

    Args:
        name: The feature's name, which is also the name of its tables.
        model: The source, or the options by name.
        reserved: Names of tables that are in use, each with a description of its owner.

    Raises:
        AvcuesError: The name cannot be used, or an option is unknown or has a bad value.
    """
    from pydantic import TypeAdapter, ValidationError

    if not _NAME.fullmatch(name):
        raise AvcuesError(
            f'model name "{name}": expected lower-case letters, digits and "_", beginning with a letter, because it '
            "names the table"
        )
    for table in (name, f"{name}_faces"):
        if table in reserved:
            raise AvcuesError(f'model name "{name}": {table} is the name of {reserved[table]}; choose another')
    options = {"source": model} if isinstance(model, str) else dict(model)
    option_names = tuple(HubOptions.__dataclass_fields__)
    for option in options:
        if option not in option_names:
            raise AvcuesError(f'model {name}: there is no option "{option}"{nearest(option, option_names)}')
    try:
        return TypeAdapter(HubOptions).validate_python(options)
    except ValidationError as error:
        first_error = error.errors()[0]
        option_path = ".".join(map(str, (name, *first_error["loc"][:1])))
        raise AvcuesError(f"model {option_path} = {first_error['input']!r}: {first_error['msg']}") from error
