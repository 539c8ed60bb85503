"""Makes the report of a dataset, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avcues.pipeline.notebook import html_facts, html_page
from avcues.pipeline.report.emotion import Emotion
from avcues.pipeline.report.index import PAGES, page_path
from avcues.pipeline.report.make_pages import OnProgress, make_pages, plan
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
        stills: The kind of stills.
    """

    open_first: Path
    pages: int
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    stills: Stills = "blur"

    def _repr_html_(self) -> str:
        """For notebooks: the page of the only selected video in a frame, otherwise the path of the index."""
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
    on_progress: OnProgress = lambda done, total: None,
) -> Report:
    """Makes the pages of the selected videos, or of all, and the index; an error leaves the former report unchanged.

    Args:
        out: Folder of a dataset.
        selected: Ids; none: all videos.
        report: Folder of the pages; None: `report` in the dataset.
        media: Folder of the videos; the pages play them from there. None: that of the former report; if it had none,
            stills are taken from the files that were measured, and the pages play nothing.
        emotion: Predictions and ratings to show beside the features; if empty, those of the former report.
        columns: Patterns of `table.column`; matching columns get a panel of their own.
        stills: Pictures of the shots, as in `Options`.
        fresh: Ignore the options of the former report.
        workers: Processes; None: one per core.
        on_progress: Called with the number of pages and tables of histograms made so far and the number of all.
            Histograms are made only together with the pages of all videos.

    Raises:
        AvcuesError: The dataset or a video does not exist, the drawing library could not be downloaded, or the folder
            of the pages cannot be written.
    """
    report = report or Path(str(report_path(out)))
    call_options = Options(
        media=media,
        predictions=emotion.predictions,
        annotations=emotion.annotations,
        columns=tuple(columns),
        stills=stills,
    )
    options, notes = complete_options(out, report, call_options, fresh)
    pages = plan(out, selected, options, columns=call_options.columns)
    prepare_output(staging_folder(report))
    with replaced_folder(report) as new_folder:
        if report.exists():
            link_files(report, new_folder)
        problems = make_pages(pages, new_folder, workers, on_progress)
        document = json.dumps(options.document(report), indent=1)
        write_atomically(new_folder / FILE, lambda file: file.write(document.encode()))
    open_first = page_path(report, selected[0]) if len(selected) == 1 and not problems else report / "index.html"
    return Report(open_first, len(pages.videos) - len(problems), tuple(problems), tuple(notes), options.still_kind)


def complete_options(out: Path, report: Path | None, options: Options, fresh: bool) -> tuple[Options, list[str]]:
    """Completes options from the former report.

    Returns:
        The options, and a line for each option that was taken from the former report.
    """
    former = Options() if fresh else read_options(report or Path(str(report_path(out))))
    return options.completed_from(former)
