"""What a run shows: progress bars on a terminal, a line per video elsewhere, and a closing summary."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
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

from pipeline.decoded import damage_in_words
from pipeline.doctor import Finding
from pipeline.result import VideoResult
from pipeline.status import Overview

_LISTED_VIDEOS = 25
_HEADINGS = (
    "video",
    "windows",
    "tables",
    "features kept",
    "seconds",
    "x real time",
    "left out or damaged",
)


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
    """Shows a run while it goes on, and counts. Use as a context manager around the run.

    Args:
        problems: Arguments that name no video; they count as failures.
        log_json: One JSON object per video instead of lines and bars.
    """

    def __init__(self, console: Console, videos: int, problems: int = 0, *, log_json: bool = False) -> None:
        self._console = console
        self._videos = videos + problems
        self._log_json = log_json
        self._interactive = console.is_terminal and not log_json
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
        self._overall = self._progress.add_task("all videos", total=videos, unit="videos")
        self._bars: dict[str, TaskID] = {}
        self._started = time.perf_counter()
        self._listed: list[VideoResult] = []
        self._made_s = 0.0
        self.done = 0
        self.failed = problems

    def observe(self, video_id: str, done_s: float, total_s: float | None) -> None:
        """Moves a video's bar along its timeline."""
        if not self._interactive:
            return
        if video_id not in self._bars:
            self._bars[video_id] = self._progress.add_task(escape(video_id), total=None, unit="s")
        self._progress.update(self._bars[video_id], completed=round(done_s), total=total_s and round(total_s))

    def finished(self, result: VideoResult) -> None:
        """Takes a video off the screen and says what became of it."""
        failed = result.state == "failed"
        self.done += not failed
        self.failed += failed
        self._made_s += result.duration_s if result.made else 0
        if len(self._listed) < _LISTED_VIDEOS and (failed or self._videos <= _LISTED_VIDEOS):
            self._listed.append(result)
        if result.video_id in self._bars:
            self._progress.remove_task(self._bars.pop(result.video_id))
        self._progress.advance(self._overall)
        if self._log_json:
            self._console.file.write(json.dumps({"event": "video", "time": _now()} | asdict(result)) + "\n")
            self._console.file.flush()
        else:
            self._tell(result)

    def _tell(self, result: VideoResult) -> None:
        name = escape(result.video_id)
        if result.state == "failed":
            line = f"[red]failed[/]  {name}: {escape(result.error or '')}"
        elif result.damage:
            line = f"[yellow]damaged[/] {name}: {damage_in_words(result.damage)}"
        elif self._interactive:
            return
        else:
            what = f"{result.seconds['total']:.1f} s" if result.made else "was done"
            line = f"done    {name}: {result.windows} windows, {what}"
        count = "" if self._interactive else f" ({self.done + self.failed} of {self._videos})"
        self._console.print(line + count, soft_wrap=True)

    def summarise(self, out: str) -> None:
        """Prints the closing table."""
        wall_s = time.perf_counter() - self._started
        if self._log_json:
            summary = {"event": "run", "time": _now(), "done": self.done, "failed": self.failed, "seconds": wall_s}
            self._console.file.write(json.dumps(summary | {"out": out}) + "\n")
            return
        if self._listed:
            self._console.print(_table(self._listed))
        speed = f", {self._made_s / wall_s:.1f} x real time" if self._made_s else ""
        left = self._videos - self.done - self.failed
        self._console.print(
            f"{self.done} of {self._videos} videos done, {self.failed} failed"
            f"{f', {left} not begun or dropped' if left > 0 else ''}, in {wall_s:.1f} s{speed}: {escape(out)}",
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


def show_overview(found: Overview, out: str, console: Console) -> None:
    """Prints where a folder stands."""
    damaged = f" ({found.damaged} with damage)" if found.damaged else ""
    console.print(
        f"{out}: {found.done} videos done{damaged}, {found.hours:.2f} hours; "
        f"{found.failed} failed; {len(found.not_begun)} not begun",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    for group in found.failures:
        console.print(f"\n[red]{len(group.video_ids)} x {group.error_class}[/]: {escape(group.cause)}", soft_wrap=True)
        console.print(f"  for example {escape(group.example)}", soft_wrap=True, highlight=False)
        console.print(f"  {_some(group.video_ids)}", soft_wrap=True, highlight=False, markup=False)
    if found.not_begun:
        console.print(f"\nnot begun: {_some(found.not_begun)}", soft_wrap=True, highlight=False, markup=False)
    if found.failed or found.not_begun:
        console.print(
            f"\nThe same avcues extract command again works on these {found.failed + len(found.not_begun)} videos.",
            soft_wrap=True,
        )


_MARKS = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "absent": "[red]no[/]", "problem": "[red]no[/]"}


def show_findings(findings: Sequence[Finding], console: Console) -> None:
    """Prints what the doctor found."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        remedy = f"\n[bold]-> {escape(finding.remedy)}[/]" if finding.remedy else ""
        table.add_row(_MARKS[finding.state], escape(finding.subject), escape(finding.found) + remedy)
    console.print(table)


def _some(video_ids: Sequence[str]) -> str:
    more = f", ... ({len(video_ids) - 5} more)" if len(video_ids) > 5 else ""
    return ", ".join(video_ids[:5]) + more


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _table(results: Sequence[VideoResult]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in _HEADINGS:
        table.add_column(heading, justify="left" if heading in ("video", "left out or damaged") else "right")
    for result in sorted(results, key=lambda r: r.video_id):
        table.add_row(*_row(result))
    return table


def _row(result: VideoResult) -> tuple[str, ...]:
    seconds = result.seconds.get("total", 0.0)
    if result.state == "failed":
        return escape(result.video_id), "", "", "", f"{seconds:.1f}", "", "[red]all: failed[/]"
    speed = f"{result.duration_s / seconds:.1f}" if result.made and seconds else ""
    return (
        escape(result.video_id),
        str(result.windows),
        str(len(result.tables)),
        str(len(result.kept)),
        f"{seconds:.1f}",
        speed,
        ", ".join(filter(None, (*sorted(result.left_out), damage_in_words(result.damage)))),
    )
