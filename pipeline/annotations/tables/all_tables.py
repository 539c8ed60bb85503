"""All tables of a study."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from avcues.pipeline.annotations.results import Results
from avcues.pipeline.annotations.shown import Makers, NotShown, make_all
from avcues.pipeline.annotations.tables.agreement import (
    agreement_tables,
    between_setups,
    rater_agreement,
)
from avcues.pipeline.annotations.tables.dependence import label_tests, pair_tests, rating_tests
from avcues.pipeline.annotations.tables.inconsistency import (
    difference_scores,
    inconsistency_by_polarity,
    label_agreement,
)
from avcues.pipeline.annotations.tables.labels import label_groups_by_setup, labels_by_setup
from avcues.pipeline.annotations.tables.perspectives import polarity, ratings_by_rater, regression
from avcues.pipeline.annotations.tables.reliability import (
    intraclass_by_setup,
    model_agreement,
    rater_plans,
    retest,
)
from avcues.pipeline.annotations.tables.setup_effects import normality, setup_effects
from avcues.pipeline.paper.table import PaperTable


def _per_numeric_dimension(make: Callable[[Results, str], PaperTable]) -> Callable[[Results], Iterator[PaperTable]]:
    """A function that makes one table per dimension rated in numbers."""
    return lambda results: (make(results, name) for name in results.numeric())


def _per_nominal_dimension(make: Callable[[Results, str], PaperTable]) -> Callable[[Results], Iterator[PaperTable]]:
    """A function that makes one table per dimension rated in labels."""
    return lambda results: (make(results, name) for name in results.nominal())


TABLES: Makers[PaperTable] = {
    "labels_by_setup": _per_nominal_dimension(labels_by_setup),
    "label_groups_by_setup": _per_nominal_dimension(label_groups_by_setup),
    "label_tests": _per_nominal_dimension(label_tests),
    "rating_tests": lambda results: [rating_tests(results)],
    "pair_tests": lambda results: [pair_tests(results)],
    "between_setups": lambda results: [between_setups(results)],
    "rater_agreement": lambda results: [rater_agreement(results)],
    "agreement_by_setup": agreement_tables,
    "intraclass_by_setup": _per_numeric_dimension(intraclass_by_setup),
    "rater_plans": lambda results: [rater_plans(results)],
    "retest": lambda results: [retest(results)],
    "model_agreement": lambda results: [model_agreement(results)],
    "setup_effects": lambda results: [setup_effects(results)],
    "normality": lambda results: [normality(results)],
    "ratings_by_rater": _per_numeric_dimension(ratings_by_rater),
    "polarity": _per_numeric_dimension(polarity),
    "regression": _per_numeric_dimension(regression),
    "difference_scores": _per_numeric_dimension(difference_scores),
    "inconsistency_by_polarity": _per_numeric_dimension(inconsistency_by_polarity),
    "label_agreement": lambda results: (
        label_agreement(results, number, labels) for labels in results.nominal() for number in results.numeric()
    ),
}


def all_tables(results: Results, only: Collection[str] | None = None) -> Iterator[PaperTable | NotShown]:
    """Makes all tables in order; a table for which the study has no ratings yields `NotShown` with the reason.

    Args:
        only: Keys of `TABLES`; None: all.

    Raises:
        SettingsError: `only` names an unknown table.
    """
    return make_all(TABLES, results, only)
