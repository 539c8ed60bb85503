"""The model card: what someone who is handed a model has to know of it, as Markdown (after Mitchell et al. 2019)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from models_cache.manifest import assets
from pipeline.dataset.data_card import SOFTWARE_LICENCES, grid
from pipeline.store.files import write_atomically
from pipeline.store.model_files import CARD
from pipeline.training.samples import MAIN

_MODELS = {
    "lasso": "LASSO on the features of the window itself, the penalty chosen by cross-validation by video",
    "lstm": "An LSTM network on one modality",
    "early": "LSTM network on the joined features of both modalities (early fusion, A1 of the MuVi study)",
    "late": "An LSTM block for each modality, joined in a layer (late fusion, A2 of the MuVi study)",
    "pair": "Late fusion whose blocks were pretrained on ratings of the isolated modalities (PAIR of the MuVi study)",
}


def write_card(folder: Path, document: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Writes the card of a saved model.

    Args:
        document: What `model.json` says.
        found: What `metrics.json` says.
    """
    lines = (
        *_summary(document),
        *_figures(document, found),
        *_protocol(document),
        *_inputs(document),
        *_licences(document),
        *_limits(document),
    )
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"
    write_atomically(folder / CARD, lambda file: file.write(text.encode()))


def _summary(document: Mapping[str, Any]) -> Iterator[str]:
    settings, labels = document["settings"], document["labels"][MAIN]
    dimensions = " and ".join(settings["dimensions"])
    yield f"# Model card: {dimensions} from {' and '.join(document['tables'])}"
    yield ""
    yield (
        f"{_MODELS[settings['model']]}. It predicts {dimensions}, from {settings['label_range'][0]:g} to "
        f"{settings['label_range'][1]:g}, for every {document['step']} s of a video, from feature tables that avcues "
        f"made. Trained by avcues {document['avcues']} on {len(document['videos'])} videos and the labels "
        f"`{labels['name']}`."
    )
    yield ""
    yield "Meant for research on perceived emotion: it predicts what raters say of a video, not what anyone feels."


def _figures(document: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## How good it is", "")
    yield (
        "On videos that the fitted models had not seen: mean ± standard deviation over videos, with the 95 % interval "
        "of the mean (bootstrap over videos). The saved weights were fitted to all videos afterwards."
    )
    yield ""
    rows: list[Sequence[object]] = []
    for dimension, of in found["dimensions"].items():
        rows.append((dimension, "this model", *figures(of["model"])))
        rows += [(dimension, name.replace("_", " "), *figures(one)) for name, one in of["baselines"].items()]
        if of["human"]:
            human = of["human"]
            rows.append((dimension, "a rater and the others", f"{human['mean']:.3f} ± {human['sd']:.3f}", "", "", ""))
    yield from grid(("", "", "CCC", "Pearson", "RMSE", "pooled CCC"), rows)
    yield from (f"\n**Not to be compared with other models:** {leak}." for leak in found["leaks"])


def figures(evaluated: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """CCC, Pearson, RMSE and pooled CCC as text."""

    def one(measure: str) -> str:
        value = evaluated[measure]
        if value["mean"] is None:
            return "–"
        between = f" ({value['low']:.3f} to {value['high']:.3f})" if measure == "ccc" else ""
        return f"{value['mean']:.3f} ± {value['sd']:.3f}{between}"

    pooled = evaluated["pooled_ccc"]
    whole = "–" if pooled["value"] is None else f"{pooled['value']:.3f} ({pooled['low']:.3f} to {pooled['high']:.3f})"
    return one("ccc"), one("pearson"), one("rmse"), whole


def _protocol(document: Mapping[str, Any]) -> Iterator[str]:
    settings = document["settings"]
    yield from ("", "## How it was fitted and tested", "")
    yield f"- {settings['folds']} folds by video, {settings['seeds']} seeds; `folds.parquet` has the parts of each."
    chosen = ", ".join(f"{key} {value}" for key, value in settings["protocol"].items())
    yield f"- Protocol: {chosen}."
    for role, labels in document["labels"].items():
        recipe = ", ".join(f"{key} {value}" for key, value in labels["about"].items() if isinstance(value, str | float))
        purpose = "Labels" if role == MAIN else f"Labels that pretrain {role}"
        yield f"- {purpose}: `{labels['name']}`, {labels['videos']} videos{f'; {recipe}' if recipe else ''}."
    if document["unconverged"]:
        yield f"- LASSO had not converged in {document['unconverged']} of its fits."
    yield from (f"- {note}" for note in document["notes"])


def _inputs(document: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## What it reads", "")
    rows = [
        (f"`{name}`", about["recipe"]["extractor"], about["recipe"]["version"], about["citation"])
        for name, about in document["tables"].items()
    ]
    yield from grid(("table", "extractor", "version", "source"), rows)
    yield ""
    yield "`model.json` has all settings and weights of these tables; `avcues predict` refuses tables of other ones."
    if document["constant"]:
        names = ", ".join(document["constant"])
        yield f"Left out, because they did not vary: {len(document['constant'])} columns ({names})."


def _licences(document: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## Licences that bind this model", "")
    bound = [about["recipe"]["extractor"] for about in document["tables"].values()]
    found = [f"- `{name}`: {SOFTWARE_LICENCES[name]}." for name in dict.fromkeys(bound) if name in SOFTWARE_LICENCES]
    for about in document["tables"].values():
        for weights in about["recipe"].get("weights", {}):
            asset = assets().get(weights)
            found.append(f"- weights `{weights}`: {asset.licence if asset else 'unknown, a file of the user'}.")
    yield from dict.fromkeys(found)
    yield "- The labels' own terms, and the rights in the videos, are not touched by this card."


def _limits(document: Mapping[str, Any]) -> Iterator[str]:
    length, horizon = document["settings"]["protocol"]["length"], document["settings"]["protocol"]["horizon"]
    yield from ("", "## Known limits", "")
    if document["settings"]["model"] != "lasso":
        yield f"- The first {length + horizon - 1} windows of a video have no prediction: too little lies before them."
    yield "- Raters differ: a prediction is at best what they say on average, and few agree with that closely."
    yield "- Videos unlike those that it learned from (other genres, cultures, lengths) may be predicted badly."
