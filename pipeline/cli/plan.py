"""What `avcues extract --dry-run` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avcues.models_cache.manifest import asset
from avcues.pipeline.cli.dataset import say

if TYPE_CHECKING:
    from avcues.pipeline.runtime.request import Request


def show_plan(paths: list[str], request: Request) -> int:
    """Prints what a run would do, and returns its exit code: 1 if some inputs or videos would fail, else 0.

    Raises:
        AvcuesError: The run would not start.
    """
    from avcues.pipeline.cli.console import Console
    from avcues.pipeline.runtime.dry_run import dry_run

    plan = dry_run(paths, request)
    console = Console()
    for network in plan.networks:
        say(console, "bold", "network", network)
    for name in plan.downloads:
        say(console, "yellow", "download", f"{name}, {asset(name).size}, once for this machine")
    for feature, why in plan.left_out.items():
        say(console, "yellow", "left out", f"{feature}: {why}")
    for note in plan.notes:
        say(console, "yellow", "note", note)
    for problem in plan.problems:
        say(console, "red", "problem", problem)
    videos = kept = failing = 0
    for video in plan.videos:
        videos += 1
        kept += not video.compute
        failing += bool(video.error)
        if video.error:
            say(console, "red", "fails", f"{video.video_id}: {video.error}")
        elif video.compute:
            say(console, "bold", "compute", f"{video.video_id}: {', '.join(video.compute)}")
        else:
            say(console, "bold", "kept", f"{video.video_id}: up to date")
    say(console, "bold", "in all", f"{videos} videos, {kept} up to date, {failing} would fail; nothing was written")
    return 1 if failing or plan.problems else 0
