"""A model as files: weights as safetensors, everything else as JSON. Nothing is pickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import safetensors.torch
import torch
from torch import Tensor

from avcues.pipeline.dataset.catalog import Catalog
from avcues.pipeline.errors import DatasetError, InputError, SettingsError
from avcues.pipeline.store.files import write_atomically
from avcues.pipeline.store.model_files import DOCUMENT, WEIGHTS
from avcues.pipeline.store.parquet import write_json
from avcues.pipeline.training.fit import one_thread
from avcues.pipeline.training.lasso import Lasso
from avcues.pipeline.training.models import Fitted
from avcues.pipeline.training.networks import Network
from avcues.pipeline.training.samples import features_of
from avcues.pipeline.training.scaling import Scaler
from avcues.pipeline.training.settings import TrainingSettings

_FORMAT = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A saved model, ready to predict; read by `load_model`.

    Args:
        document: What `model.json` says.
        settings: What it was trained with.
        columns: Per block, the columns that it reads, as `with_presence` names them.
        dimensions: For each label that it predicts, the model of it.
    """

    document: Mapping[str, Any]
    settings: TrainingSettings
    columns: Mapping[str, tuple[str, ...]]
    dimensions: Mapping[str, Fitted]

    def check(self, catalog: Catalog) -> None:
        """Makes sure that a folder's tables were made in the same way as those that the model was trained on.

        Raises:
            DatasetError: They were not, or one is missing; the message has a line for every difference.
        """
        differences = []
        if Fraction(self.document["step"]) != catalog.step:
            differences.append(
                f"step: the model was trained with {self.document['step']} s, this folder has {catalog.step} s"
            )
        for name, about in self.document["tables"].items():
            if name not in catalog.tables:
                differences.append(f"{name}: the model reads this table, but it is missing; add it with avcues extract")
                continue
            for key, learned, there in _differences(about["recipe"], catalog.tables[name].recipe):
                differences.append(f"{name} {key}: the model was trained with {learned}, this folder has {there}")
        if differences:
            raise DatasetError("\n".join(f"{catalog.folder}: {difference}" for difference in differences))

    def predict(self, table: pa.Table) -> dict[str, npt.NDArray[np.float64]]:
        """Predictions for the windows of one video, on the scale of the labels.

        Args:
            table: The video's rows, as `Dataset.read` gives them, with the tables that the model reads.

        Returns:
            (windows,) for each dimension, NaN in the first windows, which have too little before them; and, where the
            model has an output per rater, `<dimension>_std`, the standard deviation over outputs.
        """
        length, horizon = self.settings.history
        rows = np.arange(length - 1 + horizon, table.num_rows)
        predicted: dict[str, npt.NDArray[np.float64]] = {}
        inputs = {}
        for block, names in self.columns.items():
            scaler = next(iter(self.dimensions.values())).scalers.get(block)
            if scaler is not None:
                inputs[block] = scaler.apply(features_of(table, names), names)
        with one_thread():
            for dimension, fitted in self.dimensions.items():
                outputs = fitted.outputs(inputs, rows) if len(rows) else np.zeros((0, len(fitted.readout)))
                outputs = self.settings.as_labels(outputs)
                predicted[dimension] = _placed(outputs @ np.array(fitted.readout), rows, table.num_rows)
                if len(fitted.readout) > 1:
                    predicted[f"{dimension}_std"] = _placed(outputs.std(axis=1), rows, table.num_rows)
        return predicted


def save_model(
    folder: Path,
    fitted: Mapping[str, Fitted],
    columns: Mapping[str, tuple[str, ...]],
    settings: TrainingSettings,
    about: Mapping[str, Any],
) -> None:
    """Writes weights and document.

    Args:
        fitted: By dimension; all have the same scalers.
        columns: As `Samples.columns`.
        about: What else is to stand in the document: step, tables, labels, folds, versions and so on.
    """
    tensors = {f"{dimension}/{name}": t for dimension, one in fitted.items() for name, t in _tensors(one).items()}
    write_atomically(folder / WEIGHTS, lambda file: file.write(safetensors.torch.save(tensors)))
    scalers = next(iter(fitted.values())).scalers
    document = {
        "format": _FORMAT,
        **about,
        "settings": settings.document(),
        "blocks": {
            block: {"columns": list(names), "scaler": scalers[block].document() if block in scalers else []}
            for block, names in columns.items()
        },
        "readout": {dimension: list(one.readout) for dimension, one in fitted.items()},
    }
    write_json(document, folder / DOCUMENT)


def read_document(folder: Path) -> dict[str, Any]:
    """What a saved model says of itself.

    Raises:
        InputError: It is no model, or of another version.
    """
    path = folder / DOCUMENT
    try:
        document = dict(json.loads(path.read_text()))
    except OSError as error:
        raise InputError(f"{folder}: has no {DOCUMENT}; name a folder that avcues train made") from error
    except ValueError as error:
        raise InputError(f"{path}: is damaged ({error}); train the model again") from error
    if document.get("format") != _FORMAT:
        raise InputError(f"{path}: was written by another version of avcues; train the model again")
    return document


def load_model(folder: str | Path) -> Model:
    """Reads a model that `avcues train` saved.

    Raises:
        InputError: The folder holds no model, or one that is damaged or of another version.
    """
    folder = Path(folder)
    document = read_document(folder)
    try:
        settings = TrainingSettings.of_document(document["settings"])
        blocks = document["blocks"]
        scalers = {block: Scaler.of_document(about["scaler"]) for block, about in blocks.items() if about["scaler"]}
        tensors = safetensors.torch.load((folder / WEIGHTS).read_bytes())
        dimensions = {}
        for dimension, readout in document["readout"].items():
            prefix = f"{dimension}/"
            own = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
            dimensions[dimension] = Fitted(
                scalers=scalers,
                estimator=_estimator(own, scalers, settings, len(readout)),
                history=settings.history,
                readout=tuple(readout),
            )
    except (OSError, KeyError, TypeError, RuntimeError, safetensors.SafetensorError, SettingsError) as error:
        raise InputError(f"{folder}: is damaged ({type(error).__name__}: {error}); train the model again") from error
    columns = {block: tuple(about["columns"]) for block, about in blocks.items()}
    return Model(document=document, settings=settings, columns=columns, dimensions=dimensions)


def _tensors(fitted: Fitted) -> dict[str, Tensor]:
    if isinstance(fitted.estimator, Lasso):
        coefficients = torch.from_numpy(fitted.estimator.coefficients)
        return {"coefficients": coefficients, "intercept": torch.tensor([fitted.estimator.intercept]).double()}
    return {name: tensor.contiguous() for name, tensor in fitted.estimator.state_dict().items()}


def _estimator(
    tensors: Mapping[str, Tensor], scalers: Mapping[str, Scaler], settings: TrainingSettings, outputs: int
) -> Network | Lasso:
    if settings.model == "lasso":
        coefficients, intercept = tensors["coefficients"].numpy(), float(tensors["intercept"][0])
        return Lasso(coefficients=coefficients, intercept=intercept)
    inputs = {block: len(scaler.columns) for block, scaler in scalers.items()}
    network = Network(inputs, outputs, settings.protocol)
    network.load_state_dict(tensors)
    return network.eval()


def _placed(values: npt.NDArray[np.float64], rows: npt.NDArray[np.int64], windows: int) -> npt.NDArray[np.float64]:
    placed = np.full(windows, np.nan)
    placed[rows] = values
    return placed


def _differences(learned: Any, there: Any, key: str = "") -> list[tuple[str, str, str]]:
    if isinstance(learned, Mapping) and isinstance(there, Mapping):
        names = dict.fromkeys([*learned, *there])
        return [d for k in names for d in _differences(learned.get(k), there.get(k), f"{key}.{k}".strip("."))]
    return [] if learned == there else [(key, json.dumps(learned), json.dumps(there))]
