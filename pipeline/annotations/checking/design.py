"""Who rated what: the coverage of setups and dimensions, and gaps in the design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from avcues.pipeline.annotations.ratings.keys import codes, combined, runs, separated
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.wording import counted, listed


def coverage(annotations: Annotations) -> list[dict[str, Any]]:
    """One row per setup and dimension, with the fields of `Check.coverage`."""
    names: dict[str, Sequence[str]] = {
        "setup": annotations.setups,
        "dimension": tuple(annotations.dimensions),
        "video_id": annotations.videos,
        "rater": annotations.rater_ids,
        "round": annotations.rounds,
    }
    sizes = [len(words) for words in names.values()]
    distinct, _, _ = runs(
        combined((codes(annotations.ratings[name], words), len(words)) for name, words in names.items())
    )
    setup, dimension, video, rater, _ = separated(distinct, sizes)
    rows = []
    for i, j in product(range(sizes[0]), range(sizes[1])):
        cell = (setup == i) & (dimension == j)
        if not cell.any():
            continue
        pairs = np.unique(video[cell] * sizes[3] + rater[cell])
        per_video = np.bincount(pairs // sizes[3])
        per_video = per_video[per_video > 0]
        rows.append(
            {
                "setup": names["setup"][i],
                "dimension": names["dimension"][j],
                "over_time": annotations.over_time(names["dimension"][j]),
                "videos": len(per_video),
                "raters": len(np.unique(rater[cell])),
                "series": int(cell.sum()),
                "raters_per_video": [int(per_video.min()), float(np.median(per_video)), int(per_video.max())],
            }
        )
    return rows


def gaps(annotations: Annotations, covered: Sequence[Mapping[str, Any]]) -> list[str]:
    """Remarks on clips with one rater, raters of one clip, and clips that are not rated in every setup."""
    notes = []
    names = {"rater": annotations.rater_ids, "setup": annotations.setups, "video_id": annotations.videos}
    sizes = [len(words) for words in names.values()]
    distinct, _, _ = runs(
        combined((codes(annotations.ratings[name], words), len(words)) for name, words in names.items())
    )
    rater, setup, video = separated(distinct, sizes)
    clips = np.bincount(np.unique(rater * sizes[2] + video) // sizes[2], minlength=sizes[0])
    single_raters = [name for name, count in zip(names["rater"], clips, strict=True) if count == 1]
    if single_raters:
        notes.append(
            f"one video only by {counted(len(single_raters), 'rater')}, whose agreement is uncertain: "
            f"{listed(single_raters)}"
        )
    with_single_rater = [f"{row['setup']} {row['dimension']}" for row in covered if row["raters_per_video"][0] < 2]
    if with_single_rater:
        notes.append(f"videos with one rater, so without agreement, in {listed(with_single_rater)}")
    setups = np.bincount(np.unique(video * sizes[1] + setup) // sizes[1], minlength=sizes[2])
    partial = [name for name, count in zip(names["video_id"], setups, strict=True) if count < sizes[1]]
    if partial:
        notes.append(f"not rated in every setup: {counted(len(partial), 'video')} ({listed(partial)})")
    return notes
