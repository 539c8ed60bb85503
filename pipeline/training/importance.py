"""What a model relies on: coefficients by descriptor family, and what is lost with another video's table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.pipeline.training.categories import cross_entropy
from avcues.pipeline.training.evaluate import scores
from avcues.pipeline.training.fitting import Fitted
from avcues.pipeline.training.models.estimator import Inputs
from avcues.pipeline.training.samples import PRESENT, Floats, Samples

_REPEATS = 3

_EMOBASE = {
    "pcm_intensity": "intensity",
    "pcm_loudness": "loudness",
    "mfcc": "MFCC",
    "lspFreq": "LSF",
    "pcm_zcr": "zero crossings",
    "voiceProb": "voicing",
    "F0env": "F0",
    "F0": "F0",
}
_TEXT = {"vader": "sentiment of words", "lexicon": "affect of words", "word": "amount of words"}
_TABLES = {"color": "hue and saturation", "scenes": "scene"}


@dataclass(frozen=True, kw_only=True)
class Importance:
    """Permutation importance of tables, in one fold.

    Args:
        lost: By table, what test videos lose on average: CCC, or cross-entropy where shares are predicted.
        replaced: Where one number is predicted per clip, by table: (repeats, clips) predictions with that table of
            other clips, from which the CCC over all clips is computed.
        clips: Ids of these clips.
    """

    lost: Mapping[str, float] = field(default_factory=dict)
    replaced: Mapping[str, Floats] = field(default_factory=dict)
    clips: tuple[str, ...] = ()


def family(column: str) -> str:
    """The descriptor family of a column, as the study's Table 7 groups them; other tables are families of their own."""
    table, _, name = column.partition(".")
    if name == PRESENT:
        return "what is missing"
    if table == "emobase":
        return next((family_name for start, family_name in _EMOBASE.items() if name.startswith(start)), table)
    if table == "text":
        return next((family_name for start, family_name in _TEXT.items() if name.startswith(start)), table)
    return _TABLES.get(table, table)


def by_family(coefficients: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """Sums of mean absolute coefficients by family, largest first.

    Args:
        coefficients: For each column, its coefficient in each fold, on scaled features.
    """
    sums: dict[str, list[float]] = {}
    for column, values in coefficients.items():
        entry = sums.setdefault(family(column), [0.0, 0.0, 0])
        entry[0] += float(np.mean(np.abs(values)))
        entry[1] += float(np.mean(values))
        entry[2] += any(values)
    families = [{"family": name, "weight": a, "signed": b, "columns": int(c)} for name, (a, b, c) in sums.items()]
    return sorted(families, key=lambda family: (-family["weight"], family["family"]))


def of_tables(
    fitted: Fitted,
    inputs: Inputs,
    samples: Samples,
    gold: Floats,
    test: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    seed: int,
    *,
    by_clip: bool = False,
) -> Importance:
    """Permutation importance: what test videos lose when some of their tables are those of another video.

    Whole tables are replaced, so that the columns and the course of a table stay together; a shorter one is repeated.

    Args:
        groups: By name, the tables that are replaced together.
        gold: (rows, P) labels.
        by_clip: Whether the mean over a video's windows is what is predicted.
    """
    random = np.random.default_rng(seed)
    shares = gold.shape[1] > 1
    lost: dict[str, list[float]] = {name: [] for name in groups}
    replaced: dict[str, list[list[float]]] = {name: [] for name in groups}
    clips = []
    for video_id in test:
        rows = samples.labelled([video_id], gold, fitted.history)
        if not len(rows) or not groups:
            continue
        first, end = samples.span(video_id)
        video_inputs = {block: values[first:end] for block, values in inputs.items()}
        labels = gold[rows[:1] if by_clip else rows]

        def predicted(seen: Inputs, rows: npt.NDArray[np.int64] = rows, first: int = first) -> Floats:
            values = fitted.predict(seen, rows - first)
            return values.mean(axis=0, keepdims=True) if by_clip else values

        def score(values: Floats, labels: Floats = labels) -> float:
            if shares:
                return -float(cross_entropy(labels, values).mean())
            return scores(labels[:, 0], values[:, 0])["ccc"]

        usual = predicted(video_inputs)
        clips.append(video_id)
        donors = _donors(samples, video_id)
        errors: dict[str, list[float]] = {name: [] for name in groups}
        for table, donor in product(groups, random.choice(donors, _REPEATS)):
            values = predicted(_with_tables(fitted, inputs, video_inputs, groups[table], samples.span(str(donor))))
            lost[table].append(score(usual) - score(values))
            errors[table].append(float(values[0, 0]))
        for table, table_errors in errors.items():
            replaced[table].append(table_errors)
    if by_clip and not shares:
        return Importance(replaced={name: np.array(of).T for name, of in replaced.items() if of}, clips=tuple(clips))
    means = {table: float(np.nanmean(values)) for table, values in lost.items() if np.isfinite(values).any()}
    return Importance(lost=means)


def _donors(samples: Samples, video_id: str) -> list[str]:
    """The other videos; those of other groups, if there are any."""
    other_videos = [other_video for other_video in samples.videos if other_video != video_id]
    group = samples.groups.get(video_id)
    return [
        other_video for other_video in other_videos if group is None or samples.groups.get(other_video) != group
    ] or other_videos


def _with_tables(
    fitted: Fitted, inputs: Inputs, video_inputs: Inputs, tables: Sequence[str], donor: tuple[int, int]
) -> Inputs:
    """A video's inputs, with some tables taken from the rows of another video."""
    changed = {}
    for block, values in video_inputs.items():
        columns = [i for i, name in enumerate(fitted.scalers[block].columns) if name.partition(".")[0] in tables]
        changed[block] = values.copy()
        donor_rows = donor[0] + np.arange(len(values)) % (donor[1] - donor[0])
        changed[block][:, columns] = inputs[block][np.ix_(donor_rows, np.array(columns, np.int64))]
    return changed
