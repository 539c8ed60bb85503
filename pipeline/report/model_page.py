"""The page of a model: one self-contained HTML file."""

from __future__ import annotations

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
from avcues.pipeline.store.model_files import HISTORY, OUT_OF_FOLD
from avcues.pipeline.store.parquet import read_table
from avcues.pipeline.training.figures import figure_tables, headline_value, remarks
from avcues.pipeline.training.model_document import ModelDocument, read_document

_LISTED_BARS = 12
_DAMAGE = (
    *(OSError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError, UndefinedError, pa.ArrowException),
)


def model_page(folder: Path, figures: Mapping[str, Any], report: Path | None = None, *, out: Path | None = None) -> str:
    """The page of a saved model.

    Args:
        folder: Folder of the model.
        figures: As `evaluate_saved` returns them.
        report: Folder of a report on the videos on which the model was tested. The names of videos with a page there
            link to the moment of the largest error. None: no links.
        out: The final path of the folder if it is still being written; None: `folder`.

    Raises:
        InputError: The folder is not a model, or a file in it is damaged.
        WeightsError: The drawing library could not be downloaded.
    """
    document = read_document(folder)
    try:
        history, predictions = (read_table(folder / name) for name in (HISTORY, OUT_OF_FOLD))
        return _render(out or folder, document, figures, history, predictions, report)
    except _DAMAGE as error:
        raise InputError(
            f"{folder}: is damaged ({one_line(error)}); compute its figures again with avcues evaluate, or retrain it"
        ) from error


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
            drawn=[name for name, result in dimensions.items() if result["kind"] == "course"],
            raters=any(result["human"] for result in dimensions.values()),
            courses=any(result["kind"] == "course" for result in dimensions.values()),
            confusions={name: result["model"] for name, result in dimensions.items() if result["kind"] == "shares"},
            scatters=[_scatter(name, result) for name, result in dimensions.items() if result["kind"] == "clips"],
            losses=history.num_rows > 0,
            reliance=list(_reliance(dimensions)),
            footer=f"avcues {document.avcues}; {', '.join(' '.join(item) for item in document.versions.items())}.",
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
    """Yields a bar chart for each measure of what the model relies on."""
    for is_shares in (False, True):
        same_kind = {name: result for name, result in dimensions.items() if (result["kind"] == "shares") == is_shares}
        if not same_kind:
            continue
        loss_text = "Cross-entropy gained" if is_shares else "CCC lost"
        tables = {name: result["importance"]["tables"] for name, result in same_kind.items()}
        yield _bars("Importance of each table", f"{loss_text} when the table is replaced by another video's.", tables)
        modalities = {name: result["importance"].get("modalities", {}) for name, result in same_kind.items()}
        if any(modalities.values()):
            note = f"{loss_text} when all tables of a modality are replaced by another video's."
            yield _bars("Importance of each modality", note, modalities)
        ablation_losses = {
            name: {table: figures["model_is_better_by"]["difference"] for table, figures in result["ablation"].items()}
            for name, result in same_kind.items()
            if all(figures["model_is_better_by"] for figures in result["ablation"].values())
        }
        if any(ablation_losses.values()):
            measure = "UAR" if is_shares else "CCC"
            yield _bars("Ablation", f"{measure} lost when the model is fitted without the table.", ablation_losses)
    families = {
        name: {family["family"]: family["weight"] for family in result["importance"].get("families", [])}
        for name, result in dimensions.items()
    }
    if any(families.values()):
        yield _bars(
            "Weight by descriptor family",
            "Sum of absolute coefficients of scaled features, averaged over folds.",
            families,
        )


def _scatter(name: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """The label and prediction of each clip, as points in a square of 100 by 100."""
    clips = result["model"]["per_video"]
    values = [clip[key] for clip in clips for key in ("target", "prediction")]
    low, high = min(values), max(values)
    span = high - low or 1.0

    def position(value: float) -> float:
        return round(4 + 92 * (value - low) / span, 2)

    points = [
        {
            "x": position(clip["target"]),
            "y": 100 - position(clip["prediction"]),
            "description": f"{clip['video_id']}: label {clip['target']:.3f}, prediction {clip['prediction']:.3f}",
        }
        for clip in clips
    ]
    return {"name": name, "ccc": headline_value(result), "low": low, "high": high, "points": points}


def _bars(title: str, note: str, values: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    largest = max([abs(value) for by_name in values.values() for value in by_name.values()], default=0) or 1
    rows = [
        {"dimension": dimension, "name": name, "value": value, "share": 100 * max(0.0, value) / largest}
        for dimension, by_name in values.items()
        for name, value in list(by_name.items())[:_LISTED_BARS]
    ]
    return {"title": title, "note": note, "rows": rows}


def _pages(folder: Path, report: Path | None) -> dict[str, str]:
    """By video, the address of its page relative to the page of the model."""
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
    """Everything that the page draws of predictions over time, as compressed JSON."""
    unablated = predictions.filter(pc.is_null(predictions["without"]))
    drawn_dimensions = []
    for name, result in dimensions.items():
        if result["kind"] != "course":
            continue
        videos = _videos(unablated.filter(pc.equal(unablated["dimension"], name)), result["model"]["per_video"])
        values = [
            value for video in videos for key in ("gold", "low", "high") for value in video[key] if value is not None
        ]
        margin = 0.04 * (max(values) - min(values)) or 0.1
        drawn_dimensions.append(
            {
                "name": name,
                "mean": result["model"]["ccc"]["mean"],
                "human": result["human"]["mean"] if result["human"] else None,
                "low": min(values) - margin,
                "high": max(values) + margin,
                "videos": videos,
                "losses": _losses(history.filter(pc.equal(history["dimension"], name))),
            }
        )
    return packed_json({"step": float(Fraction(document.step)), "dimensions": drawn_dimensions, "pages": pages})


def _videos(table: pa.Table, video_scores: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each video's label and prediction from its first labelled window on; the worst video comes first."""
    rows = table.group_by("video_id", use_threads=False).aggregate([])["video_id"].to_pylist()
    index_of_video = {video_id: i for i, video_id in enumerate(rows)}
    video_of_row = np.array([index_of_video[video_id] for video_id in table["video_id"].to_pylist()])
    window, fold = table["window"].to_numpy(), table["fold"].to_numpy()
    target, prediction = table["target"].to_numpy(), table["prediction"].to_numpy()
    videos = []
    for entry in sorted(video_scores, key=lambda entry: (entry["ccc"] is not None, entry["ccc"] or 0.0)):
        video_rows = np.flatnonzero(video_of_row == index_of_video[entry["video_id"]])
        first = int(window[video_rows].min())
        videos.append(
            {
                "id": entry["video_id"],
                "fold": int(fold[video_rows[0]]),
                **{key: entry[key] for key in ("ccc", "pearson", "rmse")},
                "first": first,
                "gold": _over_seeds(window[video_rows] - first, target[video_rows], np.fmax),
                "prediction": _mean(window[video_rows] - first, prediction[video_rows]),
                "low": _over_seeds(window[video_rows] - first, prediction[video_rows], np.fmin),
                "high": _over_seeds(window[video_rows] - first, prediction[video_rows], np.fmax),
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
    """The losses of all epochs, an entry per stage, fold and seed."""
    runs: dict[tuple[str, int, int], dict[str, Any]] = {}
    for row in history.to_pylist():
        key = (row["stage"], row["fold"], row["seed"])
        run = runs.setdefault(key, {"stage": row["stage"], "train": [], "validation": []})
        run["train"].append(_rounded(row["train"]))
        run["validation"].append(_rounded(row["validation"]))
    return sorted(runs.values(), key=lambda run: run["stage"] != "main")


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
