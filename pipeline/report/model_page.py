"""The page of a model: one HTML file that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError
from avcues.pipeline.report.packing import packed_json
from avcues.pipeline.report.page import templates
from avcues.pipeline.report.series import numbers
from avcues.pipeline.store.files import write_atomically
from avcues.pipeline.store.model_files import DOCUMENT, HISTORY, METRICS, OUT_OF_FOLD, PAGE
from avcues.pipeline.store.parquet import read_table
from avcues.pipeline.training.figures import HEADINGS, figure_rows

_LISTED = 12
_MODELS = {
    "lasso": "LASSO",
    "lstm": "LSTM",
    "early": "early fusion (A1)",
    "late": "late fusion (A2)",
    "pair": "PAIR",
}


def build_model_page(folder: Path) -> Path:
    """Makes the page of a saved model from its files, and returns where it lies.

    Raises:
        InputError: It is no model, or a file of it is damaged.
        WeightsError: The drawing library could not be downloaded.
    """
    try:
        document, found = (json.loads((folder / name).read_text()) for name in (DOCUMENT, METRICS))
        history, predictions = (read_table(folder / name) for name in (HISTORY, OUT_OF_FOLD))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{folder}: is no model, or is damaged ({error}); train it with avcues train") from error
    settings = document["settings"]
    text = (
        templates()
        .get_template("model.html")
        .render(
            title=f"{folder.resolve().name}: {_MODELS[settings['model']]} for {' and '.join(settings['dimensions'])}",
            facts=_facts(document),
            seeds=_seeds(document),
            leaks=document["leaks"],
            notes=document["notes"],
            headings=HEADINGS,
            rows=list(figure_rows(found["dimensions"])),
            dimensions=list(found["dimensions"]),
            losses=history.num_rows > 0,
            reliance=list(_reliance(found["dimensions"])),
            footer=f"avcues {document['avcues']}; {', '.join(f'{k} {v}' for k, v in document['versions'].items())}.",
            data=_packed(document, found["dimensions"], history, predictions),
        )
    )
    write_atomically(folder / PAGE, lambda file: file.write(text.encode()))
    return folder / PAGE


def _facts(document: Mapping[str, Any]) -> list[str]:
    settings, seeds = document["settings"], _seeds(document)
    videos = len({video_id for parts in document["folds"] for part in parts.values() for video_id in part})
    return [
        counted(videos, "video"),
        counted(settings["folds"], "fold"),
        counted(seeds, "seed"),
        ", ".join(document["tables"]),
        f"labels {document['labels']['main']['name']}",
    ]


def _seeds(document: Mapping[str, Any]) -> int:
    settings = document["settings"]
    return 1 if settings["model"] == "lasso" else int(settings["seeds"])


def _reliance(dimensions: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What the model relies on, by each way of telling that was taken."""
    tables = {name: of["importance"]["tables"] for name, of in dimensions.items()}
    yield _bars("Importance of each table", "CCC lost when the table is replaced by another video's.", tables)
    without = {
        name: {table: one["model_is_better_by"]["difference"] for table, one in of["ablation"].items()}
        for name, of in dimensions.items()
        if all(one["model_is_better_by"] for one in of["ablation"].values())
    }
    if any(without.values()):
        yield _bars("Ablation", "CCC lost when the model is fitted without the table.", without)
    families = {
        name: {one["family"]: one["weight"] for one in of["importance"].get("families", [])}
        for name, of in dimensions.items()
    }
    if any(families.values()):
        yield _bars(
            "LASSO weight by descriptor family",
            "Sum of absolute coefficients of scaled features, averaged over folds.",
            families,
        )


def _bars(title: str, note: str, values: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    largest = max([abs(value) for of in values.values() for value in of.values()], default=0) or 1
    rows = [
        {"dimension": dimension, "name": name, "value": value, "share": 100 * max(0.0, value) / largest}
        for dimension, of in values.items()
        for name, value in list(of.items())[:_LISTED]
    ]
    return {"title": title, "note": note, "rows": rows}


def _packed(
    document: Mapping[str, Any], dimensions: Mapping[str, Any], history: pa.Table, predictions: pa.Table
) -> str:
    """Everything that the page draws: JSON, compressed."""
    whole = predictions.filter(pc.is_null(predictions["without"]))
    drawn = []
    for name, of in dimensions.items():
        videos = _videos(whole.filter(pc.equal(whole["dimension"], name)), of["model"]["per_video"])
        every = [value for one in videos for key in ("gold", "low", "high") for value in one[key] if value is not None]
        margin = 0.04 * (max(every) - min(every)) or 0.1
        drawn.append(
            {
                "name": name,
                "mean": of["model"]["ccc"]["mean"],
                "human": of["human"]["mean"] if of["human"] else None,
                "low": min(every) - margin,
                "high": max(every) + margin,
                "videos": videos,
                "losses": _losses(history.filter(pc.equal(history["dimension"], name))),
            }
        )
    content = {"step": float(Fraction(document["step"])), "dimensions": drawn}
    return packed_json(content)


def _videos(table: pa.Table, scored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each video's label and prediction from its first labelled window on, the worst video first."""
    rows = table.group_by("video_id", use_threads=False).aggregate([])["video_id"].to_pylist()
    place = {video_id: i for i, video_id in enumerate(rows)}
    owner = np.array([place[video_id] for video_id in table["video_id"].to_pylist()])
    window, fold = table["window"].to_numpy(), table["fold"].to_numpy()
    target, prediction = table["target"].to_numpy(), table["prediction"].to_numpy()
    found = []
    for one in sorted(scored, key=lambda entry: (entry["ccc"] is not None, entry["ccc"] or 0.0)):
        own = np.flatnonzero(owner == place[one["video_id"]])
        first = int(window[own].min())
        found.append(
            {
                "id": one["video_id"],
                "fold": int(fold[own[0]]),
                **{key: one[key] for key in ("ccc", "pearson", "rmse")},
                "first": first,
                "gold": _over_seeds(window[own] - first, target[own], np.fmax),
                "prediction": _mean(window[own] - first, prediction[own]),
                "low": _over_seeds(window[own] - first, prediction[own], np.fmin),
                "high": _over_seeds(window[own] - first, prediction[own], np.fmax),
            }
        )
    return found


def _over_seeds(
    window: npt.NDArray[np.int64], values: npt.NDArray[np.float64], combine: np.ufunc
) -> list[float | None]:
    combined = np.full(int(window.max()) + 1, np.nan)
    combine.at(combined, window, values)
    return numbers(combined)


def _mean(window: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> list[float | None]:
    with np.errstate(invalid="ignore"):
        return numbers(np.bincount(window, values) / np.bincount(window))


def _losses(history: pa.Table) -> list[dict[str, Any]]:
    """One entry per stage, fold and seed, with the losses of its epochs."""
    runs: dict[tuple[str, int, int], dict[str, Any]] = {}
    for row in history.to_pylist():
        key = (row["stage"], row["fold"], row["seed"])
        run = runs.setdefault(key, {"stage": row["stage"], "train": [], "validation": []})
        run["train"].append(_rounded(row["train"]))
        run["validation"].append(_rounded(row["validation"]))
    return sorted(runs.values(), key=lambda run: run["stage"] != "main")


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
