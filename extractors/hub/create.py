"""Makes the extractor of a model from its options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from avcues.extractors.hub.facts import Facts, Kind, inspect
from avcues.extractors.hub.model import HubExtractor, HubModel
from avcues.extractors.hub.options import HubOptions, options_of
from avcues.models_cache.errors import WeightsError
from avcues.models_cache.hub import find_repository


def create_model(name: str, options: HubOptions, folders: Sequence[Path] = ()) -> HubExtractor:
    """Makes the extractor of a model; finds or downloads its files, but does not read its weights yet.

    Args:
        name: Of the feature and its table.
        options: How the model is used.
        folders: Folders that are searched for the model before the hub's cache.

    Raises:
        WeightsError: The model does not exist or cannot be used.
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
    if kind == "text":
        from avcues.extractors.hub.text import TextModel

        return TextModel
    from avcues.extractors.hub.audio import SoundModel

    return SoundModel


class PinnedModel:
    """A model with fixed options as a feature of a package: derive from it, and name the class as an entry point.

    Attributes:
        name: Feature name; also the name of the table.
        source: "<owner>/<name>" on the hub, or the path of a folder.
        revision: The commit.
        options: Further options, as in `HubOptions`.
        files: SHA-256 of files that the model must have, by name, such as "model.safetensors".

    Raises:
        WeightsError: The model cannot be found or downloaded, or a file differs.
    """

    name: ClassVar[str]
    source: ClassVar[str]
    revision: ClassVar[str | None] = None
    options: ClassVar[Mapping[str, Any]] = {}
    files: ClassVar[Mapping[str, str]] = {}
    version: ClassVar[int] = HubExtractor.version
    citation: ClassVar[str] = ""
    Settings: ClassVar[type] = HubOptions
    weights: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __new__(cls) -> Any:
        options = options_of(cls.name, {"source": cls.source, "revision": cls.revision, **cls.options}, {})
        extractor = create_model(cls.name, options)
        for name, expected in cls.files.items():
            actual = extractor.pinned_files.get(name)
            if actual != expected:
                has = f"has sha256 {actual}" if actual else "is missing"
                raise WeightsError(f"{cls.name}: {name} of {cls.source} {has}, expected sha256 {expected}")
        return extractor
