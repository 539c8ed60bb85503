"""Which modalities a trained model relies on, compared with raters who had one modality only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from avcues.pipeline.annotations.across_setups.regression import Regression

_SETUPS = {"audio": ("audio", "music"), "visual": ("visual", "video"), "text": ("text",)}
"""By modality of a model, the names of setups in which only it was given."""


@dataclass(frozen=True, kw_only=True)
class Reliance:
    """How far a model relies on one modality, and raters on the matching setup.

    Args:
        modality: "audio", "visual" or "text".
        lost: Loss of CCC (of cross-entropy for shares) on test videos when this modality is taken from another video.
        share: `lost` over its sum for all modalities; None: nothing is lost.
        setup: The setup in which raters had only this modality; None: there is none.
        coefficient: The regression coefficient of that setup over all ratings; None: there is none.
        coefficient_share: `coefficient` divided by the sum over these setups; None: the sum is not positive.
    """

    modality: str
    lost: float
    share: float | None
    setup: str | None
    coefficient: float | None
    coefficient_share: float | None


def reliances(lost: Mapping[str, float], setups: Sequence[str], regression: Regression | None) -> tuple[Reliance, ...]:
    """Compares a model's reliance on each modality with that of the raters.

    Args:
        lost: By modality, as a model's `metrics.json` has it.
        setups: Names of the compared setups.
        regression: Regression of the ratings in the setup that shows everything on those in the others.
    """
    terms = {} if regression is None else regression.plain
    setup_of = {name: next((s for s in _SETUPS.get(name, ()) if s in setups), None) for name in lost}
    coefficients = {
        name: terms[setup].coefficient if setup is not None and setup in terms else None
        for name, setup in setup_of.items()
    }
    total_loss = sum(max(0.0, value) for value in lost.values())
    coefficient_sum = sum(max(0.0, value) for value in coefficients.values() if value is not None)
    return tuple(
        Reliance(
            modality=name,
            lost=value,
            share=max(0.0, value) / total_loss if total_loss else None,
            setup=setup_of[name],
            coefficient=coefficients[name],
            coefficient_share=max(0.0, coefficient) / coefficient_sum
            if coefficient_sum and (coefficient := coefficients[name]) is not None
            else None,
        )
        for name, value in lost.items()
    )
