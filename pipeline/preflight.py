"""What can fail early fails here, before any work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import OutputError, SettingsError
from pipeline.storage import write_atomically

if TYPE_CHECKING:
    from pipeline.storage import Location


def prepare_output(out: Location) -> None:
    """Makes the output folder and proves that it can be written.

    Raises:
        SettingsError: It cannot.
    """
    try:
        if isinstance(out, Path):
            out.mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        write_atomically(probe, lambda file: None)
        probe.unlink()
    except (OSError, OutputError) as error:
        reason = getattr(error.__cause__ or error, "strerror", None) or error
        raise SettingsError(f"--out {out}: cannot be written ({reason}); name a folder that can") from error
