"""Makes and checks the stimuli of a study; existing stimuli that are up to date are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Literal

from avcues.atomic_files import temporary_name
from avcues.pipeline.collection.design import Design
from avcues.pipeline.collection.stimuli.encode import copy_streams, encode_streams
from avcues.pipeline.collection.stimuli.index import STIMULI, Clip, Index, StimulusFile, index_path, parts_key
from avcues.pipeline.collection.stimuli.sources import Video, find_videos, read_transcript
from avcues.pipeline.collection.stimuli.streams import Kind, Packets, can_be_copied, is_shown_as_measured, read_packets
from avcues.pipeline.errors import DatasetError, InputError, MediaError
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.source import fingerprint
from avcues.pipeline.store.documents import read_regular_file
from avcues.pipeline.store.files import write_atomically

# Some containers store times in milliseconds.
_TIME_TOLERANCE = Fraction(2, 1000)
_MAX_LENGTH_DIFFERENCE = Fraction(1, 10)
_STREAM_OF_PART: dict[str, Kind] = {"picture": "video", "sound": "audio"}


def read_index(study: Path) -> Index:
    """Reads the list of prepared stimuli; empty if nothing was prepared.

    Raises:
        DatasetError: The list is damaged.
    """
    path = index_path(study)
    try:
        return Index.model_validate_json(read_regular_file(path))
    except FileNotFoundError:
        return Index(clips={})
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{path}: is damaged; remove {path.parent} and run avcues collect prepare {study}"
        ) from error


def prepare(study: Path, design: Design, on_progress: Callable[[str], None] = lambda line: None) -> Index:
    """Makes the stimuli that are missing or whose source changed.

    Args:
        study: The study's folder.
        design: The design of the study.
        on_progress: Called with a line for each file that was made.

    Raises:
        InputError: A source is missing.
        MediaError: A source cannot be read, or lacks a stream that a setup shows; one line per video.
        OutputError: A stimulus cannot be written.
    """
    former = read_index(study)
    part_keys = list(dict.fromkeys(parts_key(setup) for setup in design.setups if setup.plays))
    clips, problems = {}, []
    for video in find_videos(study, design):
        try:
            clips[video.video_id] = _clip(study, video, part_keys, former.clips.get(video.video_id), on_progress)
        except MediaError as error:
            problems.append(str(error))
    further_clips = {}
    for name in _other_files(design):
        path = study / name
        if not path.is_file():
            raise InputError(f"{path}: no such file; study.toml names it, relative to {study}")
        try:
            kinds = _unrated_parts(path, part_keys if name in design.practice.files else [])
            further_clips[name] = _clip(
                study, Video(_other_id(name), path, None), kinds, former.others.get(name), on_progress
            )
        except MediaError as error:
            problems.append(str(error))
    if problems:
        raise MediaError("\n".join(problems))
    index = Index(clips=clips, others=further_clips)
    write_atomically(index_path(study), lambda file: file.write(index.model_dump_json(indent=1).encode()))
    return index


def _other_files(design: Design) -> list[str]:
    pages = (page.clip for _, page in design.pages() if page.clip)
    return list(dict.fromkeys([*design.practice.files, *pages]))


def _other_id(name: str) -> str:
    """An id for a file that is not rated; no video has it, because it has a slash."""
    return "other/" + "".join(character if character.isalnum() or character in "-_" else "_" for character in name)


def _unrated_parts(path: Path, part_keys: Iterable[str]) -> list[str]:
    """The parts to make of a file that is not rated: those that setups show, and the whole file for pages."""
    with Media.open(path) as media:
        all_parts = [part for part, kind in _STREAM_OF_PART.items() if getattr(media.metadata, kind) is not None]
    return list(dict.fromkeys([*part_keys, "+".join(all_parts)]))


def _clip(
    study: Path, video: Video, part_keys: list[str], former: Clip | None, on_progress: Callable[[str], None]
) -> Clip:
    status = video.path.stat()
    unchanged = former is not None and (status.st_size, status.st_mtime) == (former.source_bytes, former.source_changed)
    unchanged = unchanged and former is not None and Path(former.source) == video.path.resolve()
    files = {
        key: file for key, file in (former.files.items() if unchanged and former else ()) if _is_up_to_date(study, file)
    }
    with Media.open(video.path) as media:
        if missing := next((part for key in part_keys for part in key.split("+") if _has_no_stream(media, part)), None):
            setups = "picture" if missing == "picture" else "sound"
            raise MediaError(f"{video.path}: has no {setups}, which a setup shows; remove the video or the setup")
        packets = read_packets(str(video.path), media) if set(part_keys) - set(files) else {}
        if packets and any("picture" in key for key in part_keys) and not is_shown_as_measured(media):
            packets["video"].must_encode = True
        size = (0, 0) if media.metadata.video is None else (media.metadata.video.width, media.metadata.video.height)
    for key in part_keys:
        if key not in files:
            files[key] = _make(study, video, key, packets)
            on_progress(f"{files[key].name}: {'copied' if files[key].copied else 'encoded'}")
    transcript, notes = ((), ()) if video.transcript is None else read_transcript(video.transcript)
    for note in notes:
        on_progress(note)
    return Clip(
        video_id=video.video_id,
        source=str(video.path.resolve()),
        fingerprint=former.fingerprint if unchanged and former else fingerprint(video.path),
        source_bytes=status.st_size,
        source_changed=status.st_mtime,
        width=size[0],
        height=size[1],
        files={key: files[key] for key in part_keys},
        transcript=transcript,
    )


def _has_no_stream(media: Media, part: str) -> bool:
    return getattr(media.metadata, _STREAM_OF_PART[part]) is None


def _is_up_to_date(study: Path, file: StimulusFile) -> bool:
    path = study / STIMULI / file.name
    return path.is_file() and path.stat().st_size == file.bytes


def _make(study: Path, video: Video, key: str, packets: dict[Kind, Packets]) -> StimulusFile:
    kinds = tuple(_STREAM_OF_PART[part] for part in key.split("+"))
    name = f"{key}/{video.video_id}.mp4"
    target = study / STIMULI / name
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(temporary_name(target.name))
    try:
        with Media.open(video.path) as media:
            copied = can_be_copied(media, packets, kinds)
            if copied:
                copy_streams(str(video.path), draft, media, packets, kinds)
                copied = not _difference(draft, packets, kinds)
        if not copied:
            with Media.open(video.path) as media:
                encoded = encode_streams(draft, media, kinds)
            if difference := _difference(draft, encoded, kinds):
                raise MediaError(f"{video.path}: the stimulus {name} would differ from it: {difference}")
        with Media.open(draft) as draft_media:
            duration = max(stream_packets.end for stream_packets in read_packets(str(draft), draft_media).values())
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    kind: Literal["video/mp4", "audio/mp4"] = "video/mp4" if "video" in kinds else "audio/mp4"
    return StimulusFile(name=name, kind=kind, bytes=target.stat().st_size, duration_s=float(duration), copied=copied)


def _difference(draft: Path, source_packets: dict[Kind, Packets], kinds: tuple[Kind, ...]) -> str:
    """How a stimulus differs from its source in streams, t = 0, times of frames or length; empty if it does not."""
    with Media.open(draft) as media:
        actual = read_packets(str(draft), media)
        if set(actual) != set(kinds):
            return f"it has {' and '.join(actual)}, expected {' and '.join(kinds)}"
        if abs(media.origin) > _TIME_TOLERANCE:
            return f"it begins at {float(media.origin):.3f} s"
    if "video" in kinds:
        frames, expected = actual["video"].starts, source_packets["video"].starts
        if len(frames) != len(expected):
            return f"it has {len(frames)} frames, expected {len(expected)}"
        for start, time in zip(frames, expected, strict=True):
            if abs(start - time) > _TIME_TOLERANCE:
                return f"a frame of {float(time):.3f} s appears at {float(start):.3f} s"
    if "audio" in kinds and abs(actual["audio"].end - source_packets["audio"].end) > _MAX_LENGTH_DIFFERENCE:
        return (
            f"its sound ends at {float(actual['audio'].end):.3f} s, expected {float(source_packets['audio'].end):.3f} s"
        )
    return ""
