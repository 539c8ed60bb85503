"""Figures of the ratings of one clip in each setup, and of the mean ratings of all clips by setup."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.annotations.plot.clip_values import clip_means, labels_of_clip, series_by_setup, values_of_clip
from avcues.pipeline.annotations.ratings.keys import codes
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.annotations.results import NotShownError, Results
from avcues.pipeline.paper.figure import PaperFigure
from avcues.pipeline.paper.style import (
    COLUMN_INCHES,
    GREY,
    MARKERS,
    PAGE_INCHES,
    in_style,
    new_figure,
    setup_colors,
    shortened,
)
from avcues.pipeline.paper.text import file_name

Values = npt.NDArray[np.float64]

_RATER_INCHES = 0.15
_PANEL_INCHES = 1.0
_MOST_NAMED_CLIPS = 40
_LONGEST_LABELS = 62
_LETTER_INCHES = 0.06


def chosen_clip(results: Results) -> str:
    """The clip to draw if none is named: the one with the most raters among those rated in the most setups.

    Raises:
        NotShownError: Nothing is rated.
    """
    ratings = results.annotations.ratings
    if not len(ratings):
        raise NotShownError("nothing is rated")
    names = {"video_id": results.annotations.videos, "setup": results.annotations.setups}
    names["rater"] = results.annotations.rater_ids
    code = {key: codes(ratings[key], words) for key, words in names.items()}
    setups, raters = (
        np.bincount(np.unique(code["video_id"] * len(names[key]) + code[key]) // len(names[key]))
        for key in ("setup", "rater")
    )
    return names["video_id"][int(np.lexsort((np.arange(len(setups)), -raters, -setups))[0])]


def clip_ratings(results: Results, dimension: str, video_id: str | None = None) -> PaperFigure:
    """The ratings and labels of one clip by every rater in every setup.

    For ratings over time, the mean of the series is shown. After Figure 4 of Du et al. 2023.

    Args:
        dimension: Name of a dimension rated in numbers.
        video_id: Id of the clip; None: the one of `chosen_clip`.

    Raises:
        NotShownError: The clip has no usable rating.
    """
    video_id = video_id or chosen_clip(results)
    values = values_of_clip(results, dimension, video_id)
    labels = labels_of_clip(results, video_id)
    if not values:
        raise NotShownError(f"{video_id} has no usable rating of {dimension}")
    rated = results.annotations.dimension(dimension)
    setups = [s for s in results.annotations.setups if any(key[0] == s for key in (*values, *labels))]
    order = [
        f"{r} {round_}".strip() for r in results.annotations.rater_ids for round_ in results.annotations.rounds or [""]
    ]
    raters = {s: sorted({r for setup, r in (*values, *labels) if setup == s}, key=order.index) for s in setups}
    colors = setup_colors(results.annotations.setups)
    with in_style():
        lines = [len(raters[s]) for s in setups]
        height = 0.6 + 0.16 * len(setups) + _RATER_INCHES * sum(lines)
        words = {key: shortened(", ".join(names).replace("_", " "), _LONGEST_LABELS) for key, names in labels.items()}
        labels_width = _LETTER_INCHES * max(map(len, (*words.values(), "labels"))) if labels else 0
        figure = new_figure(min(PAGE_INCHES, COLUMN_INCHES + labels_width), max(1.5, height))
        panels = figure.subplots(
            len(setups),
            2 if labels else 1,
            squeeze=False,
            sharex="col",
            gridspec_kw={
                "height_ratios": lines,
                "width_ratios": [COLUMN_INCHES - 0.9, labels_width] if labels else [1],
            },
        )
        for i, setup in enumerate(setups):
            panel = panels[i, 0]
            for j, rater in enumerate(raters[setup]):
                if (setup, rater) in values:
                    panel.plot(values[setup, rater], j, MARKERS[i % len(MARKERS)], color=colors[setup])
                if labels:
                    panels[i, 1].text(0, j, words.get((setup, rater), ""), va="center", fontsize=7)
            panel.set_yticks(range(len(raters[setup])), [shortened(r, 12) for r in raters[setup]])
            panel.set_ylim(len(raters[setup]) - 0.4, -0.6)
            panel.set_ylabel(shortened(setup, 16), rotation=0, ha="right", va="center")
            panel.grid(axis="both")
            panel.tick_params(axis="y", length=0)
            _set_range(panel.set_xlim, panel.set_xticks, rated)
            if labels:
                panels[i, 1].set_ylim(panel.get_ylim())
                panels[i, 1].set_xlim(0, 1)
                panels[i, 1].set_axis_off()
        panels[-1, 0].set_xlabel(f"rated {dimension}")
        if labels:
            panels[0, 1].set_title("labels", loc="left")
    keys = sorted({*values, *labels}, key=lambda key: (setups.index(key[0]), order.index(key[1])))
    return PaperFigure(
        name=file_name("clip_ratings", dimension, video_id),
        caption=f"Ratings of {dimension}{' and labels' if labels else ''} of the clip {video_id} by every rater in "
        "every setup.",
        figure=figure,
        numbers=pa.table(
            {
                "setup": [setup for setup, _ in keys],
                "rater": [rater for _, rater in keys],
                dimension: pa.array([values.get(key) for key in keys], pa.float64()),
                "labels": ["; ".join(labels.get(key, ())) for key in keys],
            }
        ),
    )


def clip_series(results: Results, video_id: str | None = None) -> PaperFigure:
    """The ratings over time of one clip in every setup: each rater, their mean, and one standard deviation about it.

    After Figure 5 of Du et al. 2023.

    Args:
        video_id: Id of the clip; None: the one of `chosen_clip`.

    Raises:
        NotShownError: The clip has no usable series.
    """
    video_id = video_id or chosen_clip(results)
    cells = list(series_by_setup(results, video_id))
    if not cells:
        raise NotShownError(
            f"{video_id} has no usable series" if len(results.rated[0]) else "nothing is rated over time"
        )
    dimensions = list(dict.fromkeys(dimension for dimension, _, _, _ in cells))
    setups = [s for s in results.annotations.setups if any(setup == s for _, setup, _, _ in cells)]
    step = float(results.step)
    colors = setup_colors(results.annotations.setups)
    rows: list[tuple[str, str, float, str | None, float]] = []
    with in_style():
        figure = new_figure(COLUMN_INCHES if len(dimensions) == 1 else PAGE_INCHES, 0.55 + _PANEL_INCHES * len(setups))
        panels = figure.subplots(len(setups), len(dimensions), squeeze=False, sharex=True, sharey="col")
        for dimension, setup, raters, values in cells:
            panel = panels[setups.index(setup), dimensions.index(dimension)]
            is_rated = np.isfinite(values)
            with np.errstate(invalid="ignore"):
                mean = np.where(is_rated, values, 0).sum(0) / is_rated.sum(0)
                sd = np.sqrt(np.where(is_rated, (values - mean) ** 2, 0).sum(0) / is_rated.sum(0))
            time = np.arange(values.shape[1]) * step
            panel.plot(time, values.T, color=GREY, linewidth=0.5, alpha=0.6)
            panel.fill_between(time, mean - sd, mean + sd, color=colors[setup], alpha=0.25, linewidth=0)
            panel.plot(time, mean, color=colors[setup], linewidth=1.6)
            _set_range(panel.set_ylim, panel.set_yticks, results.annotations.dimension(dimension))
            for rater, series in ((None, mean), *zip(raters, values, strict=True)):
                rows += [
                    (dimension, setup, float(t), rater, float(v))
                    for t, v in zip(time, series, strict=True)
                    if np.isfinite(v)
                ]
        for j, dimension in enumerate(dimensions):
            panels[0, j].set_title(dimension)
            panels[-1, j].set_xlabel("time, s")
        for i, setup in enumerate(setups):
            panels[i, 0].set_ylabel(shortened(setup))
    columns = ("dimension", "setup", "time", "rater", "value")
    return PaperFigure(
        name=file_name("clip_series", video_id),
        caption=f"Ratings over time of the clip {video_id} in every setup: raters (grey), their mean, and one "
        "standard deviation "
        "about it (ddof 0). In the numbers a row without a rater is the mean.",
        figure=figure,
        numbers=pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))),
    )


def ratings_by_clip(results: Results, dimension: str) -> PaperFigure:
    """The mean rating of every clip in every setup; clips are ordered by the setup in which everything is shown.

    For ratings over time, the mean of each series is used. After Figure 5 of Du et al. 2023.

    Args:
        dimension: Name of a dimension rated in numbers.

    Raises:
        NotShownError: There is one setup only, or no clip is rated in the setup that shows everything.
    """
    means = clip_means(results, dimension)
    full_setup = results.everything
    if not means.get(full_setup):
        raise NotShownError(f"no clip is rated for {dimension} in {full_setup}")
    clips = sorted(means[full_setup], key=lambda video_id: (means[full_setup][video_id], video_id))
    setups = [s for s in results.annotations.setups if means.get(s)]
    colors = setup_colors(results.annotations.setups)
    with in_style():
        figure = new_figure(PAGE_INCHES, 2.9 if len(clips) <= _MOST_NAMED_CLIPS else 2.4)
        panel = figure.subplots()
        for i, setup in enumerate(sorted(setups, key=lambda s: s == full_setup)):
            values = [means[setup].get(video_id, np.nan) for video_id in clips]
            is_full_setup = setup == full_setup
            panel.plot(
                range(len(clips)),
                values,
                linestyle="-" if is_full_setup else "none",
                color="black" if is_full_setup else colors[setup],
                marker=None if is_full_setup else MARKERS[i % len(MARKERS)],
                markersize=3.5,
                linewidth=1.6,
                label=setup,
            )
        if len(clips) <= _MOST_NAMED_CLIPS:
            panel.set_xticks(range(len(clips)), [shortened(clip, 14) for clip in clips], rotation=90)
        panel.set_xlim(-0.6, len(clips) - 0.4)
        panel.set_xlabel(f"clips, by {dimension} in {full_setup}")
        panel.set_ylabel(f"mean {dimension}")
        panel.grid(axis="y")
        _set_range(panel.set_ylim, panel.set_yticks, results.annotations.dimension(dimension))
        figure.legend(loc="outside upper center", ncols=len(setups))
    rows = [(video_id, s, means[s][video_id]) for video_id in clips for s in setups if video_id in means[s]]
    left_out = len({video_id for s in setups for video_id in means[s]} - set(clips))
    missing = f" {left_out} clips that are not rated in {full_setup} are left out." if left_out else ""
    return PaperFigure(
        name=file_name("ratings_by_clip", dimension),
        caption=f"Mean {dimension} over raters of {len(clips)} clips in every setup, in the order of "
        f"{full_setup}.{missing}",
        figure=figure,
        numbers=pa.table(dict(zip(("video_id", "setup", "mean"), map(list, zip(*rows, strict=True)), strict=True))),
    )


def _set_range(set_limits: Any, set_ticks: Any, dimension: Dimension) -> None:
    """Sets the axis to the dimension's range, with a margin for markers at its ends."""
    if dimension.low is None or dimension.high is None:
        return
    margin = 0.06 * (dimension.high - dimension.low)
    set_limits(dimension.low - margin, dimension.high + margin)
    if (
        dimension.high - dimension.low <= 10
        and float(dimension.low).is_integer()
        and dimension.high - dimension.low > 2
    ):
        set_ticks(np.arange(dimension.low, dimension.high + 0.5))
