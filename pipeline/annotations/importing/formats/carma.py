"""CARMA: one file per rater and clip, `Second` and `Rating`, with the scale above or beside the ratings.

| version    | form                                                                                              |
|------------|---------------------------------------------------------------------------------------------------|
| since 2014 | `Multimedia File`, `Minimum Value`, `Maximum Value` and others, a line each; a line of `%%%%%%`   |
| before     | a table with a row per rating, in which `Filename`, `Minimum Value` and `Maximum Value` are columns |

Both are CSV files or workbooks. Ratings are means of the bins that end at `Second`, so each is placed in the middle of
its bin. `Review` exports the mean over raters as `CLIP_Mean`, which is no rater.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.importing.rules import require_full_rows
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.annotations.ratings.wording import counted, listed
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import video_name
from avcues.pipeline.store.user_tables import raw_rows

Values = npt.NDArray[np.float64]

_REQUIRED = ("Filename", "Minimum Value", "Maximum Value", "Second", "Rating")
_MEDIA = ("Multimedia File", "Media File")
_MEAN = "Mean"


@dataclass(frozen=True, kw_only=True)
class Export:
    """An export of CARMA or DARMA.

    Args:
        heading: The lines above the ratings, by first cell.
        names: Names of the columns.
        values: (N, C) one row per bin; NaN where a cell is empty.
        row: Row of the first bin in the file, counted from 1 below the first line.
    """

    heading: Mapping[str, str]
    names: Sequence[str]
    values: Values
    row: int

    @property
    def media(self) -> str:
        """The media file that was rated; empty if the export names none."""
        return next((self.heading[name] for name in _MEDIA if name in self.heading), "")


def read_export(file: Path) -> Export | None:
    """Reads an export with a heading and a line of `%%%%%%`; None: the file has no such line.

    Raises:
        InputError: A cell below the line is no number.
    """
    rows = raw_rows(file)
    ruler = next((i for i, row in enumerate(rows) if row[0].startswith("%%")), None)
    if not ruler:
        return None
    names = rows[ruler - 1]
    cells = [row[: len(names)] + [""] * (len(names) - len(row)) for row in rows[ruler + 1 :]]
    return Export(
        # A label may hold a comma.
        heading={row[0]: ", ".join(cell for cell in row[1:] if cell) for row in rows[: ruler - 1]},
        names=names,
        values=numbers(cells, file, ruler + 1),
        row=ruler + 1,
    )


def numbers(cells: Sequence[Sequence[str]], file: Path, row: int) -> Values:
    """Cells as numbers; empty ones are NaN.

    Raises:
        InputError: A cell is no number. The message counts rows from `row`.
    """
    for i, cell in ((i, cell) for i, row_cells in enumerate(cells) for cell in row_cells):
        try:
            float(cell or "nan")
        except ValueError as error:
            raise InputError(f'{file}: row {row + i}: holds "{" ".join(cell.split())}"; expected a number') from error
    return np.array([[float(cell or "nan") for cell in row_cells] for row_cells in cells], np.float64)


def scale_end(heading: Mapping[str, str], name: str, file: Path) -> float:
    """A number of the heading, such as the lowest value of the scale.

    Raises:
        InputError: The heading lacks the name, or its value is no number.
    """
    try:
        return float(heading[name])
    except (KeyError, ValueError) as error:
        raise InputError(f"{file}: has no number {name} above its ratings") from error


def rater_of(file: Path, video_id: str) -> str:
    """The rater in the name of a file such as `CLIP_AP.csv`: what remains without the clip's name."""
    return file.stem.removeprefix(video_id).strip("_- ") or file.stem


def middles(second: Values) -> Values:
    """The middle of each bin, given the times at which bins end."""
    steps = np.diff(second)
    return second - (float(np.median(steps)) if len(steps) else float(second[0])) / 2


def without_means(parts: Sequence[Part]) -> tuple[Sequence[Part], list[str]]:
    """Drops parts that hold the mean over raters, and notes them; keeps all if there are no others."""
    means = [part for part in parts if part.table["rater"][0].as_py() == _MEAN]
    if not means or len(means) == len(parts):
        return parts, []
    names = listed([Path(part.name).name for part in means])
    note = f"left out: {counted(len(means), 'file')} with the mean over raters: {names}"
    return [part for part in parts if part not in means], [note]


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    name = options.dimension or "rating"
    parts: list[Part] = []
    scales: set[tuple[float, float]] = set()
    for file in files:
        export = read_export(file) or _of_older_version(file)
        if not len(export.values) or len(export.names) < 2:
            raise InputError(f"{file}: has no ratings")
        if not export.media:
            raise InputError(f"{file}: lacks the line with the media file that every export of CARMA has")
        scales.add((scale_end(export.heading, "Minimum Value", file), scale_end(export.heading, "Maximum Value", file)))
        video_id = video_name(export.media)
        constants = {"rater": rater_of(file, video_id), "video_id": video_id, "dimension": name}
        constants["setup"] = options.setup or "audiovisual"
        columns = {key: pa.array([constant] * len(export.values)) for key, constant in constants.items()}
        second, rating = export.values[:, 0], export.values[:, 1]
        rows = np.arange(export.row, export.row + len(rating))
        table = pa.table({**columns, "time": middles(second), "value": pa.array(rating, from_pandas=True)})
        parts.append(Part(table=table, name=str(file), rows=rows))
    if len(scales) > 1:
        raise InputError(
            f"the files have different scales ({sorted(scales)}); import them one by one, with a dimension each"
        )
    ((low, high),) = scales
    rater_parts, notes = without_means(parts)
    return Reading(parts=rater_parts, dimensions={name: Dimension(name=name, low=low, high=high)}, notes=notes)


def _of_older_version(file: Path) -> Export:
    """Reads a table that repeats the scale in every row."""
    rows = raw_rows(file)
    names = rows[0] if rows else []
    if not set(_REQUIRED) <= set(names):
        raise InputError(
            f"{file}: lacks both a line of %%%%%% and the columns {', '.join(_REQUIRED)}; exports of CARMA have one or "
            "the other"
        )
    require_full_rows(rows, file)
    cells = [[row[names.index(name)] for name in ("Second", "Rating")] for row in rows[1:]]
    first = rows[1] if len(rows) > 1 else [""] * len(names)
    heading = {name: first[names.index(name)] for name in names}
    return Export(
        heading=heading | {_MEDIA[0]: heading["Filename"]},
        names=("Second", "Rating"),
        values=numbers(cells, file, 1).reshape(-1, 2),
        row=1,
    )


FORMAT = Format(
    title="CARMA (CLIP_RATER.csv: Second, Rating under or beside the scale)",
    files="*.csv",
    looks_like=lambda path, head: "Lower Label" in head and "Second" in head and "Rating" in head,
    read=_read,
)
