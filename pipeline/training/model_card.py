"""The model card as Markdown: what a user of the model needs to know (after Mitchell et al. 2019)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from fractions import Fraction
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from avcues.models_cache.manifest import assets
from avcues.pipeline.dataset.licences import SOFTWARE_LICENCES
from avcues.pipeline.training.figures import figure_tables
from avcues.pipeline.training.model_document import ModelDocument
from avcues.pipeline.training.settings import TrainingSettings

_ALWAYS_LISTED = ("split", "scaling", "scoring")


def model_card(document: ModelDocument, figures: Mapping[str, Any]) -> str:
    """The card of a saved model.

    Args:
        document: The content of `model.json`.
        figures: The content of `metrics.json`.
    """
    settings = document.settings
    text = _template().render(
        document=document,
        settings=settings,
        model=settings.estimator.description,
        seeded=settings.estimator.seeded,
        numbers=any(dimension not in settings.categories for dimension in settings.dimensions),
        videos=len({video_id for parts in document.folds for _, part in parts for video_id in part}),
        groups=len(set(document.groups.values())),
        tables=list(document.tables),
        step=f"{float(Fraction(document.step)):g}",
        protocol=_protocol(settings),
        unseen_windows=sum(settings.history) - 1,
        figures=list(figure_tables(figures["dimensions"])),
        licences=list(dict.fromkeys(_licences(document))),
    )
    return re.sub(r"\n{3,}", "\n\n", text)


def _licences(document: ModelDocument) -> Iterator[str]:
    recipes = [table.recipe for table in document.tables.values()]
    for recipe in recipes:
        if recipe.extractor in SOFTWARE_LICENCES:
            yield f"`{recipe.extractor}`: {SOFTWARE_LICENCES[recipe.extractor]}."
    for weights in (name for recipe in recipes for name in (recipe.model_extra or {}).get("weights", {})):
        asset = assets().get(weights)
        yield f"weights `{weights}`: {asset.licence if asset else 'unknown, a file of the user'}."


def _protocol(settings: TrainingSettings) -> str:
    """The choices of the protocol that affect this model, in one line."""
    choices = asdict(settings.protocol)
    names = [name for name in choices if name in _ALWAYS_LISTED or name in settings.estimator.choices]
    return ", ".join(f"{name.replace('_', ' ')} {choices[name]}" for name in names)


def _options_in_use(settings: Mapping[str, Any]) -> str:
    """The options in use, in one line."""
    return ", ".join(f"{key} {value}" for key, value in settings.items() if value not in (None, False, 0))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader(__package__ or "avcues.pipeline.training", "assets"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|")
    environment.filters["used"] = _options_in_use
    return environment.get_template("model_card.md")
