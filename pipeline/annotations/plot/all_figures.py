"""All figures of a study."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from avcues.pipeline.annotations.plot.distributions import rating_distribution
from avcues.pipeline.annotations.results import Results
from avcues.pipeline.annotations.shown import Makers, NotShown, every
from avcues.pipeline.paper.figure import PaperFigure

FIGURES: Makers[PaperFigure] = {
    "rating_distribution": lambda results: [rating_distribution(results)],
}


def all_figures(results: Results, only: Collection[str] | None = None) -> Iterator[PaperFigure | NotShown]:
    """The figures in order; in the place of those for which the study has no ratings, the reason.

    Args:
        only: Keys of `FIGURES`; None: all.

    Raises:
        SettingsError: `only` names an unknown one.
    """
    return every(FIGURES, results, only)
