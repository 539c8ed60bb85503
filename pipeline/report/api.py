"""Pages from Python; `avcues.report` is this function."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avcues.pipeline.report.build import Report, build
from avcues.pipeline.report.emotion import Emotion


def report(
    folder: str | Path,
    videos: Sequence[str] = (),
    *,
    out: str | Path | None = None,
    media: str | Path | None = None,
    predictions: str | Path | None = None,
    annotations: str | Path | None = None,
    columns: Sequence[str] = (),
    workers: int | None = 1,
) -> Report:
    """Makes a page per video and an index, as `avcues report` does; a notebook shows the page of one video in a frame.

    Args:
        folder: A folder that `avcues extract` made.
        videos: Ids; none: all videos.
        out: Folder of the pages; None: `report` in the folder.
        media: Folder of the videos; the pages play them from there.
        predictions: Parquet file of `avcues predict`, or a model's `out_of_fold.parquet`, to show beside the features.
        annotations: Folder of ratings, to show beside the features.
        columns: Patterns of `<table>.<column>`; columns that fit get a panel of their own.
        workers: Processes; None: one per core, for which a script needs `if __name__ == "__main__"`.

    Returns:
        What was made: `open_first` is the page to open in a browser.

    Raises:
        AvcuesError: There is no dataset or no such video or column, or the pages cannot be made or written.
    """
    paths = [None if path is None else Path(path) for path in (out, media, predictions, annotations)]
    return build(
        Path(folder),
        videos,
        report=paths[0],
        media=paths[1],
        emotion=Emotion(paths[2], paths[3]),
        columns=columns,
        workers=workers,
    )
