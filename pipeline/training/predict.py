"""Predictions for new videos, one at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.dataset.join import KEY_FIELDS
from avcues.pipeline.errors import AvcuesError
from avcues.pipeline.store.exchange import replace_file
from avcues.pipeline.store.parquet import METADATA_KEY
from avcues.pipeline.training.saved_model import Model
from avcues.version import __version__

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location


# Rows of a row group; a group takes some 5 MB of memory until it is written.
_GROUP_ROWS = 1 << 16


@dataclass(frozen=True)
class Problem:
    """A video that could not be predicted, and why."""

    video_id: str
    error: str


def predict_video(
    model: Model, data: Dataset, video_id: str, *, on_step: Callable[[], object] = lambda: None
) -> pa.Table | Problem:
    """Predicts every window of a video.

    Args:
        data: Opened with the tables that the model reads (`model.settings.tables`); `Model.check` checks how they were
            made.
        on_step: Called when the tables have been read, and after each dimension.

    Returns:
        One row per window: `video_id`, `window`, `start` and `end` in seconds, then a float64 column per label on the
        scale of the labels, null in the first windows, which too few windows precede; with an output per rater
        also `<dimension>_std`. A model of clip labels gives one row with the means over the clip's windows, and
        `window` is null. If the video's tables cannot be read, the problem.
    """
    try:
        table = data.read(video_id)
        on_step()
        predicted = model.predict(table, on_dimension=on_step)
    except AvcuesError as error:
        return Problem(video_id, str(error))
    if model.settings.unit == "clip":
        end = pc.max(table["end"]).as_py() if table.num_rows else 0.0
        keys = [pa.array([video_id]), pa.nulls(1, pa.int32()), pa.array([0.0]), pa.array([end])]
        values = [pa.array([_mean_of_finite(column)]) for column in predicted.values()]
        return pa.table([*keys, *(value.cast(pa.float64()) for value in values)], schema=predictions_schema(model))
    keys = [table[field.name] for field in KEY_FIELDS]
    values = [pa.array(column, mask=~np.isfinite(column)) for column in predicted.values()]
    return pa.table([*keys, *values], schema=predictions_schema(model))


def _mean_of_finite(values: npt.NDArray[np.float64]) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else None


def predictions_schema(model: Model, trained_on: Collection[str] = ()) -> pa.Schema:
    """The schema of predictions: keys, then a column per label; the metadata key `avcues` describes the model.

    Args:
        trained_on: Those of the predicted videos on which the model was trained.
    """
    names: list[str] = []
    for dimension, fitted in model.dimensions.items():
        names += model.settings.labels_of(dimension)
        names += [f"{dimension}_std"] if len(fitted.readout) > 1 else []
    document = model.document.model_dump(mode="json")
    metadata = {
        "avcues": __version__,
        "row": model.settings.unit,
        "predictions": list(model.document.names),
        "trained_on": list(trained_on),
        "model": {key: document[key] for key in ("settings", "labels", "tables", "leaks")},
    }
    fields = [*KEY_FIELDS, *(pa.field(name, pa.float64()) for name in names)]
    return pa.schema(fields, metadata={METADATA_KEY: json.dumps(metadata)})


def write_predictions(
    model: Model,
    results: Iterable[pa.Table | Problem],
    out: Location,
    trained_on: Collection[str] = (),
    on_result: Callable[[pa.Table | Problem], object] = lambda result: None,
) -> int:
    """Writes results as they come, so that memory does not grow with their number.

    Args:
        results: As `predict_video` returns them.
        out: The Parquet file.
        trained_on: Those of the predicted videos on which the model was trained; recorded in the file.
        on_result: Called with each result.

    Returns:
        How many videos could not be predicted.

    Raises:
        OutputError: `out` cannot be written.
    """
    failed = 0

    def write(file: BinaryIO) -> None:
        nonlocal failed
        schema = predictions_schema(model, trained_on)
        with pq.ParquetWriter(
            file, schema.remove_metadata(), compression="zstd", use_dictionary=["video_id"], store_schema=False
        ) as writer:
            unwritten: list[pa.Table] = []
            for result in results:
                if isinstance(result, Problem):
                    failed += 1
                else:
                    unwritten.append(result.replace_schema_metadata())
                    if sum(table.num_rows for table in unwritten) >= _GROUP_ROWS:
                        _write_row_group(writer, unwritten)
                        unwritten = []
                on_result(result)
            _write_row_group(writer, unwritten)
            writer.add_key_value_metadata(schema.metadata)

    replace_file(out, write)
    return failed


def _write_row_group(writer: pq.ParquetWriter, tables: Sequence[pa.Table]) -> None:
    if tables:
        rows = pa.concat_tables(tables)
        writer.write_table(rows, row_group_size=max(1, rows.num_rows))


def seen_in_training(model: Model, data: Dataset) -> list[str]:
    """Videos of the dataset on which the model was trained, under the same or another name."""
    training_ids = set(model.document.videos.values())
    return [video_id for video_id in data.videos if (data.fingerprint(video_id) or video_id) in training_ids]
