"""Whose files are trusted without a look at their content."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def only_we_write(path: Path) -> bool:
    """Whether a file or folder is ours, no symbolic link, and closed to writing by anybody else."""
    try:
        status = path.lstat()
    except OSError:
        return False
    shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return status.st_uid == os.geteuid() and not stat.S_ISLNK(status.st_mode) and not shared
