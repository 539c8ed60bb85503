"""Labels in the order of their groups, such as the categories and superfactors of a scale of emotions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_tables import read_user_table

_GEMS = Path(__file__).parent / "assets" / "gems.csv"

LabelGroups = Mapping[str, tuple[str, ...]]
"""By label, the groups that it belongs to, from the narrowest."""


def by_group(labels: Sequence[str], groups: LabelGroups) -> list[str]:
    """Sorts labels by group, in the order in which `groups` names them; labels without a group come last.

    >>> by_group(["sad", "calm", "serene"], {"calm": ("peace",), "serene": ("peace",)})
    ['calm', 'serene', 'sad']
    """
    paths = list(dict.fromkeys(path[::-1] for path in groups.values()))
    return sorted(labels, key=lambda label: paths.index(groups[label][::-1]) if label in groups else len(paths))


def read_label_groups(path: Path) -> LabelGroups:
    """Reads a table with the columns `label`, `category` and optionally `superfactor`.

    Raises:
        InputError: The table cannot be read, lacks a column, or names a label twice.
    """
    types = dict.fromkeys(("label", "category", "superfactor"), pa.string())
    table = read_user_table(path, types=types, required={name: types[name] for name in ("label", "category")})
    groups: dict[str, tuple[str, ...]] = {}
    for row, entry in enumerate(table.to_pylist(), 1):
        label = entry["label"]
        if not label or label in groups:
            raise InputError(f"{path}: row {row}: expected a label that no other row has, not {label!r}")
        groups[label] = tuple(name for name in (entry["category"], entry.get("superfactor")) if name)
    return groups


def usual_groups(labels: Collection[str]) -> LabelGroups:
    """The categories and superfactors of the Geneva Emotional Music Scale if all labels are its terms; empty otherwise.

    The terms and their groups are those of Chua et al. 2022, after Zentner et al. 2008; spaces may be underscores.

    >>> usual_groups(["calm", "filled_with_wonder"])["filled_with_wonder"]
    ('Wonder', 'Sublimity')
    >>> usual_groups(["calm", "angry"])
    {}
    """
    gems = read_label_groups(_GEMS)
    term_of_label = {label: label.replace("_", " ") for label in labels}
    if not set(term_of_label.values()) <= gems.keys():
        return {}
    label_of_term = {term: label for label, term in term_of_label.items()}
    return {label_of_term[term]: groups for term, groups in gems.items() if term in label_of_term}
