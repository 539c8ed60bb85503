"""Makes and checks the stimuli of a study; what is there already and fits is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

from avcues.atomic_files import temporary_name
from avcues.pipeline.collection.design import Design
from avcues.pipeline.collection.stimuli.encode import copy_streams, encode_streams
from avcues.pipeline.collection.stimuli.index import STIMULI, Clip, File, Index, index_path, shown_key
from avcues.pipeline.collection.stimuli.sources import Video, find_videos, read_transcript
from avcues.pipeline.collection.stimuli.streams import Kind, Packets, can_be_copied, is_shown_alike, read_packets
from avcues.pipeline.errors import DatasetError, InputError, MediaError
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.source import fingerprint
from avcues.pipeline.store.files import write_atomically

# A millisecond is the grain of some containers' time stamps.
_SAME_TIME = Fraction(2, 1000)
_LONGEST_DIFFERENCE = Fraction(1, 10)
_STREAM_OF: dict[str, Kind] = {"picture": "video", "sound": "audio"}
_BOTH = "picture+sound"


def read_index(study: Path) -> Index:
    """The list of prepared stimuli; empty if nothing was prepared.

    Raises:
        DatasetError: It is damaged.
    """
    path = index_path(study)
    try:
        return Index.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Index(clips={})
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{path}: is damaged; remove {path.parent} and run avcues collect prepare {study}"
        ) from error


def prepare(study: Path, design: Design, progress: Callable[[str], None] = lambda line: None) -> Index:
    """Makes the stimuli that are missing or whose source changed.

    Args:
        study: The study's folder.
        progress: Takes a line for each file that was made.

    Raises:
        InputError: A source is missing.
        MediaError: A source cannot be read, or lacks a stream that a setup shows; one line per video.
        OutputError: A stimulus cannot be written.
    """
    former = read_index(study)
    shown = list(dict.fromkeys(shown_key(setup) for setup in design.setups if setup.plays))
    clips, problems = {}, []
    for video in find_videos(study, design):
        try:
            clips[video.video_id] = _clip(study, video, shown, former.clips.get(video.video_id), progress)
        except MediaError as error:
            problems.append(str(error))
    further_clips = {}
    for name in _other_files(design):
        path = study / name
        if not path.is_file():
            raise InputError(f"{path}: no such file; study.toml names it, relative to {study}")
        try:
            kinds = _plain_shown(path, shown if name in design.practice.files else [])
            further_clips[name] = _clip(
                study, Video(_other_id(name), path, None), kinds, former.others.get(name), progress
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
    """An id that no video has: their names have no slash."""
    return "other/" + "".join(character if character.isalnum() or character in "-_" else "_" for character in name)


def _plain_shown(path: Path, shown: Iterable[str]) -> list[str]:
    """What of a file that is not rated is made: what setups show, and all of it, for pages."""
    with Media.open(path) as media:
        whole = [part for part, kind in _STREAM_OF.items() if getattr(media.metadata, kind) is not None]
    return list(dict.fromkeys([*shown, "+".join(whole)]))


def _clip(study: Path, video: Video, shown: list[str], former: Clip | None, progress: Callable[[str], None]) -> Clip:
    about = video.path.stat()
    unchanged = former is not None and (about.st_size, about.st_mtime) == (former.source_bytes, former.source_changed)
    unchanged = unchanged and former is not None and Path(former.source) == video.path.resolve()
    files = {key: file for key, file in (former.files.items() if unchanged and former else ()) if _exists(study, file)}
    with Media.open(video.path) as media:
        if missing := next((part for key in shown for part in key.split("+") if _lacks(media, part)), None):
            setups = "picture" if missing == "picture" else "sound"
            raise MediaError(f"{video.path}: has no {setups}, which a setup shows; leave the video or the setup out")
        packets = read_packets(str(video.path), media) if set(shown) - set(files) else {}
        if packets and any("picture" in key for key in shown) and not is_shown_alike(media):
            packets["video"].odd = True
        size = (0, 0) if media.metadata.video is None else (media.metadata.video.width, media.metadata.video.height)
    for key in shown:
        if key not in files:
            files[key] = _make(study, video, key, packets)
            progress(f"{files[key].name}: {'copied' if files[key].copied else 'encoded'}")
    transcript, notes = ((), ()) if video.transcript is None else read_transcript(video.transcript)
    for note in notes:
        progress(note)
    return Clip(
        video_id=video.video_id,
        source=str(video.path.resolve()),
        fingerprint=former.fingerprint if unchanged and former else fingerprint(video.path),
        source_bytes=about.st_size,
        source_changed=about.st_mtime,
        width=size[0],
        height=size[1],
        files={key: files[key] for key in shown},
        transcript=transcript,
    )


def _lacks(media: Media, part: str) -> bool:
    return getattr(media.metadata, _STREAM_OF[part]) is None


def _exists(study: Path, file: File) -> bool:
    path = study / STIMULI / file.name
    return path.is_file() and path.stat().st_size == file.bytes


def _make(study: Path, video: Video, key: str, packets: dict[Kind, Packets]) -> File:
    kinds = tuple(_STREAM_OF[part] for part in key.split("+"))
    name = f"{key}/{video.video_id}.mp4"
    target = study / STIMULI / name
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(temporary_name(target.name))
    try:
        with Media.open(video.path) as media:
            copied = can_be_copied(media, packets, kinds)
            if copied:
                copy_streams(str(video.path), draft, media, packets, kinds)
                copied = not _faults(draft, packets, kinds)
        if not copied:
            with Media.open(video.path) as media:
                encoded = encode_streams(draft, media, kinds)
            if fault := _faults(draft, encoded, kinds):
                raise MediaError(f"{video.path}: the stimulus {name} would differ from it: {fault}")
        with Media.open(draft) as draft_media:
            duration = max(stream_packets.end for stream_packets in read_packets(str(draft), draft_media).values())
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    kind = "video/mp4" if "video" in kinds else "audio/mp4"
    return File(name=name, kind=kind, bytes=target.stat().st_size, duration_s=float(duration), copied=copied)


def _faults(draft: Path, source_packets: dict[Kind, Packets], kinds: tuple[Kind, ...]) -> str:
    """What is wrong with a stimulus: its streams, t = 0, the time of a frame, its length; empty: nothing."""
    with Media.open(draft) as media:
        actual = read_packets(str(draft), media)
        if set(actual) != set(kinds):
            return f"it has {' and '.join(actual)}, expected {' and '.join(kinds)}"
        if abs(media.origin) > _SAME_TIME:
            return f"it begins at {float(media.origin):.3f} s"
    if "video" in kinds:
        frames, expected = actual["video"].starts, source_packets["video"].starts
        if len(frames) != len(expected):
            return f"it has {len(frames)} frames, expected {len(expected)}"
        for at, time in zip(frames, expected, strict=True):
            if abs(at - time) > _SAME_TIME:
                return f"a frame of {float(time):.3f} s comes at {float(at):.3f} s"
    if "audio" in kinds and abs(actual["audio"].end - source_packets["audio"].end) > _LONGEST_DIFFERENCE:
        return (
            f"its sound ends at {float(actual['audio'].end):.3f} s, expected {float(source_packets['audio'].end):.3f} s"
        )
    return ""
