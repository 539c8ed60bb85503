"""Folders and sets of files appear whole or not at all, whenever the process that writes them is killed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from killed import killed_at

from avcues.atomic_files import FORMER_SUFFIX, TEMPORARY_SUFFIX, temporary_name
from avcues.pipeline.store import exchange
from avcues.pipeline.store.exchange import recover, replaced_files, replaced_folder

OLD, NEW = {"a": "old", "sub/b": "old"}, {"a": "new", "sub/c": "new"}


def content(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def replace(out: Path, *, keep_others: bool = False) -> None:
    with replaced_folder(out, keep_others=keep_others) as folder:
        fill(folder, NEW)


@pytest.fixture(params=[True, False], ids=["exchange", "two renames"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the system can exchange two folders in one step."""
    if not request.param:
        monkeypatch.setattr(exchange, "_swap", lambda first, second: False)
    return bool(request.param)


@pytest.mark.parametrize("keep_others", [False, True])
def test_a_folder_is_the_former_or_the_new_one_wherever_the_process_is_killed(
    system: bool, keep_others: bool, tmp_path: Path
) -> None:
    whole = {True: {**OLD, **NEW}, False: NEW}[keep_others]
    for operation in count():
        out = tmp_path / str(operation) / "out"
        fill(out, OLD)
        killed = killed_at(operation, lambda out=out: replace(out, keep_others=keep_others))  # type: ignore[misc]
        if system:
            assert content(out) in (OLD, whole)
        recover(out)
        assert content(out) in (OLD, whole)
        assert [path.name for path in out.parent.iterdir()] == ["out"]
        if not killed:
            break
    assert operation > 8
    assert content(out) == whole


def test_a_folder_that_did_not_exist_appears_at_once(tmp_path: Path) -> None:
    for operation in count():
        out = tmp_path / str(operation) / "out"
        killed = killed_at(operation, lambda out=out: replace(out))  # type: ignore[misc]
        assert not out.exists() or content(out) == NEW
        replace(out)
        assert content(out) == NEW
        assert [path.name for path in out.parent.iterdir()] == ["out"]
        if not killed:
            break


def test_an_error_leaves_the_former_folder(tmp_path: Path) -> None:
    fill(tmp_path / "out", OLD)
    with pytest.raises(OSError, match="full"), replaced_folder(tmp_path / "out") as folder:
        fill(folder, NEW)
        raise OSError(errno.ENOSPC, "full")
    assert content(tmp_path / "out") == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    fill(tmp_path / "disk" / "out", OLD)
    (tmp_path / "out").symlink_to("disk/out")
    replace(tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert content(tmp_path / "disk" / "out") == NEW


def test_a_mounted_folder_is_filled_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(Path, "is_mount", lambda self: self == out)
    fill(out, OLD)
    replace(out, keep_others=True)
    assert content(out) == {**OLD, **NEW}
    replace(out)
    assert content(out) == NEW


def test_what_a_live_process_writes_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with replaced_folder(out) as folder:
        fill(folder, NEW)
        recover(out)
        replace(out)
        assert content(folder) == NEW
    assert content(out) == NEW
    former = tmp_path / temporary_name("out", FORMER_SUFFIX)
    fill(former, OLD)
    recover(out)
    assert not former.exists()


def test_permissions_of_the_folder_are_kept(tmp_path: Path) -> None:
    fill(tmp_path / "out", OLD)
    (tmp_path / "out").chmod(0o2750)
    replace(tmp_path / "out")
    assert (tmp_path / "out").stat().st_mode & 0o7777 == 0o2750


def write_both(folder: Path) -> None:
    with replaced_files() as write:
        for name in ("a", "b"):
            write(folder / name, lambda file: file.write(b"new"))


def test_a_set_of_files_is_staged_before_the_first_one_appears(tmp_path: Path) -> None:
    states = set()
    for operation in count():
        folder = tmp_path / str(operation)
        fill(folder, {"a": "old", "b": "old"})
        killed = killed_at(operation, lambda folder=folder: write_both(folder))  # type: ignore[misc]
        states.add(tuple(content(folder)[name] for name in ("a", "b")))
        write_both(folder)
        assert content(folder) == {"a": "new", "b": "new"}  # without leftovers
        if not killed:
            break
    assert {("old", "old"), ("new", "new")} <= states <= {("old", "old"), ("new", "old"), ("new", "new")}


def full(file: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("failing", [0, 1])
def test_a_full_disk_leaves_a_set_as_it_was(failing: int, tmp_path: Path) -> None:
    fill(tmp_path, {"a": "old"})
    writers: list[Callable[..., object]] = [lambda file: file.write(b"new")] * 2
    writers[failing] = full
    with pytest.raises(OSError, match="space"), replaced_files() as write:
        write(tmp_path / "a", writers[0])
        write(tmp_path / "b", writers[1])
    assert content(tmp_path) == {"a": "old"}
    assert not list(tmp_path.glob(f".*{TEMPORARY_SUFFIX}"))
