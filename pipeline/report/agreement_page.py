"""The page of a dataset's raters: their agreement in each setup, and their inconsistency across setups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from avcues.pipeline.annotations.across_setups.inconsistency import (
    GROUPS,
    UPPER_SHARE,
    Inconsistency,
    generic_threshold,
    inconsistency,
    inconsistency_scores,
    ratings_by_setup,
)
from avcues.pipeline.annotations.checking.check import check
from avcues.pipeline.annotations.ratings.exclusions import exclusion_notes
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.annotations.reliability.agreement import Agreement
from avcues.pipeline.annotations.reliability.setup_agreement import NUMERIC, SetupAgreement
from avcues.pipeline.annotations.reports.documents import undefined_coefficients
from avcues.pipeline.annotations.results import Results
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap, Coefficient
from avcues.pipeline.report.agreement_statistics import compare_model, statistics_tables
from avcues.pipeline.report.page import templates

PAGE = "agreement.html"

COEFFICIENTS = {
    "loo_ccc": "leave-one-out CCC",
    "pairwise_ccc": "pairwise CCC",
    "alpha_interval": "α interval",
    "alpha_ordinal": "α ordinal",
    "alpha_nominal": "α nominal",
    "fleiss_kappa": "Fleiss’ κ",
    "alpha_labels": "mean α of labels",
}
_MAX_BARS = 24
_TICK_SPACING = 0.25


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A coefficient on the common axis; positions are in percent of the width of the axis.

    Args:
        name: Setup and round.
        value: The coefficient as text.
        description: Everything about the coefficient in words.
        position: Position of the coefficient; None: undefined.
        interval: Positions of the bounds of the 95 % interval; None: no interval.
        raters: Positions of the percentiles 5, 25, 75 and 95 of single raters; None: undefined.
    """

    name: str
    value: str
    description: str
    position: float | None
    interval: tuple[float, float] | None
    raters: tuple[float, ...] | None


@dataclass(frozen=True, kw_only=True)
class Bar:
    """The bar of a score, or of a range of scores.

    Args:
        description: Everything about the bar in words.
        heights: Height for each group of `GROUPS`, in percent of the highest bar.
    """

    description: str
    heights: tuple[float, ...]


def render(
    title: str,
    annotations: Annotations,
    step: Fraction,
    bootstrap: Bootstrap = Bootstrap(),
    predictions: Path | None = None,
) -> str:
    """Renders the page.

    Args:
        title: Name of the dataset.
        annotations: Its ratings.
        step: Seconds per window.
        bootstrap: How the intervals are computed.
        predictions: Predictions of a model that is compared as an additional rater; None: no model.
    """
    models, model_notes = compare_model(annotations, predictions, step, bootstrap)
    results = Results(annotations=annotations, step=step, bootstrap=bootstrap, by=(), models=models)
    agreement_results, check_results = results.agreement, check(annotations, step)
    all_notes = (
        *check_results.notes,
        *exclusion_notes(agreement_results.left_out),
        *agreement_results.notes,
        *model_notes,
    )
    low = _lowest(agreement_results)
    position_of = partial(_position, low)
    groups = [
        (
            f"{dimension.replace('_', ' ').capitalize()}",
            COEFFICIENTS[_headline(rows[0])],
            [_mark(row, position_of) for row in rows],
        )
        for dimension, rows in _by_dimension(agreement_results).items()
    ]
    between = [
        _coefficient_mark(
            f"{pair.dimension}: {', '.join(pair.setups)}", "Pearson’s r", pair.correlation, None, position_of
        )
        for pair in agreement_results.between_setups
    ]
    return (
        templates()
        .get_template("agreement.html")
        .render(
            title=title,
            facts=_facts(annotations),
            problems=[_without_backticks(line) for line in check_results.problems],
            notes=[_without_backticks(line) for line in dict.fromkeys(all_notes)],
            ticks=[(f"{tick:g}".replace("-", "−"), position_of(tick)) for tick in _ticks(low)],
            groups=groups,
            between=between,
            histograms=[_histogram(name, scores) for name, scores in _inconsistencies(annotations, step)],
            group_names=GROUPS,
            table=[_row(row) for row in agreement_results.by_setup if row.clips == "all"],
            coefficients=COEFFICIENTS.values(),
            statistics=list(statistics_tables(results)),
            undefined=undefined_coefficients(agreement_results),
            bootstrap=bootstrap,
        )
    )


def _without_backticks(line: str) -> str:
    """A remark without the backticks around parameter names."""
    return line.replace("`", "")


def _facts(annotations: Annotations) -> list[str]:
    return [
        counted(len(annotations.ratings), "rating"),
        counted(len(annotations.rater_ids), "rater"),
        counted(len(annotations.videos), "video"),
        ", ".join(annotations.setups),
        *([f"rounds {', '.join(annotations.rounds)}"] if len(annotations.rounds) > 1 else []),
    ]


def _by_dimension(results: Agreement) -> dict[str, list[SetupAgreement]]:
    rows: dict[str, list[SetupAgreement]] = {}
    for row in results.by_setup:
        if row.clips == "all":
            rows.setdefault(row.dimension, []).append(row)
    return rows


def _headline(row: SetupAgreement) -> str:
    """The key of the coefficient that the page draws."""
    return "alpha_labels" if row.kind == "labels" else "loo_ccc"


def _lowest(results: Agreement) -> float:
    """Start of the axis: the tick below all intervals and most raters, but at least -1."""
    values = [0.0]
    for row in results.by_setup:
        values += [row.coefficients[_headline(row)].low or 0.0, *(row.distribution or (0.0, 0.0))[1:2]]
    values += [pair.correlation.low or 0.0 for pair in results.between_setups]
    return max(-1.0, math.floor(min(values) / _TICK_SPACING) * _TICK_SPACING)


def _ticks(low: float) -> list[float]:
    return np.arange(low, 1 + _TICK_SPACING / 2, _TICK_SPACING if low > -0.5 else 2 * _TICK_SPACING).tolist()


def _position(low: float, value: float) -> float:
    """Position of a value in percent of the width of the axis; values beyond its ends lie at the end."""
    return round(100 * (min(1.0, max(low, value)) - low) / (1 - low), 2)


def _mark(row: SetupAgreement, position_of: Any) -> Mark:
    name = row.setup if row.round is None else f"{row.setup}, {row.round}"
    coefficient = _headline(row)
    mark = _coefficient_mark(
        name, COEFFICIENTS[coefficient], row.coefficients[coefficient], row.distribution, position_of
    )
    ratings, videos, raters = counted(row.ratings, "rating"), counted(row.videos, "video"), counted(row.raters, "rater")
    return Mark(
        **vars(mark) | {"description": f"{row.dimension}, {mark.description}; {ratings} of {videos} by {raters}"}
    )


def _coefficient_mark(
    name: str, title: str, coefficient: Coefficient, distribution: Sequence[float] | None, position_of: Any
) -> Mark:
    description = f"{name}: {title} {_in_words(coefficient)}"
    if distribution is not None:
        description += f", single raters {distribution[1]:.2f} to {distribution[5]:.2f} (5 to 95 %)"
    return Mark(
        name=name,
        value="–" if coefficient.value is None else f"{coefficient.value:.2f}",
        description=description,
        position=None if coefficient.value is None else position_of(coefficient.value),
        interval=None
        if coefficient.low is None or coefficient.high is None
        else (position_of(coefficient.low), position_of(coefficient.high)),
        raters=None if distribution is None else tuple(position_of(distribution[i]) for i in (1, 2, 4, 5)),
    )


def _in_words(coefficient: Coefficient) -> str:
    if coefficient.value is None:
        return f"is undefined, {coefficient.reason}"
    text = f"{coefficient.value:.3f}"
    if coefficient.sd is not None:
        text += f" ± {coefficient.sd:.3f}"
    if coefficient.low is None or coefficient.high is None:
        return text
    return f"{text}, 95 % interval {coefficient.low:.3f} to {coefficient.high:.3f}"


def _row(row: SetupAgreement) -> dict[str, Any]:
    """A row of the table of all coefficients."""
    cells = [row.coefficients.get(name) for name in (*NUMERIC, "alpha_labels")]
    order = [(*NUMERIC, "alpha_labels").index(name) for name in COEFFICIENTS]
    ordered_cells = [cells[i] for i in order]
    return {
        "name": ", ".join(filter(None, (row.dimension, row.setup, row.round))),
        "cells": [
            {"text": "–", "more": "" if coefficient is None else coefficient.reason or ""}
            if coefficient is None or coefficient.value is None
            else {"text": f"{coefficient.value:.3f}", "more": _in_words(coefficient)}
            for coefficient in ordered_cells
        ],
    }


def _inconsistencies(annotations: Annotations, step: Fraction) -> list[tuple[str, Inconsistency]]:
    """The inconsistency in the last round, for each dimension that any rater rated in every setup."""
    if len(annotations.setups) < 2:
        return []
    last = annotations.select(round_=annotations.rounds[-1]) if annotations.rounds else annotations
    results = []
    for dimension in last.numeric():
        ratings, _ = ratings_by_setup(last, dimension.name, annotations.setups, step)
        if ratings.complete.any():
            threshold = generic_threshold(inconsistency_scores(ratings.values[ratings.complete]))
            rule = f"the score whose upper share of ratings is nearest to {100 * UPPER_SHARE:g} %"
            results.append((dimension.name, inconsistency(ratings, threshold, rule)))
    return results


def _histogram(name: str, results: Inconsistency) -> dict[str, Any]:
    """A bar per score if there are few distinct scores, otherwise a bar per range of equal width."""
    scores = np.array([row["score"] for row in results.clips])
    group = np.array([GROUPS.index(row["group"]) for row in results.clips])
    distinct = np.array([score for score, _ in results.scores])
    if len(distinct) <= _MAX_BARS:
        bar, names = np.searchsorted(distinct, scores), [f"{score:.3g}" for score in distinct]
    else:
        edges = np.linspace(0, distinct[-1], _MAX_BARS + 1)
        bar = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, _MAX_BARS - 1)
        names = [f"{low:.2f} to {high:.2f}" for low, high in pairwise(edges)]
    counts = np.zeros((len(names), len(GROUPS)), int)
    np.add.at(counts, (bar, group), 1)
    bars = []
    for label, row in zip(names, counts, strict=True):
        parts = [f"{count} {group_name}" for count, group_name in zip(row, GROUPS, strict=True) if count]
        heights = (100 * row / counts.sum(1).max()).round(2).tolist()
        bars.append(Bar(description=f"{name}, score {label}: {', '.join(parts) or 'none'}", heights=tuple(heights)))
    return {
        "name": name.replace("_", " ").capitalize(),
        "bars": bars,
        "low": f"{distinct[0]:.3g}" if len(distinct) <= _MAX_BARS else "0",
        "high": f"{distinct[-1]:.3g}",
        "counts": results.counts,
        "threshold": None if results.threshold is None else f"{results.threshold:.3g}",
        "rule": results.rule,
    }
