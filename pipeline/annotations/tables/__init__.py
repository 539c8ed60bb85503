"""Tables of a study: functions of its results, each of which gives a table with its caption and numbers.

>>> from avcues import annotations
>>> results = annotations.Results(annotations=annotations.example({"clip": 40}))
>>> annotations.tables.labels_by_setup(results, "mood").header
('label', 'music', 'visual', 'audiovisual', 'all setups')
"""

from avcues.pipeline.annotations.tables.agreement import (
    agreement_by_setup,
    between_setups,
    rater_agreement,
)
from avcues.pipeline.annotations.tables.all_tables import TABLES, all_tables
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

__all__ = [
    "TABLES",
    "agreement_by_setup",
    "all_tables",
    "between_setups",
    "difference_scores",
    "inconsistency_by_polarity",
    "intraclass_by_setup",
    "label_agreement",
    "label_groups_by_setup",
    "label_tests",
    "labels_by_setup",
    "model_agreement",
    "normality",
    "pair_tests",
    "polarity",
    "rater_agreement",
    "rater_plans",
    "rating_tests",
    "ratings_by_rater",
    "regression",
    "retest",
    "setup_effects",
]
