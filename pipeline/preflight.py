"""What can fail early fails here, before any work."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.tables import write_atomically


def prepare_output(out: Path) -> None:
    """Makes the output folder and proves that it can be written.

    Raises:
        SettingsError: It cannot.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        write_atomically(probe, lambda file: None)
        probe.unlink()
    except OSError as error:
        raise SettingsError(f"--out {out}: cannot be written ({error.strerror}); name a folder that can") from error
