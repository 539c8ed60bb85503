"""From a dataset to its report, which appears whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avcues.pipeline.notebook import html_facts, html_page
from avcues.pipeline.report.emotion import Emotion
from avcues.pipeline.report.index import PAGES, page_path
from avcues.pipeline.report.making import Tell, make_pages, plan
from avcues.pipeline.report.options import FILE, Options, Stills, read_options
from avcues.pipeline.store.exchange import link_files, replaced_folder, staging_folder
from avcues.pipeline.store.files import prepare_output, write_atomically
from avcues.pipeline.store.layout import report_path


@dataclass(frozen=True)
class Report:
    """The result of making a report.

    Args:
        open_first: The index, the page of the only selected video, or the file to pass on.
        pages: Number of video pages that this call made.
        problems: One line for each video whose page could not be made.
        notes: One line for each option taken over from the former report, and for everything left out.
        stills: How the stills are shown.
    """

    open_first: Path
    pages: int
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    stills: Stills = "blur"

    def _repr_html_(self) -> str:
        """For notebooks: the page of the only selected video in a frame, or else the path of the index."""
        if self.open_first.parent.name == PAGES:
            return html_page(self.open_first.read_text("utf-8"))
        return html_facts(f"{self.pages} pages", {"open": self.open_first, "not made": "; ".join(self.problems)})


def build(
    out: Path,
    selected: Sequence[str] = (),
    *,
    report: Path | None = None,
    media: Path | None = None,
    emotion: Emotion = Emotion(),
    columns: Sequence[str] = (),
    stills: Stills | None = None,
    fresh: bool = False,
    workers: int | None = None,
    tell: Tell = lambda done, total: None,
) -> Report:
    """Makes the pages of the selected videos, or of all, and the index; an error leaves the former report unchanged.

    Args:
        out: Folder of a dataset.
        selected: Ids; none: all videos.
        report: Folder of the pages; None: `report` in the dataset.
        media: Folder of the videos; the pages play them from there. None: as in the former report. If that had none,
            stills are taken from the files that were measured, and the pages play nothing.
        emotion: Predictions and ratings to show beside the features; without either: those of the former report.
        columns: Patterns of `table.column`; matching columns get a panel of their own.
        stills: Pictures of the shots, as in `Options`.
        fresh: Ignore the options of the former report.
        workers: Processes; None: one per core.
        tell: Called with the number of pages and tables of histograms made so far, and with their total. Histograms are
            made only together with the pages of all videos.

    Raises:
        AvcuesError: The dataset or a video does not exist, the drawing library could not be downloaded, or the folder
            of the pages cannot be written.
    """
    report = report or Path(str(report_path(out)))
    given = Options(
        media=media,
        predictions=emotion.predictions,
        annotations=emotion.annotations,
        columns=tuple(columns),
        stills=stills,
    )
    options, notes = former_options(out, report, given, fresh)
    pages = plan(out, selected, options, columns=given.columns)
    prepare_output(staging_folder(report))
    with replaced_folder(report) as new:
        if report.exists():
            link_files(report, new)
        problems = make_pages(pages, new, workers, tell)
        document = json.dumps(options.document(report), indent=1)
        write_atomically(new / FILE, lambda file: file.write(document.encode()))
    first = page_path(report, selected[0]) if len(selected) == 1 and not problems else report / "index.html"
    return Report(first, len(pages.shown) - len(problems), tuple(problems), tuple(notes), options.still_kind)


def former_options(out: Path, report: Path | None, given: Options, fresh: bool) -> tuple[Options, list[str]]:
    """The given options, completed from the former report, and a line for each option taken from it."""
    former = Options() if fresh else read_options(report or Path(str(report_path(out))))
    return given.after(former)
