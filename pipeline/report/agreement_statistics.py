"""Tables of the page of raters: reliability of ratings, effects of the setup, and a model as an additional rater."""

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
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.paper.table import PaperTable

_HEADINGS = {
    "intraclass_by_setup": "Intraclass correlation and Cronbach’s α",
    "rater_plans": "Number of raters",
    "retest": "Test-retest reliability",
    "model_agreement": "Model as an additional rater",
    "setup_effects": "Effects of the setup",
    "normality": "Normality of ratings",
}
"""Headings of the page by kind of table in `annotations.tables`."""


def statistics_tables(results: Results) -> Iterator[tuple[str, list[PaperTable], str | None]]:
    """The heading of each kind, its tables, and the reason if it has none."""
    for name, heading in _HEADINGS.items():
        if name == "model_agreement" and not results.models:
            continue
        parts = list(all_tables(results, [name]))
        tables = [part for part in parts if isinstance(part, PaperTable)]
        yield heading, tables, next((part.reason for part in parts if isinstance(part, NotShown)), None)


def compare_model(
    annotations: Annotations, predictions: Path | None, step: Fraction, bootstrap: Bootstrap
) -> tuple[tuple[ModelAgreement, ...], tuple[str, ...]]:
    """Compares a model as an additional rater; returns also notes on what was left out."""
    if predictions is None:
        return (), ()
    try:
        return compare_predictions(predictions, annotations, step=step, bootstrap=bootstrap)
    except (InputError, SettingsError) as error:
        return (), (f"the model is not compared with the raters: {error}",)
