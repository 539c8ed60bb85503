"""What a run tells while it goes on."""

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
        left_out: Features left out for want of weights, each with the reason.
    """

    videos: int
    problems: tuple[str, ...]
    networks: tuple[str, ...]
    left_out: Mapping[str, str]


class Observer:
    """Hears nothing; override what is of interest. All methods are called on the thread that runs the batch, but for
    `progress`, which may be called on another one."""

    def downloading(self, name: str, done: int, total: int | None) -> None:
        """A file is being fetched: its name, the bytes done, and the bytes in all, if known."""

    def planned(self, plan: Plan) -> None:
        """The work is about to begin."""

    def workers(self, count: int, dashboard: str) -> None:
        """A cluster is connected: the number of videos that it works on at once, and its dashboard's address."""

    def note(self, text: str) -> None:
        """Something that the user should know; one line."""

    def progress(self, video_id: str, done_s: float, total_s: float | None) -> None:
        """How far a video is: seconds of it that are done, and its length, if known."""
