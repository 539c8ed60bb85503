"""What a format reads: tidy rows of files, with dimensions, exposures and raters where the files state them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from avcues.pipeline.annotations.importing.sources import Rows
from avcues.pipeline.annotations.ratings.schema import Dimension, Level

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Part:
    """Tidy rows of one file.

    Args:
        table: Columns of `RATING_SCHEMA` in the order of the file, `repeat` (number of earlier ratings of the clip by
            the rater), and `order`, `seen` and `overlay` of the exposure; a missing column counts as null.
        name: Name of the file, for messages.
        rows: Row of each rating in the file, counted from 1 below the header; None: one row per rating.
        notes: What was changed or left out in this file, one line each.
    """

    table: pa.Table
    name: str
    rows: Rows | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a format read.

    Args:
        parts: At least one.
        name: Name of all files together, for messages.
        origin: How the files were read, stored with the ratings: `importer`, files and options.
        dimensions: Dimensions whose scale or labels the format states.
        exposures: Columns of `EXPOSURE_SCHEMA`; None: one exposure per rater and clip, in the order of the rows.
        raters: Profiles of the raters, a table with a column `rater`; None: the format states none.
        raters_name: Name of the table of raters, for messages.
        notes: What was changed in all files, one line each.
    """

    parts: Sequence[Part]
    name: str = "the files"
    origin: Mapping[str, Any] = field(default_factory=dict)
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    exposures: pa.Table | None = None
    raters: pa.Table | None = None
    raters_name: str = "raters"
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Scales:
    """Scales of dimensions whose format does not state them.

    Args:
        range_: Lowest and highest possible value of all dimensions that are rated in numbers; None: not known.
        ranges: Lowest and highest possible value of single dimensions.
        levels: Level of measurement of single dimensions; default: "nominal" for labels, `level` for numbers.
        level: Level of measurement of dimensions rated in numbers, unless `levels` names another.
        hold: Whether ratings over time are logs of changes, in which a value holds until the next one; or the names of
            the dimensions for which this is so.
    """

    range_: Range | None = None
    ranges: Mapping[str, Range] = field(default_factory=dict)
    levels: Mapping[str, Level] = field(default_factory=dict)
    level: Level = "interval"
    hold: bool | Collection[str] = False

    def is_log(self, dimension: str) -> bool:
        """Whether a dimension is a log of changes."""
        return self.hold if isinstance(self.hold, bool) else dimension in self.hold
