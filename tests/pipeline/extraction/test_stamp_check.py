"""Stamps tell a later run that nothing of a video has changed, and let everything that has be seen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import avcues
from avcues.pipeline.extraction.stamp_check import StampCheck
from avcues.pipeline.runtime.inputs import collect
from avcues.pipeline.runtime.settings import Settings


def run(clip: Path, out: Path, *features: str, **options: object) -> avcues.VideoResult:
    (result,) = avcues.extract_many([clip], out, features=features or ("color",), workers=0, **options)  # type: ignore[arg-type]
    assert result.state == "done", result.error
    return result


def unchanged(clip: Path, out: Path, *features: str, **options: dict[str, object]) -> avcues.VideoResult | None:
    """What the stamps alone say."""
    measurements = Settings(features=features or ("color",), options=options).measurements()
    return StampCheck(measurements, out.absolute()).result(collect([str(clip)]).videos[0])


@pytest.fixture
def clip(media: Callable[[str], Path], tmp_path: Path) -> Path:
    return Path(shutil.copy(media("tiny4.mp4"), tmp_path / "clip.mp4"))


def test_a_finished_video_is_told_without_opening_its_tables(clip: Path, tmp_path: Path) -> None:
    extracted = run(clip, tmp_path / "out", "color", "lighting")
    kept = unchanged(clip, tmp_path / "out", "color")
    assert kept is not None
    assert (kept.computed, kept.reused, kept.windows) == ((), ("shots", "color"), 8)
    assert kept.tables == {name: rows for name, rows in extracted.tables.items() if name != "lighting"}
    assert run(clip, tmp_path / "out", "color").reused == ("shots", "color")


def test_a_feature_that_is_added_keeps_the_stamps_of_the_others(clip: Path, tmp_path: Path) -> None:
    run(clip, tmp_path / "out", "color")
    assert unchanged(clip, tmp_path / "out", "color", "lighting") is None
    assert run(clip, tmp_path / "out", "lighting").computed == ("lighting",)
    assert unchanged(clip, tmp_path / "out", "color", "lighting") is not None


def test_a_copied_folder_is_kept_and_stamped_anew(clip: Path, tmp_path: Path) -> None:
    run(clip, tmp_path / "out")
    shutil.copytree(tmp_path / "out", tmp_path / "copy")
    assert unchanged(clip, tmp_path / "copy") is None
    assert run(clip, tmp_path / "copy").computed == ()
    assert unchanged(clip, tmp_path / "copy") is not None


@pytest.mark.parametrize("what", ["media", "table", "no table", "recipe"])
def test_whatever_changes_is_seen(clip: Path, tmp_path: Path, what: str) -> None:
    out = tmp_path / "out"
    run(clip, out)
    table = out / "color" / "clip.parquet"
    changed = clip if what == "media" else table
    before = changed.stat()
    if what in ("media", "table"):
        content = bytearray(changed.read_bytes())
        content[200 if what == "table" else len(content) // 2] ^= 1  # among the values of a table
        changed.write_bytes(content)
        os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif what == "no table":
        table.unlink()
    options = {"shots": {"detector": "content"}} if what == "recipe" else {}
    assert unchanged(clip, out, **options) is None
    if what != "recipe":
        assert "color" in run(clip, out, **({"verify": True} if what == "table" else {})).computed
