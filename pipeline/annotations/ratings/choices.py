"""Chosen labels as a table of truth values: one row per rater and clip, one column per label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.ratings.keys import codes, combined
from avcues.pipeline.annotations.ratings.schema import Annotations

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, repr=False)
class Choices:
    """The labels of one dimension that raters chose.

    Args:
        dimension: Name of the dimension.
        labels: (L,) labels that could be chosen.
        names: Names that the codes stand for, by key.
        rater: (N,) codes, like `video`, `setup` and `round` (-1: none).
        window: (N,) windows; -1 for labels given once per clip.
        chosen: (N, L) whether each label was chosen.
    """

    dimension: str
    labels: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]
    rater: Ints
    video: Ints
    setup: Ints
    round: Ints
    window: Ints
    chosen: npt.NDArray[np.bool_]

    def filter(self, mask: npt.NDArray[np.bool_]) -> Choices:
        """The rows for which `mask`, (N,), is true."""
        rows = {name: getattr(self, name)[mask] for name in ("rater", "video", "setup", "round", "window", "chosen")}
        return replace(self, **rows)


def choices_of(annotations: Annotations, dimension: str, step: Fraction = Fraction(1, 2)) -> Choices:
    """The labels that raters chose; several labels of a rater in one window of `step` seconds are one row.

    Raises:
        SettingsError: No dimension has this name.
    """
    labels = annotations.dimension(dimension).labels
    ratings = annotations.select(dimensions=[dimension]).ratings
    names = {
        "rater": annotations.rater_ids,
        "video": annotations.videos,
        "setup": annotations.setups,
        "round": annotations.rounds,
    }
    code = {name: codes(ratings["video_id" if name == "video" else name], words) for name, words in names.items()}
    time = ratings["time"].fill_null(-float(step)).to_numpy()
    code["window"] = np.floor(np.round(time / float(step), 6)).astype(np.int64)
    sizes = {name: len(words) for name, words in names.items()} | {"window": int(code["window"].max(initial=0)) + 1}
    _, first, row = np.unique(
        combined([(code[name], sizes[name]) for name in code]), return_index=True, return_inverse=True
    )
    chosen = np.zeros((len(first), len(labels)), bool)
    label = codes(ratings["label"], labels)
    chosen[row[label >= 0], label[label >= 0]] = True
    rows = {name: values[first] for name, values in code.items()}
    return Choices(dimension=dimension, labels=labels, names=names, chosen=chosen, **rows)
