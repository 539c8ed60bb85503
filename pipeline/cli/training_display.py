"""Output of the training commands: bars on a terminal, lines elsewhere, and tables of figures."""

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

from avcues.pipeline.cli.console import Console
from avcues.pipeline.errors import AvcuesError
from avcues.pipeline.store.model_files import PAGE
from avcues.pipeline.training.cross_validation import FitJob, Outcome, fit_jobs
from avcues.pipeline.training.figures import figure_tables, remarks
from avcues.pipeline.training.models.estimator import best_epoch
from avcues.pipeline.training.protocol import MAIN
from avcues.pipeline.training.study import Study

_MAX_LISTED_TABLES = 8
_HEADLINES = {"course": "CCC per video", "clips": "CCC over clips", "shares": "UAR"}


@contextmanager
def progress(console: Console, title: str) -> Iterator[Callable[[int, int], None]]:
    """Shows a bar on a terminal; yields a function to call with the amount done and the total."""
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def announce(study: Study, console: Console) -> None:
    """Prints the features, labels and folds of a study, and what was left out."""
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
        target = ", ".join(settings.dimensions) if role == MAIN else f"to pretrain {role}"
        console.print(
            f"[bold]labels  [/] {escape(file.name)}: {target}, {len(samples.labelled_videos(role))} videos",
            soft_wrap=True,
        )
    sizes = ", ".join("/".join(str(len(part)) for part in parts) for parts in study.folds)
    console.print(f"[bold]folds   [/] {sizes} videos for training/validation/test", soft_wrap=True, highlight=False)


class FittingProgress:
    """Shows the progress of a training run. Use as a context manager around the run."""

    def __init__(self, study: Study, console: Console) -> None:
        jobs = fit_jobs(study.settings, len(study.folds))
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

    def on_progress(self, index: int, share: float) -> None:
        """Moves the bar: `share` of job number `index` is done."""
        self._shares[index] = max(share, self._shares[index])
        self._bars.update(self._bar, completed=sum(self._shares))

    def _seed_of(self, job: FitJob) -> str:
        return f", seed {job.seed + 1} of {self._seeds}" if self._seeds > 1 else ""

    def on_outcome(self, outcome: Outcome) -> None:
        """Prints a line for a fitted model if there is no bar."""
        self._count += 1
        if self._console.is_terminal:
            return
        job, losses = outcome.job, outcome.losses.get(MAIN)
        epoch_text = f", epoch {best_epoch(losses)} of {len(losses)}" if losses else ""
        ablation_text = f" without {job.without}" if job.without else ""
        videos = "all videos" if job.fold is None else f"fold {job.fold + 1} of {self._folds}{self._seed_of(job)}"
        self._console.print(
            f"fitted   {job.dimension}{ablation_text}, {videos}{epoch_text} "
            f"({self._count} of {self._models}, {time.perf_counter() - self._started:.0f} s)",
            soft_wrap=True,
            highlight=False,
        )


class ModelPage:
    """Makes the page of a model, which is written together with its figures.

    If the page cannot be made, the model is kept without a page. The template and the drawing library are loaded at
    once, so that nothing is downloaded after hours of fitting.

    Args:
        model: The final folder of the model.
        report: Folder of the pages to which names of videos link; None: no links.
    """

    def __init__(self, model: Path, report: Path | None = None) -> None:
        from avcues.pipeline.report.page import library, templates

        self._model = model
        self._report = report
        self._problem = ""
        self._had_page = False
        try:
            templates().get_template("model.html")
            library()
        except AvcuesError as error:
            self._problem = str(error)

    def __call__(self, folder: Path, figures: Mapping[str, Any]) -> str | None:
        """Renders the page of a model whose folder is still being written; None if it cannot be made."""
        from avcues.pipeline.report.model_page import model_page

        self._had_page = (self._model / PAGE).exists()
        if self._problem:
            return None
        try:
            return model_page(folder, figures, self._report, out=self._model)
        except AvcuesError as error:
            self._problem = str(error).replace(str(folder), str(self._model))
            return None

    def show(self, console: Console) -> None:
        """Prints the path of the page, or why it could not be made."""
        if self._problem:
            removal = "; the earlier page was removed, because its figures may differ" if self._had_page else ""
            console.print(f"[yellow]no page [/] {escape(self._problem)}{removal}", soft_wrap=True)
        else:
            console.print(f"[bold]page    [/] {escape(str(self._model / PAGE))}", soft_wrap=True, highlight=False)


def show_metrics(figures: Mapping[str, Any], console: Console) -> None:
    """Prints the figures of a model beside those of baselines and raters."""
    dimensions = figures["dimensions"]
    for kind_table in figure_tables(dimensions):
        console.print(kind_table.note, soft_wrap=True, highlight=False, markup=False)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("", *kind_table.headings):
            # Headings wrap: in a narrow console, no_wrap would cut figures and leave no room for names.
            table.add_column(heading)
        for row in kind_table.rows:
            if row.is_model:
                table.add_row(f"[bold]{escape(row.dimension)}[/]")
            table.add_row(row.name, *row.cells)
        console.print(table)
    for name, dimension_figures in dimensions.items():
        if dimension_figures["kind"] == "shares":
            console.print(_confusion(name, dimension_figures["model"]))
    for remark in remarks(dimensions):
        console.print(f"[yellow]note    [/] {escape(remark)}", soft_wrap=True, highlight=False)
    for name, dimension_figures in dimensions.items():
        for quantity, entries in _reliance(dimension_figures).items():
            values = ", ".join(
                f"{entry} {round(value, 3) + 0.0:.3f}" for entry, value in list(entries.items())[:_MAX_LISTED_TABLES]
            )
            console.print(f"{name}: {quantity}: {values}", soft_wrap=True, highlight=False, markup=False)
        if "raters" in dimension_figures and dimension_figures["raters"]["series"]:
            own_head, joint = (dimension_figures["raters"][key]["mean"] for key in ("own_head", "prediction"))
            console.print(
                f"{name}: CCC with each rater: that rater's head {own_head:.3f}, the joint prediction {joint:.3f}"
            )
    for leak in figures["leaks"]:
        console.print(f"[yellow]not comparable[/] {escape(leak)}", soft_wrap=True)


def show_comparison(comparison: Mapping[str, Any], console: Console) -> None:
    """Prints the paired comparison of models."""
    for dimension, figures in comparison["dimensions"].items():
        console.print(f"[bold]{escape(dimension)}[/], {_HEADLINES[figures['kind']]}")
        models = Table(box=None, pad_edge=False, show_header=False)
        for name, figure in figures["models"].items():
            models.add_row(escape(name), _headline(figure))
        console.print(models)
        for pair in figures["pairs"]:
            text = f"  {pair['model']} - {pair['other_model']}: {_difference(pair['comparison'])}"
            console.print(text, soft_wrap=True, markup=False, highlight=False)
    for note in comparison["notes"]:
        console.print(f"[yellow]note[/] {escape(note)}", soft_wrap=True)


def _headline(figure: Mapping[str, Any]) -> str:
    value = figure.get("mean", figure.get("value"))
    if value is None:
        return "–"
    spread = f" ± {figure['sd']:.3f}" if figure.get("sd") is not None else ""
    interval = "" if figure["low"] is None else f" ({figure['low']:.3f} to {figure['high']:.3f})"
    return f"{value:.3f}{spread}{interval}"


def _difference(comparison: Mapping[str, Any] | None) -> str:
    if comparison is None:
        return "no video in common"
    interval = "" if comparison["low"] is None else f" ({comparison['low']:+.3f} to {comparison['high']:+.3f})"
    groups = f" in {comparison['groups']} groups" if "groups" in comparison else ""
    return f"{comparison['difference']:+.3f}{interval}, p {comparison['p']:.4f}, {comparison['videos']} videos{groups}"


def _confusion(dimension: str, model: Mapping[str, Any]) -> Table:
    """The confusion matrix of a dimension."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"{escape(dimension)}: label ↓ prediction →", no_wrap=True)
    for name in model["categories"]:
        table.add_column(escape(name), justify="right")
    for name, counts in zip(model["categories"], model["confusion"], strict=True):
        table.add_row(escape(name), *(f"{count:g}" if count % 1 == 0 else f"{count:.1f}" for count in counts))
    return table


def _reliance(dimension_figures: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Importance and ablation of tables, by heading."""
    is_shares = dimension_figures["kind"] == "shares"
    loss_text = "cross-entropy gained" if is_shares else "CCC lost"
    reliance = {f"{loss_text} when a table is replaced by another video's": dimension_figures["importance"]["tables"]}
    if "modalities" in dimension_figures["importance"]:
        reliance[f"{loss_text} when a modality is replaced by another video's"] = dimension_figures["importance"][
            "modalities"
        ]
    if dimension_figures["ablation"]:
        ablation = {name: figures["model_is_better_by"] for name, figures in dimension_figures["ablation"].items()}
        measure = "UAR" if is_shares else "CCC"
        reliance[f"{measure} lost when fitted without a table"] = {
            name: comparison["difference"] for name, comparison in ablation.items() if comparison
        }
    if "families" in dimension_figures["importance"]:
        families = dimension_figures["importance"]["families"]
        reliance["weight by descriptor family"] = {family["family"]: family["weight"] for family in families}
    return {measure: entries for measure, entries in reliance.items() if entries}
