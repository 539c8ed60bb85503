"""The output of `avcues extract --dry-run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avcues.models_cache.manifest import asset
from avcues.pipeline.cli.console import print_line

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
        print_line(console, "bold", "network", network)
    for name in plan.downloads:
        print_line(console, "yellow", "download", f"{name}, {asset(name).size_text}, once for this machine")
    for feature, reason in plan.left_out.items():
        print_line(console, "yellow", "left out", f"{feature}: {reason}")
    for note in plan.notes:
        print_line(console, "yellow", "note", note)
    for problem in plan.problems:
        print_line(console, "red", "problem", problem)
    videos = up_to_date = failing = 0
    for video in plan.videos:
        videos += 1
        up_to_date += not video.to_compute
        failing += bool(video.error)
        if video.error:
            print_line(console, "red", "fails", f"{video.video_id}: {video.error}")
        elif video.to_compute:
            print_line(console, "bold", "compute", f"{video.video_id}: {', '.join(video.to_compute)}")
        else:
            print_line(console, "bold", "kept", f"{video.video_id}: up to date")
    print_line(
        console, "bold", "total", f"{videos} videos, {up_to_date} up to date, {failing} would fail; nothing was written"
    )
    return 1 if failing or plan.problems else 0
