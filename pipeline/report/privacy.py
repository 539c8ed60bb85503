"""Texts without the folders of the machine that they come from, for pages that are passed on."""

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
    """Leaves the names of files and takes their folders away.

    Args:
        folders: As they may stand in texts, the longest first.
    """

    folders: tuple[str, ...]

    @classmethod
    def of(cls, folders: Iterable[Path]) -> Names:
        """With the folders, those that they lie in, and the home folder."""
        known = {path for folder in folders for path in (folder, folder.absolute(), folder.resolve())}
        every = {str(parent) for path in (*known, Path.home()) for parent in (path, *path.parents)}
        texts = {text for folder in every for text in (folder, str(escape(folder)))} - {"/", ".", os.sep}
        return cls(tuple(sorted(texts, key=len, reverse=True)))

    def only(self, text: str) -> str:
        """A text, or a whole page, in which files are named without these folders."""
        for folder in self.folders:
            text = text.replace(folder + os.sep, "")
        return text

    def only_in(self, document: Any) -> Any:
        """A document in whose texts every absolute path is only the name of its file."""
        if isinstance(document, str):
            return _ABSOLUTE.sub("", self.only(document))
        if isinstance(document, Mapping):
            return {key: self.only_in(value) for key, value in document.items()}
        if isinstance(document, list | tuple):
            return [self.only_in(value) for value in document]
        return document
