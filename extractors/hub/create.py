"""Makes the extractor of a model from its options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from avcues.extractors.hub.model import HubExtractor, HubModel
from avcues.extractors.hub.options import HubOptions, validated_options
from avcues.extractors.hub.spec import Kind, ModelSpec, read_spec
from avcues.models_cache.errors import WeightsError
from avcues.models_cache.hub import find_repository


def create_model(name: str, options: HubOptions, folders: Sequence[Path] = ()) -> HubExtractor:
    """Makes the extractor of a model. Finds or downloads the model's files, but does not read its weights yet.

    Args:
        name: Name of the feature and its table.
        options: How to use the model.
        folders: Folders that are searched for the model before the hub's cache.

    Raises:
        WeightsError: The model does not exist or cannot be used.
        AvcuesError: An option does not suit the model.
    """
    repository = find_repository(options.source, options.revision, folders)
    spec = _spec(name, repository.folder, options)
    resolved_options = replace(options, source=repository.source, revision=repository.revision)
    model = HubModel(name=name, options=resolved_options, repository=repository, spec=spec)
    return _extractor_class(spec.kind, options)(model)


@lru_cache
def _spec(name: str, folder: Path, options: HubOptions) -> ModelSpec:
    return read_spec(name, folder, options)


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
    """A feature that is a model with fixed options. A package derives a class from it and registers an entry point.

    Attributes:
        name: Feature name; also the name of the table.
        source: "<owner>/<name>" on the hub, or the path of a folder.
        revision: The commit.
        options: Further options, as in `HubOptions`.
        files: Expected SHA-256 of the model's files by name, such as "model.safetensors".

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
        options = validated_options(cls.name, {"source": cls.source, "revision": cls.revision, **cls.options}, {})
        extractor = create_model(cls.name, options)
        for name, expected in cls.files.items():
            actual = extractor.pinned_files.get(name)
            if actual != expected:
                state = f"has sha256 {actual}" if actual else "is missing"
                raise WeightsError(f"{cls.name}: {name} of {cls.source} {state}, expected sha256 {expected}")
        return extractor
