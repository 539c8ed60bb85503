"""What a run reports while it is under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is about to do.

    Args:
        videos: Number of videos.
        problems: One line for each argument that names no video.
        networks: One line for each feature that uses networks: which ones.
        left_out: Features left out because their weights are missing, each with the reason.
    """

    videos: int
    problems: tuple[str, ...]
    networks: tuple[str, ...]
    left_out: Mapping[str, str]


class Observer:
    """Ignores every report; override the methods of interest. All are called on the thread that runs the batch, except
    `progress`, which may be called on another."""

    def downloading(self, name: str, done: int, total: int | None) -> None:
        """A file is being downloaded: its name, the bytes received, and its size, if known."""

    def planned(self, plan: Plan) -> None:
        """The work is about to begin."""

    def workers(self, count: int, dashboard: str) -> None:
        """A cluster is connected: how many videos it processes at once, and the address of its dashboard, if any."""

    def note(self, text: str) -> None:
        """One line that the user should know of."""

    def progress(self, video_id: str, done_s: float, total_s: float | None) -> None:
        """How far a video has come: the seconds processed, and its length, if known."""
