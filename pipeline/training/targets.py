"""Label files as targets: which dimensions, on which scale, of which videos, and what they were fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from avcues.errors import nearest
from avcues.models_cache.hashing import sha256
from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.dataset.labels import PREFIX, Fill, Labels, read_labels
from avcues.pipeline.errors import InputError
from avcues.pipeline.training.samples import Floats, Target, edges_of
from avcues.pipeline.training.settings import TrainingSettings

_STUDIED = ("arousal", "valence")
_USUAL_RANGE = (-1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class LabelFile:
    """Labels of one role.

    Args:
        name: Of the file.
        sha256: Of its content; empty for a table in memory.
    """

    name: str
    sha256: str
    labels: Labels

    @property
    def about(self) -> Mapping[str, Any]:
        """What a gold standard says of itself; empty where the file is of the user's own."""
        return self.labels.about

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
        return frozenset(video_id for of_one in self.about.get("fitted_on", {}).values() for video_id in of_one)

    def range_of(self, dimension: str) -> tuple[float, float] | None:
        """The lowest and highest label that is possible, if a gold standard says so."""
        for target in self.about.get("targets", ()):
            if target["name"] == dimension and None not in (target.get("low"), target.get("high")):
                return float(target["low"]), float(target["high"])
        return None

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        about = {key: self.about[key] for key in ("setup", "recipe", "fitted_on") if key in self.about}
        return {"name": Path(self.name).name, "sha256": self.sha256, "videos": len(self.videos), "about": about}


def read_label_file(source: Any, data: Dataset, fill: Fill = "none") -> LabelFile:
    """Reads labels onto the dataset's grid; `avcues.pipeline.dataset.labels` has the rules.

    Args:
        source: Path of a CSV or Parquet file, or a table in memory (pyarrow, pandas, polars).

    Raises:
        InputError: They cannot be used.
    """
    labels = read_labels(source, data.catalog.step, data.lengths, fill)
    if not isinstance(source, str | Path):
        return LabelFile(name="labels", sha256="", labels=labels)
    return LabelFile(name=str(source), sha256=sha256(Path(source)), labels=labels)


def choose(settings: TrainingSettings, files: Sequence[LabelFile]) -> TrainingSettings:
    """The settings with the labels to predict, and their scale.

    Dimensions are those asked for; else arousal and valence; else every number of the first file. The scale is the one
    asked for; else that of the gold standard; else -1 to 1.

    Raises:
        InputError: A dimension is no number, is missing from a file, or has a scale of its own.
    """
    first = files[0]
    asked = settings.dimensions
    if not asked:
        targets = {name.removeprefix(PREFIX) for name in first.labels.targets}
        numbers = [name for name, kind in first.dimensions.items() if name in targets and pa.types.is_floating(kind)]
        asked = tuple(name for name in _STUDIED if name in numbers) or tuple(numbers)
        if not asked:
            raise InputError(f"{first.name}: has no column of numbers to predict, only {', '.join(first.dimensions)}")
    for file in files:
        for name in asked:
            if name not in file.dimensions:
                raise InputError(f'{file.name}: has no label "{name}"{nearest(name, file.dimensions)}')
            if not pa.types.is_floating(file.dimensions[name]):
                raise InputError(f'{file.name}: "{name}" is {file.dimensions[name]}; expected numbers to predict')
    scale = settings.label_range or _common_range(first, asked)
    return replace(settings, dimensions=tuple(dict.fromkeys(asked)), label_range=scale)


def gold_values(file: LabelFile, data: Dataset, videos: Sequence[str], settings: TrainingSettings) -> dict[str, Floats]:
    """(rows,) labels of each dimension, brought from their scale to -1 and 1; NaN where there is none.

    Raises:
        InputError: A label lies outside of the scale.
    """
    edges = edges_of(data, videos)
    names = [field.name for field in file.labels.fields]
    low, high = settings.scale
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


def _common_range(file: LabelFile, dimensions: Sequence[str]) -> tuple[float, float]:
    found = {name: file.range_of(name) or _USUAL_RANGE for name in dimensions}
    if len(set(found.values())) > 1:
        scales = ", ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in found.items())
        raise InputError(f"{file.name}: has dimensions of different scales ({scales}); train each with --dimensions")
    return next(iter(found.values()))
