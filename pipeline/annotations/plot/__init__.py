"""Figures of a study: functions of its results, each of which gives a figure with its caption and numbers.

>>> from avcues import annotations
>>> results = annotations.Results(annotations=annotations.example({"clip": 40}))
>>> annotations.plot.rating_distribution(results, ["arousal"])
<PaperFigure rating_distribution: 3.5 x 3.4 in, 72 rows of numbers>
"""

from avcues.pipeline.annotations.plot.all_figures import FIGURES, all_figures
from avcues.pipeline.annotations.plot.clips import chosen_clip, clip_ratings, clip_series, ratings_by_clip
from avcues.pipeline.annotations.plot.distributions import rating_distribution
from avcues.pipeline.annotations.plot.labels import label_correlations, labels_by_group
from avcues.pipeline.annotations.plot.perspectives import difference_matrices, inconsistency

__all__ = [
    "FIGURES",
    "all_figures",
    "chosen_clip",
    "clip_ratings",
    "clip_series",
    "difference_matrices",
    "inconsistency",
    "label_correlations",
    "labels_by_group",
    "rating_distribution",
    "ratings_by_clip",
]
