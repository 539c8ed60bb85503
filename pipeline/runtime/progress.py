"""Progress bars of a run, in a terminal or a notebook."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from pipeline.runtime.observer import Observer, Plan
from pipeline.store.records import VideoResult


class ProgressBars(Observer):
    """A bar over all videos, one per video at work, and one per file that is fetched. Use as a context manager.

    Args:
        shown: Whether to draw anything.
    """

    def __init__(self, console: Console, *, shown: bool = True) -> None:
        self.console = console
        self.shown = shown
        self._videos = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not shown,
            transient=True,
        )
        self._downloads = Progress(
            TextColumn("fetching {task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
            disable=not shown,
            transient=True,
        )
        self._overall: TaskID | None = None
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._downloads.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._downloads.stop()
        self._videos.stop()

    def downloading(self, name: str, done: int, total: int | None) -> None:
        """Moves the bar of one file."""
        if name not in self._bars:
            self._bars[name] = self._downloads.add_task(name, total=None)
        self._downloads.update(self._bars[name], completed=done, total=total)

    def planned(self, plan: Plan) -> None:
        """Puts the bar over all videos in place of the downloads'."""
        self._downloads.stop()
        self._bars.clear()
        self._overall = self._videos.add_task("all videos", total=plan.videos, unit="videos")
        self._videos.start()

    def note(self, text: str) -> None:
        """Prints a line above the bars."""
        if self.shown:
            self.console.print(text, soft_wrap=True, highlight=False, markup=False)

    def progress(self, video_id: str, done_s: float, total_s: float | None) -> None:
        """Moves a video's bar along its timeline."""
        if not self.shown:
            return
        if video_id not in self._bars:
            self._bars[video_id] = self._videos.add_task(escape(video_id), total=None, unit="s")
        self._videos.update(self._bars[video_id], completed=round(done_s), total=total_s and round(total_s))

    def finished(self, result: VideoResult) -> None:
        """Takes a video's bar away and moves the one over all videos."""
        if result.video_id in self._bars:
            self._videos.remove_task(self._bars.pop(result.video_id))
        if self._overall is not None:
            self._videos.advance(self._overall)
