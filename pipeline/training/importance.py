"""What a model relies on: coefficients by descriptor family, and permutation importance of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.pipeline.training.categories import cross_entropy
from avcues.pipeline.training.evaluate import scores
from avcues.pipeline.training.fitting import FittedModel
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
        score_losses: By table, the mean loss of test videos: of CCC, or of cross-entropy if shares are predicted.
        permuted_predictions: By table, (repeats, clips) predictions with that table of other clips, from which the CCC
            over all clips is computed; only if one number is predicted per clip.
        clips: The ids of these clips.
    """

    score_losses: Mapping[str, float] = field(default_factory=dict)
    permuted_predictions: Mapping[str, Floats] = field(default_factory=dict)
    clips: tuple[str, ...] = ()


def descriptor_family(column: str) -> str:
    """The descriptor family of a column, grouped as in the study's Table 7; any other table is a family of its own."""
    table, _, name = column.partition(".")
    if name == PRESENT:
        return "what is missing"
    if table == "emobase":
        return next((family_name for start, family_name in _EMOBASE.items() if name.startswith(start)), table)
    if table == "text":
        return next((family_name for start, family_name in _TEXT.items() if name.startswith(start)), table)
    return _TABLES.get(table, table)


def coefficients_by_family(coefficients: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """Sums the mean absolute coefficients of each family; the largest sum comes first.

    Args:
        coefficients: For each column, its coefficients in all folds, on scaled features.
    """
    sums: dict[str, list[float]] = {}
    for column, values in coefficients.items():
        entry = sums.setdefault(descriptor_family(column), [0.0, 0.0, 0])
        entry[0] += float(np.mean(np.abs(values)))
        entry[1] += float(np.mean(values))
        entry[2] += any(values)
    families = [
        {"family": name, "weight": absolute, "signed": signed, "columns": int(columns)}
        for name, (absolute, signed, columns) in sums.items()
    ]
    return sorted(families, key=lambda entry: (-entry["weight"], entry["family"]))


def permutation_importance(
    fitted: FittedModel,
    inputs: Inputs,
    samples: Samples,
    gold: Floats,
    test: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    seed: int,
    *,
    by_clip: bool = False,
) -> Importance:
    """Permutation importance: how much test videos lose if some of their tables are replaced by another video's.

    Whole tables are replaced, so that columns and time course stay together; a shorter table is repeated.

    Args:
        gold: (rows, P) labels.
        test: Ids of the test videos.
        groups: By name, the tables that are replaced together.
        by_clip: Whether the prediction is the mean over a video's windows.
    """
    random = np.random.default_rng(seed)
    has_shares = gold.shape[1] > 1
    score_losses: dict[str, list[float]] = {name: [] for name in groups}
    permuted_predictions: dict[str, list[list[float]]] = {name: [] for name in groups}
    clip_ids = []
    for video_id in test:
        rows = samples.labelled_rows([video_id], gold, fitted.history)
        if not len(rows) or not groups:
            continue
        first, end = samples.span(video_id)
        video_inputs = {block: values[first:end] for block, values in inputs.items()}
        labels = gold[rows[:1] if by_clip else rows]

        def predict(changed_inputs: Inputs, rows: npt.NDArray[np.int64] = rows, first: int = first) -> Floats:
            values = fitted.predict(changed_inputs, rows - first)
            return values.mean(axis=0, keepdims=True) if by_clip else values

        def score(values: Floats, labels: Floats = labels) -> float:
            if has_shares:
                return -float(cross_entropy(labels, values).mean())
            return scores(labels[:, 0], values[:, 0])["ccc"]

        unpermuted = predict(video_inputs)
        clip_ids.append(video_id)
        donors = _donors(samples, video_id)
        clip_predictions: dict[str, list[float]] = {name: [] for name in groups}
        for table, donor in product(groups, random.choice(donors, _REPEATS)):
            values = predict(_with_tables(fitted, inputs, video_inputs, groups[table], samples.span(str(donor))))
            score_losses[table].append(score(unpermuted) - score(values))
            clip_predictions[table].append(float(values[0, 0]))
        for table, table_predictions in clip_predictions.items():
            permuted_predictions[table].append(table_predictions)
    if by_clip and not has_shares:
        return Importance(
            permuted_predictions={name: np.array(clips).T for name, clips in permuted_predictions.items() if clips},
            clips=tuple(clip_ids),
        )
    means = {table: float(np.nanmean(values)) for table, values in score_losses.items() if np.isfinite(values).any()}
    return Importance(score_losses=means)


def _donors(samples: Samples, video_id: str) -> list[str]:
    """The other videos, without those of the same group if any remain."""
    other_videos = [other_video for other_video in samples.videos if other_video != video_id]
    group = samples.groups.get(video_id)
    return [
        other_video for other_video in other_videos if group is None or samples.groups.get(other_video) != group
    ] or other_videos


def _with_tables(
    fitted: FittedModel, inputs: Inputs, video_inputs: Inputs, tables: Sequence[str], donor: tuple[int, int]
) -> Inputs:
    """The inputs of a video, with some tables replaced by those of the rows of another video."""
    changed = {}
    for block, values in video_inputs.items():
        columns = [i for i, name in enumerate(fitted.scalers[block].columns) if name.partition(".")[0] in tables]
        changed[block] = values.copy()
        donor_rows = donor[0] + np.arange(len(values)) % (donor[1] - donor[0])
        changed[block][:, columns] = inputs[block][np.ix_(donor_rows, np.array(columns, np.int64))]
    return changed
