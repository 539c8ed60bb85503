"""The model card: what someone who is handed a model has to know of it, as Markdown (after Mitchell et al. 2019)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from models_cache.manifest import assets
from pipeline.dataset.data_card import SOFTWARE_LICENCES
from pipeline.store.files import write_atomically
from pipeline.store.model_files import CARD

_MODELS = {
    "lasso": "LASSO on the features of the window itself, the penalty chosen by cross-validation by video",
    "lstm": "An LSTM network on one modality",
    "early": "An LSTM network on the joined features of both modalities (early fusion, A1 of the MuVi study)",
    "late": "An LSTM block for each modality, joined in a layer (late fusion, A2 of the MuVi study)",
    "pair": "Late fusion whose blocks were pretrained on ratings of the isolated modalities (PAIR of the MuVi study)",
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
        tables=list(document["tables"]),
        step=f"{float(Fraction(document['step'])):g}",
        protocol=_used(settings["protocol"]),
        figures=list(_figures(found)),
        licences=list(dict.fromkeys(_licences(document))),
    )
    text = re.sub(r"\n{3,}", "\n\n", text)
    write_atomically(folder / CARD, lambda file: file.write(text.encode()))


def _figures(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The rows of the table of figures."""
    for dimension, of in found["dimensions"].items():
        yield dimension, "this model", *_row(of["model"])
        for name, one in of["baselines"].items():
            yield dimension, name.replace("_", " "), *_row(one)
        if of["human"]:
            human = f"{of['human']['mean']:.3f} ± {of['human']['sd']:.3f}"
            yield dimension, "a rater and the others", human, "", "", ""


def _row(evaluated: Mapping[str, Any]) -> tuple[str, str, str, str]:
    def one(measure: str) -> str:
        value = evaluated[measure]
        if value["mean"] is None:
            return "–"
        between = f" ({value['low']:.3f} to {value['high']:.3f})" if measure == "ccc" else ""
        return f"{value['mean']:.3f} ± {value['sd']:.3f}{between}"

    pooled = evaluated["pooled_ccc"]
    whole = "–" if pooled["value"] is None else f"{pooled['value']:.3f} ({pooled['low']:.3f} to {pooled['high']:.3f})"
    return one("ccc"), one("pearson"), one("rmse"), whole


def _licences(document: Mapping[str, Any]) -> Iterator[str]:
    recipes = [about["recipe"] for about in document["tables"].values()]
    for name in (recipe["extractor"] for recipe in recipes):
        if name in SOFTWARE_LICENCES:
            yield f"`{name}`: {SOFTWARE_LICENCES[name]}."
    for weights in (name for recipe in recipes for name in recipe.get("weights", {})):
        asset = assets().get(weights)
        yield f"weights `{weights}`: {asset.licence if asset else 'unknown, a file of the user'}."


def _used(settings: Mapping[str, Any]) -> str:
    """Settings in one line, without those that do nothing."""
    return ", ".join(f"{key} {value}" for key, value in settings.items() if value not in (None, False, 0))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader(__package__ or "pipeline.training", "assets"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|")
    environment.filters["used"] = _used
    return environment.get_template("model_card.md")
