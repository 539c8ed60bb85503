"""Output of commands: lines and a summary of a run, the overview of a folder, and the findings of doctor."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from rich.markup import escape
from rich.table import Table

from avcues.models_cache.cache import cache_dir
from avcues.models_cache.manifest import asset
from avcues.pipeline.cli.console import Console
from avcues.pipeline.cli.doctor import Finding
from avcues.pipeline.cli.errors import break_at_remedies, with_options_of_command
from avcues.pipeline.runtime.observer import RunPlan
from avcues.pipeline.runtime.progress import ProgressBars
from avcues.pipeline.store.records import Overview, VideoResult, describe_damage

_LISTED_VIDEOS = 25
_STYLES = {"note": "yellow", "left out": "yellow", "damaged": "yellow", "failed": "red", "stopped": "red"}
_HEADINGS = (
    "video",
    "windows",
    "tables",
    "features kept",
    "seconds",
    "x real time",
    "left out or damaged",
)


class Display(ProgressBars):
    """Shows a run on a terminal or in a log, and counts videos. Use as a context manager around the run.

    Args:
        console: The console to print on.
        log_json: Whether to print JSON objects, one per line, instead of text and bars.

    Attributes:
        done: Number of finished videos.
        failed: Number of failed videos and of arguments that name no video.
        was_stopped: Whether the run ended before all videos were done.
    """

    def __init__(self, console: Console, *, log_json: bool = False) -> None:
        super().__init__(console, visible=console.is_terminal and not log_json)
        self.done = 0
        self.failed = 0
        self.was_stopped = False
        self._log_json = log_json
        self._expected = 0
        self._started = time.perf_counter()
        self._listed_results: list[VideoResult] = []
        self._processed_s = 0.0
        self._printed_notes: set[str] = set()
        self._announced_downloads: set[str] = set()

    def on_note(self, text: str) -> None:
        """Prints a line."""
        self._print_event("note", text)

    def on_download(self, name: str, done: int, total: int | None) -> None:
        """Prints once for each file its name, size and folder; then moves its bar."""
        if name not in self._announced_downloads:
            self._announced_downloads.add(name)
            size = asset(name).size_text if total is None else f"{total / 1e6:.1f} MB"
            self._print_event("download", f"{name}, {size}, once for this machine: kept in {cache_dir()}")
        super().on_download(name, done, total)

    def on_plan(self, plan: RunPlan) -> None:
        """Prints which networks are used and what is left out, before the work begins."""
        self._expected, self.failed = plan.videos + len(plan.problems), len(plan.problems)
        for line in plan.networks:
            self._print_event("using", line)
        for feature, reason in plan.left_out.items():
            self._print_event("left out", f"{feature}: {reason}")
        for problem in plan.problems:
            self._print_event("failed", problem)
        super().on_plan(plan)

    def on_workers(self, count: int, dashboard: str) -> None:
        """Prints the number of workers, and the address of the cluster's dashboard."""
        self._print_event("workers", f"{count}, dashboard {dashboard}" if dashboard else str(count))

    def on_result(self, result: VideoResult) -> None:
        """Removes a video's bar and prints its result."""
        super().on_result(result)
        failed = result.state == "failed"
        self.done += not failed
        self.failed += failed
        self._processed_s += result.duration_s if result.computed else 0
        if len(self._listed_results) < _LISTED_VIDEOS and (failed or self._expected <= _LISTED_VIDEOS):
            self._listed_results.append(result)
        if self._log_json:
            self._log({"event": "video"} | {name: value for name, value in asdict(result).items() if name != "stamps"})
        else:
            self._show_result(result)
            for note in result.notes:
                self._note_once(result.video_id, note)

    def _note_once(self, video_id: str, note: str) -> None:
        """Prints a note for the first video that it applies to."""
        if note not in self._printed_notes:
            self._printed_notes.add(note)
            self._print_event("note", f"{video_id}: {note}")

    def stopped(self, reason: str) -> None:
        """Prints why the run ended before all videos were done."""
        self.was_stopped = True
        self._print_event("stopped", reason)

    def _print_event(self, event: str, text: str) -> None:
        """Prints a line of the log: an event and its text."""
        if self._log_json:
            self._log({"event": event.replace(" ", "_"), "text": text})
            return
        style = _STYLES.get(event, "default")
        text = with_options_of_command(text)
        if self.console.is_terminal:
            text = break_at_remedies(text, " " * 9)
        self.console.print(f"[{style}]{event:7}[/] {escape(text)}", soft_wrap=True, highlight=False)

    def _log(self, entry: dict[str, object]) -> None:
        self.console.file.write(json.dumps({"event": entry.pop("event"), "time": _now()} | entry) + "\n")
        self.console.file.flush()

    def _show_result(self, result: VideoResult) -> None:
        count = "" if self.visible else f" ({self.done + self.failed} of {self._expected})"
        if result.state == "failed":
            self._print_event("failed", f"{result.video_id}: {result.error or ''}{count}")
        elif result.damage:
            self._print_event("damaged", f"{result.video_id}: {describe_damage(result.damage, result.lost_s)}{count}")
        elif not self.visible:
            duration = f"{result.seconds['total']:.1f} s" if result.computed else "was done"
            self._print_event("done", f"{result.video_id}: {result.windows} windows, {duration}{count}")

    def summarise(self, out: str) -> None:
        """Prints the closing table, if work began."""
        if not self._expected:
            return
        wall_s = time.perf_counter() - self._started
        if self._log_json:
            self._log({"event": "run", "done": self.done, "failed": self.failed, "seconds": wall_s, "out": out})
            return
        if self._listed_results:
            self.console.print(_table(self._listed_results))
        speed = f", {self._processed_s / wall_s:.1f} x real time" if self._processed_s else ""
        unfinished = self._expected - self.done - self.failed
        self.console.print(
            f"{self.done} of {self._expected} videos done, {self.failed} failed"
            f"{f', {unfinished} queued or dropped' if unfinished > 0 else ''}, in {wall_s:.1f} s{speed}: {escape(out)}",
            soft_wrap=True,
            highlight=False,
        )


def show_overview(overview: Overview, out: str, console: Console) -> None:
    """Prints the overview of a folder."""
    damaged = f" ({overview.damaged} with damage)" if overview.damaged else ""
    console.print(
        f"{out}: {overview.done} videos done{damaged}, {overview.hours:.2f} hours; "
        f"{overview.failed} failed; {len(overview.queued)} queued",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    for group in overview.failures:
        console.print(f"\n[red]{len(group.video_ids)} x {group.error_class}[/]: {escape(group.cause)}", soft_wrap=True)
        console.print(f"  for example {escape(group.example)}", soft_wrap=True, highlight=False)
        console.print(f"  {_first_ids(group.video_ids)}", soft_wrap=True, highlight=False, markup=False)
    if overview.truncated:
        lost = [f"{video_id} {lost_s:.1f} s" for video_id, lost_s in overview.truncated.items()]
        console.print(
            f"\ntruncated; lost at the end: {_first_ids(lost)}; copy or download them again",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )
    for feature, videos in overview.left_out.items():
        console.print(
            f"\nleft out because weights are missing: {feature} ({videos} videos)", soft_wrap=True, highlight=False
        )
    if overview.unreadable:
        console.print(
            f"\ndamaged records, which the next run replaces: {_first_ids(overview.unreadable)}",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )
    if overview.queued:
        console.print(f"\nqueued: {_first_ids(overview.queued)}", soft_wrap=True, highlight=False, markup=False)
    if overview.at_work:
        console.print(f"\nA run is at work: {overview.at_work}.", soft_wrap=True, highlight=False, markup=False)
    elif waiting := overview.failed + len(overview.queued):
        console.print(
            f"\nRun the same avcues extract command again to process the {waiting} failed and queued videos.",
            soft_wrap=True,
        )


_MARKS = {
    "ok": "[green]ok[/]  ",
    "note": "[yellow]note[/]",
    "optional": "[dim]-[/]   ",
    "absent": "[red]no[/]  ",
    "problem": "[red]no[/]  ",
}


def show_findings(findings: Sequence[Finding], console: Console) -> None:
    """Prints the findings of doctor."""
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        mark = _MARKS[finding.state]
        # The terminal wraps lines, so that addresses and commands can be copied.
        console.print(f"{mark} {escape(finding.subject):{width}}  {escape(finding.details)}", soft_wrap=True)
        if finding.remedy:
            console.print(f"     [bold]-> {escape(finding.remedy)}[/]", soft_wrap=True, highlight=False)


def _first_ids(video_ids: Sequence[str]) -> str:
    remainder = f", ... ({len(video_ids) - 5} more)" if len(video_ids) > 5 else ""
    return ", ".join(video_ids[:5]) + remainder


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _table(results: Sequence[VideoResult]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in _HEADINGS:
        table.add_column(heading, justify="left" if heading in ("video", "left out or damaged") else "right")
    for result in sorted(results, key=lambda result: result.video_id):
        table.add_row(*_row(result))
    return table


def _row(result: VideoResult) -> tuple[str, ...]:
    seconds = result.seconds.get("total", 0.0)
    if result.state == "failed":
        return escape(result.video_id), "", "", "", f"{seconds:.1f}", "", "[red]all: failed[/]"
    speed = f"{result.duration_s / seconds:.1f}" if result.computed and seconds else ""
    return (
        escape(result.video_id),
        str(result.windows),
        str(len(result.tables)),
        str(len(result.reused)),
        f"{seconds:.1f}",
        speed,
        ", ".join(filter(None, (*sorted(result.left_out), describe_damage(result.damage, result.lost_s)))),
    )
