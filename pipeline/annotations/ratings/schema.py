"""Ratings of a study in memory: their columns, the dimensions that were rated, and selections of them.

See `files` for the folder that holds them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import pyarrow as pa

from avcues.pipeline.annotations.ratings.keys import is_in
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.notebook import html_table

Level = Literal["nominal", "ordinal", "interval"]
LEVELS: tuple[Level, ...] = get_args(Level)

KEYS = ("rater", "video_id", "setup", "round", "dimension")
"""The key columns of a rating."""

LONGEST_S = 24 * 3600
"""Latest possible time of a rating, in seconds."""

_WORD = pa.dictionary(pa.int32(), pa.string())
RATING_SCHEMA = pa.schema(
    {
        "rater": _WORD,
        "video_id": _WORD,
        "setup": _WORD,
        "round": _WORD,
        "time": pa.float64(),
        "dimension": _WORD,
        "value": pa.float64(),
        "label": _WORD,
    }
)
REPEAT_SCHEMA = RATING_SCHEMA.append(pa.field("repeat", pa.int32()))
EXPOSURE_SCHEMA = pa.schema(
    {
        "rater": pa.string(),
        "video_id": pa.string(),
        "setup": pa.string(),
        "round": pa.string(),
        "order": pa.int32(),
        "seen": pa.bool_(),
        "overlay": pa.string(),
    }
)
_SETUPS = ("music", "visual", "audiovisual", "text", "audio", "video", "all")


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """A dimension that raters rate.

    Args:
        name: Name, such as "valence".
        level: Level of measurement; raters choose labels of a "nominal" dimension and give numbers of the others.
        low: Lowest possible value; None: not known.
        high: Highest possible value; None: not known.
        labels: The labels that can be chosen.
        hold: Whether ratings over time are a log of changes, in which a value holds until the next one.

    Raises:
        SettingsError: The level is unknown, or the range is empty.
    """

    name: str
    level: Level = "interval"
    low: float | None = None
    high: float | None = None
    labels: tuple[str, ...] = ()
    hold: bool = False

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise SettingsError(
                f'{self.name}: "{self.level}" is not a level of measurement; expected {", ".join(LEVELS)}'
            )
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise SettingsError(f"{self.name}: the range {self.low:g},{self.high:g} is empty; expected LOW,HIGH")


@dataclass(frozen=True, kw_only=True, repr=False)
class Annotations:
    """Ratings of a study, as an import makes them or `read` reads them.

    Args:
        ratings: `rater`, `video_id`, `setup`, `round`, `time` in seconds (null for the whole clip), `dimension`,
            `value` and `label`, in the order of the source.
        raters: One row per rater: the column `rater` and any others.
        exposures: `rater`, `video_id`, `setup`, `round`, `order`, `seen`, `overlay`: one row per clip that a rater saw.
        dimensions: The rated dimensions, by name.
        origin: How the ratings were imported: importer, files, options, `notes` (one line for everything that was
            changed, left out or missing), and `ends_s` (lengths of videos in seconds, if a dimension holds).
        repeats: Columns of `REPEAT_SCHEMA`: ratings of clips that a rater had rated before; not part of `ratings`.
    """

    ratings: pa.Table
    raters: pa.Table
    exposures: pa.Table
    dimensions: Mapping[str, Dimension]
    origin: Mapping[str, Any] = field(default_factory=dict)
    repeats: pa.Table = field(default_factory=REPEAT_SCHEMA.empty_table)

    def __repr__(self) -> str:
        counts = f"{len(self.ratings)} ratings of {len(self.videos)} videos by {len(self.rater_ids)} raters"
        return f"<Annotations: {counts}, setups {', '.join(self.setups)}; {', '.join(self.dimensions)}>"

    def _repr_html_(self) -> str:
        """For notebooks: a row per dimension."""
        rows = [
            (d.name, d.level, "" if d.low is None else f"{d.low:g} to {d.high:g}") for d in self.dimensions.values()
        ]
        return html_table(f"{self!r}"[1:-1], ("dimension", "level", "range"), rows)

    @property
    def rater_ids(self) -> tuple[str, ...]:
        """The raters with any rating, sorted."""
        return tuple(sorted(self._words("rater")))

    @property
    def videos(self) -> tuple[str, ...]:
        """The rated videos, sorted."""
        return tuple(sorted(self._words("video_id")))

    @property
    def setups(self) -> tuple[str, ...]:
        """Setups: music, visual, audiovisual, text, audio, video, all, then any others by name."""
        rated = self._words("setup")
        return (*(name for name in _SETUPS if name in rated), *sorted(set(rated) - set(_SETUPS)))

    @property
    def rounds(self) -> tuple[str, ...]:
        """Rounds in order of appearance; empty if the ratings name none."""
        return self._words("round")

    @property
    def notes(self) -> tuple[str, ...]:
        """One line for everything that the import changed, left out or lacked."""
        return tuple(self.origin.get("notes", ()))

    def numeric(self) -> tuple[Dimension, ...]:
        """The dimensions rated in numbers."""
        return tuple(dimension for dimension in self.dimensions.values() if dimension.level != "nominal")

    def nominal(self) -> tuple[Dimension, ...]:
        """The dimensions rated in labels."""
        return tuple(dimension for dimension in self.dimensions.values() if dimension.level == "nominal")

    def dimension(self, name: str) -> Dimension:
        """A dimension by its name.

        Raises:
            SettingsError: No dimension has that name.
        """
        if name not in self.dimensions:
            raise SettingsError(f'no dimension "{name}" in these ratings, only {", ".join(self.dimensions)}')
        return self.dimensions[name]

    def over_time(self, name: str) -> bool:
        """Whether a dimension is rated over time rather than once per clip."""
        rows = is_in(self.ratings["dimension"], [name])
        return bool((rows & self.ratings["time"].is_valid().to_numpy()).any())

    def select(
        self,
        *,
        videos: Collection[str] | None = None,
        setups: Collection[str] | None = None,
        dimensions: Collection[str] | None = None,
        round_: str | None = None,
    ) -> Annotations:
        """The ratings of some videos, setups, dimensions or one round only.

        Args:
            videos: Ids; None: all.
            setups: Names; None: all.
            dimensions: Names; None: all.
            round_: Name of one round; None: all rounds.

        Raises:
            SettingsError: `dimensions` names one that is not rated.
        """
        dimension_by_name = (
            dict(self.dimensions) if dimensions is None else {name: self.dimension(name) for name in dimensions}
        )
        chosen = {"video_id": videos, "setup": setups, "round": None if round_ is None else [round_]}
        chosen_dimensions = {} if dimensions is None else {"dimension": dimension_by_name}
        return replace(
            self,
            ratings=_filtered(self.ratings, chosen | chosen_dimensions),
            repeats=_filtered(self.repeats, chosen | chosen_dimensions),
            exposures=_filtered(self.exposures, chosen),
            dimensions=dimension_by_name,
        )

    def _words(self, column: str) -> tuple[str, ...]:
        """The distinct values of a column, in the order in which they appear."""
        return tuple(word for word in self.ratings[column].unique().to_pylist() if word is not None)


def _filtered(table: pa.Table, chosen: Mapping[str, Collection[str] | None]) -> pa.Table:
    """The rows whose columns have one of the chosen words; None: any."""
    for column, words in chosen.items():
        if words is not None:
            table = table.filter(pa.array(is_in(table[column], words)))
    return table
