"""Figures of labels that raters choose together, and of how groups of raters differ in their choices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.label_order import by_group
from avcues.pipeline.annotations.reliability.label_statistics import ChiSquare, correlations
from avcues.pipeline.annotations.results import NotShownError, Results
from avcues.pipeline.paper.figure import PaperFigure
from avcues.pipeline.paper.style import (
    COLORS,
    COLUMN_INCHES,
    GREY,
    MARKERS,
    PAGE_INCHES,
    in_style,
    new_figure,
    setup_colors,
    shortened,
)
from avcues.pipeline.paper.table import NONE, decimal, p_value
from avcues.pipeline.paper.text import file_name

_LABEL_INCHES = 0.155
_MOST_WITH_NUMBERS = 14
_SHOWN_PAIRS = 3
_GROUP_OFFSET = 0.44


def label_correlations(results: Results, dimension: str) -> PaperFigure:
    """The correlation of every pair of labels over ratings: positive if they are chosen together often.

    After Figure 3 of Chua et al. 2022.

    Args:
        dimension: Rated in labels.

    Raises:
        NotShownError: Fewer than two labels were chosen by some ratings and not by others.
    """
    choices = results.choices(dimension)
    labels, phi = correlations(choices)
    if len(labels) < 2:
        raise NotShownError(f"fewer than two labels of {dimension} were chosen by some ratings and not by others")
    order = [labels.index(label) for label in by_group(labels, results.groups_of_labels)]
    labels, phi = tuple(labels[i] for i in order), phi[np.ix_(order, order)]
    rows, columns = np.tril_indices(len(labels), -1)
    lower_triangle = np.where(np.tri(len(labels), k=-1, dtype=bool), phi, np.nan)[1:, :-1]
    limit = max(0.1, np.ceil(np.abs(phi[rows, columns]).max() * 10) / 10)
    with in_style():
        side = min(
            PAGE_INCHES,
            1.7 + (2.2 * _LABEL_INCHES if len(labels) <= _MOST_WITH_NUMBERS else _LABEL_INCHES) * len(labels),
        )
        figure = new_figure(max(side, COLUMN_INCHES), max(side, COLUMN_INCHES) * 0.88)
        panel = figure.subplots()
        drawn = panel.imshow(lower_triangle, cmap="PuOr_r", vmin=-limit, vmax=limit)
        panel.set_xticks(range(len(labels) - 1), _ticks(labels[:-1]), rotation=90)
        panel.set_yticks(range(len(labels) - 1), _ticks(labels[1:]))
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
        if len(labels) <= _MOST_WITH_NUMBERS:
            for (i, j), value in np.ndenumerate(lower_triangle):
                if np.isfinite(value):
                    dark = abs(value) > 0.6 * limit
                    text = decimal(value, 2)
                    panel.text(j, i, text, ha="center", va="center", color="white" if dark else "black", fontsize=7)
        bar = figure.colorbar(drawn, ax=panel, shrink=0.7, pad=0.02)
        bar.set_label("correlation φ")
        bar.outline.set_visible(False)
    most = np.argsort(-np.abs(phi[rows, columns]), kind="stable")[:_SHOWN_PAIRS]
    pairs = (f"{labels[columns[i]]} and {labels[rows[i]]} {decimal(phi[rows[i], columns[i]], 2)}" for i in most)
    return PaperFigure(
        name=file_name("label_correlations", dimension),
        caption=f"Correlation (φ) of the labels of {dimension} over {len(choices.video)} ratings; the largest: "
        f"{', '.join(pairs)}.",
        figure=figure,
        numbers=pa.table(
            {
                "label": [labels[j] for j in columns],
                "other_label": [labels[i] for i in rows],
                "phi": phi[rows, columns],
            }
        ),
    )


def labels_by_group(results: Results, dimension: str, by: str) -> PaperFigure:
    """The share of each label among the choices of each group of raters or clips.

    After Figures 4 to 6 of Chua et al. 2022.

    Args:
        dimension: Rated in labels.
        by: The grouping, as the results' `agreement` names it, such as "gender" or "years_formal_training > 3".

    Raises:
        NotShownError: The labels are not compared by this grouping.
    """
    tests = {test.by: test for test in results.labels(dimension).tests}
    if by not in tests:
        raise NotShownError(f"labels of {dimension} are not compared by {by}, only by {', '.join(tests) or 'nothing'}")
    test = tests[by]
    counts = np.array([test.counts[label] for label in test.counts], np.float64).reshape(-1, len(test.groups))
    if not counts.sum():
        raise NotShownError(f"no label of {dimension} was chosen where {by} is known")
    groups = [i for i in range(len(test.groups)) if counts[:, i].sum()]
    shares = counts / np.maximum(counts.sum(0), 1)
    order = _order(list(test.counts), results, shares[:, groups])
    labels = [list(test.counts)[i] for i in order]
    counts, shares = counts[order], shares[order]
    y = np.arange(len(labels))
    colors = setup_colors(test.groups) if by == "setup" else dict(zip(test.groups, (*COLORS, GREY), strict=False))
    with in_style():
        # Rows grow with the number of groups, because each group has its own height within a row.
        row_inches = _LABEL_INCHES * max(1.0, len(groups) / 3)
        figure = new_figure(COLUMN_INCHES, 0.95 + row_inches * len(labels) + 0.16 * ((len(groups) - 1) // 2))
        panel = figure.subplots()
        # Offset vertically, so that no group hides another.
        offsets = _GROUP_OFFSET * (np.arange(len(groups)) - (len(groups) - 1) / 2) / max(1, len(groups) - 1)
        panel.plot(100 * shares[:, groups].T, y + offsets[:, None], color="#9A9A9A", linewidth=0.8, zorder=1)
        for row, i in enumerate(groups):
            name = test.groups[i]
            panel.plot(
                100 * shares[:, i],
                y + offsets[row],
                linestyle="none",
                marker=MARKERS[i % len(MARKERS)],
                color=colors[name],
                markeredgecolor="white",
                markeredgewidth=0.4,
                markersize=5,
                label=f"{shortened(name)} ({counts[:, i].sum():.0f})",
            )
        panel.set_yticks(y, _ticks(labels))
        panel.set_ylim(len(labels) - 0.4, -0.6)
        panel.set_xlim(left=0)
        panel.grid(axis="x")
        panel.tick_params(axis="y", length=0)
        panel.set_xlabel("share of the group's labels, %")
        figure.legend(
            loc="outside upper center",
            ncols=min(len(groups), 3 if len(groups) < 5 else 2),
            title=shortened(by.replace("_", " "), 40),
            title_fontsize=7,
        )
    return PaperFigure(
        name=file_name("labels_by", by, dimension),
        caption=f"Labels of {dimension} by {by}: share of the labels that each group chose (in brackets: how many). "
        f"{_test_in_words(test)}",
        figure=figure,
        numbers=pa.table(
            {
                "label": [label for label in labels for _ in groups],
                "group": [test.groups[i] for _ in labels for i in groups],
                "chosen": counts[:, groups].astype(np.int64).ravel(),
                "share": shares[:, groups].ravel(),
            }
        ),
    )


def _ticks(labels: Sequence[str]) -> list[str]:
    return [shortened(label.replace("_", " ")) for label in labels]


def _order(labels: list[str], results: Results, shares: np.ndarray) -> list[int]:
    """Indices that sort labels by group if groups are known, else by frequency."""
    if any(label in results.groups_of_labels for label in labels):
        return [labels.index(label) for label in by_group(labels, results.groups_of_labels)]
    return np.argsort(-shares.mean(1), kind="stable").tolist()


def _test_in_words(test: ChiSquare) -> str:
    if test.statistic is None:
        return f"Not tested: {test.reason}."
    text = f"χ² = {decimal(test.statistic, 2)}, df {test.df}, p {_p_with_relation(test.p)}"
    return text + (f"; p {_p_with_relation(test.p_permuted)} of permutations." if test.p_permuted is not None else ".")


def _p_with_relation(p: float | None) -> str:
    """A p value with its relation.

    >>> _p_with_relation(0.0001), _p_with_relation(0.25)
    ('< .001', '= .250')
    """
    text = p_value(p)
    return text if text.startswith("<") or text == NONE else f"= {text}"
