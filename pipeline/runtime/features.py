"""The features that can be extracted: `avcues.features()`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from avcues.errors import AvcuesError
from avcues.pipeline.notebook import html_table, text_table

if TYPE_CHECKING:
    from avcues.extractors.protocol import Table


@dataclass(frozen=True, kw_only=True, repr=False)
class Feature:
    """A feature that can be extracted.

    Args:
        name: Name, as in `features=[...]`.
        tables: Tables of the feature, with the unit, meaning and range of every column.
        extra_tables: Tables that are made only if `features` names them as well.
        variants: Networks to choose from, by option; empty for a feature that uses none.
        citation: The paper or tool that the feature follows.
        problem: Why a feature of an installed package cannot be extracted, in one line; such a feature has no tables.
            Empty if the feature can be extracted, or lacks only its weights.
    """

    name: str
    tables: Sequence[Table] = ()
    extra_tables: Sequence[Table] = ()
    variants: Mapping[str, Sequence[str]] = field(default_factory=dict)
    citation: str = ""
    problem: str = ""

    def __repr__(self) -> str:
        return text_table(self._title, self._header, self._rows())

    def _repr_html_(self) -> str:
        """For notebooks: a row per column."""
        return html_table(self._title, self._header, self._rows())

    @property
    def _title(self) -> str:
        return f"{self.name}: {self.problem or self.citation}"

    _header = ("column", "unit", "range", "meaning")

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (f"{table.name}.{column.name}", column.unit, column.range_text, column.meaning)
            for table in (*self.tables, *self.extra_tables)
            for column in table.columns
        ]


class FeatureTable(dict[str, Feature]):
    """Features by name; printed as a table."""

    _header = ("feature", "tables", "columns", "source")

    def __repr__(self) -> str:
        return text_table(f"{len(self)} features", self._header, self._rows())

    def _repr_html_(self) -> str:
        """For notebooks: a row per feature."""
        return html_table(f"{len(self)} features", self._header, self._rows())

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                name,
                ", ".join(table.name for table in feature.tables),
                str(sum(len(table.columns) for table in feature.tables)),
                feature.problem or feature.citation,
            )
            for name, feature in self.items()
        ]


def features() -> FeatureTable:
    """Every feature that can be extracted, by name, including those of installed packages.

    Examples:
        >>> import avcues
        >>> column = avcues.features()["lighting"].tables[0].columns[0]
        >>> column.name, column.unit
        ('lighting_key', '1')
    """
    from avcues.extractors import registry

    table = FeatureTable()
    for name in registry.names():
        try:
            extractor = registry.create(name)
        except AvcuesError as error:
            table[name] = Feature(name=name, problem=str(error))
            continue
        variants = {
            option: tuple(asset.partition("/")[2] for asset in assets) for option, assets in extractor.weights.items()
        }
        table[name] = Feature(
            name=name,
            tables=tuple(extractor.tables),
            extra_tables=tuple(extractor.extra_tables),
            variants=variants,
            citation=extractor.citation,
        )
    return table
