"""A model as files: weights as safetensors, everything else as JSON. Nothing is pickled."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import safetensors.torch
from torch import Tensor

from avcues.pipeline.dataset.catalog import Catalog
from avcues.pipeline.errors import DatasetError, InputError, one_line
from avcues.pipeline.notebook import html_facts
from avcues.pipeline.store.documents import read_regular_file, write_json
from avcues.pipeline.store.files import write_atomically
from avcues.pipeline.store.model_files import DOCUMENT, WEIGHTS
from avcues.pipeline.training.determinism import one_thread
from avcues.pipeline.training.fitting import FittedModel
from avcues.pipeline.training.model_document import FORMAT, ModelDocument, read_document
from avcues.pipeline.training.samples import feature_matrix
from avcues.pipeline.training.scaling import Scaler
from avcues.pipeline.training.settings import TrainingSettings

_MAX_WEIGHT_BYTES = 4 << 30


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A saved model, ready to predict; read by `load_model`.

    Args:
        document: The content of `model.json`.
        settings: The settings of its training.
        columns: By block, the columns that it reads: of each table, the numeric columns in the order of the files, then
            `PRESENT`.
        dimensions: The fitted model of each dimension that it predicts.
    """

    document: ModelDocument
    settings: TrainingSettings
    columns: Mapping[str, tuple[str, ...]]
    dimensions: Mapping[str, FittedModel]

    def _repr_html_(self) -> str:
        """For notebooks: the dimensions and tables of the model."""
        tables = {
            block: ", ".join(dict.fromkeys(name.partition(".")[0] for name in names))
            for block, names in self.columns.items()
        }
        return html_facts(f"Model: {self.settings.model}", {"dimensions": ", ".join(self.dimensions), **tables})

    def check(self, catalog: Catalog) -> None:
        """Checks that a folder's tables were made in the same way as the tables on which the model was trained.

        Raises:
            DatasetError: A table was made in another way, or is missing; the message has a line for every difference.
        """
        differences = []
        if Fraction(self.document.step) != catalog.step:
            differences.append(
                f"step: the model was trained with {self.document.step} s, this folder has {catalog.step} s"
            )
        for name, table in self.document.tables.items():
            if name not in catalog.tables:
                differences.append(f"{name}: the model reads this table, but it is missing; add it with avcues extract")
                continue
            for key, learned, present in _differences(table.recipe.model_dump(), catalog.tables[name].recipe):
                differences.append(f"{name} {key}: the model was trained with {learned}, this folder has {present}")
        if differences:
            raise DatasetError("\n".join(f"{catalog.folder}: {difference}" for difference in differences))

    def predict(
        self, table: pa.Table, *, on_dimension: Callable[[], object] = lambda: None
    ) -> dict[str, npt.NDArray[np.float64]]:
        """Predicts the windows of one video, on the scale of the labels.

        Args:
            table: The video's rows, as `Dataset.read` returns them, with the tables that the model reads.
            on_dimension: Called after each dimension.

        Returns:
            For each label, (windows,) predictions: a number, or the share of a category under the name
            `<dimension>=<category>`; NaN in the first windows, which too few windows precede. If the model has an
            output per rater, also `<dimension>_std`, the standard deviation over outputs.

        Raises:
            DatasetError: The table lacks a column that the model reads.
        """
        length, horizon = self.settings.history
        rows = np.arange(length - 1 + horizon, table.num_rows)
        predicted: dict[str, npt.NDArray[np.float64]] = {}
        inputs = {}
        for block, names in self.columns.items():
            scaler = next(iter(self.dimensions.values())).scalers.get(block)
            if scaler is not None:
                inputs[block] = scaler.apply(feature_matrix(table, names), names)
        with one_thread():
            for dimension, fitted in self.dimensions.items():
                labels = self.settings.labels_of(dimension)
                outputs = fitted.outputs(inputs, rows) if len(rows) else np.zeros((0, len(fitted.readout or labels)))
                if dimension not in self.settings.categories:
                    outputs = self.settings.as_labels(outputs)
                for label, values in zip(labels, fitted.read_out(outputs).T, strict=True):
                    predicted[label] = _on_all_rows(values, rows, table.num_rows)
                if len(fitted.readout) > 1:
                    predicted[f"{dimension}_std"] = _on_all_rows(outputs.std(axis=1), rows, table.num_rows)
                on_dimension()
        return predicted


def save_model(
    folder: Path,
    fitted: Mapping[str, FittedModel],
    columns: Mapping[str, tuple[str, ...]],
    settings: TrainingSettings,
    training_facts: Mapping[str, Any],
) -> None:
    """Writes the weights and the document of a model.

    Args:
        fitted: The fitted models by dimension; all have the same scalers.
        columns: As `Samples.columns`.
        training_facts: The other fields of the document: step, tables, labels, folds, versions and so on.
    """
    tensors = {
        f"{dimension}/{name}": tensor
        for dimension, dimension_model in fitted.items()
        for name, tensor in dimension_model.estimator.tensors().items()
    }
    write_atomically(folder / WEIGHTS, lambda file: file.write(safetensors.torch.save(tensors)))
    scalers = next(iter(fitted.values())).scalers
    document = {
        "format": FORMAT,
        **training_facts,
        "settings": settings.document(),
        "blocks": {
            block: {"columns": list(names), "scaler": scalers[block].document() if block in scalers else []}
            for block, names in columns.items()
        },
        "readout": {dimension: list(dimension_model.readout) for dimension, dimension_model in fitted.items()},
    }
    write_json(document, folder / DOCUMENT)


def load_model(folder: str | Path) -> Model:
    """Reads a model that `avcues train` saved.

    Raises:
        InputError: The folder holds no model, or one that is damaged or of another version.
    """
    folder = Path(folder)
    document = read_document(folder)
    settings = document.settings
    scalers = {
        block: Scaler.from_document(block_document.scaler)
        for block, block_document in document.blocks.items()
        if block_document.scaler
    }
    path = folder / WEIGHTS
    try:
        if not scalers:
            raise KeyError("no block has a column")
        tensors = safetensors.torch.load(read_regular_file(path, _MAX_WEIGHT_BYTES))
        dimensions = {}
        for dimension, readout in document.readout.items():
            prefix = f"{dimension}/"
            dimensions[dimension] = FittedModel(
                scalers=scalers,
                estimator=settings.estimator.load(
                    _checked_finite(
                        {
                            name.removeprefix(prefix): tensor
                            for name, tensor in tensors.items()
                            if name.startswith(prefix)
                        }
                    ),
                    {block: len(scaler.columns) for block, scaler in scalers.items()},
                    _output_count(settings, dimension, readout),
                    settings.protocol,
                    shares=dimension in settings.categories,
                ),
                history=settings.history,
                readout=readout,
            )
    except (OSError, LookupError, ValueError, TypeError, RuntimeError, safetensors.SafetensorError) as error:
        raise InputError(
            f"{path}: is damaged ({type(error).__name__}: {one_line(error)}); train the model again"
        ) from error
    columns = {block: block_document.columns for block, block_document in document.blocks.items()}
    return Model(document=document, settings=settings, columns=columns, dimensions=dimensions)


def _output_count(settings: TrainingSettings, dimension: str, readout: tuple[float, ...]) -> int:
    """The number of outputs of the model of a dimension."""
    categories = settings.categories.get(dimension, ())
    if bool(categories) == bool(readout):
        raise ValueError(f"the readout of {dimension} does not suit its labels")
    return len(categories) or len(readout)


def _checked_finite(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or not tensor.isfinite().all():
            raise ValueError(f"{name} holds something other than finite numbers")
    return tensors


def _on_all_rows(values: npt.NDArray[np.float64], rows: npt.NDArray[np.int64], windows: int) -> npt.NDArray[np.float64]:
    all_rows = np.full(windows, np.nan)
    all_rows[rows] = values
    return all_rows


def _differences(learned: Any, present: Any, key: str = "") -> list[tuple[str, str, str]]:
    """Each value that differs: its dotted key, then both values as JSON."""
    if isinstance(learned, Mapping) and isinstance(present, Mapping):
        names = dict.fromkeys([*learned, *present])
        return [
            difference
            for name in names
            for difference in _differences(learned.get(name), present.get(name), f"{key}.{name}".strip("."))
        ]
    return [] if learned == present else [(key, json.dumps(learned), json.dumps(present))]
