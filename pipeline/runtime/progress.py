"""Progress bars of a run, in a terminal or a notebook."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from avcues.pipeline.runtime.observer import Observer, RunPlan
from avcues.pipeline.store.records import VideoResult


class ProgressBars(Observer):
    """A bar for all videos together, one per video being processed, and one per download. Use as a context manager.

    Args:
        console: Console to draw on.
        visible: Whether to draw the bars and print notes.
    """

    def __init__(self, console: Console, *, visible: bool = True) -> None:
        self.console = console
        self.visible = visible
        self._videos = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[stage]}"),
            console=console,
            disable=not visible,
            transient=True,
        )
        self._downloads = Progress(
            TextColumn("downloading {task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
            disable=not visible,
            transient=True,
        )
        self._overall_task: TaskID | None = None
        self._bars: dict[str, TaskID] = {}
        self._done_shares: dict[str, float] = {}
        self._finished = self._planned = 0

    def __enter__(self) -> Self:
        self._downloads.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop(self._downloads)
        self._stop(self._videos)

    def on_download(self, name: str, done: int, total: int | None) -> None:
        """Moves the bar of one download."""
        if name not in self._bars:
            self._bars[name] = self._downloads.add_task(name, total=None)
        self._downloads.update(self._bars[name], completed=done, total=total)

    def on_plan(self, plan: RunPlan) -> None:
        """Replaces the bars of downloads by the bar for all videos."""
        self._stop(self._downloads)
        self._bars.clear()
        self._planned = plan.videos
        self._overall_task = self._videos.add_task("all videos", total=plan.videos, count=self._count(), stage="")
        self._videos.start()

    def on_note(self, text: str) -> None:
        """Prints a line above the bars."""
        if self.visible:
            self.console.print(text, soft_wrap=True, highlight=False, markup=False)

    def on_progress(self, video_id: str, done_s: float, total_s: float | None) -> None:
        """Moves the bar of a video."""
        if not self.visible:
            return
        if video_id not in self._bars:
            self._bars[video_id] = self._videos.add_task(escape(video_id), total=None, count="", stage="")
        stage, count = "starting", ""
        if total_s is not None:
            stage = "reading" if done_s < total_s else "finishing"
            count = f"{done_s:.0f}/{total_s:.0f} s"
            self._done_shares[video_id] = min(1.0, done_s / total_s) if total_s else 0.0
        self._videos.update(self._bars[video_id], completed=done_s, total=total_s, count=count, stage=stage)
        self._move_overall()

    def on_result(self, result: VideoResult) -> None:
        """Removes the bar of a video, and moves the bar for all videos."""
        if result.video_id in self._bars:
            self._videos.remove_task(self._bars.pop(result.video_id))
        self._done_shares.pop(result.video_id, None)
        self._finished += 1
        self._move_overall()

    def _stop(self, bars: Progress) -> None:
        if self.visible:  # older versions of rich print an empty line for bars that were not drawn
            bars.stop()

    def _move_overall(self) -> None:
        """Moves the bar for all videos. Parts of videos count, so that the time left is known early."""
        if self._overall_task is not None:
            done = self._finished + sum(self._done_shares.copy().values())
            self._videos.update(self._overall_task, completed=done, count=self._count())

    def _count(self) -> str:
        return f"{self._finished}/{self._planned} videos"
