"""Label files as targets: which dimensions, on which scale, of which videos, and what they were fitted on."""

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
from avcues.pipeline.training.samples import Floats, Target, edges_of
from avcues.pipeline.training.settings import TrainingSettings

_STUDIED = ("arousal", "valence")
_USUAL_RANGE = (-1.0, 1.0)
_MOST_CATEGORIES = 100
_SUM_TOLERANCE = 1e-3  # of shares that were rounded when they were written


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
    def columns(self) -> dict[str, pa.DataType]:
        """Columns that can be predicted, with their types."""
        return {field.name.removeprefix(PREFIX): field.type for field in self.labels.fields}

    @cached_property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """By dimension, the categories that its labels choose from: shares that sum to 1, or words.

        Shares are columns `<dimension>=<category>`, of which the file says that they sum to 1, or whose values do.
        """
        rows = self.labels.rows
        numbers = [name for name, kind in self.columns.items() if pa.types.is_floating(kind) and "=" in name]
        stated = [tuple(names) for names in self.about.get("sums_to_one", ())]
        by_prefix: dict[str, list[str]] = {}
        for name in numbers:
            by_prefix.setdefault(name.partition("=")[0], []).append(name)
        groups = {}
        for dimension, names in by_prefix.items():
            shares = np.column_stack([rows[PREFIX + name].to_numpy().astype(np.float64) for name in names])
            is_known = np.isfinite(shares).all(axis=1)
            sums = (np.abs(shares[is_known].sum(axis=1) - 1) < _SUM_TOLERANCE).all() and (shares[is_known] >= 0).all()
            if (
                len(names) > 1
                and is_known.any()
                and sums
                and (tuple(names) in stated or "sums_to_one" not in self.about)
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
        """Ids that it names and the dataset has."""
        return frozenset(self.labels.spans)

    @property
    def fitted_on(self) -> frozenset[str]:
        """Videos that decided the labels of others, such as those that a delay was fitted on."""
        return frozenset(video_id for videos in self.about.get("fitted_on", {}).values() for video_id in videos)

    def range_of(self, dimension: str) -> tuple[float, float] | None:
        """The lowest and highest label that is possible, if a gold standard says so."""
        for target in self.about.get("targets", ()):
            if target["name"] == dimension and None not in (target.get("low"), target.get("high")):
                return float(target["low"]), float(target["high"])
        return None

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        about = {key: self.about[key] for key in ("setup", "recipe", "fitted_on", "delays_s") if key in self.about}
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
    """The settings with the labels to predict, their scale, and whether windows or clips have them.

    Dimensions are those asked for; else arousal and valence; else everything that the first file labels. The scale is
    the one asked for; else that of the gold standard; else -1 to 1.

    Raises:
        InputError: A dimension cannot be predicted, is missing from a file, or has a scale of its own.
    """
    first = files[0]
    several = settings.estimator.several_outputs
    dimensions = tuple(dict.fromkeys(settings.dimensions or _usual(first, several)))
    categories = {name: first.categories[name] for name in dimensions if name in first.categories and several}
    for file in files:
        for name in dimensions:
            if name in categories:
                if file.categories.get(name) != categories[name]:
                    raise InputError(f"{file.name}: {name} has other categories than in {first.name}")
            elif name not in file.columns:
                available = [*file.columns, *file.categories]
                raise InputError(f'{file.name}: has no label "{name}"{nearest(name, available)}')
            elif not pa.types.is_floating(file.columns[name]):
                raise InputError(
                    f'{file.name}: "{name}" is {file.columns[name]}; expected numbers, or for networks 2 to '
                    f"{_MOST_CATEGORIES} categories"
                )
    numbers = [name for name in dimensions if name not in categories]
    scale = settings.label_range or (_common_range(first, numbers) if numbers else _USUAL_RANGE)
    unit = settings.unit or ("clip" if first.labels.once_per_video else "window")
    return replace(settings, dimensions=dimensions, categories=categories, label_range=scale, unit=unit)


def gold_values(file: LabelFile, data: Dataset, videos: Sequence[str], settings: TrainingSettings) -> dict[str, Floats]:
    """By dimension, (rows, P) labels: numbers brought from their scale to -1 and 1, or shares; NaN where there is none.

    Raises:
        InputError: A label lies outside of the scale.
    """
    edges = edges_of(data, videos)
    names = [field.name for field in file.labels.fields]
    values = {
        name: np.full((edges[-1], len(settings.labels_of(name))), np.nan, order="F") for name in settings.dimensions
    }
    for i, video_id in enumerate(videos):
        columns = file.labels.of(video_id, data.lengths[video_id])
        for name in settings.dimensions:
            rows = values[name][edges[i] : edges[i + 1]]
            if name in settings.categories:
                rows[:] = _shares(columns, names, name, settings)
                continue
            column = columns[names.index(PREFIX + name)].cast(pa.float64()).to_numpy(zero_copy_only=False)
            rows[:, 0] = _on_scale(column, f"{file.name}: {name}", video_id, settings)
    return values


def gold_targets(values: Mapping[str, Floats], settings: TrainingSettings) -> dict[str, Target]:
    """One target per dimension, with an output for each category where there are categories."""
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


def _usual(file: LabelFile, several: bool) -> tuple[str, ...]:
    """The dimensions that are predicted where none is asked for."""
    targets = {name.removeprefix(PREFIX) for name in file.labels.targets}
    numbers = [name for name, kind in file.columns.items() if name in targets and pa.types.is_floating(kind)]
    studied = tuple(name for name in _STUDIED if name in numbers)
    grouped = file.categories if several else {}
    single = [name for name in numbers if name.partition("=")[0] not in grouped]
    usual = studied or (*single, *grouped)
    if not usual:
        raise InputError(f"{file.name}: has no column of numbers to predict, only {', '.join(file.columns)}")
    return usual


def _shares(columns: Sequence[pa.Array], names: Sequence[str], dimension: str, settings: TrainingSettings) -> Floats:
    """(windows, K) shares of a video's labels; NaN where there is none."""
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


def _on_scale(column: Floats, where: str, video_id: str, settings: TrainingSettings) -> Floats:
    low, high = settings.scale
    outside = np.flatnonzero((column < low) | (column > high))
    if len(outside):
        place = f"of {video_id}" if settings.unit == "clip" else f"in window {outside[0]} of {video_id}"
        raise InputError(
            f"{where} is {column[outside[0]]:g} {place}; expected {low:g} to {high:g}: give the scale of the labels "
            "with `label_range`, lowest and highest"
        )
    return settings.as_targets(column)


def _common_range(file: LabelFile, dimensions: Sequence[str]) -> tuple[float, float]:
    ranges = {name: file.range_of(name) or _USUAL_RANGE for name in dimensions}
    if len(set(ranges.values())) > 1:
        scales = ", ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in ranges.items())
        raise InputError(f"{file.name}: has dimensions of different scales ({scales}); name one with `dimensions`")
    return next(iter(ranges.values()))
