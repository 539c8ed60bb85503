"""The overview of a dataset: correlations of its columns, unusual videos and missing values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.pipeline.report.index import link
from avcues.pipeline.report.packing import packed_json
from avcues.pipeline.report.page import templates
from avcues.pipeline.report.series import numbers
from avcues.pipeline.report.summaries import TableSummary
from avcues.pipeline.report.video import Values

PAGE = "overview.html"
FEWEST_VIDEOS = 10
"""With fewer videos, correlations and outliers mean nothing."""

_MAIN = (
    *("emobase.pcm_loudness_sma_amean", "rhythm.tempo_bpm", "rhythm.onset_count", "rhythm.pulse_clarity"),
    *("color.saturation_mean", "color.colourfulness", "lighting.median_brightness", "lighting.lighting_key"),
    *("lighting.shadow_proportion", "motion.motion_mean", "expressions.faces", "expressions.happy", "scenes.indoor"),
)
_MOST_MAIN = 14
_LISTED = 15
_UNUSUAL = 20
_OUTLYING = 3.5
"""Distance from the median in robust standard deviations (Iglewicz & Hoaglin 1993)."""
_MAD_TO_SD = 1.4826
_SHUFFLES = 100
_CLASS_UNITS = ("probability", "count", "fraction")


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The data of the page.

    Args:
        title: Name of the dataset.
        videos: Ids in the order of all arrays.
        tables: Summaries of the tables with a row per window.
        targets: By name, (videos,) mean ratings or predictions; NaN where there is none.
        files: The files of the means, as `write_means` returns them.
        linked: Ids of the videos that have a page.
    """

    title: str
    videos: Sequence[str]
    tables: Sequence[TableSummary]
    targets: Mapping[str, Values]
    files: Sequence[Mapping[str, Any]]
    linked: Collection[str]


def render(dataset: Dataset, *, agreement: str | None = None, histograms: str | None = None) -> str:
    """The page as text."""
    unusual, compared = _unusual(dataset)
    return (
        templates()
        .get_template("overview.html")
        .render(
            title=dataset.title,
            videos=len(dataset.videos),
            columns=sum(len(table.columns) for table in dataset.tables),
            agreement=agreement,
            histograms=histograms,
            targets=list(dataset.targets),
            missing=[_missing(dataset, table) for table in dataset.tables],
            unusual=unusual,
            compared=compared,
            enough=len(dataset.videos) >= FEWEST_VIDEOS,
            fewest=FEWEST_VIDEOS,
            linked=dataset.linked,
            link=link,
            percent=_percent,
            readable=_readable,
            outlying=_OUTLYING,
            data=packed_json(
                {
                    "videos": dataset.videos,
                    "files": dataset.files,
                    "main": {name: numbers(values) for name, values in _main(dataset).items()},
                    "targets": list(dataset.targets),
                    "related": {name: _related(dataset, name) for name in dataset.targets},
                }
            ),
        )
    )


def _percent(share: float) -> str:
    """A share in percent: only 0 itself is shown as 0 %, and only 1 as 100 %."""
    rounded = round(100 * share)
    if 0 < share < 0.01:
        return "under 1 %"
    return "99 %" if rounded == 100 and share < 1 else f"{rounded} %"


def _readable(value: float) -> str:
    return f"{value + 0.0:.3g}".replace("-", "−")


def correlations(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[Values, Values]:
    """Pearson's r of each column of `x` with each of `y`, and the number of rows that have both values.

    Args:
        x: (rows, columns), NaN where a value is missing.
        y: (rows, targets), likewise.

    Returns:
        Both (columns, targets); r is NaN where it is not defined.
    """
    (x, known), (y, rated) = _centred(x), _centred(y)
    n = known.T @ rated
    with np.errstate(invalid="ignore", divide="ignore"):
        sx, sy = x.T @ rated, known.T @ y
        xx, yy = (x * x).T @ rated - sx * sx / n, known.T @ (y * y) - sy * sy / n
        defined = (n > 2) & (xx > 1e-12 * n) & (yy > 1e-12 * n)
        r = np.where(defined, (x.T @ y - sx * sy / n) / np.sqrt(xx * yy), np.nan)
    return np.clip(r, -1, 1), n


def _centred(values: npt.NDArray[Any]) -> tuple[Values, Values]:
    """Standardised columns with 0 for missing values, and a mask: 1 where there is a value, else 0."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.sum(values, axis=0, where=known, dtype=np.float64) / count
    deviations = np.where(known, values - mean, 0.0)
    sd = np.sqrt((deviations**2).sum(axis=0) / count)
    constant = sd <= 1e-6 * np.abs(mean)
    return np.where(constant, 0.0, deviations / np.where(constant, 1.0, sd)), known.astype(np.float64)


def _main(dataset: Dataset) -> dict[str, Values]:
    """The columns of the matrix: ratings and predictions, and some columns of each table."""
    means = {name: table.means[:, i] for table in dataset.tables for i, name in enumerate(table.names)}
    chosen = [name for name in _MAIN if name in means]
    for table in dataset.tables:
        if table.table != "timeline" and not any(name.startswith(f"{table.table}.") for name in chosen):
            chosen += table.names[:1]
    shown = [name for name in chosen if not np.isnan(means[name]).all()][:_MOST_MAIN]
    return {**dataset.targets, **{name: means[name].astype(np.float64) for name in shown}}


def _related(dataset: Dataset, target: str) -> dict[str, Any]:
    """The columns that correlate best with a target: "between" the means of videos, and "within" videos over windows.

    "chance" is the |r| that the best column exceeds in 5 % of random permutations of the videos.
    """
    y = dataset.targets[target]
    rated = int((~np.isnan(y)).sum())
    document: dict[str, Any] = {"videos": rated, "between": [], "within": [], "chance": None, "windows": 0}
    names = [name for table in dataset.tables for name in table.names]
    if rated >= FEWEST_VIDEOS and names:
        means = np.concatenate([table.means for table in dataset.tables], axis=1)
        r, n = correlations(means, y[:, None])
        document["between"] = _strongest(names, np.where(n[:, 0] >= FEWEST_VIDEOS, r[:, 0], np.nan))
        random = np.random.default_rng(0)
        known = np.flatnonzero(~np.isnan(y))
        shuffled = np.stack([y[random.permutation(known)] for _ in range(_SHUFFLES)], axis=1)
        by_chance = np.nanmax(np.abs(correlations(means[known], shuffled)[0]), axis=0, initial=0)
        document["chance"] = round(float(np.quantile(by_chance, 0.95)), 2)
    within = np.concatenate([table.within.get(target, np.full(len(table.columns), np.nan)) for table in dataset.tables])
    document["within"] = _strongest(names, within)
    document["windows"] = max((table.windows.get(target, 0) for table in dataset.tables), default=0)
    return document


def _strongest(names: Sequence[str], r: Values) -> list[tuple[str, float]]:
    order = np.argsort(-np.abs(np.nan_to_num(r)), kind="stable")[:_LISTED]
    return [(names[int(i)], round(float(r[i]), 3)) for i in order if not np.isnan(r[i])]


def _missing(dataset: Dataset, table: TableSummary) -> dict[str, Any]:
    """Missing values of a table: overall, by video and by column."""
    videos_without = [dataset.videos[int(i)] for i in np.flatnonzero(np.isnan(table.missing).all(axis=1))]
    present = table.missing[~np.isnan(table.missing).all(axis=1)]
    by_column = present.mean(axis=0) if len(present) else np.zeros(len(table.columns))
    by_video = np.where(np.isnan(table.missing).all(axis=1), 1.0, np.nan_to_num(table.missing).mean(axis=1))
    worst = np.argsort(-by_column, kind="stable")[:3]
    return {
        "table": table.table,
        "columns": len(table.columns),
        "lacking": videos_without,
        "share": float(present.mean()) if present.size else 1.0,
        "videos": [round(float(part.mean()), 3) for part in np.array_split(by_video, min(len(by_video), 120))],
        "worst": [(table.columns[i].name, float(by_column[i])) for i in worst if by_column[i] > 0],
        "even": bool(np.ptp(by_column) < 1e-6) if len(by_column) else True,
    }


def _unusual(dataset: Dataset) -> tuple[list[dict[str, Any]], int]:
    """The videos that stand out in the most columns, and the number of columns that were compared."""
    if len(dataset.videos) < FEWEST_VIDEOS:
        return [], 0
    names, distances, means = [], [], []
    for table in dataset.tables:
        chosen = [i for i, column in enumerate(table.columns) if column.unit not in _CLASS_UNITS]
        if table.table == "timeline" or not chosen:
            continue
        values = table.means[:, chosen].astype(np.float64)
        known = (~np.isnan(values)).sum(axis=0) >= FEWEST_VIDEOS
        values = values[:, known]
        median = np.nanmedian(values, axis=0)
        sd = _MAD_TO_SD * np.nanmedian(np.abs(values - median), axis=0)
        usable = sd > 1e-6 * np.abs(median)
        names += [table.names[i] for i, k in zip(np.array(chosen)[known], usable, strict=True) if k]
        means.append(values[:, usable])
        distances.append(((values - median) / np.where(usable, sd, 1))[:, usable])
    if not names:
        return [], 0
    distance, mean = np.concatenate(distances, axis=1), np.concatenate(means, axis=1)
    outlying = np.abs(np.nan_to_num(distance)) > _OUTLYING
    listed = []
    for i in np.argsort(-outlying.sum(axis=1), kind="stable")[:_UNUSUAL]:
        if outlying[i].any():
            best = np.argsort(-np.abs(np.nan_to_num(distance[i])), kind="stable")[:3]
            columns = [(names[j], float(mean[i, j]), float(distance[i, j])) for j in best if outlying[i, j]]
            listed.append({"video": dataset.videos[int(i)], "count": int(outlying[i].sum()), "columns": columns})
    return listed, len(names)
