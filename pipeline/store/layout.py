"""The layout of an output folder. No other module builds a path inside one.

| path                         | content                                                                    |
|------------------------------|----------------------------------------------------------------------------|
| `dataset.json`               | the manifest: step, recipes, tables (`avcues.pipeline.store.manifest`)            |
| `<table>/<video_id>.parquet` | a table of one video (`avcues.pipeline.store.parquet`)                            |
| `_status/<video_id>.json`    | the record of a video (`avcues.pipeline.store.records`)                           |
| `_status/.inputs`            | ids of all videos that any run was asked to process                        |
| `_status/.lock`, `.owner.json` | the run that works on the folder (`avcues.pipeline.store.lock`)                 |
| `report/`                    | pages of `avcues report`                                                   |
| `README.md`, `croissant.json` | the data card of `avcues describe --card`, for people and for programs    |
| `_status/.card.json`         | hashes of these two files, which identify those that a user changed        |
| `.*.tmp`, `*/.*.tmp`         | unfinished files of killed processes                                       |

In file names, `%5F` and `%2E` stand for a leading `_` and `.` of a video's id (`file_stem`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from avcues.atomic_files import TEMPORARY_SUFFIX, is_abandoned

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

MANIFEST = "dataset.json"
REPORT = "report"
DATA_CARD = "README.md"
CROISSANT = "croissant.json"
_STATUS = "_status"
_TABLE_SUFFIX = ".parquet"
_HIDING_CHARACTERS = "_.%"


def manifest_path(out: Location) -> Location:
    """The manifest."""
    return out / MANIFEST


def file_stem(video_id: str) -> str:
    """The file name of a video without suffix: the id, with `%5F` and `%2E` for a leading `_` and `.`.

    Readers of folders, such as those of Arrow, pandas and Spark, skip files whose names begin with `_` or `.`.
    """
    first = video_id[:1]
    return f"%{ord(first):02X}{video_id[1:]}" if first and first in _HIDING_CHARACTERS else video_id


def _video_id(stem: str) -> str:
    for character in _HIDING_CHARACTERS:
        if stem.startswith(code := f"%{ord(character):02X}"):
            return character + stem.removeprefix(code)
    return stem


def table_path(out: Location, table: str, video_id: str) -> Location:
    """A table of a video."""
    return out / table / f"{file_stem(video_id)}{_TABLE_SUFFIX}"


def videos_with_table(out: Location, table: str) -> list[str]:
    """Ids of the videos that have a file of a table, sorted."""
    return sorted(_video_id(path.stem) for path in (out / table).glob(f"[!.]*{_TABLE_SUFFIX}"))


def table_folders(out: Location) -> list[str]:
    """Names of the folders that look like tables, sorted."""
    return sorted(path.name for path in out.iterdir() if path.is_dir() and path.name[0] not in "_.")


def record_path(out: Location, video_id: str) -> Location:
    """The record of a video."""
    return out / _STATUS / f"{file_stem(video_id)}.json"


def recorded_videos(out: Location) -> list[str]:
    """Ids of the videos that have a record, sorted."""
    return sorted(_video_id(path.stem) for path in (out / _STATUS).glob("[!.]*.json"))


def requested_path(out: Location) -> Location:
    """The file with the ids of all videos that any run was asked to process."""
    return out / _STATUS / ".inputs"


def lock_path(out: Location) -> Location:
    """The file that the operating system locks for the run at work."""
    return out / _STATUS / ".lock"


def owner_path(out: Location) -> Location:
    """The file that names the run at work."""
    return out / _STATUS / ".owner.json"


def report_path(out: Location) -> Location:
    """Folder of the report's pages."""
    return out / REPORT


def data_card_path(out: Location) -> Location:
    """The data card."""
    return out / DATA_CARD


def croissant_path(out: Location) -> Location:
    """The dataset's Croissant metadata."""
    return out / CROISSANT


def card_record_path(out: Location) -> Location:
    """Hashes of the data card and of the Croissant metadata as they were written."""
    return out / _STATUS / ".card.json"


def table_pattern(table: str) -> str:
    """Matches the files of a table, seen from the output folder."""
    return f"{table}/*{_TABLE_SUFFIX}"


def write_probe_path(out: Location) -> Location:
    """A file that is written, and removed at once, to check that the folder is writable."""
    return out / ".writable"


def worker_probe_path(out: Location, run: str) -> Location:
    """A file that is written, and removed at once, to check that the workers of a cluster see the folder."""
    return out / f".seen-by-workers-{run}"


def unfinished_files(out: Location) -> list[Location]:
    """Temporary files of killed processes; those of running processes are left out as far as locks can tell."""
    leftovers = sorted(path for pattern in ("", "*/") for path in out.glob(f"{pattern}.*{TEMPORARY_SUFFIX}"))
    return [
        path for path in leftovers if not (path.parent.name.startswith(".") or path.is_dir()) and _is_leftover(path)
    ]


def _is_leftover(path: Location) -> bool:
    return not isinstance(path, Path) or is_abandoned(path)
