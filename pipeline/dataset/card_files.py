"""Writes the data card and the Croissant metadata of `avcues describe --card`; never overwrites a user's files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from avcues.pipeline.dataset.catalog import Catalog
from avcues.pipeline.dataset.croissant import croissant
from avcues.pipeline.dataset.data_card import data_card
from avcues.pipeline.dataset.statistics import compute_statistics
from avcues.pipeline.errors import DatasetError
from avcues.pipeline.store.documents import MAX_BYTES, json_bytes, open_regular_file, read_document
from avcues.pipeline.store.exchange import replace_file, replaced_files
from avcues.pipeline.store.layout import CROISSANT, DATA_CARD, card_record_path, croissant_path, data_card_path

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location


def write_card(catalog: Catalog, on_progress: Callable[[str], None] = lambda video_id: None) -> tuple[Location, ...]:
    """Reads a whole dataset and writes `README.md` and `croissant.json` into its folder.

    Args:
        catalog: The dataset.
        on_progress: Called with the id of each video that was read.

    Returns:
        The files that were written.

    Raises:
        DatasetError: One of the files exists and differs from what avcues wrote.
        OutputError: The folder cannot be written.
    """
    paths = {DATA_CARD: data_card_path(catalog.folder), CROISSANT: croissant_path(catalog.folder)}
    hashes_path = card_record_path(catalog.folder)
    existing_hashes = _checked_hashes(paths, hashes_path)
    texts = {DATA_CARD: data_card(catalog, compute_statistics(catalog, on_progress)), CROISSANT: croissant(catalog)}
    contents = {name: text.encode() for name, text in texts.items()}
    # The hashes are written first: a run that is killed in between leaves files that the next run recognises.
    hashes = {name: [*existing_hashes[name], _hash(content)] for name, content in contents.items()}
    replace_file(hashes_path, lambda file: file.write(json_bytes(hashes)))
    with replaced_files() as write:
        for name, content in contents.items():
            write(paths[name], lambda file, content=content: file.write(content))  # type: ignore[misc]
    return tuple(paths.values())


def _checked_hashes(paths: Mapping[str, Location], hashes_path: Location) -> dict[str, list[str]]:
    """The hash of each existing file.

    Raises:
        DatasetError: A file differs from what avcues wrote.
    """
    try:
        recorded = read_document(hashes_path, "card")
    except (OSError, ValueError):
        recorded = {}
    hashes = {}
    for name, path in paths.items():
        hashes[name] = [_hash(_content(path))] if path.exists() else []
        if any(digest not in recorded.get(name, []) for digest in hashes[name]):
            raise DatasetError(
                f"{path}: was not written by avcues describe --card, or was edited since; move it away and run "
                "the same command again"
            )
    return hashes


def _content(path: Location) -> bytes:
    with open_regular_file(path) as file:
        return file.read(MAX_BYTES)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
