"""Removes the folders of the machine from the texts of pages that are passed on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import escape

_ABSOLUTE = re.compile(r"(?<![\w.:/<])/(?:[^/\s:;,'\"()<>]+/)+")


@dataclass(frozen=True)
class PathShortener:
    """Shortens paths in texts to file names.

    Args:
        folders: The folders to remove, as they may appear in texts; the longest come first.
    """

    folders: tuple[str, ...]

    @classmethod
    def of(cls, folders: Iterable[Path]) -> PathShortener:
        """Makes a shortener for these folders, all their parents, and the home folder."""
        paths = {path for folder in folders for path in (folder, folder.absolute(), folder.resolve())}
        all_folders = {str(parent) for path in (*paths, Path.home()) for parent in (path, *path.parents)}
        texts = {text for folder in all_folders for text in (folder, str(escape(folder)))} - {"/", ".", os.sep}
        return cls(tuple(sorted(texts, key=len, reverse=True)))

    def without_folders(self, text: str) -> str:
        """Removes the folders from a text or a whole page."""
        for folder in self.folders:
            text = text.replace(folder + os.sep, "")
        return text

    def document_without_folders(self, document: Any) -> Any:
        """Shortens every absolute path in the texts of a document to the name of its file."""
        if isinstance(document, str):
            return _ABSOLUTE.sub("", self.without_folders(document))
        if isinstance(document, Mapping):
            return {key: self.document_without_folders(value) for key, value in document.items()}
        if isinstance(document, list | tuple):
            return [self.document_without_folders(value) for value in document]
        return document
