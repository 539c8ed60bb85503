"""From what users say of a model to its extractor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from avcues.extractors.hub.facts import Facts, Kind, inspect
from avcues.extractors.hub.model import HubExtractor, HubModel
from avcues.extractors.hub.options import HubOptions
from avcues.models_cache.hub import find_repository


def create_model(name: str, options: HubOptions, folders: Sequence[Path] = ()) -> HubExtractor:
    """Makes the extractor of a model; its files are found, or downloaded, and its weights are not read yet.

    Args:
        name: Of the feature and its table.
        options: How the model is used.
        folders: Searched for the model before the hub's cache.

    Raises:
        WeightsError: There is no such model, or it cannot be used.
        AvcuesError: An option does not suit the model.
    """
    repository = find_repository(options.source, options.revision, folders)
    facts = _facts(name, repository.folder, options)
    used = replace(options, source=repository.source, revision=repository.revision)
    model = HubModel(name=name, options=used, repository=repository, facts=facts)
    return _extractor_class(facts.kind, options)(model)


@lru_cache
def _facts(name: str, folder: Path, options: HubOptions) -> Facts:
    return inspect(name, folder, options)


def _extractor_class(kind: Kind, options: HubOptions) -> type[HubExtractor]:
    if kind == "image":
        from avcues.extractors.hub.image import FaceModel, ImageModel

        return FaceModel if options.on == "faces" else ImageModel
    if kind == "video":
        from avcues.extractors.hub.video import ClipModel

        return ClipModel
    from avcues.extractors.hub.audio import SoundModel

    return SoundModel
