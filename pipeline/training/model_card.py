"""The model card: what someone who is given a model needs to know of it, as Markdown (after Mitchell et al. 2019)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from avcues.models_cache.manifest import assets
from avcues.pipeline.dataset.licences import SOFTWARE_LICENCES
from avcues.pipeline.store.files import write_atomically
from avcues.pipeline.store.model_files import CARD
from avcues.pipeline.training.figures import HEADINGS, figure_rows

_MODELS = {
    "lasso": "LASSO on the features of the same window, with the penalty chosen by cross-validation over videos",
    "lstm": "An LSTM network on one modality",
    "early": "An LSTM network on the joined features of both modalities (early fusion, A1 of the MuVi study)",
    "late": "An LSTM block for each modality, joined by a dense layer (late fusion, A2 of the MuVi study)",
    "pair": "Late fusion, its blocks pretrained on ratings of the isolated modalities (PAIR of the MuVi study)",
}


def write_card(folder: Path, document: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Writes the card of a saved model.

    Args:
        document: What `model.json` says.
        found: What `metrics.json` says.
    """
    settings = document["settings"]
    text = _template().render(
        document=document,
        settings=settings,
        model=_MODELS[settings["model"]],
        dimensions=settings["dimensions"],
        videos=len({video_id for parts in document["folds"] for part in parts.values() for video_id in part}),
        tables=list(document["tables"]),
        step=f"{float(Fraction(document['step'])):g}",
        protocol=_protocol(settings),
        headings=HEADINGS,
        figures=list(figure_rows(found["dimensions"])),
        licences=list(dict.fromkeys(_licences(document))),
    )
    text = re.sub(r"\n{3,}", "\n\n", text)
    write_atomically(folder / CARD, lambda file: file.write(text.encode()))


def _licences(document: Mapping[str, Any]) -> Iterator[str]:
    recipes = [about["recipe"] for about in document["tables"].values()]
    for name in (recipe["extractor"] for recipe in recipes):
        if name in SOFTWARE_LICENCES:
            yield f"`{name}`: {SOFTWARE_LICENCES[name]}."
    for weights in (name for recipe in recipes for name in recipe.get("weights", {})):
        asset = assets().get(weights)
        yield f"weights `{weights}`: {asset.licence if asset else 'unknown, a file of the user'}."


def _protocol(settings: Mapping[str, Any]) -> str:
    """The choices that decided this model, in one line."""
    of_lasso = ("split", "scaling", "scoring")
    chosen = settings["protocol"]
    keys = [key for key in chosen if key in of_lasso or settings["model"] != "lasso"]
    if settings["model"] != "pair":
        keys = [key for key in keys if key != "pretrain"]
    return ", ".join(f"{key.replace('_', ' ')} {chosen[key]}" for key in keys)


def _used(settings: Mapping[str, Any]) -> str:
    """The recipe of labels in one line, without the options that are off."""
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
    environment.filters["used"] = _used
    return environment.get_template("model_card.md")
