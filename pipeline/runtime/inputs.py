"""Finds the videos that the user names by files, folders, patterns and lists, and gives them ids."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from avcues.pipeline.errors import InputError, SettingsError, one_line
from avcues.pipeline.runtime.media_files import media_files, media_names
from avcues.pipeline.store.location import location
from avcues.pipeline.store.video_input import VideoInput

if TYPE_CHECKING:
    from upath import UPath

    from avcues.pipeline.store.location import Location

_LIST_SUFFIXES = (".csv", ".parquet")
_WILDCARDS = "*?["
_MAX_LISTED_PROBLEMS = 20
_MAX_ID_BYTES = 200  # file systems allow names of 255 bytes


@dataclass(frozen=True)
class Shard:
    """One of `count` parts of the videos. The part of a video depends only on its id.

    Args:
        number: Number of the part, from 1.
        count: Number of parts.

    Raises:
        SettingsError: The number is not from 1 to `count`.
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise SettingsError(f"`shard={self.number}/{self.count}`: expected I/N with I from 1 to N, such as 3/16")

    def has(self, video_id: str) -> bool:
        """Whether a video belongs to the part."""
        digest = hashlib.sha256(video_id.encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(digest[:8]) % self.count == self.number - 1


@dataclass(frozen=True)
class Inputs:
    """The videos that arguments name.

    Args:
        videos: The videos, the largest first.
        problems: One line for each argument that names no video.
        notes: One line for everything that was skipped in folders, patterns and lists.
    """

    videos: tuple[VideoInput, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


def collect(arguments: Sequence[str], shard: Shard | None = None) -> Inputs:
    """Finds the videos that arguments name. Their ids are file names without the suffix, or those of a list.

    Args:
        arguments: Files, folders, patterns, lists, URLs.
        shard: Keep only this part of the videos.

    Raises:
        InputError: No argument names a file that exists, or two videos have the same id.
    """
    videos: list[VideoInput] = []
    problems: list[str] = []
    notes: list[str] = []
    for argument in arguments:
        try:
            videos += _find_videos(argument, notes)
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
    # A long video that starts last would keep one worker busy after all others are done.
    videos.sort(key=lambda video: -video.bytes)
    if shard is not None:
        videos = [video for video in videos if shard.has(video.video_id)]
    return Inputs(tuple(videos), tuple(problems), tuple(filter(None, notes)))


def _find_videos(argument: str, notes: list[str]) -> list[VideoInput]:
    """The videos that an argument names; reports what is skipped in `notes`."""
    if not argument:
        raise InputError("a PATH is empty; is a shell variable unset?")
    source = location(argument)
    if source.suffix.lower() in _LIST_SUFFIXES and source.is_file():
        return _read_list(source, notes)
    if isinstance(source, Path):
        return _find_local_videos(argument, source, notes)
    return _find_remote_videos(argument, source, notes)


def _find_local_videos(argument: str, path: Path, notes: list[str]) -> list[VideoInput]:
    if path.is_dir():
        folder_files = media_files(path)
        notes.append(folder_files.skipped)
        if not folder_files.files:
            raise InputError(f"{argument}: is a folder without a media file{_contents_remark(folder_files.skipped)}")
        return _named_by_stem(folder_files.files)
    if not path.exists() and any(wildcard in argument for wildcard in _WILDCARDS):
        anchor = Path(path.anchor)
        try:
            matches = list(anchor.glob(str(path.relative_to(anchor))))
        except ValueError as error:
            raise InputError(
                f'{argument}: not a valid pattern ({one_line(error)}); expected "**" to stand for whole folders, as in '
                '"videos/**/*.mp4"'
            ) from error
        files = sorted(match for match in matches if not match.is_dir() and match.name[0] != ".")
        if len(files) < len(matches):
            notes.append(f"{argument}: skipped {len(matches) - len(files)} folders and hidden files")
        if not files:
            raise InputError(f"{argument}: no file matches this pattern")
        return _named_by_stem(files)
    return _named_by_stem([path])


def _find_remote_videos(argument: str, source: UPath, notes: list[str]) -> list[VideoInput]:
    store = source.fs
    if any(wildcard in argument for wildcard in _WILDCARDS) and not source.exists():
        files = {path: info for path, info in store.glob(source.path, detail=True).items() if info["type"] == "file"}
        if not files:
            raise InputError(f"{argument}: no file matches this pattern")
    elif source.is_dir():
        info_by_path = store.find(source.path, detail=True)
        media_paths, skipped = media_names(info_by_path, argument)
        notes.append(skipped)
        files = {path: info_by_path[path] for path in media_paths}
        if not files:
            raise InputError(f"{argument}: is a folder without a media file{_contents_remark(skipped)}")
    else:
        files = {source.path: {"size": source.stat().st_size if source.exists() else 0}}
    return [
        VideoInput(Path(path).stem, store.unstrip_protocol(path), info.get("size") or 0)
        for path, info in sorted(files.items())
    ]


def _contents_remark(skipped: str) -> str:
    """What a folder without media files contains, for messages."""
    return f" ({skipped.partition(': ')[2]})" if skipped else "; there are no files in it"


def _named_by_stem(paths: Iterable[Path]) -> list[VideoInput]:
    return [VideoInput(path.stem, str(path.absolute()), _size(path)) for path in paths]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read_list(source: Location, notes: list[str]) -> list[VideoInput]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from avcues.pipeline.store.user_tables import read_user_table

    try:
        with source.open("rb") as file:
            is_csv = source.suffix.lower() == ".csv"
            types = dict.fromkeys(("video_id", "path"), pa.string())
            table = read_user_table(file, types=types, name=str(source)) if is_csv else pq.read_table(file)
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{source}: cannot be read as a list of videos ({one_line(error)}); expected UTF-8 CSV or Parquet"
        ) from error
    names = [name for name in table.column_names if name in ("video_id", "path")]
    if sorted(names) != ["path", "video_id"]:
        raise InputError(
            f"{source}: a list of videos needs the columns video_id and path, once each, but has "
            f"{', '.join(table.column_names) or 'none'}"
        )
    rows = zip(table["video_id"].to_pylist(), table["path"].to_pylist(), strict=True)
    videos = [_listed_video(str(video_id), str(path), source) for video_id, path in rows if path]
    if not videos:
        raise InputError(f"{source}: the list is empty")
    if len(videos) < table.num_rows:
        notes.append(f"{source}: skipped {table.num_rows - len(videos)} rows without a path")
    return videos


def _listed_video(video_id: str, path: str, source: Location) -> VideoInput:
    """The video of one row of a list. Paths are relative to the list, so that a dataset can be moved as a whole."""
    if "://" in path:
        return VideoInput(video_id, path)
    file = source.parent / path
    return VideoInput(video_id, str(file.absolute()), _size(file) if isinstance(file, Path) else 0)


def _check_ids(videos: Sequence[VideoInput]) -> None:
    id_counts = Counter(video.video_id for video in videos)
    sources: dict[str, list[str]] = {video_id: [] for video_id, count in id_counts.items() if count > 1}
    for video in videos:
        if video.video_id in sources:
            sources[video.video_id].append(video.source)
    problems = [
        f'"{video_id}" is the id of {len(same_id)} videos: {", ".join(same_id[:3])}; '
        "name each once, or give ids of your own in a CSV with the columns video_id,path"
        for video_id, same_id in sources.items()
    ]
    if len(problems) > _MAX_LISTED_PROBLEMS:
        problems[_MAX_LISTED_PROBLEMS:] = [f"... and {len(problems) - _MAX_LISTED_PROBLEMS} more ids are not unique"]
    if problems:
        raise InputError("\n".join(problems))


def _split_by_name(videos: Iterable[VideoInput]) -> tuple[list[VideoInput], list[str]]:
    """Videos whose ids can name a table, and one line for each other video."""
    nameable, problems = [], []
    for video in videos:
        name = video.video_id
        try:
            is_valid = 0 < len(name.encode()) <= _MAX_ID_BYTES and not {"/", "\0"} & set(name)
        except UnicodeEncodeError:
            is_valid = False
        if is_valid:
            nameable.append(video)
        else:
            problems.append(
                f"{video.source!a}: its id {name!a} cannot name a table: 1 to {_MAX_ID_BYTES} bytes of UTF-8 "
                'without "/"; give a CSV with the columns video_id,path'
            )
    return nameable, problems
