"""axe-core, which finds what keeps people from using a page; fetched by hash as weights files are, never kept here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from browser import Browser
from filelock import FileLock

from avcues.models_cache.cache import OFFLINE_VARIABLE
from avcues.models_cache.download import DownloadError, download_member
from avcues.models_cache.hashing import sha256

SOURCE = {
    "url": "https://registry.npmjs.org/axe-core/-/axe-core-4.14.1.tgz",
    "artefact": "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745",
    "member": "axe.min.js",
}
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"


class AxeUnavailableError(Exception):
    """axe-core could not be fetched."""


def axe_script(folder: Path) -> str:
    """The script, from a folder or else from the package registry.

    Raises:
        AxeUnavailableError: It is not there and cannot be fetched; says why.
    """
    path = folder / "axe-4.14.1.min.js"
    with FileLock(folder / ".axe.lock"):
        if not (path.is_file() and sha256(path) == SHA256):
            if os.environ.get(OFFLINE_VARIABLE):
                raise AxeUnavailableError("axe-core is not on this machine, and the network is off")
            try:
                download_member(SOURCE, path, lambda done, total: None)
            except DownloadError as error:
                raise AxeUnavailableError(f"axe-core could not be fetched: {error}") from error
            assert sha256(path) == SHA256
    return path.read_text("utf-8")


def findings(browser: Browser, script: str) -> list[str]:
    """What axe finds on the page as it is shown: rule, element and reason, a line each; none on a good page."""
    # Evaluated by the browser itself: the pages' own policy lets no other script in.
    browser.value(f"{script}; 0")
    violations: list[dict[str, Any]] = browser.value(
        """axe.run(document, {resultTypes: ['violations'], iframes: false}).then(({violations}) => violations.flatMap(
          ({id, impact, nodes}) => nodes.map(({target, failureSummary}) => ({id, impact, target, failureSummary}))))"""
    )
    return [
        f"{violation['impact']} {violation['id']} {' '.join(map(str, violation['target']))}: "
        + " ".join(str(violation["failureSummary"]).split())[:300]
        for violation in violations
    ]
