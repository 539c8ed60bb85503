"""The overview of a dataset: correlations of its columns, unusual videos and missing values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.pipeline.report.index import page_address
from avcues.pipeline.report.packing import packed_json
from avcues.pipeline.report.page import templates
from avcues.pipeline.report.series import numbers
from avcues.pipeline.report.summaries import TableSummary
from avcues.pipeline.report.video import Values

PAGE = "overview.html"
MIN_VIDEOS = 10
"""With fewer videos, correlations and outliers have no meaning."""

_MATRIX_COLUMNS = (
    *("emobase.pcm_loudness_sma_amean", "rhythm.tempo_bpm", "rhythm.onset_count", "rhythm.pulse_clarity"),
    *("color.saturation_mean", "color.colourfulness", "lighting.median_brightness", "lighting.lighting_key"),
    *("lighting.shadow_proportion", "motion.motion_mean", "expressions.faces", "expressions.happy", "scenes.indoor"),
)
_MAX_MATRIX_COLUMNS = 14
_LISTED_COLUMNS = 15
_LISTED_VIDEOS = 20
_OUTLIER_DISTANCE = 3.5
"""Distance from the median in robust standard deviations (Iglewicz & Hoaglin 1993)."""
_MAD_TO_SD = 1.4826
_SHUFFLES = 100
_CLASS_UNITS = ("probability", "count", "fraction")


@dataclass(frozen=True, kw_only=True)
class OverviewData:
    """The data of the page.

    Args:
        title: Name of the dataset.
        videos: Ids in the order of all arrays.
        tables: Summaries of the tables with a row per window.
        targets: By name, (videos,) mean ratings or predictions; NaN where one is missing.
        files: The files of the means, as `write_means` returns them.
        videos_with_page: Ids of the videos that have a page.
    """

    title: str
    videos: Sequence[str]
    tables: Sequence[TableSummary]
    targets: Mapping[str, Values]
    files: Sequence[Mapping[str, Any]]
    videos_with_page: Collection[str]


def render(dataset: OverviewData, *, agreement: str | None = None, histograms: str | None = None) -> str:
    """The page as HTML."""
    unusual, compared_columns = _unusual(dataset)
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
            compared_columns=compared_columns,
            has_enough_videos=len(dataset.videos) >= MIN_VIDEOS,
            min_videos=MIN_VIDEOS,
            videos_with_page=dataset.videos_with_page,
            link=page_address,
            percent=_percent,
            readable=_readable,
            outlier_distance=_OUTLIER_DISTANCE,
            data=packed_json(
                {
                    "videos": dataset.videos,
                    "files": dataset.files,
                    "main": {name: numbers(values) for name, values in _matrix_columns(dataset).items()},
                    "targets": list(dataset.targets),
                    "related": {name: _related(dataset, name) for name in dataset.targets},
                }
            ),
        )
    )


def _percent(share: float) -> str:
    """A share in percent; only exactly 0 is shown as 0 %, and only exactly 1 as 100 %."""
    rounded = round(100 * share)
    if 0 < share < 0.01:
        return "under 1 %"
    return "99 %" if rounded == 100 and share < 1 else f"{rounded} %"


def _readable(value: float) -> str:
    return f"{value + 0.0:.3g}".replace("-", "−")


def correlations(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[Values, Values]:
    """Pearson's r of each column of `x` with each column of `y`, and the number of rows that have both values.

    Args:
        x: (rows, columns), NaN where a value is missing.
        y: (rows, targets), NaN where a value is missing.

    Returns:
        (columns, targets) r, NaN where undefined, and (columns, targets) numbers of rows.
    """
    (x, has_x), (y, has_y) = _standardised(x), _standardised(y)
    n = has_x.T @ has_y
    with np.errstate(invalid="ignore", divide="ignore"):
        sx, sy = x.T @ has_y, has_x.T @ y
        xx, yy = (x * x).T @ has_y - sx * sx / n, has_x.T @ (y * y) - sy * sy / n
        is_defined = (n > 2) & (xx > 1e-12 * n) & (yy > 1e-12 * n)
        r = np.where(is_defined, (x.T @ y - sx * sy / n) / np.sqrt(xx * yy), np.nan)
    return np.clip(r, -1, 1), n


def _standardised(values: npt.NDArray[Any]) -> tuple[Values, Values]:
    """Standardised columns with 0 for missing values, and a mask that is 1 where a value is present, otherwise 0."""
    present = ~np.isnan(values)
    count = np.maximum(present.sum(axis=0), 1)
    mean = np.sum(values, axis=0, where=present, dtype=np.float64) / count
    deviations = np.where(present, values - mean, 0.0)
    sd = np.sqrt((deviations**2).sum(axis=0) / count)
    is_constant = sd <= 1e-6 * np.abs(mean)
    return np.where(is_constant, 0.0, deviations / np.where(is_constant, 1.0, sd)), present.astype(np.float64)


def _matrix_columns(dataset: OverviewData) -> dict[str, Values]:
    """The columns of the correlation matrix: ratings and predictions, and some columns of each table."""
    means = {name: table.means[:, i] for table in dataset.tables for i, name in enumerate(table.names)}
    names = [name for name in _MATRIX_COLUMNS if name in means]
    for table in dataset.tables:
        if table.table != "timeline" and not any(name.startswith(f"{table.table}.") for name in names):
            names += table.names[:1]
    names_with_values = [name for name in names if not np.isnan(means[name]).all()][:_MAX_MATRIX_COLUMNS]
    return {**dataset.targets, **{name: means[name].astype(np.float64) for name in names_with_values}}


def _related(dataset: OverviewData, target: str) -> dict[str, Any]:
    """The columns that correlate most with a target: "between" the means of videos, and "within" videos over windows.

    "chance" is the |r| that the best column exceeds in 5 % of random permutations of the videos.
    """
    y = dataset.targets[target]
    video_count = int((~np.isnan(y)).sum())
    document: dict[str, Any] = {"videos": video_count, "between": [], "within": [], "chance": None, "windows": 0}
    names = [name for table in dataset.tables for name in table.names]
    if video_count >= MIN_VIDEOS and names:
        means = np.concatenate([table.means for table in dataset.tables], axis=1)
        r, n = correlations(means, y[:, None])
        document["between"] = _strongest(names, np.where(n[:, 0] >= MIN_VIDEOS, r[:, 0], np.nan))
        random = np.random.default_rng(0)
        rated_videos = np.flatnonzero(~np.isnan(y))
        shuffled = np.stack([y[random.permutation(rated_videos)] for _ in range(_SHUFFLES)], axis=1)
        best_by_chance = np.nanmax(np.abs(correlations(means[rated_videos], shuffled)[0]), axis=0, initial=0)
        document["chance"] = round(float(np.quantile(best_by_chance, 0.95)), 2)
    within = np.concatenate([table.within.get(target, np.full(len(table.columns), np.nan)) for table in dataset.tables])
    document["within"] = _strongest(names, within)
    document["windows"] = max((table.windows.get(target, 0) for table in dataset.tables), default=0)
    return document


def _strongest(names: Sequence[str], r: Values) -> list[tuple[str, float]]:
    order = np.argsort(-np.abs(np.nan_to_num(r)), kind="stable")[:_LISTED_COLUMNS]
    return [(names[int(i)], round(float(r[i]), 3)) for i in order if not np.isnan(r[i])]


def _missing(dataset: OverviewData, table: TableSummary) -> dict[str, Any]:
    """Missing values of a table: overall, by video and by column."""
    videos_without = [dataset.videos[int(i)] for i in np.flatnonzero(np.isnan(table.missing).all(axis=1))]
    present = table.missing[~np.isnan(table.missing).all(axis=1)]
    by_column = present.mean(axis=0) if len(present) else np.zeros(len(table.columns))
    by_video = np.where(np.isnan(table.missing).all(axis=1), 1.0, np.nan_to_num(table.missing).mean(axis=1))
    worst = np.argsort(-by_column, kind="stable")[:3]
    return {
        "table": table.table,
        "columns": len(table.columns),
        "videos_without": videos_without,
        "share": float(present.mean()) if present.size else 1.0,
        "videos": [round(float(part.mean()), 3) for part in np.array_split(by_video, min(len(by_video), 120))],
        "worst": [(table.columns[i].name, float(by_column[i])) for i in worst if by_column[i] > 0],
        "is_even": bool(np.ptp(by_column) < 1e-6) if len(by_column) else True,
    }


def _unusual(dataset: OverviewData) -> tuple[list[dict[str, Any]], int]:
    """The videos that stand out in the most columns, and the number of columns that were compared."""
    if len(dataset.videos) < MIN_VIDEOS:
        return [], 0
    names, distances, means = [], [], []
    for table in dataset.tables:
        columns_compared = [i for i, column in enumerate(table.columns) if column.unit not in _CLASS_UNITS]
        if table.table == "timeline" or not columns_compared:
            continue
        values = table.means[:, columns_compared].astype(np.float64)
        in_enough_videos = (~np.isnan(values)).sum(axis=0) >= MIN_VIDEOS
        values = values[:, in_enough_videos]
        median = np.nanmedian(values, axis=0)
        sd = _MAD_TO_SD * np.nanmedian(np.abs(values - median), axis=0)
        varies = sd > 1e-6 * np.abs(median)
        names += [
            table.names[i]
            for i, column_varies in zip(np.array(columns_compared)[in_enough_videos], varies, strict=True)
            if column_varies
        ]
        means.append(values[:, varies])
        distances.append(((values - median) / np.where(varies, sd, 1))[:, varies])
    if not names:
        return [], 0
    distance, mean = np.concatenate(distances, axis=1), np.concatenate(means, axis=1)
    is_outlier = np.abs(np.nan_to_num(distance)) > _OUTLIER_DISTANCE
    listed = []
    for i in np.argsort(-is_outlier.sum(axis=1), kind="stable")[:_LISTED_VIDEOS]:
        if is_outlier[i].any():
            farthest = np.argsort(-np.abs(np.nan_to_num(distance[i])), kind="stable")[:3]
            columns = [(names[j], float(mean[i, j]), float(distance[i, j])) for j in farthest if is_outlier[i, j]]
            listed.append({"video": dataset.videos[int(i)], "count": int(is_outlier[i].sum()), "columns": columns})
    return listed, len(names)
