"""Panels and their series, and the conversion of a column of a table to a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from avcues.pipeline.report.video import Values, Video

Role = Literal["line", "high", "low", "text", "faint"]
Numbers = list[float | None]
"""A value per window; None is a gap."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One column of numbers.

    Args:
        name: Name on the page.
        column: Table and column.
        unit: Unit of the values; empty for plain numbers.
        meaning: What the column measures.
        values: One per window.
        role: "line"; "high" and "low", ends of the area around the panel's first line; "text": only its value is shown;
            "faint": a thin line without a value.
        colour: Name of a colour in report.css; empty: the series is not drawn.
        low: Lower end of the axis.
        high: Upper end of the axis.
        counts: Number of detections per window, if the values are scores of detections.
        counts_column: Table and column of the counts.
        other: The same column in another folder.
    """

    name: str
    column: str
    unit: str
    meaning: str
    values: Numbers
    colour: str = ""
    role: Role = "line"
    low: float = 0.0
    high: float = 1.0
    counts: Numbers = field(default_factory=list)
    counts_column: str = ""
    other: Series | None = None


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A strip of the page.

    Args:
        title: Heading of the panel.
        series: The series that are drawn or whose values are shown.
        kind: "lines", "stack" (stacked areas), "hues" (a histogram per window), "lanes" (a row per series) or "words"
            (each word at its time).
        note: A line under the title.
        pick_one: Whether series are shown one at a time, because they have units of their own.
        rows: For "hues": for each bin, from 0 degrees on, its share of the pixels per window, from 0 to 255.
        bins: Table and column of each row.
        words: A text per window, such as the most probable scene or the utterance.
        words_column: Table and column of the words.
        spoken: For "words": start and end of each word in seconds, and the word.
        empty: Why the panel is empty; it then shows only this text.
        follows: Whether the column is chosen in the other panel with the same key.
        key: Name of the panel in addresses; empty: its title. Panels with the same key move together and show the same
            column.
    """

    title: str
    kind: Literal["lines", "stack", "hues", "lanes", "words"]
    note: str = ""
    series: Sequence[Series] = ()
    pick_one: bool = False
    rows: Sequence[Numbers] = ()
    bins: Sequence[str] = ()
    words: Sequence[str | None] = ()
    words_column: str = ""
    spoken: Sequence[tuple[float, float, str]] = ()
    empty: str = ""
    key: str = ""
    follows: bool = False


def series_of(
    video: Video,
    table: str,
    column: str,
    values: Values,
    *,
    name: str = "",
    colour: str = "",
    role: Role = "line",
) -> Series:
    """A series with the unit, meaning and bounds that its table documents."""
    documentation = video.column(table, column)
    low, high = axis_bounds(values, documentation)
    return Series(
        name=name or column,
        column=f"{table}.{column}",
        unit="" if documentation["unit"] == "1" else documentation["unit"],
        meaning=documentation["meaning"],
        values=numbers(values),
        colour=colour,
        role=role,
        low=low,
        high=high,
    )


def axis_bounds(values: Values, documentation: Mapping[str, Any]) -> tuple[float, float]:
    """Bounds of a column's axis: those of its scale, unless the values cover so little of it that they would look flat.

    Args:
        documentation: The table's documentation of the column.
    """
    low, high = documentation.get("low"), documentation.get("high")
    known_values = values[~np.isnan(values)]
    lowest, highest = (float(known_values.min()), float(known_values.max())) if len(known_values) else (0.0, 1.0)
    if low is not None and high is not None and highest - lowest > (high - low) / 3:
        return low, high
    margin = 0.06 * (highest - lowest) or 0.5
    floor = 0.0 if low is None and lowest >= 0 else low
    is_near_floor = floor is not None and lowest - floor < (highest - lowest)
    return (floor if floor is not None and is_near_floor else lowest - margin), highest + margin


def numbers(values: Values) -> Numbers:
    """Values rounded to four digits; NaN becomes None."""
    missing = np.isnan(values)
    magnitude = np.floor(np.log10(np.where(missing | (values == 0), 1, np.abs(values))))
    scale = 10.0 ** np.clip(3 - magnitude, 0, 9)
    rounded = np.rint(values * scale) / scale
    return [None if gap else value for gap, value in zip(missing.tolist(), rounded.tolist(), strict=True)]


def empty_reason(video: Video, series: Sequence[Series]) -> str:
    """The text that replaces a panel without values; empty if there is a value."""
    if any(value is not None for column in series for value in column.values):
        return ""
    streams = {"video": "picture", "audio": "sound"}
    missing = [name for stream, name in streams.items() if not video.source.get(stream)]
    return "no value in any window" + "".join(f"; the file has no {name}" for name in missing)
