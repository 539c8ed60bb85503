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
class Names:
    """Shortens the paths of files in texts to their names.

    Args:
        folders: Folders as they may appear in texts, the longest first.
    """

    folders: tuple[str, ...]

    @classmethod
    def of(cls, folders: Iterable[Path]) -> Names:
        """For the given folders, all their parents, and the home folder."""
        known = {path for folder in folders for path in (folder, folder.absolute(), folder.resolve())}
        every = {str(parent) for path in (*known, Path.home()) for parent in (path, *path.parents)}
        texts = {text for folder in every for text in (folder, str(escape(folder)))} - {"/", ".", os.sep}
        return cls(tuple(sorted(texts, key=len, reverse=True)))

    def only(self, text: str) -> str:
        """Removes the folders from a text or a whole page."""
        for folder in self.folders:
            text = text.replace(folder + os.sep, "")
        return text

    def only_in(self, document: Any) -> Any:
        """Shortens every absolute path in the texts of a document to the name of its file."""
        if isinstance(document, str):
            return _ABSOLUTE.sub("", self.only(document))
        if isinstance(document, Mapping):
            return {key: self.only_in(value) for key, value in document.items()}
        if isinstance(document, list | tuple):
            return [self.only_in(value) for value in document]
        return document
