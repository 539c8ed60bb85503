"""Figures of how far ratings in different setups lie apart, and of the polarity of inconsistent ratings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.annotations.across_setups.inconsistency import DifferenceScore, Inconsistency
from avcues.pipeline.annotations.across_setups.perspectives import Perspective, Perspectives
from avcues.pipeline.annotations.across_setups.polarity import POLARITIES, polarity_of
from avcues.pipeline.annotations.results import NotShownError, Results
from avcues.pipeline.paper.figure import PaperFigure
from avcues.pipeline.paper.style import (
    BLUE,
    COLUMN_INCHES,
    GREY,
    PAGE_INCHES,
    VERMILION,
    in_style,
    new_figure,
    shortened,
)
from avcues.pipeline.paper.table import decimal
from avcues.pipeline.paper.text import file_name

Values = npt.NDArray[np.float64]

_MOST_MATRICES = 12
_MOST_COLUMNS = 4
_MOST_BARS = 16
_BINS = 16
_POLARITY_COLORS = (VERMILION, "#BDBDBD", BLUE)
_POLARITY_HATCHES = ("////", "", "....")


def rounds_of(measured: Perspectives) -> Iterator[tuple[str, Perspective]]:
    """Every round over all its clips, with its name for file names and captions."""
    for part in measured.rounds:
        if part.clips == "all":
            yield part.round or "", part


def difference_matrices(results: Results, dimension: str) -> Iterator[PaperFigure]:
    """Difference scores of every pair of setups, one matrix per rater and one for their mean; one figure per round.

    Where no rater met a clip in two setups, the one matrix compares the means over raters. After Figure 2 of Du et al.
    2023.

    Args:
        dimension: Rated in numbers.

    Raises:
        NotShownError: There is one setup only, or no clip was rated in two.
    """
    measured = results.perspectives[dimension]
    for round_, part in rounds_of(measured):
        matrices, notes = _matrices(part)
        if not matrices:
            raise NotShownError(f"no clip was rated for {dimension} in two setups")
        yield _drawn_matrices(measured, matrices, notes, round_)


def _matrices(part: Perspective) -> tuple[dict[str, list[tuple[DifferenceScore, float, int]]], str]:
    """By title, the pairs of setups with score and number of clips; and a note for the caption."""
    raters = [
        name
        for name in part.differences[0].raters
        if any(pair.raters[name].value is not None for pair in part.differences)
    ]
    if not raters:
        mean_pairs = [
            (pair, pair.mean.value, next(iter(pair.raters.values())).n or 0) for pair in part.clip_means.differences
        ]
        defined = [(pair, value, n) for pair, value, n in mean_pairs if value is not None]
        note = (
            "No rater met a clip in two setups, so the means over raters are compared, with the noise of both groups."
        )
        return ({"means over raters": defined} if defined else {}), note
    matrices = {}
    for name in raters[: _MOST_MATRICES - 1]:
        rater_pairs = [(pair, pair.raters[name].value, pair.raters[name].n or 0) for pair in part.differences]
        matrices[name] = [(pair, value, n) for pair, value, n in rater_pairs if value is not None]
    if len(raters) > 1:
        means = [(pair, pair.mean.value, pair.mean.n or 0) for pair in part.differences]
        matrices["mean over raters"] = [(pair, value, n) for pair, value, n in means if value is not None]
    unshown_raters = len(raters) - (_MOST_MATRICES - 1)
    return (
        matrices,
        f"{unshown_raters} more raters are in the mean and the numbers alone." if unshown_raters > 0 else "",
    )


def _drawn_matrices(
    measured: Perspectives, matrices: dict[str, list[tuple[DifferenceScore, float, int]]], note: str, round_: str
) -> PaperFigure:
    setups = measured.setups
    highest = max(value for pairs in matrices.values() for _, value, _ in pairs)
    columns_of_panels = min(_MOST_COLUMNS, len(matrices))
    rows_of_panels = -(-len(matrices) // columns_of_panels)
    with in_style():
        panel_inches = (COLUMN_INCHES if len(matrices) == 1 else PAGE_INCHES - 0.9) / columns_of_panels
        figure = new_figure(
            COLUMN_INCHES if len(matrices) == 1 else max(COLUMN_INCHES, panel_inches * columns_of_panels + 0.9),
            panel_inches * 0.95 * rows_of_panels + 0.3,
        )
        panels = figure.subplots(rows_of_panels, columns_of_panels, squeeze=False)
        image: Any = None
        for number, panel in enumerate(panels.flat):
            if number >= len(matrices):
                panel.set_axis_off()
                continue
            title = list(matrices)[number]
            matrix = np.full((len(setups), len(setups)), np.nan)
            for pair, value, _ in matrices[title]:
                i, j = sorted(setups.index(name) for name in pair.setups)
                matrix[j, i] = value
            image = panel.imshow(matrix[1:, :-1], cmap="Blues", vmin=0, vmax=highest)
            panel.set_title(shortened(title, 22))
            is_leftmost, is_lowest = number % columns_of_panels == 0, number + columns_of_panels >= len(matrices)
            panel.set_xticks(
                range(len(setups) - 1), [shortened(s, 14) for s in setups[:-1]] if is_lowest else [], rotation=90
            )
            panel.set_yticks(range(len(setups) - 1), [shortened(s, 14) for s in setups[1:]] if is_leftmost else [])
            panel.tick_params(length=0)
            panel.spines[:].set_visible(False)
            for (i, j), value in np.ndenumerate(matrix[1:, :-1]):
                if np.isfinite(value):
                    dark = value > 0.6 * highest
                    panel.text(
                        j,
                        i,
                        decimal(value, 2),
                        ha="center",
                        va="center",
                        color="white" if dark else "black",
                        fontsize=7,
                    )
        bar = figure.colorbar(image, ax=panels, shrink=0.8, pad=0.02)
        bar.set_label("difference score")
        bar.outline.set_visible(False)
    rows = [(title, *pair.setups, value, n) for title, pairs in matrices.items() for pair, value, n in pairs]
    columns = ("rater", "setup", "other_setup", "difference", "n")
    return PaperFigure(
        name=file_name("difference_matrices", measured.dimension, *([round_] if round_ else [])),
        caption=f"Difference scores of {measured.dimension} between setups{f', round {round_}' if round_ else ''}: "
        "root mean "
        f"squared difference of a rater's ratings of the same clips. {note}".strip(),
        figure=figure,
        numbers=pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))),
    )


def inconsistency(results: Results, dimension: str) -> Iterator[PaperFigure]:
    """How many ratings have each inconsistency score, and of which polarity they are; one figure per round.

    Where no rater met a clip in every setup, the scores are of the means over raters. After Figure 3 of Du et al. 2023.

    Args:
        dimension: Rated in numbers.

    Raises:
        NotShownError: There is one setup only, or no clip was rated in all.
    """
    measured = results.perspectives[dimension]
    for round_, part in rounds_of(measured):
        uses_means = part.inconsistency is None
        scored = part.clip_means.inconsistency if uses_means else part.inconsistency
        if scored is None:
            raise NotShownError(f"no clip was rated for {dimension} in every setup")
        yield _drawn_scores(measured, scored, "clips, by the means over raters" if uses_means else "ratings", round_)


def _drawn_scores(measured: Perspectives, scored: Inconsistency, scored_units: str, round_: str) -> PaperFigure:
    scores = np.array([row["score"] for row in scored.clips])
    rated = np.array([row["against"] for row in scored.clips])
    neutral = measured.neutral
    polarity = np.zeros(len(rated), np.int64) if neutral is None else polarity_of(rated, neutral)
    names = ("not known",) if neutral is None else POLARITIES
    distinct = np.unique(scores)
    by_value = len(distinct) <= _MOST_BARS
    edges = np.append(distinct, np.inf) if by_value else np.linspace(0, scores.max(), _BINS + 1)
    counts = np.stack([np.histogram(scores[polarity == i], edges)[0] for i in range(len(names))])
    positions = np.arange(len(distinct)) if by_value else (edges[:-1] + edges[1:]) / 2
    width = 0.8 if by_value else 0.9 * (edges[1] - edges[0])
    with in_style():
        figure = new_figure(COLUMN_INCHES, 2.5)
        panel = figure.subplots()
        below = np.zeros(len(positions))
        for i, name in enumerate(names):
            panel.bar(
                positions,
                counts[i],
                width,
                bottom=below,
                color=GREY if neutral is None else _POLARITY_COLORS[i],
                hatch="" if neutral is None else _POLARITY_HATCHES[i],
                edgecolor="white",
                linewidth=0.4,
                label=name,
            )
            below += counts[i]
        if by_value:
            panel.set_xticks(
                positions, [decimal(score, 2) for score in distinct], rotation=90 if len(distinct) > 8 else 0
            )
        if scored.threshold is not None:
            threshold_at = np.searchsorted(distinct, scored.threshold - 1e-9) - 0.5 if by_value else scored.threshold
            panel.axvline(threshold_at, color="black", linewidth=0.9, linestyle="--")
            panel.text(threshold_at, 0.99, " strong", transform=panel.get_xaxis_transform(), va="top", fontsize=7)
        panel.set_ylim(0, max(1, 1.12 * below.max()))
        panel.set_xlabel("inconsistency score")
        panel.set_ylabel(scored_units.split(",")[0])
        if neutral is not None:
            figure.legend(
                loc="outside upper center",
                ncols=3,
                title=f"{measured.dimension} in {measured.against}",
                title_fontsize=7,
            )
    lows, highs = (distinct, distinct) if by_value else (edges[:-1], edges[1:])
    threshold = (
        "none is strong"
        if scored.threshold is None
        else f"strong from {decimal(scored.threshold, 2)} on ({scored.rule})"
    )
    return PaperFigure(
        name=file_name("inconsistency", measured.dimension, *([round_] if round_ else [])),
        caption=f"Inconsistency of {measured.dimension} between {', '.join(measured.setups)}"
        f"{f', round {round_}' if round_ else ''}: {len(scores)} {scored_units}, by polarity in {measured.against}; "
        f"{threshold}.",
        figure=figure,
        numbers=pa.table(
            {
                "lowest_score": np.tile(lows, len(names)),
                "highest_score": np.tile(highs, len(names)),
                "polarity": np.repeat(names, len(positions)).tolist(),
                "count": counts.ravel(),
            }
        ),
    )
