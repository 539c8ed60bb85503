"""All figures of a study."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from avcues.pipeline.annotations.plot.clips import chosen_clip, clip_ratings, clip_series, ratings_by_clip
from avcues.pipeline.annotations.plot.distributions import rating_distribution
from avcues.pipeline.annotations.plot.labels import label_correlations, labels_by_group
from avcues.pipeline.annotations.plot.perspectives import difference_matrices, inconsistency
from avcues.pipeline.annotations.results import NotShownError, Results
from avcues.pipeline.annotations.shown import Makers, NotShown, make_all
from avcues.pipeline.paper.figure import PaperFigure


def _labels_by_group(results: Results) -> Iterator[PaperFigure]:
    tests = [(name, test.by) for name in results.nominal() for test in results.labels(name).tests]
    if not tests:
        raise NotShownError("neither raters nor the clips that they saw are in groups")
    for dimension, by in tests:
        yield labels_by_group(results, dimension, by)


def _clip_ratings(results: Results) -> Iterator[PaperFigure]:
    clips = results.clips or (chosen_clip(results),)
    for name in results.numeric():
        for video_id in clips:
            yield clip_ratings(results, name, video_id)


def _clip_series(results: Results) -> Iterator[PaperFigure]:
    for video_id in results.clips or (chosen_clip(results),):
        yield clip_series(results, video_id)


FIGURES: Makers[PaperFigure] = {
    "rating_distribution": lambda results: [rating_distribution(results)],
    "label_correlations": lambda results: (label_correlations(results, name) for name in results.nominal()),
    "labels_by_group": _labels_by_group,
    "difference_matrices": lambda results: (
        figure for name in results.numeric() for figure in difference_matrices(results, name)
    ),
    "inconsistency": lambda results: (figure for name in results.numeric() for figure in inconsistency(results, name)),
    "clip_ratings": _clip_ratings,
    "clip_series": _clip_series,
    "ratings_by_clip": lambda results: (ratings_by_clip(results, name) for name in results.numeric()),
}


def all_figures(results: Results, only: Collection[str] | None = None) -> Iterator[PaperFigure | NotShown]:
    """Makes all figures in order; a figure for which the study has no ratings yields `NotShown` with the reason.

    Args:
        only: Keys of `FIGURES`; None: all.

    Raises:
        SettingsError: `only` names an unknown figure.
    """
    return make_all(FIGURES, results, only)
