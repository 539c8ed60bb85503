"""All tables of a study."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from avcues.pipeline.annotations.results import Results
from avcues.pipeline.annotations.shown import Makers, NotShown, every
from avcues.pipeline.annotations.tables.labels import label_groups_by_setup, labels_by_setup
from avcues.pipeline.paper.table import PaperTable

TABLES: Makers[PaperTable] = {
    "labels_by_setup": lambda results: (labels_by_setup(results, name) for name in results.nominal()),
    "label_groups_by_setup": lambda results: (label_groups_by_setup(results, name) for name in results.nominal()),
}


def all_tables(results: Results, only: Collection[str] | None = None) -> Iterator[PaperTable | NotShown]:
    """The tables in order; in the place of those for which the study has no ratings, the reason.

    Args:
        only: Keys of `TABLES`; None: all.

    Raises:
        SettingsError: `only` names an unknown one.
    """
    return every(TABLES, results, only)
