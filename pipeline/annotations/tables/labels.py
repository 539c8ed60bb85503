"""Which labels raters chose in each setup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from avcues.pipeline.annotations.label_order import by_group
from avcues.pipeline.annotations.reliability.label_statistics import OVER_ALL
from avcues.pipeline.annotations.results import NotShownError, Results
from avcues.pipeline.paper.table import PaperTable, decimal, percent
from avcues.pipeline.paper.text import file_name


def labels_by_setup(results: Results, dimension: str) -> PaperTable:
    """How often each label was chosen in each setup, and its share of the setup's choices.

    After Table 3 of Chua et al. 2022. Labels are sorted by group if groups are known.

    Args:
        dimension: Name of a dimension rated in labels.

    Raises:
        SettingsError: The dimension is not rated in labels.
    """
    counts = _counts(results, dimension)
    groups = results.groups_of_labels
    order = by_group(list(counts), groups)
    group_paths = [(*reversed(groups.get(label, ())),) for label in order]
    depth = max(map(len, group_paths), default=0)
    heads = [(*path, *[""] * (depth - len(path)), label) for path, label in zip(group_paths, order, strict=True)]
    return _table(
        results, dimension, "labels_by_setup", [*_titles(depth), "label"], heads, [counts[label] for label in order]
    )


def label_groups_by_setup(results: Results, dimension: str) -> PaperTable:
    """How often any label of each group was chosen in each setup, and its share of the setup's choices.

    After Table 2 of Chua et al. 2022.

    Raises:
        NotShownError: The labels have no groups.
    """
    counts = _counts(results, dimension)
    sums: dict[tuple[str, ...], dict[str, int]] = {}
    for label in by_group(list(counts), results.groups_of_labels):
        path = tuple(reversed(results.groups_of_labels.get(label, ())))
        for depth in range(1, len(path) + 1):
            group_counts = sums.setdefault(path[:depth], dict.fromkeys(counts[label], 0))
            for setup, count in counts[label].items():
                group_counts[setup] += count
    if not sums:
        raise NotShownError(f"the labels of {dimension} have no groups; name them with `label_groups`")
    depth = max(map(len, sums))
    heads = [(*path, *["all"] * (depth - len(path))) for path in sums]
    return _table(results, dimension, "label_groups_by_setup", _titles(depth), heads, list(sums.values()))


def _counts(results: Results, dimension: str) -> dict[str, dict[str, int]]:
    """By label, by setup and for all setups together, how often the label was chosen."""
    choices = results.choices(dimension)
    chosen = {
        setup: choices.chosen[choices.setup == i].sum(0)
        for i, setup in enumerate(choices.names["setup"])
        if (choices.setup == i).any()
    }
    chosen[OVER_ALL] = choices.chosen.sum(0)
    return {
        label: {setup: int(counts[i]) for setup, counts in chosen.items()} for i, label in enumerate(choices.labels)
    }


def _titles(depth: int) -> list[str]:
    return {0: [], 1: ["group"], 2: ["superfactor", "category"]}.get(depth) or [f"level {i + 1}" for i in range(depth)]


def _table(
    results: Results,
    dimension: str,
    name: str,
    titles: Sequence[str],
    heads: Sequence[tuple[str, ...]],
    counts: Sequence[Mapping[str, int]],
) -> PaperTable:
    by_setup = results.labels(dimension).by_setup
    setups = list(by_setup)
    rows = [
        (*head, *(f"{row[s]} ({percent(row[s] / max(1, by_setup[s]['choices']))})" for s in setups))
        for head, row in zip(heads, counts, strict=True)
    ]
    summary_rows = {
        "labels chosen": [f"{by_setup[s]['choices']:.0f}" for s in setups],
        "ratings": [f"{by_setup[s]['ratings']:.0f}" for s in setups],
        "labels per rating, mean": [decimal(by_setup[s]["labels_per_rating_mean"], 2) for s in setups],
        "labels per rating, median": [f"{by_setup[s]['labels_per_rating_median']:g}" for s in setups],
        "distinct labels per stimulus": [decimal(by_setup[s]["unique_labels_per_stimulus"], 2) for s in setups],
    }
    width = len(titles)
    rows += [(title, *[""] * (width - 1), *cells) for title, cells in summary_rows.items()]
    numbers: dict[str, list[object]] = {title: [] for title in (*titles, "setup", "chosen", "share")}
    for head, row in zip(heads, counts, strict=True):
        for setup in setups:
            share = row[setup] / max(1, by_setup[setup]["choices"])
            for title, value in zip(numbers, (*head, setup, row[setup], share), strict=True):
                numbers[title].append(value)
    return PaperTable(
        name=file_name(name, dimension),
        caption=f"Labels of {dimension} chosen in each setup, with shares of all labels chosen in it. "
        "A stimulus is a video in a setup.",
        header=(*titles, *setups),
        rows=tuple(rows),
        numbers=pa.table(numbers),
        texts=width,
    )
