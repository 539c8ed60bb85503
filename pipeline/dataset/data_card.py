"""The data card: what someone who is handed a dataset has to know of it, as Markdown.

It is made from the dataset's files alone and says nothing of when and where, so that the same files give the same card.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.dataset.catalog import Catalog
from pipeline.dataset.describe import describe_table, settings_text
from pipeline.dataset.statistics import DatasetStatistics, survey
from pipeline.store.files import write_atomically
from pipeline.store.layout import MANIFEST, data_card_path
from pipeline.store.records import describe_damage

if TYPE_CHECKING:
    from pipeline.store.files import Location

SOFTWARE_LICENCES = {
    "emobase": "openSMILE: audEERING's research licence, non-commercial; it also binds models trained on its features",
    "objects": "Ultralytics: AGPL-3.0",
}
"""Of extractors whose software's licence binds those who use its values."""

_LISTED = 20


def write_card(catalog: Catalog, finished: Callable[[str], None] = lambda video_id: None) -> Location:
    """Surveys a dataset and writes its card into its folder.

    Args:
        finished: Is called with the id of each video that was read.

    Raises:
        OutputError: The folder cannot be written.
    """
    path = data_card_path(catalog.folder)
    text = card(catalog, survey(catalog, finished))
    write_atomically(path, lambda file: file.write(text.encode()))
    return path


def card(catalog: Catalog, found: DatasetStatistics) -> str:
    """The card of a dataset, given what a survey of it found."""
    tables = [describe_table(table) for table in catalog.tables.values()]
    lines = (
        *_summary(catalog, found),
        *_contents(catalog, found),
        *_origins(tables),
        *_incomplete(catalog, found),
        *_licences(tables),
        *_computed(found),
        *_limits(tables),
    )
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def _summary(catalog: Catalog, found: DatasetStatistics) -> Iterator[str]:
    step = float(catalog.step)
    columns = sum(len(table.columns) for table in catalog.tables.values())
    folder = catalog.folder.resolve() if isinstance(catalog.folder, Path) else catalog.folder
    yield f"# Data card: {folder.name}"
    yield ""
    yield (
        f"{found.videos} videos, {found.windows * step / 3600:.2f} hours, {found.windows} windows of {step:g} s, "
        f"{columns} columns in {len(catalog.tables)} tables, made by avcues. Row k of every window table describes "
        f"the same {step:g} s of the same video, from k * {step:g} s on. {found.streams['video']} videos have a "
        f"picture, {found.streams['audio']} have sound."
    )
    yield ""
    yield "Meant for training models of perceived emotion. The columns measure the media; none is an emotion rating."


def _contents(catalog: Catalog, found: DatasetStatistics) -> Iterator[str]:
    yield from _heading("Tables")
    yield (
        "The files are `<table>/<video_id>.parquet`. What is missing is null; the last column has the share of rows "
        "that are null, in the table's fullest column and in its emptiest."
    )
    yield ""
    rows = []
    for table in catalog.tables.values():
        counts = found.tables[table.name]
        shares = " to ".join(dict.fromkeys(f"{share:.1%}" for share in counts.null_shares()))
        rows.append((f"`{table.name}`", table.row, counts.files, counts.rows, len(table.columns), shares))
    yield from grid(("table", "one row per", "videos", "rows", "columns", "null"), rows)


def _origins(tables: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from _heading("What they follow")
    yield (
        "`avcues describe` lists every column with its unit, range and meaning, as does the metadata of every file. "
        f"`{MANIFEST}` pins the settings: the same videos with the same versions give the same values."
    )
    yield ""
    rows = []
    for table in tables:
        extractor = f"{table['extractor']}, version {table['version']}"
        rows.append((f"`{table['name']}`", extractor, settings_text(table), table["source"]))
    yield from grid(("table", "extractor", "settings", "source"), rows)


def _incomplete(catalog: Catalog, found: DatasetStatistics) -> Iterator[str]:
    yield from _heading("What is incomplete")
    failed, lacking, damaged = [], [], []
    for video_id in catalog.videos:
        record = catalog.records.get(video_id, {})
        lacks = [name for name in (*catalog.tables, *catalog.absent) if not catalog.has(name, video_id)]
        if record.get("state") == "failed":
            failed.append(f"{video_id}: {record.get('error')}")
        elif lacks:
            lacking.append(f"{video_id}: {', '.join(lacks)}")
        if record.get("damage"):
            damaged.append(f"{video_id}: {describe_damage(record['damage'])}")
    left_out = sorted({feature for record in catalog.records.values() for feature in record.get("left_out", {})})
    yield from _list("Videos that could not be processed", failed)
    yield from _list("Videos that lack tables", lacking)
    yield from _list("Damaged videos, measured as far as they could be decoded", damaged)
    yield from _list("Features that were asked for and left out, for want of weights", left_out)
    yield from _list("Files that are unreadable or of other settings, and not counted here", found.unusable)
    if not (failed or lacking or damaged or left_out or found.unusable):
        yield "Nothing: every video has every table, and was decoded without an error."


def _licences(tables: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from _heading("Weights and licences")
    weights = {file["name"]: file for table in tables for file in table["weights"]}
    rows = [
        (name, file.get("title", "a file of the user's own"), file.get("licence", "unknown"), f"`{file['sha256']}`")
        for name, file in weights.items()
    ]
    if rows:
        yield from grid(("weights", "what", "licence", "SHA-256"), rows)
        yield ""
    extractors = dict.fromkeys(table["extractor"] for table in tables)
    yield from (f"- `{name}`: {SOFTWARE_LICENCES[name]}." for name in extractors if name in SOFTWARE_LICENCES)
    yield "- The rights in the videos themselves are not touched by this card."


def _computed(found: DatasetStatistics) -> Iterator[str]:
    yield from _heading("What computed them")
    for what, versions in sorted(found.versions.items()):
        yield f"- {what}: {_counted(versions)}"
    computed: dict[str, list[str]] = {}
    for name, counts in found.tables.items():
        if counts.computed:
            computed.setdefault(" and ".join(sorted(counts.computed)), []).append(name)
    yield from (f"- on {device}: {', '.join(names)}" for device, names in computed.items())


def _counted(versions: Mapping[str, int]) -> str:
    if len(versions) == 1:
        return next(iter(versions))
    return ", ".join(f"{version} ({files} files)" for version, files in sorted(versions.items()))


def _limits(tables: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from _heading("Known limits")
    networks = ", ".join(table["name"] for table in tables if table["weights"])
    if networks:
        yield (
            f"- Outputs of networks ({networks}) are estimates, with the errors and biases of the data that these were "
            "trained on; a face's expression is what it shows, not what anyone feels."
        )
    yield "- Picture tables describe the one frame on screen at a window's start, sound tables the whole window."
    yield "- Null means that there was nothing to measure, such as no sound, no frame on screen or no face."
    yield "- Windows of one video resemble each other: split training and test sets by video, never by row."
    yield "- High-dynamic-range video is read as 8-bit RGB without tone mapping; interlaced video is not deinterlaced."


def _heading(text: str) -> Iterator[str]:
    yield from ("", f"## {text}", "")


def _list(heading: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield from ("", f"{heading} ({len(items)}):", "")
        yield from (f"- {item}" for item in items[:_LISTED])
        if len(items) > _LISTED:
            yield f"- and {len(items) - _LISTED} more"


def grid(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a Markdown table."""
    yield f"| {' | '.join(headings)} |"
    yield "|" + "---|" * len(headings)
    for row in rows:
        yield f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |"
