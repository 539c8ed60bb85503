"""What a folder, a pattern or a list names, and that nothing in it is passed over in silence."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from command import avcues
from fsspec.implementations.memory import MemoryFileSystem

from avcues.pipeline.errors import InputError
from avcues.pipeline.runtime.inputs import collect


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Videos of unusual suffixes, links of every kind, and files that are no media."""
    folder = tmp_path / "videos"
    (folder / "more").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    suffixes = ("GIF", "m2v", "asf", "f4v", "3g2", "mka", "aiff", "rm", "ac3", "h264")
    for i, suffix in enumerate(suffixes):
        (folder / f"v{i}.{suffix}").write_bytes(b"x" * (i + 1))
    (tmp_path / "elsewhere" / "linked.mp4").write_bytes(b"x")
    (folder / "archive").symlink_to(tmp_path / "elsewhere")
    (folder / "again").symlink_to(tmp_path / "elsewhere")
    (folder / "more" / "up").symlink_to(folder)
    (folder / "gone.mp4").symlink_to(tmp_path / "moved.mp4")
    (folder / "unmounted").symlink_to(tmp_path / "disk")
    for name in ("a.json", "b.json", "notes", "._v1.mp4", "poster.jpg"):
        (folder / name).write_bytes(b"x")
    os.mkfifo(folder / "pipe.mp4")
    return folder


def test_a_folder_gives_all_media_below_it_and_says_what_else_is_there(tree: Path) -> None:
    inputs = collect([str(tree)])
    assert {video.video_id for video in inputs.videos} == {*(f"v{i}" for i in range(10)), "linked", "gone"}
    (note,) = inputs.notes
    for part in (
        ".json files (2: a.json, b.json)",
        ".jpg files (1: poster.jpg)",
        "files without a suffix (1: notes)",
        "hidden files (1: ._v1.mp4)",
        "special files (1: pipe.mp4)",
        "links that lead nowhere (1: unmounted)",
        "links to folders that are searched anyway (2: ",
        "more/up",
    ):
        assert part in note, note
    assert inputs.problems == ()


def test_a_folder_without_media_says_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without a media file; there are no files in it"):
        collect([str(tmp_path)])
    (tmp_path / "a.txt").touch()
    with pytest.raises(InputError, match=r"without a media file \(skipped \.txt files \(1: a.txt\)\)"):
        collect([str(tmp_path)])


def test_patterns_lists_and_stores_say_what_they_pass_over(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").write_bytes(b"x")
    (tmp_path / "clips" / "more").mkdir()
    assert "skipped 1 folders" in collect([str(tmp_path / "clips" / "*")]).notes[0]
    (tmp_path / "list.csv").write_text("video_id,path\na,clips/a.mp4\nb,\n")
    assert "skipped 1 rows without a path" in collect([str(tmp_path / "list.csv")]).notes[0]
    store = MemoryFileSystem()
    store.pipe({"/bucket/b.mp4": b"x", "/bucket/b.json": b"x"})
    inputs = collect(["memory://bucket"])
    assert [video.video_id for video in inputs.videos] == ["b"]
    assert "skipped .json files (1: b.json)" in inputs.notes[0]


def test_a_run_and_a_dry_run_say_it_and_a_lost_link_fails(media: Callable[[str], Path], tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    shutil.copy(media("tiny4.mp4"), videos)
    (videos / "gone.mp4").symlink_to(tmp_path / "moved.mp4")
    (videos / "subtitles.idx").touch()
    command = ("extract", videos, "-o", tmp_path / "out", "--features", "color", "--workers", 1)
    for done in (avcues(*command, "--dry-run"), avcues(*command)):
        assert done.returncode == 1
        assert "skipped .idx files (1: subtitles.idx)" in done.stdout + done.stderr
        assert "gone.mp4: no such file" in done.stdout + done.stderr
