"""A model of one dimension: fitted on the training videos of a fold, ready to predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.training.apart import check_apart
from avcues.pipeline.training.models.estimator import Estimator, FitTask, Inputs, OnEpoch
from avcues.pipeline.training.protocol import MAIN
from avcues.pipeline.training.samples import Samples
from avcues.pipeline.training.scaling import Scaler, fit_scaler
from avcues.pipeline.training.settings import TrainingSettings
from avcues.pipeline.training.splits import Parts


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """A model with everything that it learned from the training videos.

    Args:
        scalers: Per block.
        history: As `TrainingSettings.history`.
        readout: (outputs,) weights that make one prediction of the outputs; empty: each output is a prediction, as of
            shares.
    """

    scalers: Mapping[str, Scaler]
    estimator: Estimator
    history: tuple[int, int]
    readout: tuple[float, ...] = (1.0,)

    def outputs(self, inputs: Inputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """(M, outputs) predictions of the labels of M rows."""
        return self.estimator.outputs(inputs, rows)

    def combined(self, outputs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(M, predictions) what (M, outputs) say together: one number, or shares."""
        return (outputs @ np.array(self.readout))[:, None] if self.readout else outputs

    def predict(self, inputs: Inputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """(M, predictions) of M rows."""
        return self.combined(self.outputs(inputs, rows))


def fit_model(
    samples: Samples,
    parts: Parts,
    dimension: str,
    settings: TrainingSettings,
    *,
    seed: int = 0,
    pretraining: Parts | None = None,
    without: Sequence[str] = (),
    epochs: Mapping[str, int] | None = None,
    on_epoch: OnEpoch = lambda stage, epoch: None,
) -> tuple[Fitted, dict[str, npt.NDArray[np.float32]]]:
    """Fits the model of a fold.

    Args:
        without: Tables that the model is not to read.
        pretraining: As for `FitTask`.
        epochs: As for `FitTask`.

    Returns:
        The model, and the scaled features of all samples.

    Raises:
        LeakError: A video is in two parts.
        SettingsError: A part has no labels, or no column varies.
    """
    check_apart(parts.named(), samples.fingerprints, samples.groups)
    if not settings.estimator.early_stopping:
        parts = Parts((*parts.train, *parts.validation), (), parts.test)
    scalers, scaled = _scale(samples, parts.train, settings, without)
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
    readout = samples.targets[MAIN][dimension].readout_of(samples.rows(parts.train))
    return Fitted(scalers=scalers, estimator=estimator, history=settings.history, readout=readout), scaled


def _scale(
    samples: Samples, train: Sequence[str], settings: TrainingSettings, without: Sequence[str]
) -> tuple[dict[str, Scaler], dict[str, npt.NDArray[np.float32]]]:
    """Scalers that are fitted on training videos, and what they make of all samples; no block without a column."""
    rows = samples.rows(train)
    scalers, scaled = {}, {}
    for block, columns in samples.columns.items():
        retained = [i for i, name in enumerate(columns) if name.partition(".")[0] not in without]
        values = samples.features[block] if len(retained) == len(columns) else samples.features[block][:, retained]
        names = [columns[i] for i in retained]
        scaler = fit_scaler(values, rows, names, settings.protocol.scaling)
        if scaler.columns:
            scalers[block], scaled[block] = scaler, scaler.apply(values, names)
    if not scalers:
        raise SettingsError("no column varies over the training videos: there is nothing to learn from")
    return scalers, scaled
