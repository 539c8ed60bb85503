"""What a run shows: progress bars on a terminal, a line per video elsewhere, and a closing summary."""

from __future__ import annotations

import time
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
    TransferSpeedColumn,
)
from rich.table import Table

from pipeline.process import VideoResult

_LISTED_VIDEOS = 25


class _Bars:
    """Progress bars that are on the screen inside a `with` block."""

    _progress: Progress

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, traceback)


class Display(_Bars):
    """Shows a run while it goes on. Use as a context manager around the run."""

    def __init__(self, console: Console, videos: int, problems: int = 0) -> None:
        self._console = console
        self._problems = problems
        self._interactive = console.is_terminal
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not self._interactive,
            transient=True,
        )
        self._videos = videos
        self._overall = self._progress.add_task("all videos", total=videos, unit="videos")
        self._bars: dict[str, TaskID] = {}
        self._started = time.perf_counter()
        self.results: list[VideoResult] = []

    def observe(self, video_id: str, done_s: float, total_s: float | None) -> None:
        """Moves a video's bar along its timeline."""
        if not self._interactive:
            return
        if video_id not in self._bars:
            self._bars[video_id] = self._progress.add_task(escape(video_id), total=None, unit="s")
        self._progress.update(self._bars[video_id], completed=round(done_s), total=total_s and round(total_s))

    def finished(self, result: VideoResult) -> None:
        """Takes a video off the screen and says what became of it."""
        self.results.append(result)
        if result.video_id in self._bars:
            self._progress.remove_task(self._bars.pop(result.video_id))
        self._progress.advance(self._overall)
        if result.state == "failed":
            self._console.print(
                f"[red]failed[/]  {escape(result.video_id)}: {escape(result.error or '')}", soft_wrap=True
            )
        elif result.damage:
            self._console.print(f"[yellow]damaged[/] {escape(result.video_id)}: {_damage(result)}", soft_wrap=True)
        elif not self._interactive:
            self._console.print(
                f"done    {escape(result.video_id)}: {result.windows} windows, {result.seconds['total']:.1f} s "
                f"({len(self.results)} of {self._videos})",
                soft_wrap=True,
            )

    def summarise(self, out: str) -> None:
        """Prints the closing table."""
        wall = time.perf_counter() - self._started
        done = [result for result in self.results if result.state == "done"]
        failed = [result for result in self.results if result.state == "failed"]
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in (
            "video",
            "windows",
            "tables made",
            "features kept",
            "seconds",
            "x real time",
            "left out or damaged",
        ):
            table.add_column(heading, justify="left" if heading in ("video", "left out or damaged") else "right")
        shown = self.results if len(self.results) <= _LISTED_VIDEOS else failed[:_LISTED_VIDEOS]
        for result in sorted(shown, key=lambda r: r.video_id):
            table.add_row(*_row(result))
        if shown:
            self._console.print(table)
        video_s = sum(result.duration_s for result in done if result.tables)
        speed = f", {video_s / wall:.1f} x real time" if video_s else ""
        self._console.print(
            f"{len(done)} of {len(self.results) + self._problems} videos done, "
            f"{len(failed) + self._problems} failed, in {wall:.1f} s{speed}: "
            f"{escape(out)}",
            soft_wrap=True,
        )


class Downloads(_Bars):
    """A progress bar per file that is being fetched. Use as a context manager."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("fetching {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
        self._bars: dict[str, TaskID] = {}

    def fetching(self, name: str, done: int, total: int | None) -> None:
        """Moves the bar of one file."""
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(name, total=None)
        self._progress.update(self._bars[name], completed=done, total=total)


def _row(result: VideoResult) -> tuple[str, ...]:
    seconds = result.seconds.get("total", 0.0)
    if result.state == "failed":
        return escape(result.video_id), "", "", "", f"{seconds:.1f}", "", "[red]all: failed[/]"
    speed = f"{result.duration_s / seconds:.1f}" if result.tables and seconds else ""
    return (
        escape(result.video_id),
        str(result.windows),
        str(len(result.tables)),
        str(len(result.kept)),
        f"{seconds:.1f}",
        speed,
        ", ".join(filter(None, (*sorted(result.left_out), _damage(result)))),
    )


def _damage(result: VideoResult) -> str:
    return ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in result.damage.items())
