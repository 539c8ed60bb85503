"""The page of a model: one HTML file that needs nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from jinja2 import UndefinedError

from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError, one_line
from avcues.pipeline.report.index import PAGES
from avcues.pipeline.report.packing import packed_json
from avcues.pipeline.report.page import templates
from avcues.pipeline.report.series import numbers
from avcues.pipeline.store.exchange import replace_file
from avcues.pipeline.store.model_files import HISTORY, METRICS, OUT_OF_FOLD, PAGE
from avcues.pipeline.store.parquet import read_table
from avcues.pipeline.training.figures import figure_tables, remarks, value_of
from avcues.pipeline.training.model_document import ModelDocument, read_document

_LISTED = 12


def build_model_page(folder: Path, report: Path | None = None) -> Path:
    """Makes the page of a saved model from its files, and returns where it lies.

    Args:
        folder: Of the model.
        report: Folder of the pages of the videos that it was tested on; where a video has one, its name leads there, to
            the moment of the largest error. None: names lead nowhere.

    Raises:
        InputError: It is no model, or a file of it is damaged.
        WeightsError: The drawing library could not be downloaded.
    """
    document = read_document(folder)
    try:
        figures = json.loads((folder / METRICS).read_text())
        history, predictions = (read_table(folder / name) for name in (HISTORY, OUT_OF_FOLD))
        text = _render(folder, document, figures, history, predictions, report)
    except (OSError, LookupError, TypeError, ValueError, UndefinedError, pa.ArrowException) as error:
        raise InputError(
            f"{folder}: is damaged ({one_line(error)}); make its figures again with avcues evaluate, or train it again"
        ) from error
    replace_file(folder / PAGE, lambda file: file.write(text.encode()))
    return folder / PAGE


def _render(
    folder: Path,
    document: ModelDocument,
    figures: Mapping[str, Any],
    history: pa.Table,
    predictions: pa.Table,
    report: Path | None,
) -> str:
    settings, dimensions = document.settings, figures["dimensions"]
    return (
        templates()
        .get_template("model.html")
        .render(
            title=f"{folder.resolve().name}: {settings.estimator.title} for {' and '.join(settings.dimensions)}",
            facts=_facts(document),
            seeds=settings.fits,
            leaks=document.leaks,
            notes=[*document.notes, *remarks(dimensions)],
            tables=list(figure_tables(dimensions)),
            groups=len(set(document.groups.values())),
            drawn=[name for name, of in dimensions.items() if of["kind"] == "course"],
            raters=any(of["human"] for of in dimensions.values()),
            courses=any(of["kind"] == "course" for of in dimensions.values()),
            confusions={name: of["model"] for name, of in dimensions.items() if of["kind"] == "shares"},
            scatters=[_scatter(name, of) for name, of in dimensions.items() if of["kind"] == "clips"],
            losses=history.num_rows > 0,
            reliance=list(_reliance(dimensions)),
            footer=f"avcues {document.avcues}; {', '.join(f'{k} {v}' for k, v in document.versions.items())}.",
            data=_packed(document, dimensions, history, predictions, _pages(folder, report)),
        )
    )


def _facts(document: ModelDocument) -> list[str]:
    settings = document.settings
    videos = len({video_id for parts in document.folds for _, part in parts for video_id in part})
    groups = [counted(len(set(document.groups.values())), "group")] if document.groups else []
    return [
        counted(videos, "clip" if settings.unit == "clip" else "video"),
        *groups,
        "the study's partition" if len(document.folds) == 1 else counted(len(document.folds), "fold"),
        counted(settings.fits, "seed"),
        ", ".join(document.tables),
        f"labels {document.labels['main'].name}",
    ]


def _reliance(dimensions: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What the model relies on, by each way of telling that was taken."""
    for shares in (False, True):
        chosen = {name: of for name, of in dimensions.items() if (of["kind"] == "shares") == shares}
        if not chosen:
            continue
        lost = "Cross-entropy gained" if shares else "CCC lost"
        tables = {name: of["importance"]["tables"] for name, of in chosen.items()}
        yield _bars("Importance of each table", f"{lost} when the table is replaced by another video's.", tables)
        modalities = {name: of["importance"].get("modalities", {}) for name, of in chosen.items()}
        if any(modalities.values()):
            what = f"{lost} when all tables of a modality are replaced by another video's."
            yield _bars("Importance of each modality", what, modalities)
        without = {
            name: {table: figures["model_is_better_by"]["difference"] for table, figures in of["ablation"].items()}
            for name, of in chosen.items()
            if all(figures["model_is_better_by"] for figures in of["ablation"].values())
        }
        if any(without.values()):
            what = "UAR" if shares else "CCC"
            yield _bars("Ablation", f"{what} lost when the model is fitted without the table.", without)
    families = {
        name: {family["family"]: family["weight"] for family in of["importance"].get("families", [])}
        for name, of in dimensions.items()
    }
    if any(families.values()):
        yield _bars(
            "Weight by descriptor family",
            "Sum of absolute coefficients of scaled features, averaged over folds.",
            families,
        )


def _scatter(name: str, of_dimension: Mapping[str, Any]) -> dict[str, Any]:
    """Label and prediction of each clip, as places in a square of 100 by 100."""
    clips = of_dimension["model"]["per_video"]
    every = [clip[key] for clip in clips for key in ("target", "prediction")]
    low, high = min(every), max(every)
    span = high - low or 1.0

    def place(value: float) -> float:
        return round(4 + 92 * (value - low) / span, 2)

    points = [
        {
            "x": place(clip["target"]),
            "y": 100 - place(clip["prediction"]),
            "said": f"{clip['video_id']}: label {clip['target']:.3f}, prediction {clip['prediction']:.3f}",
        }
        for clip in clips
    ]
    return {"name": name, "ccc": value_of(of_dimension), "low": low, "high": high, "points": points}


def _bars(title: str, note: str, values: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    largest = max([abs(value) for of in values.values() for value in of.values()], default=0) or 1
    rows = [
        {"dimension": dimension, "name": name, "value": value, "share": 100 * max(0.0, value) / largest}
        for dimension, of in values.items()
        for name, value in list(of.items())[:_LISTED]
    ]
    return {"title": title, "note": note, "rows": rows}


def _pages(folder: Path, report: Path | None) -> dict[str, str]:
    """Address of each video's page, seen from the page of the model."""
    if report is None:
        return {}
    pages = Path(os.path.relpath((report / PAGES).resolve(), folder.resolve())).as_posix()
    return {path.stem: quote(f"{pages}/{path.name}") for path in sorted((report / PAGES).glob("*.html"))}


def _packed(
    document: ModelDocument,
    dimensions: Mapping[str, Any],
    history: pa.Table,
    predictions: pa.Table,
    pages: Mapping[str, str],
) -> str:
    """Everything that the page draws of predictions over time: JSON, compressed."""
    whole = predictions.filter(pc.is_null(predictions["without"]))
    drawn = []
    for name, of_dimension in dimensions.items():
        if of_dimension["kind"] != "course":
            continue
        videos = _videos(whole.filter(pc.equal(whole["dimension"], name)), of_dimension["model"]["per_video"])
        every = [
            value for video in videos for key in ("gold", "low", "high") for value in video[key] if value is not None
        ]
        margin = 0.04 * (max(every) - min(every)) or 0.1
        drawn.append(
            {
                "name": name,
                "mean": of_dimension["model"]["ccc"]["mean"],
                "human": of_dimension["human"]["mean"] if of_dimension["human"] else None,
                "low": min(every) - margin,
                "high": max(every) + margin,
                "videos": videos,
                "losses": _losses(history.filter(pc.equal(history["dimension"], name))),
            }
        )
    return packed_json({"step": float(Fraction(document.step)), "dimensions": drawn, "pages": pages})


def _videos(table: pa.Table, scored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each video's label and prediction from its first labelled window on, the worst video first."""
    rows = table.group_by("video_id", use_threads=False).aggregate([])["video_id"].to_pylist()
    place = {video_id: i for i, video_id in enumerate(rows)}
    owner = np.array([place[video_id] for video_id in table["video_id"].to_pylist()])
    window, fold = table["window"].to_numpy(), table["fold"].to_numpy()
    target, prediction = table["target"].to_numpy(), table["prediction"].to_numpy()
    videos = []
    for entry in sorted(scored, key=lambda entry: (entry["ccc"] is not None, entry["ccc"] or 0.0)):
        own = np.flatnonzero(owner == place[entry["video_id"]])
        first = int(window[own].min())
        videos.append(
            {
                "id": entry["video_id"],
                "fold": int(fold[own[0]]),
                **{key: entry[key] for key in ("ccc", "pearson", "rmse")},
                "first": first,
                "gold": _over_seeds(window[own] - first, target[own], np.fmax),
                "prediction": _mean(window[own] - first, prediction[own]),
                "low": _over_seeds(window[own] - first, prediction[own], np.fmin),
                "high": _over_seeds(window[own] - first, prediction[own], np.fmax),
            }
        )
    return videos


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
