"""Folders and sets of files that appear whole or not at all.

A new folder is written beside the one that it replaces, and the two are exchanged in one step of the file system. Where
the system has no such step, the former folder is moved aside first; if the process dies before the new one is in its
place, the next start moves the former back. What killed processes left behind is removed by the next writer.
"""

from __future__ import annotations

import ctypes
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from avcues.atomic_files import FORMER_SUFFIX, abandoned, mark_in_use, remove, temporary_name
from avcues.pipeline.store.files import write_atomically

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

_AT_FDCWD = -100
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS

Write = Callable[["Location", Callable[[BinaryIO], object]], None]


@contextmanager
def replaced_folder(out: Path, *, keep_others: bool = False) -> Iterator[Path]:
    """A new, empty folder that takes the place of `out` when the `with` block ends without an error.

    At every instant `out` is the former folder or the new one, and it is the former after an error.

    Args:
        out: A folder, or the name of one.
        keep_others: Files of the former folder that the new one lacks are kept.

    Raises:
        OSError: The parent folder cannot be written.
    """
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    recover(out)
    new = staging_folder(out) / temporary_name(out.name)
    new.mkdir()
    try:
        with _in_use(new):
            if out.exists():
                shutil.copymode(out, new)
            yield new
            if new.parent == out:
                _move_into(new, out, keep_others=keep_others)
            else:
                if keep_others and out.exists():
                    link_files(out, new)
                _exchange(new, out)
    finally:
        remove(new)


def staging_folder(out: Path) -> Path:
    """Where a new folder is written before it takes the place of `out`: beside it.

    If `out` cannot be renamed, because something is mounted there or its parent is closed, it is inside; files are then
    moved one by one.
    """
    return out if out.is_mount() or (out.is_dir() and not os.access(out.parent, os.W_OK)) else out.parent


def recover(out: Path) -> None:
    """Cleans up after processes that were killed while they replaced a file or folder, and restores the former one."""
    formers = abandoned(out, FORMER_SUFFIX)
    if formers and not out.exists():
        formers.pop().rename(out)
    for leftover in (*formers, *abandoned(out)):
        remove(leftover)


def replace_file(place: Location, content: Callable[[BinaryIO], object]) -> None:
    """Writes a file that the user named, and removes what killed processes left of writing it.

    Raises:
        OutputError: It cannot be written, and trying again will not help.
        OSError: It cannot be written just now.
    """
    if isinstance(place, Path):
        recover(place)
    write_atomically(place, content)


@contextmanager
def replaced_files() -> Iterator[Write]:
    """A function like `replace_file`, whose files appear together when the `with` block ends without an error.

    All are written and synced under temporary names before the first one is renamed, so that a full disk or an error
    leaves all files as they were. Only a kill between two renames can separate them.
    """
    staged: list[tuple[Path, Path]] = []
    uploads: list[tuple[Location, bytes]] = []
    with ExitStack() as files:

        def write(place: Location, content: Callable[[BinaryIO], object]) -> None:
            if not isinstance(place, Path):
                buffer = io.BytesIO()
                content(buffer)
                uploads.append((place, buffer.getvalue()))
                return
            place.parent.mkdir(parents=True, exist_ok=True)
            recover(place)
            staged.append((place.parent / temporary_name(place.name), place))
            file = files.enter_context(staged[-1][0].open("wb"))
            mark_in_use(file.fileno())
            content(file)
            file.flush()
            os.fsync(file.fileno())

        try:
            yield write
            for place, content in uploads:
                write_atomically(place, lambda file, content=content: file.write(content))  # type: ignore[misc]
            for temporary, path in staged:
                temporary.replace(path)
        finally:
            for temporary, _ in staged:
                remove(temporary)


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """A hidden folder for what goes into a file, which the next writer of that file removes if this process is killed.

    Args:
        beside: The file.
    """
    recover(beside)
    folder = beside.parent / temporary_name(beside.name)
    folder.mkdir()
    try:
        with _in_use(folder):
            yield folder
    finally:
        remove(folder)


@contextmanager
def _in_use(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        mark_in_use(descriptor)
        yield
    finally:
        os.close(descriptor)


def _exchange(new: Path, out: Path) -> None:
    """Puts the folder `new` in the place of `out`; afterwards `new` is the former one, or absent."""
    _sync(new)
    if not out.exists():
        new.rename(out)
    elif not _swap(new, out):
        former = out.parent / temporary_name(out.name, FORMER_SUFFIX)
        with _in_use(out):
            out.rename(former)
            try:
                new.rename(out)
            except OSError:
                former.rename(out)
                raise
        remove(former)
    _sync(out.parent)


def _swap(first: Path, second: Path) -> bool:
    """Exchanges two paths in one step; False where the system or the file system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(first), os.fsencode(second)
    try:
        if sys.platform == "darwin":
            return libc.renamex_np(*paths, _EXCHANGE) == 0
        return libc.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _EXCHANGE) == 0
    except AttributeError:
        return False


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def link_files(former: Path, new: Path) -> None:
    """Gives a new folder the files of the former one that it lacks, as hard links or else as copies.

    What overwrites them must do so with `write_atomically`, or the former folder changes, too.
    """
    for source in _files(former):
        target = new / source.relative_to(former)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(source, target)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _move_into(new: Path, out: Path, *, keep_others: bool) -> None:
    """Moves files one by one into a folder that cannot be renamed."""
    moved = set()
    for source in list(_files(new)):
        target = out / source.relative_to(new)
        target.parent.mkdir(parents=True, exist_ok=True)
        moved.add(source.replace(target))
    if not keep_others:
        for path in _files(out):
            if path not in moved and new not in path.parents:
                path.unlink()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
