"""Fits the model of one dimension on the training videos of a fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.training.disjoint_parts import check_disjoint
from avcues.pipeline.training.models.estimator import Estimator, FitTask, Inputs, OnEpoch
from avcues.pipeline.training.protocol import MAIN
from avcues.pipeline.training.samples import Samples
from avcues.pipeline.training.scaling import Scaler, fit_scaler
from avcues.pipeline.training.settings import TrainingSettings
from avcues.pipeline.training.splits import Parts


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedModel:
    """A model of one dimension, with everything that was fitted to the training videos.

    Args:
        scalers: The scaler of each block.
        history: As `TrainingSettings.history`.
        readout: (outputs,) weights that combine the outputs to one prediction; empty: each output is a prediction, as
            for shares.
    """

    scalers: Mapping[str, Scaler]
    estimator: Estimator
    history: tuple[int, int]
    readout: tuple[float, ...] = (1.0,)

    def outputs(self, inputs: Inputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """(M, outputs) for M rows."""
        return self.estimator.outputs(inputs, rows)

    def read_out(self, outputs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(M, predictions) from (M, outputs): one number, or the shares of categories."""
        return (outputs @ np.array(self.readout))[:, None] if self.readout else outputs

    def predict(self, inputs: Inputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """(M, predictions) for M rows."""
        return self.read_out(self.outputs(inputs, rows))


def fit_model(
    samples: Samples,
    parts: Parts,
    dimension: str,
    settings: TrainingSettings,
    *,
    seed: int = 0,
    pretraining: Parts | None = None,
    excluded_tables: Sequence[str] = (),
    epochs: Mapping[str, int] | None = None,
    on_epoch: OnEpoch = lambda stage, epoch: None,
) -> tuple[FittedModel, dict[str, npt.NDArray[np.float32]]]:
    """Fits the model of a fold.

    Args:
        excluded_tables: Tables that the model does not read.
        pretraining: As for `FitTask`.
        epochs: As for `FitTask`.

    Returns:
        The model, and the scaled features of all samples.

    Raises:
        LeakError: A video is in two parts.
        SettingsError: A part has no labels, or no column varies over the training videos.
    """
    check_disjoint(parts.named(), samples.fingerprints, samples.groups)
    if not settings.estimator.early_stopping:
        parts = Parts((*parts.train, *parts.validation), (), parts.test)
    scalers, scaled = _scale(samples, parts.train, settings, excluded_tables)
    task = FitTask(
        samples=samples,
        inputs=scaled,
        parts=parts,
        dimension=dimension,
        protocol=settings.protocol,
        history=settings.history,
        seed=seed,
        pretraining=pretraining,
        epochs=epochs,
        on_epoch=on_epoch,
    )
    estimator = settings.estimator.fit(task)
    readout = samples.targets[MAIN][dimension].fitted_readout(samples.rows(parts.train))
    return FittedModel(scalers=scalers, estimator=estimator, history=settings.history, readout=readout), scaled


def _scale(
    samples: Samples, train: Sequence[str], settings: TrainingSettings, excluded_tables: Sequence[str]
) -> tuple[dict[str, Scaler], dict[str, npt.NDArray[np.float32]]]:
    """Fits scalers on training videos and scales all samples; leaves out blocks of which no column varies."""
    rows = samples.rows(train)
    scalers, scaled = {}, {}
    for block, columns in samples.columns.items():
        retained = [i for i, name in enumerate(columns) if name.partition(".")[0] not in excluded_tables]
        values = samples.features[block] if len(retained) == len(columns) else samples.features[block][:, retained]
        names = [columns[i] for i in retained]
        scaler = fit_scaler(values, rows, names, settings.protocol.scaling)
        if scaler.columns:
            scalers[block], scaled[block] = scaler, scaler.apply(values, names)
    if not scalers:
        raise SettingsError("no column varies over the training videos: there is nothing to learn from")
    return scalers, scaled
