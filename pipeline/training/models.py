"""A model of one dimension: fitted on the training videos of a fold, ready to predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.training.fit import Epoch, Windows, predict
from avcues.pipeline.training.lasso import Lasso, fit_lasso
from avcues.pipeline.training.networks import Network
from avcues.pipeline.training.pair import Told, fit_networks
from avcues.pipeline.training.samples import Samples
from avcues.pipeline.training.scaling import Scaler, fit_scaler
from avcues.pipeline.training.settings import MAIN, TrainingSettings
from avcues.pipeline.training.splits import Parts, check_apart

Inputs = Mapping[str, npt.NDArray[np.float32]]
"""Per block, (rows, K) scaled features."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """A model with everything that it learned from the training videos.

    Args:
        scalers: Per block.
        losses: Of networks: by stage, of every epoch.
        history: As `TrainingSettings.history`.
        readout: (outputs,) weights that make one prediction of the outputs.
    """

    scalers: Mapping[str, Scaler]
    estimator: Network | Lasso
    history: tuple[int, int]
    readout: tuple[float, ...] = (1.0,)
    losses: Mapping[str, list[Epoch]] = field(default_factory=dict)

    def outputs(self, inputs: Inputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """(M, outputs) predictions of the labels of M rows, each between -1 and 1 for networks."""
        if isinstance(self.estimator, Lasso):
            (of_block,) = inputs.values()
            return self.estimator.predict(of_block[rows])
        windows = Windows(
            inputs={block: torch.from_numpy(values) for block, values in inputs.items()},
            rows=torch.from_numpy(rows),
            history=self.history,
            labels=torch.empty(len(rows), 0),
        )
        return predict(self.estimator, windows).numpy().astype(np.float64)

    def predict(self, inputs: Inputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """(M,) what the outputs say together."""
        return self.outputs(inputs, rows) @ np.array(self.readout)


def fit_model(
    samples: Samples,
    parts: Parts,
    dimension: str,
    settings: TrainingSettings,
    *,
    seed: int = 0,
    pretraining: Parts | None = None,
    without: str | None = None,
    epochs: Mapping[str, int] | None = None,
    told: Told = lambda stage, epoch: None,
) -> tuple[Fitted, dict[str, npt.NDArray[np.float32]]]:
    """Fits the model of a fold.

    LASSO needs no validation videos: it learns from them too.

    Args:
        without: A table that the model is not to read.
        pretraining: As for `fit_networks`.
        epochs: As for `fit_networks`.

    Returns:
        The model, and the scaled features of all samples.

    Raises:
        LeakError: A video is in two parts.
        SettingsError: A part has no labels, or no column varies.
    """
    check_apart({"training": parts.train, "validation": parts.validation, "test": parts.test}, samples.fingerprints)
    train = (*parts.train, *parts.validation) if settings.model == "lasso" else parts.train
    scalers, scaled = _scale(samples, train, settings, without)
    target = samples.targets[MAIN][dimension]
    if settings.model == "lasso":
        (features,) = scaled.values()
        rows = samples.labelled(train, target.values, settings.history)
        lasso = fit_lasso(features[rows], target.values[rows, 0], samples.window(rows)[0])
        return Fitted(scalers=scalers, estimator=lasso, history=settings.history), scaled
    network, losses = fit_networks(
        samples,
        {block: torch.from_numpy(values) for block, values in scaled.items()},
        parts,
        dimension,
        settings,
        seed=seed,
        pretraining=pretraining,
        epochs=epochs,
        told=told,
    )
    readout = target.readout_of(samples.rows(train))
    fitted = Fitted(scalers=scalers, estimator=network, history=settings.history, readout=readout, losses=losses)
    return fitted, scaled


def _scale(
    samples: Samples, train: Sequence[str], settings: TrainingSettings, without: str | None
) -> tuple[dict[str, Scaler], dict[str, npt.NDArray[np.float32]]]:
    """Scalers that are fitted on training videos, and what they make of all samples; no block without a column."""
    rows = samples.rows(train)
    scalers, scaled = {}, {}
    for block, columns in samples.columns.items():
        left = [i for i, name in enumerate(columns) if without is None or not name.startswith(f"{without}.")]
        values = samples.features[block] if len(left) == len(columns) else samples.features[block][:, left]
        names = [columns[i] for i in left]
        scaler = fit_scaler(values, rows, names, settings.protocol.scaling)
        if scaler.columns:
            scalers[block], scaled[block] = scaler, scaler.apply(values, names)
    if not scalers:
        raise SettingsError("no column varies over the training videos: there is nothing to learn from")
    return scalers, scaled
