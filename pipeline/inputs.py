"""From what the user names (files, folders, patterns, lists) to videos with ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from pipeline.errors import InputError

MEDIA_SUFFIXES = frozenset(
    f".{kind}"
    for kind in (
        *("3gp", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "mxf", "ogv", "ts", "vob"),
        *("webm", "wmv", "aac", "flac", "m4a", "mp3", "oga", "ogg", "opus", "wav", "wma"),
    )
)
_LIST_SUFFIXES = (".csv", ".parquet")
_LONGEST_ID_BYTES = 200  # file systems allow names of 255 bytes


@dataclass(frozen=True)
class VideoInput:
    """One video of a run; the id names its tables."""

    video_id: str
    path: Path


@dataclass(frozen=True)
class Inputs:
    """What a call names: videos, and one line for each argument that names none."""

    videos: tuple[VideoInput, ...]
    problems: tuple[str, ...]


def collect(arguments: Sequence[str]) -> Inputs:
    """Resolves arguments; ids are file names without the suffix, or as a list gives them.

    Raises:
        InputError: No argument names a file that exists, or two videos have the same id.
    """
    videos: list[VideoInput] = []
    problems: list[str] = []
    for argument in arguments:
        try:
            videos += _resolve(argument)
        except InputError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"{argument}: cannot be looked up ({error.strerror})")
    videos, unnameable = _split_by_name(dict.fromkeys(videos))
    problems += unnameable
    if not any(video.path.exists() for video in videos):
        problems += [f"{video.path}: no such file" for video in videos[:10]]
        raise InputError("\n".join(problems) or "no input was given")
    _check_ids(videos)
    return Inputs(tuple(videos), tuple(problems))


def _resolve(argument: str) -> list[VideoInput]:
    if not argument:
        raise InputError("a PATH is empty; is a shell variable unset?")
    path = Path(argument)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if _is_media(p))
        if not files:
            raise InputError(f"{path}: is a folder without a media file ({', '.join(sorted(MEDIA_SUFFIXES))})")
        return _named_by_stem(files)
    if path.is_file() and path.suffix.lower() in _LIST_SUFFIXES:
        return _read_list(path)
    if not path.exists() and any(c in argument for c in "*?["):
        anchor = Path(path.anchor)
        files = sorted(
            match for match in anchor.glob(str(path.relative_to(anchor))) if match.is_file() and match.name[0] != "."
        )
        if not files:
            raise InputError(f"{argument}: no file matches this pattern")
        return _named_by_stem(files)
    return _named_by_stem([path])


def _named_by_stem(paths: Iterable[Path]) -> list[VideoInput]:
    return [VideoInput(path.stem, path) for path in paths]


def _read_list(path: Path) -> list[VideoInput]:
    try:
        if path.suffix.lower() == ".csv":
            as_text = pa.csv.ConvertOptions(column_types={"video_id": pa.string(), "path": pa.string()})
            table = pa.csv.read_csv(path, convert_options=as_text)
        else:
            table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: cannot be read as a list of videos ({error})") from error
    missing = {"video_id", "path"} - set(table.column_names)
    if missing:
        raise InputError(
            f"{path}: a list of videos needs the columns video_id and path, but has {', '.join(table.column_names)}"
        )
    rows = zip(table["video_id"].to_pylist(), table["path"].to_pylist(), strict=True)
    # Paths are relative to the list, so that a dataset can be moved as a whole.
    videos = [VideoInput(str(video_id), path.parent / str(file)) for video_id, file in rows if file]
    if not videos:
        raise InputError(f"{path}: the list is empty")
    return videos


def _check_ids(videos: Sequence[VideoInput]) -> None:
    by_id: dict[str, list[Path]] = defaultdict(list)
    for video in videos:
        by_id[video.video_id].append(video.path)
    problems = [
        f'"{video_id}" is the id of {len(paths)} videos: {", ".join(map(str, paths[:3]))}; '
        "give a CSV with the columns video_id,path"
        for video_id, paths in by_id.items()
        if len(paths) > 1
    ]
    if problems:
        raise InputError("\n".join(problems))


def _is_media(path: Path) -> bool:
    # Names with a leading dot are other programs' own, such as macOS's "._clip.mp4".
    return path.suffix.lower() in MEDIA_SUFFIXES and path.name[0] != "." and path.is_file()


def _split_by_name(videos: Iterable[VideoInput]) -> tuple[list[VideoInput], list[str]]:
    """Videos whose ids can name a table, and one line for each of the others."""
    good, problems = [], []
    for video in videos:
        name = video.video_id
        try:
            fits = 0 < len(name.encode()) <= _LONGEST_ID_BYTES and not {"/", "\0"} & set(name) and name[0] != "."
        except UnicodeEncodeError:
            fits = False
        if fits:
            good.append(video)
        else:
            problems.append(
                f"{str(video.path)!a}: its id {name!a} cannot name a table: 1 to {_LONGEST_ID_BYTES} bytes of UTF-8 "
                'without "/", not starting with a dot; give a CSV with the columns video_id,path'
            )
    return good, problems
