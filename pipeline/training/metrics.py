"""Every figure of a model, from the tables that were saved beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.store.model_files import COEFFICIENTS, IMPORTANCE, OUT_OF_FOLD, RATERS
from avcues.pipeline.store.parquet import read_table
from avcues.pipeline.training.baselines import BASELINES
from avcues.pipeline.training.evaluate import Predictions, evaluate, interval, paired, scores
from avcues.pipeline.training.importance import by_family

Scoring = Literal["video", "s111"]
_LISTED_COLUMNS = 20


def metrics(folder: Path, scoring: Scoring, human: Mapping[str, Any]) -> dict[str, Any]:
    """By dimension, how good a model is, beside what it is measured against.

    Args:
        human: By dimension, how well raters agree, as far as that is known.

    Returns:
        JSON values; null stands for what is not defined.
    """
    table = read_table(folder / OUT_OF_FOLD)
    found = {}
    for dimension in dict.fromkeys(table["dimension"].to_pylist()):
        rows = _where(table, dimension=dimension)
        whole = rows.filter(pc.is_null(rows["without"]))
        model = evaluate(_by_seed(whole, "prediction"), scoring)
        found[dimension] = {
            "model": model,
            "baselines": {name: _baseline(model, whole, name, scoring) for name in BASELINES},
            "human": human.get(dimension),
            "importance": _importance(folder, dimension),
            "ablation": _ablation(rows, model, scoring),
        }
        if (folder / RATERS).exists():
            found[dimension]["raters"] = _raters(_where(read_table(folder / RATERS), dimension=dimension))
    return found


def compare_videos(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any] | None:
    """A paired comparison by the CCC of the videos that both were tested on; None where there are none.

    Args:
        one: As `evaluate` returns it.
        other: As `evaluate` returns it.
    """
    of_one, of_other = (
        {entry["video_id"]: entry["ccc"] for entry in evaluated["per_video"] if entry["ccc"] is not None}
        for evaluated in (one, other)
    )
    videos = [video_id for video_id in of_one if video_id in of_other]
    if not videos:
        return None
    return paired(np.array([of_one[v] for v in videos]), np.array([of_other[v] for v in videos]))


def _baseline(model: Mapping[str, Any], whole: pa.Table, name: str, scoring: Scoring) -> dict[str, Any]:
    evaluated = evaluate(_by_seed(whole, name)[:1], scoring)
    figures = {key: value for key, value in evaluated.items() if key != "per_video"}
    return {**figures, "model_is_better_by": compare_videos(model, evaluated)}


def _ablation(rows: pa.Table, model: Mapping[str, Any], scoring: Scoring) -> dict[str, Any]:
    """By table, the model that was fitted without it, and how much better the whole model is."""
    found = {}
    for table in rows["without"].unique().drop_null().to_pylist():
        without = evaluate(_by_seed(_where(rows, without=table), "prediction"), scoring)
        found[table] = {"ccc": without["ccc"], "model_is_better_by": compare_videos(model, without)}
    return found


def _importance(folder: Path, dimension: str) -> dict[str, Any]:
    table = _where(read_table(folder / IMPORTANCE), dimension=dimension)
    lost = {name: table["lost_ccc"].to_numpy()[rows] for (name,), rows in _groups(table, "table")}
    means = {name: float(values.mean()) for name, values in lost.items()}
    found: dict[str, Any] = {"tables": dict(sorted(means.items(), key=lambda one: -one[1]))}
    if not (folder / COEFFICIENTS).exists():
        return found
    table = _where(read_table(folder / COEFFICIENTS), dimension=dimension)
    folds, values = table["fold"].unique(), table["coefficient"].to_numpy()
    # A column that does not vary in a fold has no coefficient there, which is one of 0.
    columns = {name: [*values[rows], *[0.0] * (len(folds) - len(rows))] for (name,), rows in _groups(table, "column")}
    largest = sorted(columns, key=lambda name: -np.mean(np.abs(columns[name])))[:_LISTED_COLUMNS]
    listed = {name: float(np.mean(columns[name])) for name in largest if any(columns[name])}
    return found | {"families": by_family(columns), "columns": listed}


def _raters(table: pa.Table) -> dict[str, Any]:
    """How well the series of each rater are met by their own head, and by the one prediction for all."""
    target, *given = (table[name].to_numpy() for name in ("target", "own_head", "prediction"))
    series: dict[str, dict[str, list[list[float]]]] = {}
    for (rater, video_id, _), rows in _groups(table, "rater", "video_id", "seed"):
        found = [scores(target[rows], values[rows])["ccc"] for values in given]
        series.setdefault(rater, {}).setdefault(video_id, []).append(found)
    per_rater = {}
    for rater, videos in sorted(series.items()):
        means = np.array([np.mean(seeds, axis=0) for seeds in videos.values()])
        per_rater[rater] = means[np.isfinite(means).all(axis=1)]
    known = {rater: means for rater, means in per_rater.items() if len(means)}
    if not known:
        return {"series": 0, "own_head": None, "prediction": None, "own_head_is_better_by": None, "per_rater": []}
    every = np.concatenate(list(known.values()))
    of_raters = np.array([means.mean(axis=0) for means in known.values()])
    return {
        "series": len(every),
        **{name: _summary(every[:, i]) for i, name in enumerate(("own_head", "prediction"))},
        "own_head_is_better_by": paired(of_raters[:, 0], of_raters[:, 1]) | {"over": "raters"},
        "per_rater": [
            {"rater": rater, "series": len(means), "own_head": float(own), "prediction": float(one)}
            for (rater, means), (own, one) in zip(known.items(), of_raters, strict=True)
        ],
    }


def _summary(values: npt.NDArray[np.float64]) -> dict[str, float]:
    low, high = interval(values)
    return {"mean": float(values.mean()), "sd": float(values.std()), "low": low, "high": high}


def _by_seed(table: pa.Table, column: str) -> list[Predictions]:
    found = []
    for (_,), of_seed in sorted(_groups(table, "seed"), key=lambda group: group[0]):
        rows = table.take(pa.array(of_seed))
        of_video = {video_id: chosen for (video_id,), chosen in _groups(rows, "video_id")}
        folds = rows["fold"].to_numpy()
        found.append(
            Predictions(
                videos=tuple(of_video),
                rows=tuple(of_video.values()),
                folds=tuple(int(folds[chosen[0]]) for chosen in of_video.values()),
                targets=rows["target"].to_numpy(),
                values=rows[column].to_numpy(),
            )
        )
    return found


def _where(table: pa.Table, **values: str) -> pa.Table:
    """The rows in which columns have the given values."""
    for name, value in values.items():
        table = table.filter(pc.equal(table[name], value))
    return table


def _groups(table: pa.Table, *keys: str) -> Iterator[tuple[tuple[Any, ...], npt.NDArray[np.int64]]]:
    """The rows of each combination of values, in the order in which these come first."""
    numbered = table.select(list(keys)).append_column("row", pa.array(np.arange(table.num_rows)))
    grouped = numbered.group_by(list(keys), use_threads=False).aggregate([("row", "list")])
    names = zip(*(grouped[key].to_pylist() for key in keys), strict=True)
    for name, rows in zip(names, grouped["row_list"], strict=True):
        yield name, rows.values.to_numpy()
