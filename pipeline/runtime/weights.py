"""Preflight: chooses the variant of each network of a run, and finds the features whose weights are missing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from avcues.errors import nearest
from avcues.extractors import registry
from avcues.extractors.base import BaseExtractor
from avcues.extractors.hub.model import HubExtractor
from avcues.extractors.hub.options import FACE_DETECTORS, HubOptions
from avcues.models_cache import WeightsError
from avcues.models_cache.cache import Weights, check_package, how_to_supply
from avcues.models_cache.hub import find_repository, parse_hub_name
from avcues.models_cache.manifest import asset
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store.manifest import Manifest
from avcues.pipeline.store.provenance import asset_name

AUTO = "auto"

OnDownload = Callable[[str, int, int | None], None]
"""Called with the name of an asset, the bytes received, and the total if known."""
GetWeights = Callable[[str, Callable[[int, int | None], None]], Weights]
"""Returns the file of an asset, from its name; calls its second argument as a download proceeds."""


def resolve_weights(
    settings: Settings, manifest: Manifest | None, on_download: OnDownload, *, may_download: bool = True
) -> tuple[Settings, dict[str, str]]:
    """Downloads the weights that a run needs and resolves every variant "auto" to a definite one.

    Args:
        settings: Settings of the user.
        manifest: Manifest of the output folder, whose variants are kept; None for a new folder.
        on_download: Called as downloads proceed.
        may_download: Download missing weights; otherwise, weights that could be downloaded count as present.

    Returns:
        The settings with definite features and variants, and the reasons of the features that are left out.

    Raises:
        WeightsError: The weights of a requested feature or variant are missing.
        SettingsError: Options are set for a feature that is not part of the run.
    """
    for name in settings.options:
        if name not in settings.extractor_names:
            raise SettingsError(f'options are set for "{name}", which is not among the features of this run')
    finder = settings.compute.weights
    get_weights = finder.resolve if may_download else finder.resolve_without_download
    features, left_out = [], {}
    options = {name: dict(values) for name, values in settings.options.items()}
    for name in settings.extractor_names:
        try:
            recorded = _recorded_settings(name, manifest)
            options[name] = options.get(name, {}) | _absolute_files(name, options.get(name, {}))
            extractor = registry.create(name, options[name])
            options[name] |= _pin_hub_models(extractor, recorded, settings, on_download)
            variants = _choose_variants(
                name,
                extractor.weights_in_use,
                extractor.user_weights,
                options.get(name, {}),
                recorded,
                on_download,
                get_weights,
            )
            options[name] = options.get(name, {}) | variants
            features.append(name)
        except WeightsError as error:
            if name in settings.requested_extractors or _names_a_variant(name, options.get(name, {})):
                raise
            left_out[name] = str(error)
    options = {name: values for name, values in options.items() if values and name in features}
    models = {
        name: _resolve_model(name, model, settings, manifest, on_download, get_weights)
        for name, model in settings.models.items()
    }
    features += settings.extra_tables
    return replace(settings, features=tuple(features), options=options, models=models), left_out


def describe_networks(extractors: Sequence[BaseExtractor]) -> Iterator[str]:
    """Yields one line for each extractor that uses networks, with the networks."""
    for extractor in extractors:
        networks = [str(getattr(extractor.settings, option)) for option in extractor.weights_in_use]
        if isinstance(extractor, HubExtractor):
            networks.insert(0, extractor.summary)
        if networks:
            yield f"{extractor.name}: {', '.join(networks)}"


def _absolute_files(name: str, options: Mapping[str, Any]) -> dict[str, str]:
    """The options that hold the path of a file, with absolute paths: workers may run in another folder."""
    resolved = {}
    for option in registry.load(name).user_files:
        if path := options.get(option):
            if not Path(path).is_file():
                raise SettingsError(f"`{name}.{option}={path}`: there is no such file")
            resolved[option] = str(Path(path).resolve())
    return resolved


def _pin_hub_models(
    extractor: BaseExtractor, recorded: Mapping[str, Any], settings: Settings, on_download: OnDownload
) -> dict[str, str]:
    """The options that name a hub model, with the revision that the output folder is pinned to, or the newest."""
    pinned_options = {}
    folder = settings.compute.weights.folder
    for option in extractor.user_weights if extractor.hub_weights else ():
        value = getattr(extractor.settings, option)
        source_and_revision = None if Path(value).exists() else parse_hub_name(value)
        if option not in extractor.weights_in_use or source_and_revision is None:
            continue
        source, revision = source_and_revision
        recorded_name = parse_hub_name(recorded.get(option, ""))
        if revision is None and recorded_name is not None and recorded_name[0] == source:
            revision = recorded_name[1]
        repository = find_repository(
            source,
            revision,
            () if folder is None else (folder,),
            lambda done, total, source=source: on_download(source, done, total),  # type: ignore[misc]
            weights_suffix=extractor.hub_weights,
        )
        pinned_options[option] = source if repository.revision is None else f"{source}@{repository.revision}"
    return pinned_options


def _recorded_settings(name: str, manifest: Manifest | None) -> Mapping[str, Any]:
    """The settings that the tables of the output folder were made with."""
    settings: Mapping[str, Any] = {} if manifest is None else manifest.recipes.get(name, {}).get("settings", {})
    return settings


def _resolve_model(
    name: str,
    options: HubOptions,
    settings: Settings,
    manifest: Manifest | None,
    on_download: OnDownload,
    get_weights: GetWeights,
) -> HubOptions:
    """The options with the revision that the output folder is pinned to, and a definite face detector."""
    recorded = _recorded_settings(name, manifest)
    if options.revision is None and recorded.get("source") == options.source:
        options = replace(options, revision=recorded.get("revision"))
    if options.on == "faces":
        detector = {"detector": options.detector}
        variants = _choose_variants(
            name, {"detector": FACE_DETECTORS}, (), detector, recorded, on_download, get_weights
        )
        options = replace(options, detector=variants["detector"])
    folder = settings.compute.weights.folder
    find_repository(
        options.source,
        options.revision,
        () if folder is None else (folder,),
        lambda done, total: on_download(options.source, done, total),
    )
    return options


def _choose_variants(
    name: str,
    weights: Mapping[str, tuple[str, ...]],
    user_weights: Collection[str],
    options: Mapping[str, Any],
    recorded: Mapping[str, Any],
    on_download: OnDownload,
    get_weights: GetWeights,
) -> dict[str, str]:
    variants = {}
    for option, candidates in weights.items():
        variant = options.get(option, AUTO)
        if variant == AUTO and option in recorded:
            if asset_name(candidates, recorded[option]) not in candidates:
                raise WeightsError(
                    f"{name} was made with the file {recorded[option]}; name it again: `variant={name}=PATH`"
                )
            candidates = (asset_name(candidates, recorded[option]),)
        elif variant != AUTO:
            if option in user_weights and parse_hub_name(variant) and not Path(variant).exists():
                continue
            if option in user_weights and Path(variant).exists():
                variants[option] = str(Path(variant).resolve())
                continue
            candidates = (_named_variant(name, candidates, variant),)
        variants[option] = _first_available(candidates, on_download, get_weights).name.partition("/")[2]
    return variants


def _first_available(candidates: tuple[str, ...], on_download: OnDownload, get_weights: GetWeights) -> Weights:
    errors = []
    for candidate in candidates:
        try:
            check_package(asset(candidate))
            return get_weights(candidate, lambda done, total, name=candidate: on_download(name, done, total))  # type: ignore[misc]
        except WeightsError as error:
            errors.append(str(error))
    alternatives = [f"or {how_to_supply(asset(candidate))}" for candidate in candidates[1:]]
    raise WeightsError("; ".join([errors[0], *alternatives]))


def _named_variant(name: str, candidates: tuple[str, ...], variant: str) -> str:
    if asset_name(candidates, variant) in candidates:
        return asset_name(candidates, variant)
    variants = [candidate.partition("/")[2] for candidate in candidates]
    raise WeightsError(
        f'{name} has no variant "{variant}", and there is no such file or folder{nearest(variant, variants)}'
    )


def _names_a_variant(name: str, options: Mapping[str, Any]) -> bool:
    return any(options.get(option, AUTO) != AUTO for option in registry.load(name).weights)
