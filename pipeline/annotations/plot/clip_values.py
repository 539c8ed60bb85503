"""The ratings and labels of single clips, by setup and rater."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.results import Results

Values = npt.NDArray[np.float64]


def values_of_clip(results: Results, dimension: str, video_id: str) -> dict[tuple[str, str], float]:
    """By setup and rater, the rating of a clip, or the mean of its series; each round counts as a rater of its own."""
    return {
        (setup, rater): value for video, setup, rater, value in _each_rating(results, dimension) if video == video_id
    }


def clip_means(results: Results, dimension: str) -> dict[str, dict[str, float]]:
    """By setup and clip, the mean over raters."""
    values: dict[str, dict[str, list[float]]] = {}
    for video, setup, _, value in _each_rating(results, dimension):
        values.setdefault(setup, {}).setdefault(video, []).append(value)
    return {
        setup: {video: float(np.mean(ratings)) for video, ratings in clips.items()} for setup, clips in values.items()
    }


def _each_rating(results: Results, dimension: str) -> Iterator[tuple[str, str, str, float]]:
    """Video, setup, rater, and the rating or the mean of the series."""
    series, clips, _ = results.rated
    for rated, over_time in ((series, True), (clips, False)):
        code = rated.names["dimension"].index(dimension)
        part = rated.filter(rated.codes["dimension"] == code)
        if over_time:
            values = part.reduce(np.add.reduceat) / np.maximum(part.lengths, 1)
            videos = [part.names["video_id"][i] for i in part.codes["video_id"]]
            series_index = np.arange(len(part))
        else:
            values, series_index = part.value, part.series_index
            videos = [part.names["video_id"][i] for i in part.window]
        keys = {
            key: [part.names[key][i] if i >= 0 else "" for i in part.codes[key][series_index]]
            for key in ("setup", "rater", "round")
        }
        for video, setup, rater, round_, value in zip(
            videos, keys["setup"], keys["rater"], keys["round"], values, strict=True
        ):
            yield video, setup, f"{rater} {round_}".strip(), float(value)


def labels_of_clip(results: Results, video_id: str) -> dict[tuple[str, str], list[str]]:
    """By setup and rater, the labels of a clip in all dimensions of labels that are rated once per clip."""
    labels: dict[tuple[str, str], list[str]] = {}
    for dimension in results.annotations.nominal():
        choices = results.choices(dimension.name)
        if video_id not in choices.names["video"]:
            continue
        chosen = choices.filter((choices.video == choices.names["video"].index(video_id)) & (choices.window < 0))
        for row, setup, rater, round_ in zip(chosen.chosen, chosen.setup, chosen.rater, chosen.round, strict=True):
            round_name = choices.names["round"][round_] if round_ >= 0 else ""
            key = (choices.names["setup"][setup], f"{choices.names['rater'][rater]} {round_name}".strip())
            labels.setdefault(key, []).extend(
                name for name, is_chosen in zip(choices.labels, row, strict=True) if is_chosen
            )
    return labels


def series_by_setup(results: Results, video_id: str) -> Iterator[tuple[str, str, list[str], Values]]:
    """Dimension, setup, raters, and (raters, windows) ratings of a clip; each round of a rater is a row."""
    series = results.rated[0]
    if video_id not in series.names["video_id"]:
        return
    clip_rows = series.filter(series.codes["video_id"] == series.names["video_id"].index(video_id))
    parts_by_setup: dict[tuple[str, str], list[tuple[list[str], Values]]] = {}
    for cells in clip_rows.cells():
        for i, values in enumerate(cells.values):
            is_rater = cells.rater[i] >= 0
            dimension, setup = (series.names[key][cells.codes[key][i]] for key in ("dimension", "setup"))
            raters = [series.names["rater"][code] for code in cells.rater[i][is_rater]]
            parts_by_setup.setdefault((dimension, setup), []).append((raters, values[is_rater]))
    for (dimension, setup), parts in parts_by_setup.items():
        longest = max(values.shape[1] for _, values in parts)
        padded = [
            np.pad(values, ((0, 0), (0, longest - values.shape[1])), constant_values=np.nan) for _, values in parts
        ]
        stacked = np.concatenate(padded)
        end = 1 + int(np.flatnonzero(np.isfinite(stacked).any(axis=0))[-1])
        yield dimension, setup, [name for raters, _ in parts for name in raters], stacked[:, :end]
