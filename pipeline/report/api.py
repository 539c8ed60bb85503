"""Reports from Python: `avcues.report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.report.against.build import build_against
from avcues.pipeline.report.build import Report, build
from avcues.pipeline.report.emotion import Emotion
from avcues.pipeline.report.make_pages import OnProgress
from avcues.pipeline.report.options import Options, Stills
from avcues.pipeline.report.share import share as share_report


def report(
    folder: str | Path,
    videos: Sequence[str] = (),
    *,
    out: str | Path | None = None,
    media: str | Path | None = None,
    predictions: str | Path | None = None,
    annotations: str | Path | None = None,
    columns: Sequence[str] = (),
    stills: Stills | None = None,
    fresh: bool = False,
    share: str | Path | None = None,
    with_media: bool = False,
    against: str | Path | None = None,
    workers: int | None = 1,
    on_progress: OnProgress = lambda done, total: None,
) -> Report:
    """Makes a page per video and an index, as `avcues report` does; a notebook shows the page of one video in a frame.

    Omitted media, predictions, annotations, columns and stills are taken from the former report of the folder.

    Args:
        folder: A folder that `avcues extract` made.
        videos: Ids; none: all videos.
        out: Folder of the pages; None: `report` in the folder.
        media: Folder of the videos; the pages play them from there.
        predictions: Parquet file of `avcues predict`, or a model's `out_of_fold.parquet`, to show beside the features.
        annotations: Folder of ratings, to show beside the features.
        columns: Patterns of `<table>.<column>`; matching columns get a panel of their own.
        stills: Pictures of the shots: "on", "blur" (the default: nobody can be recognised) or "none".
        fresh: Ignore the options of the former report.
        share: A file to pass on instead of a folder: "*.zip" for all pages, or "*.html" for the page of one video.
        with_media: Put the videos into the ZIP file.
        against: Another folder of the same videos, such as another run, to draw on the same axes, in `report/against`.
        workers: Processes; None: one per core, for which a script needs `if __name__ == "__main__"`.
        on_progress: Called with the number of pages and tables made so far and the number of all.

    Returns:
        The result; its `open_first` is the page to open in a browser, or the file to pass on.

    Raises:
        AvcuesError: The dataset, a video or a column does not exist, or the pages cannot be made or written.
    """
    if against is not None:
        incompatible = (media, predictions, annotations, stills, share)
        if with_media or columns or any(option is not None for option in incompatible):
            raise SettingsError("`against`: can only be combined with videos, `out` and `workers`")
        report_folder = None if out is None else Path(out)
        return build_against(
            Path(folder), Path(against), videos, report=report_folder, workers=workers, on_progress=on_progress
        )
    paths = [None if path is None else Path(path) for path in (out, media, predictions, annotations)]
    if share is None:
        if with_media:
            raise SettingsError("`with_media`: only a shared file contains videos; give `share` as well")
        return build(
            Path(folder),
            videos,
            report=paths[0],
            media=paths[1],
            emotion=Emotion(paths[2], paths[3]),
            columns=columns,
            stills=stills,
            fresh=fresh,
            workers=workers,
            on_progress=on_progress,
        )
    if out is not None:
        raise SettingsError("`out` is a folder of pages, `share` a file of pages: give only one of them")
    options = Options(media=paths[1], predictions=paths[2], annotations=paths[3], columns=tuple(columns), stills=stills)
    return share_report(
        Path(folder),
        Path(share),
        videos,
        options=options,
        fresh=fresh,
        with_media=with_media,
        workers=workers,
        on_progress=on_progress,
    )
