"""All figures or tables that a study has ratings for, and the reason for each that is left out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from avcues.pipeline.annotations.results import NotShownError, Results
from avcues.pipeline.errors import SettingsError

Item = TypeVar("Item")
Makers = Mapping[str, Callable[[Results], Iterable[Item]]]
"""By name of a kind of figure or table, the function that makes all of that kind, such as one per dimension."""


class NotShown(NamedTuple):
    """A kind of figure or table that is left out."""

    name: str
    reason: str


def make_all(makers: Makers[Item], results: Results, only: Collection[str] | None = None) -> Iterator[Item | NotShown]:
    """Makes figures or tables in order; a kind that cannot be made yields `NotShown` with the reason.

    Args:
        only: Names of kinds; None: all.

    Raises:
        SettingsError: `only` names an unknown kind.
    """
    for name in only or ():
        if name not in makers:
            raise SettingsError(f"`only={name}`: expected {', '.join(makers)}")
    for name, make in makers.items():
        if only is None or name in only:
            try:
                yield from make(results)
            except NotShownError as error:
                yield NotShown(name, str(error))
