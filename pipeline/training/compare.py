"""Compares models, paired over the videos on which both were tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.errors import InputError, one_line
from avcues.pipeline.store import documents
from avcues.pipeline.store.model_files import FOLDS, METRICS, OUT_OF_FOLD
from avcues.pipeline.store.parquet import read_table
from avcues.pipeline.training.metrics import rows_of
from avcues.pipeline.training.model_document import ModelDocument, read_document
from avcues.pipeline.training.scorers import scorer_of


class EvaluatedModel(NamedTuple):
    """A saved model with its figures and the out-of-fold predictions that it made with all its tables."""

    folder: Path
    document: ModelDocument
    figures: dict[str, Any]
    predictions: pa.Table
    folds: pa.Table


def compare(folders: Sequence[str | Path]) -> dict[str, Any]:
    """Compares saved models on the windows that both predicted.

    Args:
        folders: The folders of two or more models.

    Returns:
        By dimension, the headline figure of each model and, for each pair of models, the difference with its 95 %
        interval over videos or groups and the p-value of a paired permutation test. "notes" say what limits the
        comparison.

    Raises:
        InputError: A folder holds no model, or the models have no dimension in common.
    """
    return compare_models(read_models(folders))


def read_models(folders: Sequence[str | Path]) -> dict[str, EvaluatedModel]:
    """Reads saved models, by the names of their folders.

    Raises:
        InputError: A folder holds no model.
    """
    return {str(folder): _read(Path(folder)) for folder in folders}


def compare_models(models: Mapping[str, EvaluatedModel]) -> dict[str, Any]:
    """Does the same as `compare` for models that were already read.

    Raises:
        InputError: There is only one model, or the models have no dimension in common.
    """
    if len(models) < 2:
        raise InputError("compare needs two or more models: name their folders")
    first, *other_models = models.values()
    shared = [
        name
        for name, figures_of_first in first.figures["dimensions"].items()
        if all(
            other_model.figures["dimensions"].get(name, {}).get("kind") == figures_of_first["kind"]
            for other_model in other_models
        )
        and all(
            other_model.document.settings.labels_of(name) == first.document.settings.labels_of(name)
            for other_model in other_models
        )
    ]
    if not shared:
        raise InputError(f"{' and '.join(models)} predict no dimension in common")
    notes = _notes(list(models.values()))
    dimensions = {}
    for dimension in shared:
        figures = {name: model.figures["dimensions"][dimension] for name, model in models.items()}
        kind = first.figures["dimensions"][dimension]["kind"]
        headline = "uar" if kind == "shares" else "ccc"
        pairs = []
        for first_model, other_model in combinations(models, 2):
            comparison = _compare(models[first_model], models[other_model], dimension)
            pairs.append({"model": first_model, "other_model": other_model, "comparison": comparison})
            unpaired = (comparison or {}).get("unpaired_rows", 0)
            if comparison and unpaired:
                notes.append(
                    f"{dimension}: {first_model} and {other_model} are paired on the {comparison['rows']} windows that "
                    f"both predicted; {unpaired} windows that only one of them predicted are left out"
                )
        dimensions[dimension] = {
            "kind": kind,
            "models": {name: model_figures["model"][headline] for name, model_figures in figures.items()},
            "pairs": pairs,
        }
    return {"dimensions": dimensions, "notes": notes}


def _compare(first: EvaluatedModel, second: EvaluatedModel, dimension: str) -> dict[str, Any] | None:
    settings = first.document.settings
    same_scoring = settings.protocol.scoring == second.document.settings.protocol.scoring
    scorer = scorer_of(settings, dimension, first.document.groups, None if same_scoring else "video")
    rows = [rows_of(model.predictions, settings, dimension) for model in (first, second)]
    return scorer.compare(*rows)


def _read(folder: Path) -> EvaluatedModel:
    document = read_document(folder)
    try:
        figures = documents.read_document(folder / METRICS, "metrics")
        predictions, folds = read_table(folder / OUT_OF_FOLD), read_table(folder / FOLDS)
        unablated = predictions.filter(pc.is_null(predictions["without"]))
        for name in document.settings.dimensions:
            figures["dimensions"][name]["kind"], figures["dimensions"][name]["model"]  # fails now, not at the first use
    except (OSError, ValueError, LookupError, TypeError, pa.ArrowException) as error:
        raise InputError(
            f"{folder}: has no usable {METRICS} ({one_line(error)}); name a folder that avcues train made"
        ) from error
    return EvaluatedModel(folder, document, figures, unablated, folds)


def _notes(models: Sequence[EvaluatedModel]) -> list[str]:
    first, *other_models = models
    notes = []
    for other_model in other_models:
        between = f"{first.folder} and {other_model.folder}"
        if not first.folds.equals(other_model.folds):
            notes.append(f"{between} have different folds: they were fitted on different videos")
        if not _same_labels(first, other_model):
            notes.append(f"{between} were tested against different labels")
        if first.document.groups != other_model.document.groups:
            notes.append(f"{between} have different groups; the test uses those of {first.folder}")
        if first.document.settings.protocol.scoring != other_model.document.settings.protocol.scoring:
            notes.append(f"{between} were scored differently; this comparison scores each video by its own windows")
    return notes + [f"{model.folder}: {leak}" for model in models for leak in model.document.leaks]


def _same_labels(first: EvaluatedModel, second: EvaluatedModel) -> bool:
    labels = [_labels(model.predictions) for model in (first, second)]
    common = labels[0].keys() & labels[1].keys()
    return all(np.isclose(labels[0][key], labels[1][key]) for key in common)


def _labels(predictions: pa.Table) -> dict[tuple[str, str, int | None], float]:
    keys = zip(*(predictions[name].to_pylist() for name in ("dimension", "video_id", "window")), strict=True)
    return dict(zip(keys, predictions["target"].to_pylist(), strict=True))
