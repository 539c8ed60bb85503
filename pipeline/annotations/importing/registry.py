"""The formats of ratings, and which of them a file looks like.

Every module of `formats` whose `FORMAT` is a `Format` is registered: a new format is one new file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from avcues.pipeline.annotations.importing import formats as modules
from avcues.pipeline.annotations.importing.assemble import assemble
from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.reading import Range, Scales
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.store.documents import require_regular_file
from avcues.pipeline.store.text_tables import decode_text
from avcues.pipeline.store.user_tables import raw_rows
from avcues.pipeline.store.workbooks import EXCEL

_HEAD_BYTES = 4096
_HEAD_ROWS = 20


@cache
def registered() -> Mapping[str, Format]:
    """All formats by name."""
    by_name = {}
    for module in pkgutil.iter_modules(modules.__path__):
        format_ = getattr(importlib.import_module(f"{modules.__name__}.{module.name}"), "FORMAT", None)
        if isinstance(format_, Format):
            by_name[module.name] = format_
    return by_name


def import_format(
    name: str,
    files: Sequence[str | Path],
    *,
    options: FormatOptions = FormatOptions(),
    range_: Range | None = None,
    hold: bool | Collection[str] = False,
    setups: Collection[str] | None = None,
    known: Collection[str] | None = None,
    raters: Any = None,
    repeated: bool = False,
) -> Annotations:
    """Ratings in one of the registered formats.

    Args:
        name: Name of the format.
        files: Files in this format; a folder stands for all files in it that look like this format.
        options: What the files do not state.
        range_: Lowest and highest possible value of dimensions whose scale the format does not state.
        hold: As for `import_tidy`.
        setups: The setups that are allowed; None: any.
        known: As for `import_tidy`.
        raters: As for `import_tidy`.
        repeated: As for `import_tidy`.

    Raises:
        InputError: A file cannot be read or holds an impossible rating.
        SettingsError: There is no such format.
    """
    if name not in registered():
        raise SettingsError(f'there is no format "{name}", only {", ".join(registered())}')
    paths = _expanded(name, [Path(file) for file in files])
    reading = registered()[name].read(paths, options)
    held_dimensions = {
        name: replace(dimension, hold=True) for name, dimension in reading.dimensions.items() if hold is True
    }
    reading = replace(
        reading,
        name=str(paths[0]) if len(paths) == 1 else reading.name,
        dimensions={**reading.dimensions, **held_dimensions},
        origin={**reading.origin, "importer": name, "files": [str(path) for path in paths]},
    )
    scales = Scales(range_=range_, hold=hold)
    return assemble(reading, scales, setups=setups, known=known, raters=raters, repeated=repeated)


def formats_of(path: Path) -> list[str]:
    """Names of the formats that a file, or the files in a folder, look like.

    Raises:
        InputError: There is no such file.
    """
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.is_file())
        return list(dict.fromkeys(name for file in inside[:200] for name in formats_of(file)))
    _require_file(path)
    try:
        with path.open("rb") as file:
            head = decode_text(file.read(_HEAD_BYTES)) if path.suffix.lower() not in EXCEL else _first_rows(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    return [name for name, format_ in registered().items() if format_.looks_like(path, head)]


def _require_file(path: Path) -> None:
    try:
        require_regular_file(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def _first_rows(workbook: Path) -> str:
    """The beginning of a workbook as CSV; empty if it cannot be read, which its import then explains."""
    try:
        return "\n".join(",".join(row) for row in raw_rows(workbook)[:_HEAD_ROWS])
    except InputError:
        return ""


def _expanded(name: str, paths: Sequence[Path]) -> list[Path]:
    """The files, with each folder replaced by the files of the format in it.

    Raises:
        InputError: A folder has no such file.
    """
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            _require_file(path)
            files.append(path)
            continue
        inside = [file for file in sorted(path.rglob("*")) if file.is_file() and name in formats_of(file)]
        if not inside:
            raise InputError(f"{path}: has no file that looks like {registered()[name].title}")
        files += inside
    return files
