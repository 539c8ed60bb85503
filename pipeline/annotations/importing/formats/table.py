"""Import of any table of ratings, by a map of its columns: see `avcues.pipeline.annotations.importing.table_map`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from avcues.pipeline.annotations.importing.assemble import assemble
from avcues.pipeline.annotations.importing.reading import Range, Reading, Scales
from avcues.pipeline.annotations.importing.table_map import TableMap, read_part
from avcues.pipeline.annotations.importing.times import TimeUnit
from avcues.pipeline.annotations.ratings.schema import Annotations, Level
from avcues.pipeline.errors import InputError


def import_table(
    files: Sequence[str | Path],
    map: Mapping[str, str],
    *,
    header: str | None = None,
    columns: Collection[str] | None = None,
    pattern: str | None = None,
    time_unit: TimeUnit = "s",
    scale: Range | None = None,
    range_: Range | None = None,
    ranges: Mapping[str, Range] | None = None,
    levels: Mapping[str, Level] | None = None,
    split: str | None = None,
    step: Fraction = Fraction(1, 2),
    hold: bool | Collection[str] = False,
    setups: Collection[str] | None = None,
    known: Collection[str] | None = None,
    raters: Any = None,
    repeated: bool = False,
) -> Annotations:
    """Imports ratings from CSV files of any separator, Excel workbooks or Parquet files, whatever their columns are.

    Args:
        files: One or more files of the same form.
        map: By key (`rater`, `video_id`, `setup`, `round`, `repeat`, `dimension`, `time`, `start`, `end`, `value`,
            `label`), the name of a column, a constant `=TEXT`, or a template of columns and parts of the path such as
            `{video_id}_{clip}`.
        header: Template of the names of columns that hold ratings, such as "sample_{time}ms" or
            "{video_id}_{dimension}"; with `{label}`, cells say whether the label was chosen.
        columns: The columns that `header` applies to; None: all that match.
        pattern: Template of the end of paths, without the suffix, such as "{dimension}/{video_id}"; `{file}` is always
            known.
        time_unit: Unit of times that are numbers; texts such as 1:02.5 are minutes and seconds.
        scale: Lowest and highest value in the files, if values are to be mapped to `range_`.
        range_: Lowest and highest possible value of the ratings; None: not known.
        ranges: Lowest and highest possible value of single dimensions.
        levels: Level of measurement of single dimensions.
        split: Separator of several labels in one cell.
        step: Seconds per window of the grid that segments (`start`, `end`) are laid on.
        hold: As for `import_tidy`.
        setups: The setups that are allowed; None: any.
        known: As for `import_tidy`.
        raters: As for `import_tidy`.
        repeated: As for `import_tidy`.

    Raises:
        InputError: A file cannot be read, lacks a column, or holds an impossible rating.
        SettingsError: The map is incomplete, or names something unknown.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "anna.csv"
    >>> _ = file.write_text("clip;Zeit;Wert\\na.mp4;0:01;75,5\\n")
    >>> keys = {"video_id": "clip", "time": "Zeit", "value": "Wert", "rater": "{file}"}
    >>> keys |= {"setup": "=video", "dimension": "=valence"}
    >>> import_table([file], keys, scale=(0, 100), range_=(-1, 1)).ratings.select(["video_id", "value"]).to_pylist()
    [{'video_id': 'a', 'value': 0.51}]
    """
    if not files:
        raise InputError("no file to import")
    table_map = TableMap(
        keys=map,
        header=header,
        columns=columns,
        pattern=pattern,
        time_unit=time_unit,
        scale=scale,
        range_=range_,
        split=split,
        step=step,
    )
    reading = Reading(
        parts=[read_part(Path(file), table_map) for file in files],
        name=str(files[0]) if len(files) == 1 else "the files",
        origin={"importer": "table", "files": [str(file) for file in files], "map": dict(map), "header": header},
    )
    scales = Scales(range_=range_, ranges=ranges or {}, levels=levels or {}, hold=hold)
    return assemble(reading, scales, setups=setups, known=known, raters=raters, repeated=repeated)
