"""Compares the predictions in a file with raters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.wording import counted, listed
from avcues.pipeline.annotations.reliability.model_agreement import ModelAgreement, model_agreement
from avcues.pipeline.errors import InputError, one_line
from avcues.pipeline.store.documents import read_document, require_regular_file
from avcues.pipeline.store.model_files import DOCUMENT
from avcues.pipeline.store.parquet import optional_metadata

_OUT_OF_FOLD = {"dimension", "without", "video_id", "prediction"}


@dataclass(frozen=True, kw_only=True)
class ReadPredictions:
    """Predictions of a model, with the facts needed to compare them with ratings.

    Args:
        table: `video_id`, `window` (null for predictions per clip) and a column per dimension.
        setup: Setup of the labels that the model was trained on; None: not known, or not rated.
        videos: The rated videos that the model was not trained on.
        delay: Seconds by which ratings were moved earlier for the model's labels, for all raters or by rater.
        notes: One line for everything that is not compared.
    """

    table: pa.Table
    setup: str | None
    videos: tuple[str, ...]
    delay: float | Mapping[str, float]
    notes: tuple[str, ...]


def read_predictions(path: Path, annotations: Annotations) -> ReadPredictions:
    """Reads a file of `avcues predict`, or the out-of-fold predictions of a model.

    Raises:
        InputError: The file is neither.
    """
    try:
        require_regular_file(path)
        table = pq.read_table(path)
        metadata = optional_metadata(table.schema, "predictions")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as a Parquet file of predictions ({one_line(error)})") from error
    if _OUT_OF_FOLD.issubset(table.column_names):
        table = _wide(table)
        document = path.with_name(DOCUMENT)
        model = _trained(document) if document.is_file() else {}
        trained: set[str] = set()
    elif "video_id" in table.column_names:
        model, trained = metadata.get("model", {}), set(metadata.get("trained_on", ()))
    else:
        raise InputError(f"{path}: has no column video_id; expected a file written by avcues predict or avcues train")
    labels = model.get("labels", {}).get("main", {}).get("about", {})
    recipe = labels.get("recipe") or {}
    delay = labels.get("delays_s") or (0.0 if recipe.get("delay") in (None, "auto") else float(recipe["delay"]))
    training_videos = sorted(trained & set(annotations.videos))
    notes = []
    if training_videos:
        count = counted(len(training_videos), "video")
        notes.append(f"not compared: {count} that the model was trained on ({listed(training_videos)})")
    setup = labels.get("setup")
    return ReadPredictions(
        table=table,
        setup=setup if setup in annotations.setups else None,
        videos=tuple(video for video in annotations.videos if video not in trained),
        delay=delay,
        notes=tuple(notes),
    )


def compare_predictions(
    path: Path, annotations: Annotations, *, setup: str | None = None, **options: Any
) -> tuple[tuple[ModelAgreement, ...], tuple[str, ...]]:
    """Compares a model with raters on videos that it was not trained on; also returns the notes of `read_predictions`.

    Args:
        path: As for `read_predictions`.
        setup: The setup that the model predicts; None: that of its labels if it is known, else all setups.
        options: Arguments of `model_agreement`.

    Raises:
        InputError: The file holds no predictions.
        SettingsError: The file has no rated dimension.
    """
    read = read_predictions(path, annotations)
    models = model_agreement(
        annotations, read.table, setup=setup or read.setup, videos=read.videos, delay=read.delay, **options
    )
    return models, read.notes


def _trained(document: Path) -> dict[str, Any]:
    """The document of the model that made out-of-fold predictions."""
    try:
        return read_document(document, "trained")
    except (OSError, ValueError) as error:
        raise InputError(f"{document}: is damaged ({one_line(error)}); train the model again") from error


def _wide(table: pa.Table) -> pa.Table:
    """Out-of-fold predictions of whole models, means over seeds, with a column per dimension."""
    of_whole_models = table.filter(pc.is_null(table["without"]))
    mean = of_whole_models.group_by(["dimension", "video_id", "window"], use_threads=False).aggregate(
        [("prediction", "mean")]
    )
    wide: pa.Table | None = None
    for name in sorted(set(mean["dimension"].to_pylist())):
        rows = mean.filter(pc.equal(mean["dimension"], name)).select(["video_id", "window", "prediction_mean"])
        rows = rows.rename_columns(["video_id", "window", name])
        keyed = rows.set_column(1, "window", rows["window"].fill_null(-1))
        wide = keyed if wide is None else wide.join(keyed, ["video_id", "window"], join_type="full outer")
    if wide is None:
        return table.select(["video_id", "window"])
    window = wide["window"]
    return wide.set_column(1, "window", pc.if_else(pc.less(window, 0), None, window))
