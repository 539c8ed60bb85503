"""Inputs and outputs on stores other than this machine's disks, and stores that fail for a while."""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Callable
from pathlib import Path

import av
import fsspec
import pytest
from clips import measurements
from command import avcues, tables
from fsspec.implementations.local import LocalFileSystem
from upath import UPath

from avcues.pipeline.dataset.validate import validate
from avcues.pipeline.errors import InputError, MediaError, OutputError, SettingsError
from avcues.pipeline.extraction import video as process
from avcues.pipeline.media.container import Media
from avcues.pipeline.runtime.inputs import collect
from avcues.pipeline.runtime.request import Request, Workers
from avcues.pipeline.runtime.run import run
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store import files as storage
from avcues.pipeline.store.location import location
from avcues.pipeline.store.lock import OutputLock
from avcues.pipeline.store.parquet import read_metadata, read_table
from avcues.pipeline.store.video_input import VideoInput

COLOR = Settings(features=("color",))


def states(paths: list[str], out: Path | UPath) -> set[str]:
    """What a run in this process makes of videos."""
    return {result.state for result in run(paths, Request(settings=COLOR, out=out), Workers(count=0))}


class FlakyFileSystem(LocalFileSystem):
    """The local disk behind a bad cable: reading fails with EIO, the first `failures` times."""

    protocol = "flaky"
    failures = 0

    def _open(self, path: str, mode: str = "rb", **options: object) -> io.IOBase:
        if FlakyFileSystem.failures > 0:
            FlakyFileSystem.failures -= 1
            raise OSError(errno.EIO, "Input/output error", path)
        return super()._open(path, mode, **options)


fsspec.register_implementation("flaky", FlakyFileSystem, clobber=True)


@pytest.fixture
def bucket(media: Callable[[str], Path]) -> UPath:
    """An object store with two clips in a folder."""
    place = UPath("memory://bucket")
    place.fs.store.clear()
    for name in ("tiny4.mp4", "black_silent10.mp4"):
        (place / "videos" / "deep").mkdir(parents=True, exist_ok=True)
        (place / "videos" / "deep" / name).write_bytes(media(name).read_bytes())
    return place


def test_from_store_to_store_gives_the_bytes_of_local_files(
    bucket: UPath, media: Callable[[str], Path], tmp_path: Path
) -> None:
    assert states(["memory://bucket/videos"], bucket / "out") == {"done"}
    local = [str(media("tiny4.mp4")), str(media("black_silent10.mp4"))]
    assert states(local, tmp_path) == {"done"}
    for path in tables(tmp_path):
        remote = read_table(bucket / "out" / path)
        assert remote.equals(read_table(tmp_path / path))
        assert read_metadata(bucket / "out" / path)["source"]["name"] == Path(path).with_suffix(".mp4").name
    assert validate(bucket / "out").breaches == []
    creation_times = {path: info["created"] for path, info in bucket.fs.find("/bucket/out", detail=True).items()}
    assert states(["memory://bucket/videos/**/*.mp4"], bucket / "out") == {"done"}
    second = {path: info["created"] for path, info in bucket.fs.find("/bucket/out", detail=True).items()}
    assert {path for path in creation_times if creation_times[path] != second[path]} <= {"/bucket/out/_status/.inputs"}


def test_a_file_url_is_the_local_path(media: Callable[[str], Path], tmp_path: Path) -> None:
    done = avcues("extract", f"file://{media('tiny4.mp4')}", "-o", f"file://{tmp_path}", "--features", "color")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "color" / "tiny4.parquet").exists()


def test_a_list_may_name_files_of_a_store(bucket: UPath, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("video_id,path\na,memory://bucket/videos/deep/tiny4.mp4\nb,memory://bucket/none.mp4\n")
    assert states([str(listed)], tmp_path / "out") == {"done", "failed"}
    record = json.loads((tmp_path / "out" / "_status" / "b.json").read_text())
    assert record["error"] == "memory://bucket/none.mp4: no such file"
    assert (tmp_path / "out" / "color" / "a.parquet").exists()


def test_the_largest_file_comes_first(bucket: UPath) -> None:
    named = collect(["memory://bucket/videos"])
    assert [video.video_id for video in named.videos] == ["tiny4", "black_silent10"]
    assert named.videos[0].bytes > named.videos[1].bytes


def test_an_unknown_store_is_one_line() -> None:
    with pytest.raises(InputError, match=r"nosuch://x: nosuch:// cannot be read on this machine"):
        location("nosuch://x")


def test_errors_that_may_pass_are_tried_again(
    media: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_RETRY_DELAYS_S", (0.01, 0.01))
    video = VideoInput("clip", f"flaky://{media('tiny4.mp4')}")
    measured = measurements(COLOR)
    FlakyFileSystem.failures = 2
    result = process.process_video(video, measured, tmp_path)
    assert (result.state, result.retries) == ("done", 2)
    FlakyFileSystem.failures = 9
    result = process.process_video(video, measured, tmp_path, overwrite=True)
    assert (result.state, result.retries, result.error_class) == ("failed", 2, "OSError")
    FlakyFileSystem.failures = 0


def test_a_disk_that_fails_is_told_from_a_file_that_is_damaged(
    media: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An I/O error while decoding ends the attempt; bytes that make no sense are counted and skipped."""

    class Failing(io.FileIO):
        def read(self, size: int = -1) -> bytes:
            if self.tell() > 4_000_000:
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    path = media("real60.mp4")
    monkeypatch.setattr(Path, "open", lambda self, *mode, **options: Failing(self))
    with Media.open(path) as opened, pytest.raises(OSError) as caught:
        for _ in opened.decode(video=True, audio=True):
            pass
    assert storage.is_transient(caught.value)
    assert not storage.is_transient(av.error.InvalidDataError(1094995529, "Invalid data"))
    assert not storage.is_transient(MediaError("x"))


def test_decode_errors_are_not_tried_again(media: Callable[[str], Path], tmp_path: Path) -> None:
    video = VideoInput("clip", str(media("truncated_nomoov.mp4")))
    result = process.process_video(video, measurements(COLOR), tmp_path)
    assert (result.state, result.retries) == ("failed", 0)


def test_an_upload_is_whole_or_absent(bucket: UPath) -> None:
    def fails(file: io.BufferedIOBase) -> None:
        file.write(b"half")
        raise ValueError

    with pytest.raises(ValueError):
        storage.write_atomically(bucket / "a" / "b", fails)
    assert not (bucket / "a" / "b").exists()


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot be written \(File exists|Not a directory\)"):
        storage.write_atomically(tmp_path / "file" / "x", lambda file: None)


def test_a_store_is_locked_by_a_record(bucket: UPath, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avcues.pipeline.store.lock._SETTLE_S", 0.0)
    with OutputLock(bucket / "out"):
        with pytest.raises(SettingsError, match="another run is at work there"), OutputLock(bucket / "out"):
            pass
        monkeypatch.setattr("avcues.pipeline.store.lock._DEAD_AFTER_S", -1.0)
        with OutputLock(bucket / "out"):
            pass
    assert not (bucket / "out" / "_status" / ".owner.json").exists()
