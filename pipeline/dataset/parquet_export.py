"""Exports a dataset as Parquet for training: all tables side by side, one row per half second."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from math import isqrt
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.dataset.names import NameStyle, with_names
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.store.exchange import replace_file, replaced_folder
from avcues.pipeline.store.files import write_atomically

# Row groups consist of whole videos. The writer holds the rows of one group and, until the file is closed, about 0.9 kB
# for every column of every earlier group. In files of more than 230,000 rows, the size of groups grows with the square
# root of the number of rows, which balances both.
_GROUP_ROWS = 4096
_SQUARE_ROWS_PER_ROW = 73
_FILE_ROWS = 16 * _GROUP_ROWS
# A table of a few windows takes kilobytes per column, mostly overhead; so tables are merged early.
_UNMERGED_TABLES = 16

OnVideo = Callable[[str], None]
"""Called with the id of each video that has been joined."""


def write(
    dataset: Dataset, out: Path, on_progress: OnVideo = lambda video_id: None, *, names: NameStyle = "original"
) -> None:
    """Writes all rows, sorted by video and window, to a file `*.parquet` or to a folder of `part-*.parquet`.

    A folder has files of about 65,000 rows. No row group or file ends within a video, unless that video alone exceeds
    its size. Memory is independent of the number of videos for a folder, and grows with its square root for a file.
    `out` is replaced as a whole at the end.

    Args:
        out: The file or folder.
        on_progress: Called with the id of each video that has been joined.
        names: "safe": column names of letters, digits and underscores.

    Raises:
        SettingsError: `out` cannot be written, or must not be overwritten (`check_output`).
        DatasetError: A file of the dataset is missing or damaged.
    """
    check_output(out, dataset)
    try:
        if out.suffix == ".parquet":
            replace_file(out, partial(_write_parquet, dataset, on_progress, names))
        else:
            _write_folder(dataset, on_progress, names, out)
    except OSError as error:
        raise SettingsError(f"`out={out}`: cannot be written ({error.strerror or error})") from error


def check_output(out: Path, dataset: Dataset) -> None:
    """Checks that writing to `out` overwrites nothing but an earlier result.

    Raises:
        SettingsError: `out` lies in the dataset, or has contents that `write` did not write.
    """
    check_outside(out, dataset)
    if out.suffix == ".parquet":
        if out.is_dir():
            raise SettingsError(f"`out={out}`: is a folder; name a file, or a folder without .parquet")
    elif out.suffix in {".csv", ".json", ".feather", ".arrow", ".pq"} or out.is_file():
        raise SettingsError(f"`out={out}`: expected NAME.parquet, or a folder for a large dataset")
    elif out.is_dir() and any(not path.match("part-*.parquet") for path in out.iterdir()):
        raise SettingsError(f"`out={out}`: holds other files than those of an earlier avcues align; name a new folder")


def check_outside(out: Path, dataset: Dataset) -> None:
    """Checks that `out` is not inside the dataset's folder, where it would be mistaken for a table.

    Raises:
        SettingsError: `out` is inside the folder.
    """
    folder = dataset.catalog.folder
    if isinstance(folder, Path) and folder.resolve() in (out.resolve(), *out.resolve().parents):
        raise SettingsError(f"`out={out}`: lies in the dataset {folder}; name a place outside of it")


def _write_folder(dataset: Dataset, on_progress: OnVideo, names: NameStyle, out: Path) -> None:
    with replaced_folder(out) as folder:
        for number, lengths in enumerate(_batches(dataset.lengths, _FILE_ROWS)):
            part = dataset.select(videos=lengths)
            write_atomically(folder / f"part-{number:05}.parquet", partial(_write_parquet, part, on_progress, names))


def _write_parquet(dataset: Dataset, on_progress: OnVideo, names: NameStyle, file: BinaryIO) -> None:
    named_schema = with_names(dataset.schema, names)
    schema = named_schema.remove_metadata()
    group_rows = max(_GROUP_ROWS, isqrt(_SQUARE_ROWS_PER_ROW * dataset.rows))
    with pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        use_dictionary=[field.name for field in schema if pa.types.is_string(field.type)],
        write_statistics=["video_id", "window"],
        store_schema=False,
    ) as writer:
        for lengths in _batches(dataset.lengths, group_rows):
            rows = _rows_of_videos(dataset, lengths, on_progress)
            writer.write_table(rows.rename_columns(schema.names), row_group_size=max(1, rows.num_rows))
        writer.add_key_value_metadata(named_schema.metadata)


def _rows_of_videos(dataset: Dataset, videos: Iterable[str], on_progress: OnVideo) -> pa.Table:
    """The rows of some videos, in a few chunks of memory."""

    def read() -> Iterator[pa.Table]:
        for video_id in videos:
            yield dataset.read(video_id).replace_schema_metadata()
            on_progress(video_id)

    return pa.concat_tables(_merge_chunks(_merge_chunks(read())))


def _merge_chunks(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    while batch := list(islice(tables, _UNMERGED_TABLES)):
        yield pa.concat_tables(batch).combine_chunks()


def _batches(lengths: Mapping[str, int], rows: int) -> Iterator[dict[str, int]]:
    """Yields consecutive videos with at most `rows` rows in total, or one larger video."""
    batch: dict[str, int] = {}
    size = 0
    for video_id, length in lengths.items():
        if batch and size + length > rows:
            yield batch
            batch, size = {}, 0
        batch[video_id] = length
        size += length
    yield batch
