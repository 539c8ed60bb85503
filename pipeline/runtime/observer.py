"""Reports on a run while it is working."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """The plan of a run.

    Args:
        videos: Number of videos.
        problems: One line for each argument that names no video.
        networks: One line for each feature that uses networks, with the networks.
        left_out: Features that are left out because their weights are missing, with the reasons.
    """

    videos: int
    problems: tuple[str, ...]
    networks: tuple[str, ...]
    left_out: Mapping[str, str]


class Observer:
    """Ignores every report; override the methods of interest.

    The thread of the run calls all methods except `on_progress`, which any thread may call.
    """

    def on_download(self, name: str, done: int, total: int | None) -> None:
        """Reports a download: the name of the file, the bytes received, and its size, if known."""

    def on_plan(self, plan: RunPlan) -> None:
        """Reports the plan before the work begins."""

    def on_workers(self, count: int, dashboard: str) -> None:
        """Reports a connected cluster: the number of videos that it processes at once, and its dashboard, if any."""

    def on_note(self, text: str) -> None:
        """Reports one line for the user."""

    def on_progress(self, video_id: str, done_s: float, total_s: float | None) -> None:
        """Reports the progress of a video: the seconds processed, and its length, if known."""
