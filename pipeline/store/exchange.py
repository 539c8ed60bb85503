"""Writes folders and sets of files so that they appear whole or not at all.

A new folder is written beside the folder that it replaces, and the two are exchanged in one step of the file system. If
the system has no such step, the former folder is moved aside first; if the process dies before the new folder is in
place, the next start moves the former folder back. The next writer removes the leftovers of killed processes.
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
    """Yields a new, empty folder that replaces `out` when the `with` block ends without an error.

    At every instant `out` is either the former or the new folder; after an error it is the former one.

    Args:
        out: The folder to replace; it need not exist.
        keep_others: Whether to keep files of the former folder that the new one lacks.

    Raises:
        OSError: The parent folder cannot be written.
    """
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    recover(out)
    new_folder = staging_folder(out) / temporary_name(out.name)
    new_folder.mkdir()
    try:
        with _in_use(new_folder):
            if out.exists():
                shutil.copymode(out, new_folder)
            yield new_folder
            if new_folder.parent == out:
                _move_into(new_folder, out, keep_others=keep_others)
            else:
                if keep_others and out.exists():
                    link_files(out, new_folder)
                _exchange(new_folder, out)
    finally:
        remove(new_folder)


def staging_folder(out: Path) -> Path:
    """The folder in which a new folder is written before it replaces `out`: the parent of `out`.

    If `out` cannot be renamed, because it is a mount point or its parent is not writable, it is `out` itself; files are
    then moved one by one.
    """
    return out if out.is_mount() or (out.is_dir() and not os.access(out.parent, os.W_OK)) else out.parent


def recover(out: Path) -> None:
    """Cleans up after processes that were killed while they replaced `out`; restores its former state if necessary."""
    former_versions = abandoned(out, FORMER_SUFFIX)
    if former_versions and not out.exists():
        former_versions.pop().rename(out)
    for leftover in (*former_versions, *abandoned(out)):
        remove(leftover)


def replace_file(path: Location, write_content: Callable[[BinaryIO], object]) -> None:
    """Writes a file that the user named, and removes leftovers of killed processes that wrote it.

    Raises:
        OutputError: It cannot be written, and trying again will not help.
        OSError: It cannot be written at the moment.
    """
    if isinstance(path, Path):
        recover(path)
    write_atomically(path, write_content)


@contextmanager
def replaced_files() -> Iterator[Write]:
    """Yields a function like `replace_file` whose files appear together when the `with` block ends without an error.

    All files are written and synced under temporary names before the first is renamed, so that a full disk or an error
    leaves all files unchanged. Only a kill between two renames can separate them.
    """
    staged: list[tuple[Path, Path]] = []
    uploads: list[tuple[Location, bytes]] = []
    with ExitStack() as files:

        def write(path: Location, write_content: Callable[[BinaryIO], object]) -> None:
            if not isinstance(path, Path):
                buffer = io.BytesIO()
                write_content(buffer)
                uploads.append((path, buffer.getvalue()))
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            recover(path)
            staged.append((path.parent / temporary_name(path.name), path))
            file = files.enter_context(staged[-1][0].open("wb"))
            mark_in_use(file.fileno())
            write_content(file)
            file.flush()
            os.fsync(file.fileno())

        try:
            yield write
            for upload, content in uploads:
                write_atomically(upload, lambda file, content=content: file.write(content))  # type: ignore[misc]
            for temporary, final in staged:
                temporary.replace(final)
        finally:
            for temporary, _ in staged:
                remove(temporary)


@contextmanager
def scratch_folder(file: Path) -> Iterator[Path]:
    """A hidden folder, beside a file that is being written, for its parts.

    If this process is killed, the next writer of that file removes the folder.
    """
    recover(file)
    folder = file.parent / temporary_name(file.name)
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


def _exchange(new_folder: Path, out: Path) -> None:
    """Puts the new folder in the place of `out`; afterwards its old path is the former folder, or absent."""
    _sync(new_folder)
    if not out.exists():
        new_folder.rename(out)
    elif not _swap(new_folder, out):
        former_folder = out.parent / temporary_name(out.name, FORMER_SUFFIX)
        with _in_use(out):
            out.rename(former_folder)
            try:
                new_folder.rename(out)
            except OSError:
                former_folder.rename(out)
                raise
        remove(former_folder)
    _sync(out.parent)


def _swap(first: Path, second: Path) -> bool:
    """Exchanges two paths in one step; False if the system or the file system cannot."""
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


def link_files(former_folder: Path, new_folder: Path) -> None:
    """Adds the files of the former folder that the new one lacks, as hard links, or as copies if links are impossible.

    They must be overwritten with `write_atomically` only; otherwise the former folder changes too.
    """
    for source in _files(former_folder):
        target = new_folder / source.relative_to(former_folder)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(source, target)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _move_into(new_folder: Path, out: Path, *, keep_others: bool) -> None:
    """Moves files one by one into a folder that cannot be renamed."""
    moved = set()
    for source in list(_files(new_folder)):
        target = out / source.relative_to(new_folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        moved.add(source.replace(target))
    if not keep_others:
        for path in _files(out):
            if path not in moved and new_folder not in path.parents:
                path.unlink()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
