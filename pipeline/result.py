"""What becomes of a video, and what a worker needs to know to make it so."""

from __future__ import annotations

import resource
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models_cache import AvcuesError, WeightsError
from pipeline.errors import OutputError
from pipeline.inputs import VideoInput
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.storage import Location


@dataclass(frozen=True, kw_only=True)
class Job:
    """What every worker needs to know besides the video.

    Args:
        overwrite: Make tables anew that are up to date.
        left_out: Features that cannot be had, each with the reason; for the record.
        time_limit_s: A video that takes longer is given up; None: no limit but that on standing still.
        memory_limit_bytes: A video that needs more memory is given up.
        gpus: Values of CUDA_VISIBLE_DEVICES that the workers of this machine share evenly; empty: as it is set.
        run: Tells this run from others on the same workers.
    """

    settings: Settings
    out: Location
    overwrite: bool = False
    debug: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict)
    time_limit_s: float | None = None
    memory_limit_bytes: int | None = None
    gpus: tuple[str, ...] = ()
    run: str = field(default_factory=lambda: secrets.token_hex(8))


@dataclass(frozen=True, kw_only=True)
class VideoResult:
    """What became of one video; written to `_status/<video_id>.json`.

    Args:
        state: "done", or "failed" with the error's class and message.
        windows: Rows of every window table.
        tables: Rows of each table.
        made: Features whose tables this run wrote.
        kept: Features of an earlier run whose tables are up to date.
        left_out: Features that this run could not have, each with the reason.
        damage: What could not be decoded, by kind.
        retries: How often it was begun again after an error that may pass, or a crash.
        seconds: Wall-clock seconds by stage, and in "total".
        peak_memory_bytes: Largest resident set of the process so far.
        ends_run: The error has nothing to do with the video; the others would meet it too.
    """

    video_id: str
    source: str
    state: str
    error_class: str | None = None
    error: str | None = None
    duration_s: float = 0.0
    windows: int = 0
    tables: dict[str, int] = field(default_factory=dict)
    made: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    damage: dict[str, int] = field(default_factory=dict)
    retries: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    peak_memory_bytes: int = 0
    ends_run: bool = False


def failure(
    video: VideoInput, error: Exception, *, retries: int = 0, seconds: float = 0.0, peak_bytes: int | None = None
) -> VideoResult:
    """The result of a video that could not be done."""
    message = str(error) if isinstance(error, AvcuesError) else f"{video.source}: {type(error).__name__}: {error}"
    return VideoResult(
        video_id=video.video_id,
        source=video.source,
        state="failed",
        error_class=type(error).__name__,
        error=message,
        retries=retries,
        seconds={"total": round(seconds, 4)},
        peak_memory_bytes=peak_memory_bytes() if peak_bytes is None else peak_bytes,
        ends_run=isinstance(error, OutputError | WeightsError),
    )


def peak_memory_bytes() -> int:
    """Largest resident set of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
