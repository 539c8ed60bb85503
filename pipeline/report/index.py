"""The index of all videos: a row each, with a look and what became of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np

from avcues.extractors.expressions import CLASSES
from avcues.pipeline.report.page import duration, templates
from avcues.pipeline.report.panels import EXPRESSION_COLOURS, frame_colours
from avcues.pipeline.report.thumbnails import FilmStrip, data_uri
from avcues.pipeline.report.video import Video

PAGES, COMPARE = "videos", "compare.html"
_STRIP_CELLS = 64
_HEAD_BYTES = 1 << 16
_ROW = re.compile(rb'<script type="application/json" id="row">(.*?)</script>', re.DOTALL)


def page_path(report: Path, video_id: str) -> Path:
    """Where the page of a video lies."""
    return report / PAGES / f"{video_id}.html"


def row_of(video: Video, strip: FilmStrip) -> dict[str, Any]:
    """What the index says of a video with tables."""
    return row_without_tables(video.video_id, video.status) | {
        "source": video.source["name"],
        "duration_s": video.duration_s,
        "shots": len(video.shots),
        "cover": strip.cover,
        "strip": _colour_strip(frame_colours(video)),
        "expressions": _mean_expressions(video),
        "damage": video.damage,
    }


def row_without_tables(video_id: str, status: Mapping[str, Any]) -> dict[str, Any]:
    """What the index says of a video from its record alone."""
    return {
        "video_id": video_id,
        "source": Path(str(status.get("source", ""))).name,
        "state": status.get("state", "no record"),
        "error": status.get("error") or "",
        "left_out": sorted(status.get("left_out", {})),
        "duration_s": status.get("duration_s") or 0.0,
    }


def row_of_page(path: Path) -> dict[str, Any] | None:
    """The row that a page was made with; None where there is no such page."""
    try:
        with path.open("rb") as file:
            found = _ROW.search(file.read(_HEAD_BYTES))
        return None if found is None else dict(json.loads(found[1]))
    except (OSError, ValueError):
        return None


def render(
    title: str, rows: Sequence[Mapping[str, Any]], *, agreement: str | None = None, histograms: str | None = None
) -> str:
    """The index as text.

    Args:
        rows: As the functions above make them; "page" says whether there is a page to link to.
        agreement: The page of the dataset's raters, if there is one.
        histograms: The file of the histograms, if there is one.
    """
    return (
        templates()
        .get_template("index.html")
        .render(
            title=title,
            rows=rows,
            agreement=agreement,
            histograms=histograms,
            compare=COMPARE if sum(row["page"] for row in rows) > 1 else None,
            failed=sum(row["state"] != "done" for row in rows),
            hours=duration(sum(row["duration_s"] for row in rows)),
            colours=EXPRESSION_COLOURS,
            duration=duration,
            link=lambda row: f"{PAGES}/{quote(row['video_id'])}.html",
        )
    )


def render_compare(video_ids: Sequence[str]) -> str:
    """The page that shows any two of some videos with pages, as text."""
    return templates().get_template("compare.html").render(video_ids=video_ids)


def _colour_strip(colours: Sequence[str | None]) -> str:
    """The colours of the frames from start to end, as an image of a few pixels."""
    if not any(colours):
        return ""
    cells = min(_STRIP_CELLS, len(colours))
    rgba = np.zeros((len(colours), 4))
    for i, colour in enumerate(colours):
        if colour is not None:
            rgba[i] = (*bytes.fromhex(colour[1:]), 255)
    means = [part.mean(axis=0) * (255 / max(part[:, 3].mean(), 1)) for part in np.array_split(rgba, cells)]
    image = np.rint(np.minimum(means, 255)).astype(np.uint8)[None]
    _, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGBA2BGRA))
    return data_uri("png", encoded.tobytes())


def _mean_expressions(video: Video) -> dict[str, float]:
    """Mean probabilities over the windows with a face; empty where there is none."""
    if not video.has("expressions", *CLASSES):
        return {}
    values = video.values("expressions", CLASSES)
    values = values[~np.isnan(values).any(axis=1)]
    if not len(values):
        return {}
    return {name: round(float(mean), 3) for name, mean in zip(CLASSES, values.mean(axis=0), strict=True)}
