"""CARMA: one file per rater and clip, `Second` and `Rating`, with the scale beside every rating.

Ratings are means of the seconds that end at `Second`, so each is placed in the middle of its bin.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.assemble import Part, Reading
from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import video_name
from avcues.pipeline.store.user_tables import read_user_table

_REQUIRED = ("Filename", "Minimum Value", "Maximum Value", "Second", "Rating")


def rater_of(file: Path, video_id: str) -> str:
    """Who rated, by the name of a file such as `CLIP_AP.csv`: what remains without the clip's name."""
    remainder = file.stem.removeprefix(video_id).strip("_- ")
    return remainder or file.stem


def middles(second: np.ndarray) -> np.ndarray:
    """The middle of each bin, of the times at which bins end."""
    steps = np.diff(second)
    return second - (float(np.median(steps)) if len(steps) else float(second[0])) / 2


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    parts = []
    ends: set[tuple[float, float]] = set()
    name = options.dimension or "rating"
    for file in files:
        table = read_user_table(file, types={"Filename": pa.string()}, required=_REQUIRED)
        if not len(table):
            raise InputError(f"{file}: has no ratings")
        video_id = video_name(table["Filename"][0].as_py())
        ends.add((float(table["Minimum Value"][0].as_py()), float(table["Maximum Value"][0].as_py())))
        words = {"rater": rater_of(file, video_id), "video_id": video_id, "setup": options.setup or "audiovisual"}
        columns = {key: pa.array([word] * len(table)) for key, word in (words | {"dimension": name}).items()}
        time = middles(table["Second"].cast(pa.float64()).to_numpy())
        parts.append(Part(table=pa.table({**columns, "time": time, "value": table["Rating"]}), name=str(file)))
    if len(ends) > 1:
        raise InputError(
            f"the files have different scales ({sorted(ends)}); import them one by one, with a dimension each"
        )
    ((low, high),) = ends
    return Reading(
        parts=parts, name="the files", origin={}, dimensions={name: Dimension(name=name, low=low, high=high)}
    )


FORMAT = Format(
    title="CARMA (CLIP_RATER.csv: Filename, ..., Second, Rating)",
    files="*.csv",
    looks_like=lambda path, head: "Lower Label" in head and "Second,Rating" in head,
    read=_read,
)
