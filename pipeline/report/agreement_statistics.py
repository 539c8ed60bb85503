"""Tables of statistics for the page of raters: how reliable ratings are, and what they depend on."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.reliability.model_agreement import ModelAgreement
from avcues.pipeline.annotations.reliability.predictions import compare_predictions
from avcues.pipeline.annotations.results import Results
from avcues.pipeline.annotations.shown import NotShown
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap
from avcues.pipeline.annotations.tables import all_tables
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.paper.table import PaperTable

_HEADINGS = {
    "intraclass_by_setup": "Intraclass correlation and Cronbach’s α",
    "rater_plans": "How many raters",
    "retest": "Raters beside themselves",
    "model_agreement": "A model beside the raters",
    "setup_effects": "Effects of the setup",
    "normality": "Are ratings normally distributed?",
}
"""Kinds of tables of `annotations.tables` that the page has, and their headings."""


def statistics_tables(results: Results) -> Iterator[tuple[str, list[PaperTable], str | None]]:
    """By heading the tables, or why there are none."""
    for name, heading in _HEADINGS.items():
        if name == "model_agreement" and not results.models:
            continue
        parts = list(all_tables(results, [name]))
        tables = [part for part in parts if isinstance(part, PaperTable)]
        yield heading, tables, next((part.reason for part in parts if isinstance(part, NotShown)), None)


def beside_raters(
    annotations: Annotations, predictions: Path | None, step: Fraction, bootstrap: Bootstrap
) -> tuple[tuple[ModelAgreement, ...], tuple[str, ...]]:
    """A model judged as one more rater, and notes on what does not count."""
    if predictions is None:
        return (), ()
    try:
        return compare_predictions(predictions, annotations, step=step, bootstrap=bootstrap)
    except SettingsError as error:
        return (), (f"no model beside the raters: {error}",)
