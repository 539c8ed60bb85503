"""Removes a rater's data."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pyarrow as pa

from avcues.pipeline.annotations.ratings.files import EXPOSURES, RATERS, RATINGS, REPEATS
from avcues.pipeline.collection.export.write import COMMENTS, TRACES, export, open_records
from avcues.pipeline.collection.records.raters import rater_name
from avcues.pipeline.collection.study import Study
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.store.parquet import metadata_of, open_parquet

_FILES = (RATINGS, REPEATS, RATERS, EXPOSURES, TRACES, COMMENTS)


@dataclass(frozen=True)
class Removal:
    """The result of removing a rater.

    Args:
        clips: Number of clips whose ratings were removed.
        rewritten_exports: Folders that were written again without the rater.
        removed_exports: Folders that were removed because nobody else had rated.
        missing_exports: Folders of exports that no longer exist, or hold something else.
    """

    clips: int
    rewritten_exports: tuple[Path, ...]
    removed_exports: tuple[Path, ...]
    missing_exports: tuple[Path, ...]


def forget(study: Study, rater: str) -> Removal:
    """Removes all data of a rater from the database, and writes the exports again without the rater.

    A server may run meanwhile; the rater's page then shows that its address is unknown.

    Args:
        rater: Id of the rater, such as "r007".

    Raises:
        SettingsError: There is no such rater.
        StorageError: The database cannot be written.
        OutputError: An export cannot be written.
    """
    with open_records(study.folder) as connection:
        rows = connection.execute("SELECT * FROM raters").fetchall()
        rater_row = next((row for row in rows if rater_name(row) == rater), None)
        if rater_row is None:
            names = ", ".join(rater_name(row) for row in rows[:20]) or "nobody"
            raise SettingsError(f"{study.folder}: no rater is named {rater}; there are {names}")
        (clips,) = connection.execute("SELECT count(*) FROM items WHERE rater = ?", (rater_row["id"],)).fetchone()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM raters WHERE id = ?", (rater_row["id"],))  # cascades to all data of the rater
        connection.execute("COMMIT")
        # Deleted rows are overwritten with zeros; truncating the log removes their remains.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        exports = [(Path(row["folder"]), row["step"]) for row in connection.execute("SELECT * FROM exports").fetchall()]
    rewritten, removed, missing = [], [], []
    for folder, step in exports:
        if not _is_export_of(study, folder):
            missing.append(folder)
            continue
        try:
            export(study, folder, Fraction(step))
            rewritten.append(folder)
        except InputError:
            for name in _FILES:
                (folder / name).unlink(missing_ok=True)
            if not any(folder.iterdir()):
                shutil.rmtree(folder)
            removed.append(folder)
    return Removal(clips, tuple(rewritten), tuple(removed), tuple(missing))


def _is_export_of(study: Study, folder: Path) -> bool:
    """Whether a folder holds an export of this study; anybody may have written the list of folders."""
    try:
        with open_parquet(folder / RATINGS) as file:
            origin = metadata_of(file, "ratings")["origin"]
    except (OSError, ValueError, pa.ArrowException):
        return False
    fingerprints = {clip.fingerprint for clip in study.stimuli.clips.values()}
    written = origin.get("fingerprints")
    is_export = origin.get("importer") == "collect" and isinstance(written, dict)
    return is_export and not fingerprints.isdisjoint(map(str, written.values()))
