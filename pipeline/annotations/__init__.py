"""From ratings of several raters to labels: imported, checked, combined into gold standards, compared.

>>> study = example({"clip": 40})
>>> study.setups, list(study.dimensions)
(('music', 'visual', 'audiovisual'), ['arousal', 'valence', 'liking', 'mood'])
>>> check(study).problems
()
>>> gold_standard = gold(study, Recipe(weights="others", delay=1.0))
>>> gold_standard.tables["music"].column_names[:5]
['video_id', 'window', 'arousal', 'arousal_std', 'arousal_n']
>>> read_labels_metadata(gold_standard.tables["music"])["recipe"]["delay"]
1.0
"""

from avcues.pipeline.annotations import plot, tables
from avcues.pipeline.annotations.across_setups.perspectives import Perspectives, perspectives
from avcues.pipeline.annotations.checking.check import Check, check
from avcues.pipeline.annotations.example import example
from avcues.pipeline.annotations.gold_standards.feature_values import FeatureValues
from avcues.pipeline.annotations.gold_standards.gold import Gold, gold, read_labels_metadata, write_gold
from avcues.pipeline.annotations.gold_standards.recipe import Recipe, Smoothing
from avcues.pipeline.annotations.gold_standards.soft_labels import soft_labels
from avcues.pipeline.annotations.importing.format import FormatOptions
from avcues.pipeline.annotations.importing.formats.muvi import import_muvi
from avcues.pipeline.annotations.importing.formats.table import import_table
from avcues.pipeline.annotations.importing.formats.tidy import import_tidy
from avcues.pipeline.annotations.importing.formats.wide import import_wide
from avcues.pipeline.annotations.importing.registry import import_format
from avcues.pipeline.annotations.ratings.files import read, write
from avcues.pipeline.annotations.ratings.schema import Annotations, Dimension
from avcues.pipeline.annotations.reliability.agreement import Agreement, agreement
from avcues.pipeline.annotations.reliability.model_agreement import ModelAgreement, model_agreement
from avcues.pipeline.annotations.reliability.retest import Retest, retest_reliability
from avcues.pipeline.annotations.results import NotShownError, Results
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap, Coefficient, fleiss_kappa, krippendorff_alpha
from avcues.pipeline.annotations.statistics.consensus import ccc, ewe, leave_one_out_ccc, pearson
from avcues.pipeline.annotations.statistics.intraclass import (
    cronbach_alpha,
    intraclass,
    raters_needed,
    spearman_brown,
)

__all__ = [
    "Agreement",
    "Annotations",
    "Bootstrap",
    "Check",
    "Coefficient",
    "Dimension",
    "FeatureValues",
    "FormatOptions",
    "Gold",
    "ModelAgreement",
    "NotShownError",
    "Perspectives",
    "Recipe",
    "Results",
    "Retest",
    "Smoothing",
    "agreement",
    "ccc",
    "check",
    "cronbach_alpha",
    "ewe",
    "example",
    "fleiss_kappa",
    "gold",
    "import_format",
    "import_muvi",
    "import_table",
    "import_tidy",
    "import_wide",
    "intraclass",
    "krippendorff_alpha",
    "leave_one_out_ccc",
    "model_agreement",
    "pearson",
    "perspectives",
    "plot",
    "raters_needed",
    "read",
    "read_labels_metadata",
    "retest_reliability",
    "soft_labels",
    "spearman_brown",
    "tables",
    "write",
    "write_gold",
]
