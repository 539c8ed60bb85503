"""All models: the built-in ones and those of the entry-point group `avcues.models`."""

from __future__ import annotations

import importlib
import importlib.metadata
from functools import cache
from typing import TYPE_CHECKING

from avcues.errors import nearest
from avcues.pipeline.errors import SettingsError

if TYPE_CHECKING:
    from avcues.pipeline.training.models.estimator import Estimator

ENTRY_POINTS = "avcues.models"

_BUILT_IN = {
    "lasso": "avcues.pipeline.training.models.lasso:Lasso",
    "lstm": "avcues.pipeline.training.models.networks:OneModality",
    "early": "avcues.pipeline.training.models.networks:EarlyFusion",
    "late": "avcues.pipeline.training.models.networks:LateFusion",
    "pair": "avcues.pipeline.training.models.networks:Pair",
}


@cache
def model_names() -> tuple[str, ...]:
    """Names of all models; built-in ones come first."""
    installed = (entry_point.name for entry_point in importlib.metadata.entry_points(group=ENTRY_POINTS))
    return (*_BUILT_IN, *sorted(set(installed) - set(_BUILT_IN)))


@cache
def estimator_class(name: str) -> type[Estimator]:
    """The class of a model.

    Raises:
        SettingsError: There is no such model, or it cannot be imported.
    """
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        estimator: type[Estimator] = getattr(importlib.import_module(module), attribute)
        return estimator
    if name not in model_names():
        raise SettingsError(
            f"`model={name}`: there is no such model{nearest(name, model_names())}; expected {', '.join(model_names())}"
        )
    (entry_point, *_) = importlib.metadata.entry_points(group=ENTRY_POINTS, name=name)
    try:
        installed: type[Estimator] = entry_point.load()
    except Exception as error:
        raise SettingsError(
            f'the installed model "{name}" ({entry_point.value}) cannot be imported: {error}'
        ) from error
    return installed
