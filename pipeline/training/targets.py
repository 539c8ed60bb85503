"""Label files as targets: their dimensions, scale and videos, and the videos on which they were fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from avcues.errors import nearest
from avcues.models_cache.hashing import sha256
from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.dataset.labels import PREFIX, Fill, Labels, read_labels
from avcues.pipeline.errors import InputError
from avcues.pipeline.training.samples import Floats, Target, row_edges
from avcues.pipeline.training.settings import TrainingSettings

_DEFAULT_DIMENSIONS = ("arousal", "valence")
_DEFAULT_RANGE = (-1.0, 1.0)
_MOST_CATEGORIES = 100
_SUM_TOLERANCE = 1e-3  # files round shares


@dataclass(frozen=True, kw_only=True)
class LabelFile:
    """The labels of one role.

    Args:
        name: The name of the file.
        sha256: The hash of its content; empty for a table in memory.
    """

    name: str
    sha256: str
    labels: Labels

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata of a gold standard; empty for a file that avcues did not make."""
        return self.labels.metadata

    @property
    def columns(self) -> dict[str, pa.DataType]:
        """Columns that can be predicted, with their types."""
        return {field.name.removeprefix(PREFIX): field.type for field in self.labels.fields}

    @cached_property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """By dimension, its categories, whether labels are shares that sum to 1 or words.

        Shares are columns `<dimension>=<category>` whose values sum to 1; a gold standard must also declare that.
        """
        rows = self.labels.rows
        numbers = [name for name, kind in self.columns.items() if pa.types.is_floating(kind) and "=" in name]
        declared = [tuple(names) for names in self.metadata.get("sums_to_one", ())]
        by_prefix: dict[str, list[str]] = {}
        for name in numbers:
            by_prefix.setdefault(name.partition("=")[0], []).append(name)
        groups = {}
        for dimension, names in by_prefix.items():
            shares = np.column_stack([rows[PREFIX + name].to_numpy().astype(np.float64) for name in names])
            is_complete = np.isfinite(shares).all(axis=1)
            sum_to_one = (np.abs(shares[is_complete].sum(axis=1) - 1) < _SUM_TOLERANCE).all() and (
                shares[is_complete] >= 0
            ).all()
            if (
                len(names) > 1
                and is_complete.any()
                and sum_to_one
                and (tuple(names) in declared or "sums_to_one" not in self.metadata)
            ):
                groups[dimension] = tuple(name.partition("=")[2] for name in names)
        for name, kind in self.columns.items():
            if pa.types.is_string(kind):
                category_names = sorted(rows[PREFIX + name].drop_null().unique().to_pylist())
                if 2 <= len(category_names) <= _MOST_CATEGORIES:
                    groups[name] = tuple(category_names)
        return groups

    @property
    def videos(self) -> frozenset[str]:
        """Ids of the labelled videos that the dataset has."""
        return frozenset(self.labels.spans)

    @property
    def fitted_on(self) -> frozenset[str]:
        """Videos that influenced the labels of others, such as those on which a delay was fitted."""
        return frozenset(video_id for videos in self.metadata.get("fitted_on", {}).values() for video_id in videos)

    def range_of(self, dimension: str) -> tuple[float, float] | None:
        """The lowest and highest possible label, if the metadata of a gold standard have them."""
        for target in self.metadata.get("targets", ()):
            if target["name"] == dimension and None not in (target.get("low"), target.get("high")):
                return float(target["low"]), float(target["high"])
        return None

    def document(self) -> dict[str, Any]:
        """The entry of the label file in `model.json`."""
        keys = ("setup", "recipe", "fitted_on", "delays_s")
        return {
            "name": Path(self.name).name,
            "sha256": self.sha256,
            "videos": len(self.videos),
            "about": {key: self.metadata[key] for key in keys if key in self.metadata},
        }


def read_label_file(source: Any, data: Dataset, fill: Fill = "none") -> LabelFile:
    """Reads labels onto the dataset's grid by the rules of `avcues.pipeline.dataset.labels`.

    Args:
        source: Path of a CSV or Parquet file, or a table in memory (pyarrow, pandas, polars).

    Raises:
        InputError: The labels cannot be used.
    """
    labels = read_labels(source, data.catalog.step, data.lengths, fill)
    if not isinstance(source, str | Path):
        return LabelFile(name="labels", sha256="", labels=labels)
    return LabelFile(name=str(source), sha256=sha256(Path(source)), labels=labels)


def complete_settings(settings: TrainingSettings, files: Sequence[LabelFile]) -> TrainingSettings:
    """Completes settings from the label files: the dimensions to predict, their scale, and the unit of a label.

    Dimensions are those of the settings; if there are none, arousal and valence; if the first file has neither, all its
    dimensions. The scale is that of the settings; if they have none, that of the gold standard, or else -1 to 1.

    Raises:
        InputError: A dimension cannot be predicted, is missing from a file, or has another scale than the others.
    """
    first = files[0]
    takes_categories = settings.estimator.several_outputs
    dimensions = tuple(dict.fromkeys(settings.dimensions or _default_dimensions(first, takes_categories)))
    categories = {name: first.categories[name] for name in dimensions if name in first.categories and takes_categories}
    for file in files:
        for name in dimensions:
            if name in categories:
                if file.categories.get(name) != categories[name]:
                    raise InputError(f"{file.name}: {name} has other categories than {first.name}")
            elif name not in file.columns:
                available = [*file.columns, *file.categories]
                raise InputError(f'{file.name}: has no label "{name}"{nearest(name, available)}')
            elif not pa.types.is_floating(file.columns[name]):
                raise InputError(
                    f'{file.name}: "{name}" is {file.columns[name]}; expected numbers, or for networks 2 to '
                    f"{_MOST_CATEGORIES} categories"
                )
    numbers = [name for name in dimensions if name not in categories]
    scale = settings.label_range or (_common_range(first, numbers) if numbers else _DEFAULT_RANGE)
    unit = settings.unit or ("clip" if first.labels.once_per_video else "window")
    return replace(settings, dimensions=dimensions, categories=categories, label_range=scale, unit=unit)


def gold_values(file: LabelFile, data: Dataset, videos: Sequence[str], settings: TrainingSettings) -> dict[str, Floats]:
    """By dimension, (rows, P) labels: numbers scaled to between -1 and 1, or shares; NaN where a label is missing.

    Raises:
        InputError: A label lies outside of the scale.
    """
    edges = row_edges(data, videos)
    names = [field.name for field in file.labels.fields]
    values = {
        name: np.full((edges[-1], len(settings.labels_of(name))), np.nan, order="F") for name in settings.dimensions
    }
    for i, video_id in enumerate(videos):
        columns = file.labels.columns_of(video_id, data.lengths[video_id])
        for name in settings.dimensions:
            rows = values[name][edges[i] : edges[i + 1]]
            if name in settings.categories:
                rows[:] = _shares(columns, names, name, settings)
                continue
            column = columns[names.index(PREFIX + name)].cast(pa.float64()).to_numpy(zero_copy_only=False)
            rows[:, 0] = _as_targets(column, f"{file.name}: {name}", video_id, settings)
    return values


def gold_targets(values: Mapping[str, Floats], settings: TrainingSettings) -> dict[str, Target]:
    """One target per dimension, with an output per category if the dimension has categories."""
    targets = {}
    for name, columns in values.items():
        categories = settings.categories.get(name)
        if categories is None:
            targets[name] = Target(values=columns)
        else:
            heads = tuple(range(len(categories)))
            targets[name] = Target(
                values=columns, names=categories, heads=heads, outputs=categories, readout=(), shares=True
            )
    return targets


def _default_dimensions(file: LabelFile, takes_categories: bool) -> tuple[str, ...]:
    """The dimensions to predict if the settings name none."""
    targets = {name.removeprefix(PREFIX) for name in file.labels.targets}
    numbers = [name for name, kind in file.columns.items() if name in targets and pa.types.is_floating(kind)]
    preferred = tuple(name for name in _DEFAULT_DIMENSIONS if name in numbers)
    category_dimensions = file.categories if takes_categories else {}
    number_columns = [name for name in numbers if name.partition("=")[0] not in category_dimensions]
    dimensions = preferred or (*number_columns, *category_dimensions)
    if not dimensions:
        raise InputError(f"{file.name}: has no numeric column to predict, only {', '.join(file.columns)}")
    return dimensions


def _shares(columns: Sequence[pa.Array], names: Sequence[str], dimension: str, settings: TrainingSettings) -> Floats:
    """(windows, K) shares of categories in a video's labels; NaN where a label is missing."""
    categories = settings.categories[dimension]
    if PREFIX + dimension in names:
        row_names = columns[names.index(PREFIX + dimension)]
        row_categories = row_names.to_numpy(zero_copy_only=False)
        shares = np.column_stack([row_categories == name for name in categories]).astype(np.float64)
        shares[~shares.any(axis=1)] = np.nan
        return shares
    label_columns = [columns[names.index(PREFIX + label)] for label in settings.labels_of(dimension)]
    shares = np.column_stack([column.cast(pa.float64()).to_numpy(zero_copy_only=False) for column in label_columns])
    shares[~np.isfinite(shares).all(axis=1)] = np.nan
    return shares


def _as_targets(column: Floats, label: str, video_id: str, settings: TrainingSettings) -> Floats:
    low, high = settings.scale
    outside = np.flatnonzero((column < low) | (column > high))
    if len(outside):
        position = f"of {video_id}" if settings.unit == "clip" else f"in window {outside[0]} of {video_id}"
        raise InputError(
            f"{label} is {column[outside[0]]:g} {position}; expected {low:g} to {high:g}: give the scale of the labels "
            "with `label_range`, lowest and highest"
        )
    return settings.as_targets(column)


def _common_range(file: LabelFile, dimensions: Sequence[str]) -> tuple[float, float]:
    ranges = {name: file.range_of(name) or _DEFAULT_RANGE for name in dimensions}
    if len(set(ranges.values())) > 1:
        scales = ", ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in ranges.items())
        raise InputError(f"{file.name}: has dimensions of different scales ({scales}); name one with `dimensions`")
    return next(iter(ranges.values()))
