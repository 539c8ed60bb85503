"""Licences of software that bind those who use a dataset's values, or models trained on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from avcues.extractors import registry

if TYPE_CHECKING:
    from avcues.pipeline.dataset.catalog import StoredTable


@dataclass(frozen=True, kw_only=True)
class Licence:
    """A licence that is none of the common ones.

    Args:
        name: As a dataset's metadata name it.
        link: Where its text is.
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
"""By extractor."""


def licence_of(tables: Iterable[StoredTable]) -> Licence | None:
    """The strictest licence that is known to bind a dataset's values: openSMILE's, which names "features extracted with
    the software", or none. The rights in the videos are their holders'.
    """
    return OPENSMILE if any(table.recipe["extractor"] in registry.OPENSMILE for table in tables) else None
