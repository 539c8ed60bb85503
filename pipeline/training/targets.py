"""Label files as targets: which dimensions, on which scale, of which videos, and what they were fitted on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from models_cache import nearest
from models_cache.hashing import sha256
from pipeline.dataset.dataset import Dataset
from pipeline.dataset.labels import PREFIX, Fill, Labels, read_labels
from pipeline.errors import InputError
from pipeline.store.parquet import METADATA_KEY
from pipeline.training.samples import Floats, Target, edges_of
from pipeline.training.settings import TrainingSettings

_STUDIED = ("arousal", "valence")
_NOT_RATED = ("_std", "_n")
"""Endings of a gold standard's columns that say how sure it is."""


@dataclass(frozen=True, kw_only=True)
class LabelFile:
    """Labels of one role.

    Args:
        name: Of the file.
        sha256: Of its content; empty for a table in memory.
        about: What a gold standard says of itself; empty where the file is of the user's own.
    """

    name: str
    sha256: str
    labels: Labels
    about: Mapping[str, Any]

    @property
    def dimensions(self) -> dict[str, pa.DataType]:
        """Columns that can be predicted, with their types."""
        return {field.name.removeprefix(PREFIX): field.type for field in self.labels.fields}

    @property
    def videos(self) -> frozenset[str]:
        """Ids that it names and the dataset has."""
        return frozenset(self.labels.spans)

    @property
    def fitted_on(self) -> frozenset[str]:
        """Videos that decided the labels of others, such as those that a delay was fitted on."""
        return frozenset(self.about.get("fitted_on", ()))

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return {"name": Path(self.name).name, "sha256": self.sha256, "videos": len(self.videos), "about": self.about}


def read_label_file(source: Path | pa.Table, data: Dataset, fill: Fill = "none") -> LabelFile:
    """Reads labels onto the dataset's grid; `pipeline.labels` has the rules.

    Raises:
        InputError: They cannot be used.
    """
    labels = read_labels(source, data.catalog.step, data.lengths, fill)
    if not isinstance(source, Path):
        return LabelFile(name="labels", sha256="", labels=labels, about={})
    about: dict[str, Any] = {}
    if source.suffix.lower() == ".parquet":
        metadata = pq.read_schema(source).metadata or {}
        about = json.loads(metadata.get(METADATA_KEY, b"{}"))
    return LabelFile(name=str(source), sha256=sha256(source), labels=labels, about=about)


def choose_dimensions(files: Sequence[LabelFile], asked: Sequence[str] | None) -> tuple[str, ...]:
    """The labels to predict: those asked for; else arousal and valence; else every number of the first file.

    Raises:
        InputError: One is no number, or is missing from a file.
    """
    numbers = [name for name, kind in files[0].dimensions.items() if _is_number(kind)]
    if asked is None:
        rated = [name for name in numbers if not name.endswith(_NOT_RATED)]
        asked = [name for name in _STUDIED if name in rated] or rated
        if not asked:
            raise InputError(f"{files[0].name}: has no column of numbers to predict, only {_listed(files[0])}")
    for file in files:
        for name in asked:
            if name not in file.dimensions:
                raise InputError(f'{file.name}: has no label "{name}"{nearest(name, file.dimensions)}')
            if not _is_number(file.dimensions[name]):
                raise InputError(f'{file.name}: "{name}" is {file.dimensions[name]}; expected numbers to predict')
    return tuple(dict.fromkeys(asked))


def gold_values(file: LabelFile, data: Dataset, videos: Sequence[str], settings: TrainingSettings) -> dict[str, Floats]:
    """(rows,) labels of each dimension, brought from their range to -1 and 1; NaN where there is none.

    Raises:
        InputError: A label lies outside of its range.
    """
    edges = edges_of(data, videos)
    names = [field.name for field in file.labels.fields]
    low, high = settings.label_range
    values = {name: np.full(edges[-1], np.nan) for name in settings.dimensions}
    for i, video_id in enumerate(videos):
        columns = file.labels.of(video_id, data.lengths[video_id])
        for name in settings.dimensions:
            column = columns[names.index(PREFIX + name)].cast(pa.float64()).to_numpy(zero_copy_only=False)
            outside = np.flatnonzero((column < low) | (column > high))
            if len(outside):
                raise InputError(
                    f"{file.name}: {name} is {column[outside[0]]:g} in window {outside[0]} of {video_id}; expected "
                    f"{low:g} to {high:g}: give the scale of the labels with --label-range LOW,HIGH"
                )
            values[name][edges[i] : edges[i + 1]] = settings.as_targets(column)
    return values


def gold_targets(values: Mapping[str, Floats]) -> dict[str, Target]:
    """One target per dimension."""
    return {name: Target(values=column[:, None]) for name, column in values.items()}


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_floating(kind)


def _listed(file: LabelFile) -> str:
    return ", ".join(file.dimensions)
