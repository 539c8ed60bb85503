"""Comparison of models, paired over the videos that both were tested on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from avcues.pipeline.errors import InputError
from avcues.pipeline.store.model_files import FOLDS, METRICS, OUT_OF_FOLD
from avcues.pipeline.store.parquet import read_table
from avcues.pipeline.training.metrics import compare_videos


def compare(folders: Sequence[str | Path]) -> dict[str, Any]:
    """Compares saved models by the CCC of each video that both were tested on.

    Args:
        folders: Of two models or more.

    Returns:
        By dimension: the mean CCC of each model, and for each pair of models the mean difference with its 95 % interval
        over videos and the p of a paired permutation test; "notes" say what limits the comparison.

    Raises:
        InputError: One is no model, or they have no dimension in common.
    """
    found = {str(folder): _read(Path(folder)) for folder in folders}
    if len(found) < 2:
        raise InputError("compare needs two models or more: name their folders")
    shared = [name for name in next(iter(found.values())) if all(name in of for of in found.values())]
    if not shared:
        raise InputError(f"{' and '.join(found)} predict no dimension in common")
    dimensions = {}
    for dimension in shared:
        models = {name: of[dimension]["model"] for name, of in found.items()}
        pairs = []
        for one, other in combinations(models, 2):
            pairs.append({"one": one, "other": other, "compared": compare_videos(models[one], models[other])})
        dimensions[dimension] = {"models": {name: model["ccc"] for name, model in models.items()}, "pairs": pairs}
    return {"dimensions": dimensions, "notes": _notes([Path(name) for name in found])}


def _read(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / METRICS).read_text())["dimensions"])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{folder}: has no usable {METRICS}; name a folder that avcues train made") from error


def _notes(folders: Sequence[Path]) -> list[str]:
    first, *others = folders
    notes = []
    for other in others:
        if not read_table(first / FOLDS).equals(read_table(other / FOLDS)):
            notes.append(f"{first} and {other} have different folds: they were fitted on different videos")
        if not _same_labels(first, other):
            notes.append(f"{first} and {other} were tested against different labels")
    for folder in folders:
        notes += [f"{folder}: {leak}" for leak in json.loads((folder / METRICS).read_text())["leaks"]]
    return notes


def _same_labels(one: Path, other: Path) -> bool:
    labels = [_labels(folder) for folder in (one, other)]
    common = labels[0].keys() & labels[1].keys()
    return all(np.isclose(labels[0][key], labels[1][key]) for key in common)


def _labels(folder: Path) -> dict[tuple[str, str, int], float]:
    table: pa.Table = read_table(folder / OUT_OF_FOLD, ["dimension", "video_id", "window", "target"])
    keys = zip(*(table[name].to_pylist() for name in ("dimension", "video_id", "window")), strict=True)
    return dict(zip(keys, table["target"].to_pylist(), strict=True))
