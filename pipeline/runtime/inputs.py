"""Finds the videos that the user names by files, folders, patterns and lists, and gives them ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from avcues.pipeline.errors import InputError, one_line
from avcues.pipeline.store.location import location
from avcues.pipeline.store.user_tables import read_user_table
from avcues.pipeline.store.video_input import VideoInput

if TYPE_CHECKING:
    from upath import UPath

    from avcues.pipeline.store.location import Location

MEDIA_SUFFIXES = frozenset(
    f".{kind}"
    for kind in (
        *("3gp", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "mxf", "ogv", "ts", "vob"),
        *("webm", "wmv", "aac", "flac", "m4a", "mp3", "oga", "ogg", "opus", "wav", "wma"),
    )
)
_LIST_SUFFIXES = (".csv", ".parquet")
_WILDCARDS = "*?["
_LISTED_PROBLEMS = 20
_LONGEST_ID_BYTES = 200  # file systems allow names of 255 bytes


@dataclass(frozen=True)
class Inputs:
    """The videos of a call, the largest first, and one line for each argument that names none."""

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
            problems.append(f"{argument}: cannot be looked up ({error.strerror or error})")
    videos, unnameable = _split_by_name(dict.fromkeys(videos))
    problems += unnameable
    if not any(video.bytes or video.location.exists() for video in videos):
        problems += [f"{video.source}: no such file" for video in videos[:10]]
        raise InputError("\n".join(problems) or "no input was given")
    _check_ids(videos)
    # A long video that starts last would keep one worker busy when all others are done.
    videos.sort(key=lambda video: -video.bytes)
    return Inputs(tuple(videos), tuple(problems))


def _resolve(argument: str) -> list[VideoInput]:
    if not argument:
        raise InputError("a PATH is empty; is a shell variable unset?")
    place = location(argument)
    if place.suffix.lower() in _LIST_SUFFIXES and place.is_file():
        return _read_list(place)
    return _resolve_here(argument, place) if isinstance(place, Path) else _resolve_remote(argument, place)


def _resolve_here(argument: str, path: Path) -> list[VideoInput]:
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if _is_media(p.name) and p.is_file())
        if not files:
            raise _no_media(argument)
        return _named_by_stem(files)
    if not path.exists() and any(c in argument for c in _WILDCARDS):
        anchor = Path(path.anchor)
        try:
            matches = list(anchor.glob(str(path.relative_to(anchor))))
        except ValueError as error:
            raise InputError(
                f'{argument}: not a valid pattern ({one_line(error)}); expected "**" to stand for whole folders, as in '
                '"videos/**/*.mp4"'
            ) from error
        files = sorted(match for match in matches if match.is_file() and match.name[0] != ".")
        if not files:
            raise InputError(f"{argument}: no file matches this pattern")
        return _named_by_stem(files)
    return _named_by_stem([path])


def _resolve_remote(argument: str, place: UPath) -> list[VideoInput]:
    store = place.fs
    if any(c in argument for c in _WILDCARDS) and not place.exists():
        found = {path: info for path, info in store.glob(place.path, detail=True).items() if info["type"] == "file"}
        if not found:
            raise InputError(f"{argument}: no file matches this pattern")
    elif place.is_dir():
        found = {path: info for path, info in store.find(place.path, detail=True).items() if _is_media(Path(path).name)}
        if not found:
            raise _no_media(argument)
    else:
        found = {place.path: {"size": place.stat().st_size if place.exists() else 0}}
    return [
        VideoInput(Path(path).stem, store.unstrip_protocol(path), info.get("size") or 0)
        for path, info in sorted(found.items())
    ]


def _no_media(argument: str) -> InputError:
    return InputError(f"{argument}: is a folder without a media file ({', '.join(sorted(MEDIA_SUFFIXES))})")


def _named_by_stem(paths: Iterable[Path]) -> list[VideoInput]:
    return [VideoInput(path.stem, str(path.absolute()), _size(path)) for path in paths]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read_list(place: Location) -> list[VideoInput]:
    try:
        with place.open("rb") as file:
            is_csv = place.suffix.lower() == ".csv"
            types = dict.fromkeys(("video_id", "path"), pa.string())
            table = read_user_table(file, types=types, name=str(place)) if is_csv else pq.read_table(file)
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{place}: cannot be read as a list of videos ({one_line(error)}); expected UTF-8 CSV or Parquet"
        ) from error
    names = [name for name in table.column_names if name in ("video_id", "path")]
    if sorted(names) != ["path", "video_id"]:
        raise InputError(
            f"{place}: a list of videos needs the columns video_id and path, once each, but has "
            f"{', '.join(table.column_names) or 'none'}"
        )
    rows = zip(table["video_id"].to_pylist(), table["path"].to_pylist(), strict=True)
    videos = [_listed(str(video_id), str(path), place) for video_id, path in rows if path]
    if not videos:
        raise InputError(f"{place}: the list is empty")
    return videos


def _listed(video_id: str, path: str, place: Location) -> VideoInput:
    """One line of a list: paths are relative to the list, so that a dataset can be moved as a whole."""
    if "://" in path:
        return VideoInput(video_id, path)
    file = place.parent / path
    return VideoInput(video_id, str(file.absolute()), _size(file) if isinstance(file, Path) else 0)


def _check_ids(videos: Sequence[VideoInput]) -> None:
    uses = Counter(video.video_id for video in videos)
    sources: dict[str, list[str]] = {video_id: [] for video_id, count in uses.items() if count > 1}
    for video in videos:
        if video.video_id in sources:
            sources[video.video_id].append(video.source)
    problems = [
        f'"{video_id}" is the id of {len(of_id)} videos: {", ".join(of_id[:3])}; '
        "name each once, or give ids of your own in a CSV with the columns video_id,path"
        for video_id, of_id in sources.items()
    ]
    if len(problems) > _LISTED_PROBLEMS:
        problems[_LISTED_PROBLEMS:] = [f"... and {len(problems) - _LISTED_PROBLEMS} more ids are not unique"]
    if problems:
        raise InputError("\n".join(problems))


def _is_media(name: str) -> bool:
    # Names with a leading dot are other programs' own, such as macOS's "._clip.mp4".
    return Path(name).suffix.lower() in MEDIA_SUFFIXES and name[0] != "."


def _split_by_name(videos: Iterable[VideoInput]) -> tuple[list[VideoInput], list[str]]:
    """Videos whose ids can name a table, and one line for each of the others."""
    good, problems = [], []
    for video in videos:
        name = video.video_id
        try:
            fits = 0 < len(name.encode()) <= _LONGEST_ID_BYTES and not {"/", "\0"} & set(name)
        except UnicodeEncodeError:
            fits = False
        if fits:
            good.append(video)
        else:
            problems.append(
                f"{video.source!a}: its id {name!a} cannot name a table: 1 to {_LONGEST_ID_BYTES} bytes of UTF-8 "
                'without "/"; give a CSV with the columns video_id,path'
            )
    return good, problems
