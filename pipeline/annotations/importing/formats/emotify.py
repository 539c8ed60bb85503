"""Emotify: up to three of nine GEMS emotions that each participant chose for excerpts of music.

The other columns, such as age, mood and liking, become the profile of the rater.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.reading import Reading
from avcues.pipeline.annotations.importing.table_map import TableMap, tidy_part
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.store.user_tables import read_user_table

EMOTIONS = (
    *("amazement", "solemnity", "tenderness", "nostalgia", "calmness"),
    *("power", "joyful_activation", "tension", "sadness"),
)
_PROFILE = ("age", "gender", "mother tongue", "genre", "mood", "liked", "disliked")
"""Other columns: about the participant, the excerpt, and the participant before and after it."""
_RATER = "participant"


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    parts, profiles = [], []
    for file in files:
        table = read_user_table(file, types={"track id": pa.string()}, required=("track id", *EMOTIONS))
        columns = [name for name in _PROFILE if name in table.column_names]
        # The file names no raters: rows with the same age, sex and mother tongue may be of several.
        rater = pa.array([f"row {i}" for i in range(1, len(table) + 1)])
        table = table.append_column(_RATER, rater)
        keys = {"video_id": "track id", "rater": _RATER, "setup": f"={options.setup or 'music'}", "dimension": "=gems"}
        parts.append(tidy_part(table, file, TableMap(keys=keys, header="{label}", columns=EMOTIONS)))
        profiles.append(table.select([_RATER, *columns]).rename_columns(["rater", *columns]))
    return Reading(
        parts=parts,
        dimensions={"gems": Dimension(name="gems", level="nominal", labels=EMOTIONS)},
        raters=pa.concat_tables(profiles, promote_options="permissive"),
        notes=["the file names no participants: each row is taken as a rater of one excerpt"],
    )


FORMAT = Format(
    title="Emotify (data.csv)",
    files="data.csv",
    looks_like=lambda path, head: "amazement" in head and "joyful_activation" in head,
    read=_read,
)
