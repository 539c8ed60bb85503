"""Converts options of `avcues extract` to settings of features and models."""

from __future__ import annotations

from typing import Any


def feature_options(
    audio_rate: str, features: list[str], assignments: list[str], variants: list[str]
) -> dict[str, dict[str, Any]]:
    """Options by feature, from --audio-rate, --set and --variant.

    Raises:
        SettingsError: An option does not have the right form.
    """
    from avcues.extractors.registry import OPENSMILE
    from avcues.pipeline.errors import SettingsError
    from avcues.pipeline.runtime.settings import Settings

    options: dict[str, dict[str, Any]] = {}
    if audio_rate != "48000":
        is_number = audio_rate.isascii() and audio_rate.isdigit()
        if audio_rate != "native" and not is_number:
            raise SettingsError(f"`audio_rate={audio_rate}`: expected a rate in Hz, such as 48000, or native")
        rate = int(audio_rate) if is_number else audio_rate
        opensmile_features = [name for name in Settings(features=tuple(features)).extractor_names if name in OPENSMILE]
        if not opensmile_features:
            raise SettingsError("`audio_rate` is for features that openSMILE computes, and this run has none of them")
        options |= {name: {"rate_hz": rate} for name in opensmile_features}
        if not is_number and "emobase" in opensmile_features:
            options["emobase"]["pitch_rate_hz"] = "track"  # the study's pitch, artefacts included
    for assignment in assignments:
        name, dot, setting = assignment.partition(".")
        option, equals, value = setting.partition("=")
        if not (dot and equals and name and option):
            raise SettingsError(f"--set {assignment}: expected FEATURE.OPTION=VALUE, such as shots.detector=content")
        options.setdefault(name, {})[option] = value
    for choice in variants:
        name, equals, value = choice.partition("=")
        if not (equals and name and value):
            raise SettingsError(f"--variant {choice}: expected FEATURE=VARIANT, such as actions=i3d_rgb_imagenet")
        options.setdefault(name, {})["variant"] = value
    return options


def model_options(models: list[str]) -> dict[str, dict[str, str]]:
    """Options of models by name, from --model.

    Raises:
        AvcuesError: A model does not have the right form, or a name occurs twice.
    """
    from avcues.extractors.hub.options import parse_model
    from avcues.pipeline.errors import SettingsError

    parsed: dict[str, dict[str, str]] = {}
    for text in models:
        name, options = parse_model(text)
        if name in parsed:
            raise SettingsError(f"two models are named {name}: give them different names")
        parsed[name] = options
    return parsed
