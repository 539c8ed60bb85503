"""The index of all videos: a row per video, with pictures, values and the state of its extraction."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np

from avcues.extractors.expressions import CLASSES
from avcues.pipeline.report.column_files import read_means
from avcues.pipeline.report.packing import packed_json
from avcues.pipeline.report.page import duration, templates
from avcues.pipeline.report.panels import EXPRESSION_COLOURS, frame_colours
from avcues.pipeline.report.targets import RATINGS, VideoTarget
from avcues.pipeline.report.thumbnails import FilmStrip, data_uri
from avcues.pipeline.report.video import Video
from avcues.pipeline.store.documents import open_regular_file, parse
from avcues.pipeline.store.files import write_atomically
from avcues.pipeline.store.timeline_table import TIMELINE

PAGES, PICTURES, COMPARE = "videos", "pictures", "compare.html"
LOUDNESS = "pcm_loudness_sma_amean"
_TITLES = {
    "picture": ("picture", "share of the windows with a frame on screen"),
    "sound": ("sound", "share of the video that sound covers"),
    "loudness": ("loudness", f"mean of emobase.{LOUDNESS}"),
}
_PICTURES_PER_FILE = 100
_MAX_TARGET_COLUMNS = 4
_STRIP_CELLS = 64
_HEAD_BYTES = 1 << 16
_ROW = re.compile(rb'<script type="application/json" id="row">(.*?)</script>', re.DOTALL)


def page_path(report: Path, video_id: str) -> Path:
    """Path of the page of a video."""
    return report / PAGES / f"{video_id}.html"


def row_of(video: Video, strip: FilmStrip, targets: Mapping[str, VideoTarget]) -> dict[str, Any]:
    """The row of a video with tables."""
    return row_without_tables(video.video_id, video.status) | {
        "source": video.source["name"],
        "duration_s": video.duration_s,
        "shots": len(video.shots),
        "cover": strip.cover,
        "strip": _colour_strip(frame_colours(video)),
        "expressions": _mean_expressions(video),
        "damage": video.damage,
        "values": _values(video, targets),
    }


def row_without_tables(video_id: str, status: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a video, from its record only."""
    return {
        "video_id": video_id,
        "source": Path(str(status.get("source", ""))).name,
        "state": status.get("state", "no record"),
        "error": status.get("error") or "",
        "left_out": sorted(status.get("left_out", {})),
        "duration_s": status.get("duration_s") or 0.0,
    }


def row_of_page(path: Path) -> dict[str, Any] | None:
    """The row that a page stores; None if there is no such page, or it stores something else."""
    try:
        with open_regular_file(path) as file:
            match = _ROW.search(file.read(_HEAD_BYTES))
        return None if match is None else parse(match[1], "row")
    except (OSError, ValueError):
        return None


def write_index(
    report: Path, title: str, rows: Sequence[Mapping[str, Any]], *, agreement: str | None, overview: str | None
) -> None:
    """Writes the index and the files of its pictures.

    Args:
        report: Folder of the pages.
        rows: As returned by `row_of`, `row_without_tables` or `row_of_page`; "page" says whether the video has a page.
        agreement: Name of the page of the dataset's raters; None: no such page.
        overview: Name of the page of the dataset as a whole; None: no such page.
    """
    pictures = [{name: row.get(name) or "" for name in ("cover", "strip")} for row in rows]
    shutil.rmtree(report / PICTURES, ignore_errors=True)
    for first in range(0, len(rows), _PICTURES_PER_FILE):
        row_parts = zip(
            rows[first : first + _PICTURES_PER_FILE], pictures[first : first + _PICTURES_PER_FILE], strict=True
        )
        by_video = {row["video_id"]: row_pictures for row, row_pictures in row_parts if any(row_pictures.values())}
        text = f"pictured({json.dumps(by_video)});\n"
        _write(report / PICTURES / f"{first // _PICTURES_PER_FILE}.js", text)
    listed = [
        {key: value for key, value in row.items() if key not in ("cover", "strip")}
        | {"look": any(row_pictures.values())}
        for row, row_pictures in zip(rows, pictures, strict=True)
    ]
    compare = COMPARE if sum(row["page"] for row in rows) > 1 else None
    means = read_means(report)
    colours = EXPRESSION_COLOURS if any(row.get("expressions") for row in rows) else {}
    document = {"rows": listed, "values": _value_columns(rows), "colours": colours, "compared": compare is not None}
    text = (
        templates()
        .get_template("index.html")
        .render(
            title=title,
            rows=rows,
            agreement=agreement,
            overview=overview,
            compare=compare,
            failed=sum(row["state"] != "done" for row in rows),
            hours=duration(sum(row["duration_s"] for row in rows)),
            colours=EXPRESSION_COLOURS,
            link=page_address,
            data=packed_json(document | means),
        )
    )
    _write(report / "index.html", text)


def page_address(video_id: str) -> str:
    """The address of a video's page, relative to the index."""
    return f"{PAGES}/{quote(video_id)}.html"


def _value_columns(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The value columns that any row has: title, meaning, whether they are shares, and whether shown by default."""
    names = dict.fromkeys(name for row in rows for name in row.get("values", {}))
    targets = sorted(name for name in names if name not in _TITLES)
    # The table has room for few columns: show one setup per dimension.
    shown_targets = {name.partition(" (")[0]: name for name in reversed(targets)}
    shown_names = [*_TITLES, *list(shown_targets.values())[::-1][:_MAX_TARGET_COLUMNS]]
    return [
        {"name": name, "title": _title(name), "meaning": _TITLES.get(name, ("", f"mean of {name}"))[1]}
        | {"share": name in ("picture", "sound"), "shown": name in shown_names}
        for name in (*(name for name in _TITLES if name in names), *targets)
    ]


def _title(name: str) -> str:
    """The heading of a column, such as "rated arousal (music)"."""
    if name in _TITLES:
        return _TITLES[name][0]
    table, _, dimension = name.partition(".")
    return f"{'rated' if table == RATINGS else 'predicted'} {dimension}"


def render_compare(video_ids: Sequence[str]) -> str:
    """Renders the page that compares any two of the given videos."""
    return templates().get_template("compare.html").render(video_ids=video_ids)


def _colour_strip(colours: Sequence[str | None]) -> str:
    """The colours of the frames over time, as a data URI of an image that is one pixel high."""
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


def _values(video: Video, targets: Mapping[str, VideoTarget]) -> dict[str, float]:
    """Means over the windows, for the value columns of the index; missing values are left out."""
    means = {}
    if video.has(TIMELINE.name, "on_screen", "audio_coverage"):
        for name, column, stream in (("picture", "on_screen", "video"), ("sound", "audio_coverage", "audio")):
            if video.source.get(stream):
                means[name] = np.nan_to_num(video.values(TIMELINE.name, [column])).mean()
    if video.has("emobase", LOUDNESS):
        loudness = video.values("emobase", [LOUDNESS])
        means["loudness"] = np.nan if np.isnan(loudness).all() else np.nanmean(loudness)
    means |= {name: target.mean for name, target in targets.items()}
    return {name: float(f"{value:.5g}") for name, value in means.items() if not np.isnan(value)}


def _mean_expressions(video: Video) -> dict[str, float]:
    """Mean probabilities over the windows with a face; empty without faces."""
    if not video.has("expressions", *CLASSES):
        return {}
    values = video.values("expressions", CLASSES)
    values = values[~np.isnan(values).any(axis=1)]
    if not len(values):
        return {}
    return {name: round(float(mean), 3) for name, mean in zip(CLASSES, values.mean(axis=0), strict=True)}


def _write(path: Path, text: str) -> None:
    write_atomically(path, lambda file: file.write(text.encode()))
