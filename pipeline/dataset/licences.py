"""Licences of software that bind users of a dataset's values, or of models trained on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from avcues.extractors import registry

if TYPE_CHECKING:
    from avcues.pipeline.dataset.catalog import StoredTable


@dataclass(frozen=True, kw_only=True)
class Licence:
    """A licence without a standard identifier.

    Args:
        name: Its name in a dataset's metadata.
        link: Address of its text.
    """

    name: str
    link: str


OPENSMILE = Licence(
    name="audeering-research-license-opensmile", link="https://github.com/audeering/opensmile/blob/master/LICENSE"
)

SOFTWARE_LICENCES = {
    **dict.fromkeys(
        registry.OPENSMILE,
        "openSMILE: audEERING's research licence, non-commercial; it also binds models trained on its features",
    ),
    "objects": "Ultralytics: AGPL-3.0",
}
"""By extractor, the licence of its software."""


def licence_of(tables: Iterable[StoredTable]) -> Licence | None:
    """The strictest known licence that binds a dataset's values; None if there is none.

    openSMILE's licence names "features extracted with the software". The rights to the videos are not considered.
    """
    return OPENSMILE if any(table.recipe["extractor"] in registry.OPENSMILE for table in tables) else None
