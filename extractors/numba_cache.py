"""A private, complete cache of librosa's compiled functions.

librosa compiles some functions with numba on first use and caches them beside its own files. When several processes
do so at once, numba can mix the files of different processes, and every later process that loads them crashes
(numba issue 10128). So one process compiles everything into a fresh folder, which appears under its final name when it
is complete; all others wait and then only read. The folder's name depends on everything that makes numba compile again:
the interpreter, the versions, the processor, and the copy of librosa's files.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from avcues.errors import AvcuesError
from avcues.extractors.build_once import build_once

_CACHE_DIR_VARIABLE = "NUMBA_CACHE_DIR"
_FORMAT = "2"  # raised when other functions are compiled
_WARM_UP = "from avcues.extractors.rhythm import warm_up; warm_up()"


def prepare(note: Callable[[str], object] = lambda text: None) -> Path:
    """Points numba to the cache, which the first process on a machine fills. Call it before librosa is imported.

    Args:
        note: Called with a line for the user before the cache is filled.

    Raises:
        AvcuesError: librosa cannot be compiled.
    """

    def fill(folder: Path) -> None:
        note("compiling librosa's functions, once on this machine: half a minute")
        _fill(folder)

    folder = build_once(f"librosa-{_fingerprint()}", fill, verify=False)  # numba rewrites its indices
    os.environ[_CACHE_DIR_VARIABLE] = str(folder)
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = str(folder)  # read from the environment when numba was imported
    return folder


@contextmanager
def cache_everything() -> Iterator[None]:
    """A context in which an import of librosa takes all of its functions from the cache.

    librosa keeps one function out of the cache, because many processes may write into it; compiling that function costs
    each process 3 s. Here only one process writes, so the function can be cached.
    """
    import numba

    guvectorize = numba.guvectorize

    def cached_guvectorize(*arguments: Any, **options: Any) -> Any:
        return guvectorize(*arguments, **{**options, "cache": True})

    numba.guvectorize = cached_guvectorize
    try:
        yield
    finally:
        numba.guvectorize = guvectorize


def _fill(folder: Path) -> None:
    completed = subprocess.run(
        [sys.executable, "-P", "-c", _WARM_UP],
        env={**os.environ, _CACHE_DIR_VARIABLE: str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode:
        reason = (completed.stderr.strip().splitlines() or [f"exit code {completed.returncode}"])[-1]
        raise AvcuesError(f"librosa's functions cannot be compiled here: {reason}")


@cache
def _fingerprint() -> str:
    """A hash of everything that numba checks before it uses a cached function."""
    import llvmlite.binding as llvm

    spec = importlib.util.find_spec("librosa")
    if spec is None or spec.origin is None:
        raise AvcuesError("librosa is not installed: pip install librosa")
    sources = sorted(Path(spec.origin).parent.rglob("*.py"))
    dependencies = [
        _FORMAT,
        sys.implementation.cache_tag,
        *(importlib.metadata.version(name) for name in ("librosa", "numba", "numpy", "llvmlite")),
        llvm.get_process_triple(),
        llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(),
        *(f"{source}:{source.stat().st_mtime_ns}:{source.stat().st_size}" for source in sources),
    ]
    return hashlib.sha256("\n".join(dependencies).encode()).hexdigest()[:16]
