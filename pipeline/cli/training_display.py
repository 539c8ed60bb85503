"""What the training commands show: bars with the time left on a terminal, lines elsewhere, and tables of figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from avcues.models_cache import WeightsError
from avcues.pipeline.cli.console import Console
from avcues.pipeline.training.cross_validation import Job, Outcome, jobs_of
from avcues.pipeline.training.figures import NAMES
from avcues.pipeline.training.fit import best_epoch
from avcues.pipeline.training.settings import MAIN
from avcues.pipeline.training.study import Study

_LISTED = 8


@contextmanager
def progress(console: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal; gives the function that is told how much is done, of how much."""
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def announce(study: Study, console: Console) -> None:
    """Prints what will be learned from what, and what was left out."""
    samples, settings = study.samples, study.settings
    for note in study.notes:
        console.print(f"[yellow]note    [/] {escape(note)}", soft_wrap=True, highlight=False)
    for block, columns in samples.columns.items():
        console.print(
            f"[bold]{block:8}[/] {len(columns)} columns of {', '.join(settings.blocks[block])}",
            soft_wrap=True,
            highlight=False,
        )
    for role, file in study.files.items():
        what = ", ".join(settings.dimensions) if role == MAIN else f"to pretrain {role}"
        console.print(
            f"[bold]labels  [/] {escape(file.name)}: {what}, {len(samples.has_labels(role))} videos", soft_wrap=True
        )
    sizes = ", ".join("/".join(str(len(part)) for part in parts) for parts in study.folds)
    console.print(f"[bold]folds   [/] {sizes} videos for training/validation/test", soft_wrap=True, highlight=False)


class Fitting:
    """Shows the progress of a training run. Use as a context manager around it."""

    def __init__(self, study: Study, console: Console) -> None:
        jobs = jobs_of(study.settings, len(study.folds))
        self._models = len(jobs) + len(study.settings.dimensions)
        self._shares = [0.0] * self._models
        self._folds = len(study.folds)
        self._seeds = 1 + max(job.seed for job in jobs)
        self._count = 0
        self._started = time.perf_counter()
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._bar = self._bars.add_task(f"fitting {self._models} models", total=self._models)

    def __enter__(self) -> Self:
        self._bars.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.__exit__(kind, error, traceback)

    def share(self, place: int, share: float) -> None:
        """Moves the bar: `share` of the job at `place` is done."""
        self._shares[place] = max(share, self._shares[place])
        self._bars.update(self._bar, completed=sum(self._shares))

    def _seed_of(self, job: Job) -> str:
        return f", seed {job.seed + 1} of {self._seeds}" if self._seeds > 1 else ""

    def done(self, outcome: Outcome) -> None:
        """Prints a line for a fitted model, where there is no bar."""
        self._count += 1
        if self._console.is_terminal:
            return
        job, losses = outcome.job, outcome.losses.get(MAIN)
        kept = f", epoch {best_epoch(losses)} of {len(losses)}" if losses else ""
        without = f" without {job.without}" if job.without else ""
        which = "all videos" if job.fold is None else f"fold {job.fold + 1} of {self._folds}{self._seed_of(job)}"
        self._console.print(
            f"fitted   {job.dimension}{without}, {which}{kept} "
            f"({self._count} of {self._models}, {time.perf_counter() - self._started:.0f} s)",
            soft_wrap=True,
            highlight=False,
        )


def make_page(folder: Path, console: Console) -> None:
    """Makes the page of a model and prints its path; there is none without the drawing library."""
    from avcues.pipeline.report.model_page import build_model_page

    try:
        page = build_model_page(folder)
    except WeightsError as error:
        console.print(f"[yellow]no page [/] {escape(str(error))}", soft_wrap=True)
    else:
        console.print(f"[bold]page    [/] {escape(str(page))}", soft_wrap=True, highlight=False)


def show_metrics(found: Mapping[str, Any], console: Console) -> None:
    """Prints the figures of a model beside those of baselines and raters."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "CCC per video", "95 % of mean", "RMSE per video", "pooled CCC"):
        table.add_column(heading)
    for dimension, of in found["dimensions"].items():
        table.add_row(f"[bold]{escape(dimension)}[/]")
        table.add_row("this model", *_row(of["model"]))
        for name, baseline in of["baselines"].items():
            table.add_row(NAMES[name], *_row(baseline))
        if of["human"]:
            table.add_row(NAMES["human"], f"{of['human']['mean']:.3f} ± {of['human']['sd']:.3f}")
    console.print(table)
    for dimension, of in found["dimensions"].items():
        for what, entries in _reliance(of).items():
            listed = ", ".join(f"{name} {round(value, 3) + 0.0:.3f}" for name, value in list(entries.items())[:_LISTED])
            console.print(f"{dimension}: {what}: {listed}", soft_wrap=True, highlight=False, markup=False)
        if "raters" in of and of["raters"]["series"]:
            own, one = of["raters"]["own_head"]["mean"], of["raters"]["prediction"]["mean"]
            console.print(
                f"{dimension}: CCC with each rater: that rater's head {own:.3f}, the joint prediction {one:.3f}"
            )
    for leak in found["leaks"]:
        console.print(f"[yellow]not comparable[/] {escape(leak)}", soft_wrap=True)


def show_comparison(found: Mapping[str, Any], console: Console) -> None:
    """Prints the paired comparison of models."""
    for dimension, of in found["dimensions"].items():
        console.print(f"[bold]{escape(dimension)}[/], CCC per video")
        models = Table(box=None, pad_edge=False, show_header=False)
        for name, ccc in of["models"].items():
            models.add_row(escape(name), f"{ccc['mean']:.3f} ± {ccc['sd']:.3f} ({ccc['low']:.3f} to {ccc['high']:.3f})")
        console.print(models)
        for pair in of["pairs"]:
            by = pair["compared"]
            text = (
                "no video in common"
                if by is None
                else f"{by['difference']:+.3f} ({by['low']:+.3f} to {by['high']:+.3f}), p {by['p']:.4f}, "
                f"{by['videos']} videos"
            )
            console.print(f"  {pair['one']} - {pair['other']}: {text}", soft_wrap=True, markup=False, highlight=False)
    for note in found["notes"]:
        console.print(f"[yellow]note[/] {escape(note)}", soft_wrap=True)


def _row(evaluated: Mapping[str, Any]) -> tuple[str, ...]:
    ccc, rmse, pooled = evaluated["ccc"], evaluated["rmse"], evaluated["pooled"]["ccc"]
    return (
        _number(ccc["mean"], ccc["sd"]),
        "–" if ccc["mean"] is None else f"{ccc['low']:.3f} to {ccc['high']:.3f}",
        _number(rmse["mean"], rmse["sd"]),
        _number(pooled["value"]),
    )


def _number(value: float | None, sd: float | None = None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if sd is None else f"{value:.3f} ± {sd:.3f}"


def _reliance(of: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Importance and ablation, by heading."""
    found = {"CCC lost when a table is replaced by another video's": of["importance"]["tables"]}
    if of["ablation"]:
        lost = {name: one["model_is_better_by"] for name, one in of["ablation"].items()}
        found["CCC lost when fitted without a table"] = {name: by["difference"] for name, by in lost.items() if by}
    if "families" in of["importance"]:
        found["LASSO weight by family"] = {one["family"]: one["weight"] for one in of["importance"]["families"]}
    return {what: entries for what, entries in found.items() if entries}
