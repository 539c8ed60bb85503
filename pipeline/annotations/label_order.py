"""Labels in the order of their groups, such as the categories and superfactors of a scale of emotions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LabelGroups = Mapping[str, tuple[str, ...]]
"""By label, the groups that it belongs to, from the narrowest."""


def by_group(labels: Sequence[str], groups: LabelGroups) -> list[str]:
    """Labels of one group side by side: groups in the order in which they are named, other labels last.

    >>> by_group(["sad", "calm", "serene"], {"calm": ("peace",), "serene": ("peace",)})
    ['calm', 'serene', 'sad']
    """
    paths = list(dict.fromkeys(path[::-1] for path in groups.values()))
    return sorted(labels, key=lambda one: paths.index(groups[one][::-1]) if one in groups else len(paths))
