"""Makes the settings of a run from what users write, in Python or as options of a command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from avcues.pipeline.errors import SettingsError

if TYPE_CHECKING:
    from avcues.extractors.compute import Device, Precision
    from avcues.extractors.hub.options import HubOptions
    from avcues.pipeline.media.reading import Reading
    from avcues.pipeline.runtime.settings import Settings

Options = Mapping[str, Mapping[str, Any]]
"""Options by feature, such as `{"shots": {"detector": "content"}, "actions": {"variant": "i3d_rgb_imagenet"}}`."""

Models = Mapping[str, "str | Mapping[str, Any]"]
"""Models by the name of the feature: the source, such as "openai/clip-vit-base-patch32" or the path of a folder, or a
mapping of "source" and options, such as `{"source": "./my-vit", "on": "faces"}`."""


def make_settings(
    *,
    features: Sequence[str] | None = None,
    step: float | str | Fraction = Fraction(1, 2),
    options: Options | None = None,
    models: Models | None = None,
    device: Device = "auto",
    precision: Precision = "fp32",
    weights_dir: str | Path | None = None,
    reading: Reading | None = None,
) -> Settings:
    """Makes the settings of a run; the arguments are those of `avcues.extract`.

    Raises:
        SettingsError: `step` is not a number, `features` is empty, or the folder `weights_dir` does not exist.
    """
    from avcues.extractors.compute import Compute
    from avcues.models_cache.cache import WeightsFinder
    from avcues.pipeline.media.reading import Reading
    from avcues.pipeline.runtime.settings import ALL, Settings
    from avcues.pipeline.timeline import exact_seconds

    try:
        exact_step = exact_seconds(str(step))
    except ValueError as error:
        raise SettingsError(f"`step={step}`: expected seconds, such as 0.5 or 1/2") from error
    if features is not None and not features:
        raise SettingsError("`features` is empty: name some, or all")
    return Settings(
        step=exact_step,
        features=tuple(features or (ALL,)),
        options=options or {},
        models=_check_models(models or {}),
        compute=Compute(device=device, precision=precision, weights=WeightsFinder(_weights_folder(weights_dir))),
        reading=reading or Reading(),
    )


def _check_models(models: Models) -> dict[str, HubOptions]:
    from avcues.extractors import registry
    from avcues.extractors.hub.options import validated_options

    reserved = dict.fromkeys(registry.names(), "a feature")
    reserved |= {table: f"a table of {feature}" for table, feature in registry.features_of_tables().items()}
    hub_options: dict[str, HubOptions] = {}
    for name, model in models.items():
        hub_options[name] = validated_options(name, model, reserved)
        reserved |= {name: "another model", f"{name}_faces": "another model"}
    return hub_options


def parse_memory_limit(size: int | str | None) -> int | Literal["auto"] | None:
    """Parses a limit in bytes from text such as "4GiB"; "auto" is returned unchanged, "none" becomes None.

    Raises:
        SettingsError: The text is not a size.
    """
    if size is None or size == "none":
        return None
    if size == "auto":
        return "auto"
    from dask.utils import parse_bytes

    try:
        number = int(parse_bytes(size))
    except (ValueError, OverflowError) as error:
        raise SettingsError(f"`memory_limit={size}`: expected a size such as 4GiB, auto, or none") from error
    if number < 1:
        raise SettingsError(f"`memory_limit={size}`: expected a size such as 4GiB, auto, or none")
    return number


def _weights_folder(weights_dir: str | Path | None) -> Path | None:
    """The absolute path of a folder with weights files.

    Raises:
        SettingsError: The folder does not exist.
    """
    if weights_dir is None:
        return None
    folder = Path(weights_dir)
    if not folder.is_dir():
        raise SettingsError(f"`weights_dir={folder}`: no such folder")
    return folder.resolve()
