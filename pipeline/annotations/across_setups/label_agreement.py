"""Which single setup has the same label as the multimodal rating, among strongly inconsistent ratings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.across_setups.inconsistency import RatingsBySetup
from avcues.pipeline.annotations.ratings.choices import choices_of
from avcues.pipeline.annotations.ratings.schema import Annotations


@dataclass(frozen=True, kw_only=True)
class LabelAgreement:
    """Among strongly inconsistent ratings, how often a label of `against` was also chosen in each other setup.

    Args:
        dimension: Name of the dimension rated in labels.
        against: The setup in which everything is shown.
        setups: The setups compared with `against`.
        labels: By label: how often it was `chosen` in `against`, how often it was `matched` in any other setup, and how
            often in each.
        total: The same, summed over labels.
        ratings: Number of ratings with a label in `against` (`chosen`), and of those with at least one label that was
            matched in any other setup and in each.
    """

    dimension: str
    against: str
    setups: tuple[str, ...]
    labels: Mapping[str, Mapping[str, int]]
    total: Mapping[str, int]
    ratings: Mapping[str, int]


def label_agreement(
    annotations: Annotations, dimension: str, ratings: RatingsBySetup, strong: npt.NDArray[np.bool_]
) -> LabelAgreement:
    """Counts matching labels; `strong`, (raters, videos), marks strongly inconsistent ratings."""
    choices = choices_of(annotations, dimension)
    # `choices` may have raters and videos that never rated in numbers; these get index -1.
    chosen = np.zeros((len(ratings.raters), len(ratings.videos), len(ratings.setups), len(choices.labels)), bool)
    rater = np.array([_index(ratings.raters, name) for name in choices.names["rater"]])[choices.rater]
    video = np.array([_index(ratings.videos, name) for name in choices.names["video"]])[choices.video]
    setup = np.array([_index(ratings.setups, name) for name in choices.names["setup"]])[choices.setup]
    is_chosen = (rater >= 0) & (video >= 0) & (setup >= 0)
    np.logical_or.at(chosen, (rater[is_chosen], video[is_chosen], setup[is_chosen]), choices.chosen[is_chosen])
    strong_choices = chosen[strong]
    multimodal, single = strong_choices[:, -1], strong_choices[:, :-1]
    matched = single & multimodal[:, None]
    isolated_setups = ratings.setups[:-1]
    rows = {
        label: {
            "chosen": int(multimodal[:, i].sum()),
            "matched": int(matched[:, :, i].any(1).sum()),
            **{name: int(matched[:, j, i].sum()) for j, name in enumerate(isolated_setups)},
        }
        for i, label in enumerate(choices.labels)
    }
    return LabelAgreement(
        dimension=dimension,
        against=ratings.setups[-1],
        setups=isolated_setups,
        labels={label: row for label, row in rows.items() if row["chosen"]},
        total={key: sum(row[key] for row in rows.values()) for key in ("chosen", "matched", *isolated_setups)},
        ratings={
            "chosen": int(multimodal.any(1).sum()),
            "matched": int(matched.any((1, 2)).sum()),
            **{name: int(matched[:, j].any(1).sum()) for j, name in enumerate(isolated_setups)},
        },
    )


def _index(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1
