"""DARMA: one file per rater and clip, two dimensions by the second, under a heading of three lines.

The dimensions take the names that DARMA's settings gave to the axes of the joystick. `Review` exports the mean over
raters as `CLIP_Mean`, which is no rater.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.formats.carma import (
    middles,
    rater_of,
    read_export,
    scale_end,
    without_means,
)
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import video_name


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    names = [name.strip() for name in options.dimension.split(",")] if options.dimension else None
    if names is not None and len(names) != 2:
        raise InputError(f"{', '.join(names)}: DARMA has two dimensions; name X and Y, such as valence,arousal")
    parts, magnitudes, axes = [], set(), set()
    for file in files:
        part, magnitude, labels = _part(file, names, options.setup or "audiovisual")
        parts.append(part)
        magnitudes.add(magnitude)
        axes.add(labels)
    if len(magnitudes) > 1:
        raise InputError(f"the files have different magnitudes ({sorted(magnitudes)}); import them one by one")
    (end,) = magnitudes
    dimensions = {name: Dimension(name=name, low=-end, high=end) for labels in sorted(axes) for name in labels}
    rater_parts, notes = without_means(parts)
    return Reading(parts=rater_parts, dimensions=dimensions, notes=notes)


def _part(file: Path, names: Sequence[str] | None, setup: str) -> tuple[Part, float, tuple[str, ...]]:
    """The ratings of a file, the end of its scale, and the names of its dimensions."""
    export = read_export(file)
    if export is None or "Magnitude" not in export.heading or len(export.names) < 3:
        raise InputError(
            f"{file}: lacks the lines Multimedia File, Magnitude and %%%%%% with which exports of DARMA begin"
        )
    if not len(export.values):
        raise InputError(f"{file}: has no ratings")
    dimensions = tuple(names or [name.lower() or "xy"[i] for i, name in enumerate(export.names[1:3])])
    if not export.media:
        raise InputError(f"{file}: names no media file above its ratings; write it into the line Media File")
    video_id, count = video_name(export.media), len(export.values)
    constants = {"rater": rater_of(file, video_id), "video_id": video_id, "setup": setup}
    table = pa.table(
        {
            **{key: pa.array([constant] * (2 * count)) for key, constant in constants.items()},
            "dimension": pa.array(list(dimensions) * count),
            "time": np.repeat(middles(export.values[:, 0]), 2),
            "value": pa.array(export.values[:, 1:3].ravel(), from_pandas=True),
        }
    )
    rows = np.repeat(np.arange(export.row, export.row + count), 2)
    return Part(table=table, name=str(file), rows=rows), scale_end(export.heading, "Magnitude", file), dimensions


FORMAT = Format(
    title="DARMA (Second and two axes under Multimedia File and Magnitude)",
    files="*.csv",
    looks_like=lambda path, head: "Media File" in head.replace("Multimedia", "Media") and "Magnitude" in head,
    read=_read,
)
