"""What a model relies on: coefficients by descriptor family, and the CCC lost with another video's table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.pipeline.training.evaluate import scores
from avcues.pipeline.training.models import Fitted, Inputs
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
_TABLES = {"color": "hue and saturation", "scenes": "scene"}


def family(column: str) -> str:
    """The descriptor family of a column, as the study's Table 7 groups them; other tables are families of their own."""
    table, _, name = column.partition(".")
    if name == PRESENT:
        return "what is missing"
    if table == "emobase":
        return next((known for start, known in _EMOBASE.items() if name.startswith(start)), table)
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
    found = [{"family": name, "weight": a, "signed": b, "columns": int(c)} for name, (a, b, c) in sums.items()]
    return sorted(found, key=lambda one: (-one["weight"], one["family"]))


def of_tables(
    fitted: Fitted,
    inputs: Inputs,
    samples: Samples,
    gold: Floats,
    test: Sequence[str],
    tables: Sequence[str],
    seed: int,
) -> dict[str, float]:
    """Permutation importance: for each table, the mean CCC that test videos lose when it is another video's.

    Whole tables are replaced, so that the columns and the course of a table stay together; a shorter one is repeated.
    """
    random = np.random.default_rng(seed)
    lost: dict[str, list[float]] = {table: [] for table in tables}
    for video_id in test:
        rows = samples.labelled([video_id], gold, fitted.history)
        if not len(rows):
            continue
        first, end = samples.span(video_id)
        own = {block: values[first:end] for block, values in inputs.items()}

        def ccc(seen: Inputs, rows: npt.NDArray[np.int64] = rows, first: int = first) -> float:
            return scores(gold[rows], fitted.predict(seen, rows - first))["ccc"]

        usual = ccc(own)
        others = [other for other in samples.videos if other != video_id]
        for table, donor in product(tables, random.choice(others, _REPEATS)):
            lost[table].append(usual - ccc(_with_table(fitted, inputs, own, table, samples.span(str(donor)))))
    return {table: float(np.nanmean(values)) for table, values in lost.items() if np.isfinite(values).any()}


def _with_table(fitted: Fitted, inputs: Inputs, own: Inputs, table: str, donor: tuple[int, int]) -> Inputs:
    """A video's inputs, with one table taken from the rows of another video."""
    changed = {}
    for block, values in own.items():
        columns = [i for i, name in enumerate(fitted.scalers[block].columns) if name.startswith(f"{table}.")]
        changed[block] = values.copy()
        taken = donor[0] + np.arange(len(values)) % (donor[1] - donor[0])
        changed[block][:, columns] = inputs[block][np.ix_(taken, np.array(columns, np.int64))]
    return changed
