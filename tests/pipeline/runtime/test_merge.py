"""Parts of a batch that separate jobs did become one folder."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from command import avcues, tables

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.runtime.inputs import Shard


def test_every_video_belongs_to_one_part_whatever_the_others_are() -> None:
    ids = [f"video{i}" for i in range(400)]
    parts = [[video_id for video_id in ids if Shard(i, 4).has(video_id)] for i in (1, 2, 3, 4)]
    assert sorted(itertools.chain(*parts)) == sorted(ids)
    assert all(60 < len(part) < 140 for part in parts)
    for wrong in ((0, 4), (5, 4), (1, 0)):
        with pytest.raises(SettingsError, match="shard"):
            Shard(*wrong)


def test_parts_become_the_folder_that_one_run_makes(media: Callable[[str], Path], tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    for i in range(4):
        shutil.copy(media("tiny4.mp4"), videos / f"v{i}.mp4")
    (videos / "empty.mp4").touch()
    first_part, joined = tmp_path / "one", tmp_path / "joined"
    options = ("--features", "color", "--workers", 0)
    assert avcues("extract", videos, "-o", first_part, *options).returncode == 1
    parts = [tmp_path / f"part{i}" for i in (1, 2)]
    for i, part in enumerate(parts, 1):
        assert avcues("extract", videos, "-o", part, *options, "--shard", f"{i}/2").returncode in (0, 1)
    done = avcues("merge", *parts, "--out", joined)
    assert done.returncode == 0, done.stderr
    assert "added 5 videos from 2 folders" in done.stdout
    assert tables(joined) == tables(first_part)
    assert "4 videos done" in avcues("status", joined).stdout
    assert avcues("validate", joined).stdout.replace("joined", "one") == avcues("validate", first_part).stdout
    second = avcues("merge", *parts, "--out", joined)
    assert "4 videos already existed" in second.stdout
    rerun = avcues("extract", videos, "-o", joined, *options)
    assert rerun.stderr.count("was done") == 4

    other_folder = tmp_path / "other"
    step = ("--features", "color", "--workers", 0, "--step", "1")
    assert avcues("extract", videos / "v0.mp4", "-o", other_folder, *step).returncode == 0
    refused = avcues("merge", other_folder, "--out", joined)
    assert (refused.returncode, "was made with step" in refused.stderr) == (2, True)
    assert "expected I/N" in avcues("extract", videos, "-o", other_folder, "--shard", "3of4").stderr
