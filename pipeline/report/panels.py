"""The panels of a page, for the tables that a video has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import cv2
import numpy as np

from avcues.extractors import registry
from avcues.extractors.color import HUE_BINS
from avcues.extractors.expressions import CLASSES
from avcues.pipeline.report.embeddings import embedding, embedding_tables
from avcues.pipeline.report.lanes import actions, objects, scenes
from avcues.pipeline.report.series import Panel, Role, empty_reason, numbers, series_of
from avcues.pipeline.report.video import Video
from avcues.pipeline.report.words import words
from avcues.pipeline.store.timeline_table import TIMELINE

# The palette of Okabe and Ito, whose colours colour-blind readers can distinguish; report.css defines the names.
BLUE, ORANGE, GREEN, RED, PINK, SKY = "blue", "orange", "green", "red", "pink", "sky"
GREY, SLATE = "grey", "slate"
EXPRESSION_COLOURS = dict(zip(CLASSES, (RED, GREEN, PINK, ORANGE, BLUE, SKY, GREY), strict=True))

_TABLES_WITH_PANELS = {"color", "lighting", "motion", "emobase", "expressions", "scenes", "objects", TIMELINE.name}
_MAX_COLUMNS = 12
_RHYTHM = ("tempo_bpm", "pulse_clarity", "onset_count", "onset_strength_max", "rms_mean", "centroid_mean")
_HUES = tuple(f"hue_{10 * i:03d}" for i in range(HUE_BINS))


@dataclass(frozen=True)
class _Line:
    table: str
    column: str
    name: str
    colour: str
    role: Role = "line"
    zero_is_missing: bool = False


_LIGHT = (
    _Line("color", "saturation_mean", "saturation", BLUE),
    _Line("lighting", "median_brightness", "brightness", ORANGE),
    _Line("lighting", "shadow_proportion", "in shadow", SLATE),
)
_KEY = (_Line("lighting", "lighting_key", "lighting key", SLATE),)
_LOUDNESS = (
    _Line("emobase", "pcm_loudness_sma_amean", "mean", BLUE),
    _Line("emobase", "pcm_loudness_sma_max", "highest", "", "high"),
    _Line("emobase", "pcm_loudness_sma_min", "lowest", "", "low"),
)
_PITCH = (
    # openSMILE's F0 is 0 without a voice.
    _Line("emobase", "F0_sma_max", "highest F0", RED, zero_is_missing=True),
    _Line("emobase", "voiceProb_sma_amean", "voicing", "", "text"),
)

_MOTION = (
    _Line("motion", "flow_mean", "flow", BLUE),
    _Line("motion", "flow_std", "deviation", "", "text"),
    _Line("motion", "flow_coherence", "coherence", "", "text"),
    _Line("motion", "moving_share", "moving part", "", "text"),
    _Line("motion", "difference_mean", "difference", "", "text"),
)
_CAMERA = (
    _Line("motion", "pan_x", "right", BLUE),
    _Line("motion", "pan_y", "down", ORANGE),
    _Line("motion", "zoom", "inwards", GREEN),
)


def panels(video: Video) -> list[Panel]:
    """Every panel for which the video has tables, in reading order."""
    embeddings = embedding_tables(video)
    other_tables = [
        name
        for name, metadata in video.tables.items()
        if metadata["row"] == "window" and name not in {*_TABLES_WITH_PANELS, *registry.extra_tables(), *embeddings}
    ]
    all_panels = [
        _hues(video),
        _lines(video, "Saturation and light", _LIGHT, "of the whole frame, 0 to 1"),
        _lines(video, "Lighting key", _KEY, "mean × std of brightness"),
        _lines(video, "Motion", _MOTION, "optical flow, mean over the picture"),
        _lines(video, "Camera", _CAMERA, "motion of the picture caused by the camera"),
        _lines(video, "Loudness", _LOUDNESS, "normalised intensity ^ 0.3"),
        _lines(video, "Pitch", _PITCH, "in Hz; gaps where there is no voice"),
        _expressions(video),
        scenes(video),
        objects(video),
        actions(video),
        words(video),
        *(embedding(video, name) for name in embeddings),
        *(_other_table(video, name) for name in other_tables),
    ]
    return [panel for panel in all_panels if panel is not None]


def matching_columns(video: Video, patterns: Sequence[str]) -> dict[str, list[str]]:
    """By table, the numeric columns per window or shot whose `table.column` matches a pattern with `*` and `?`."""
    # Brackets are part of many column names; they are not patterns here.
    escaped = [pattern.replace("[", "[[]") for pattern in patterns]
    names_by_table = {
        table: [
            name for name in video.numeric(table) if any(fnmatchcase(f"{table}.{name}", pattern) for pattern in escaped)
        ]
        for table in video.plottable
    }
    return {table: names for table, names in names_by_table.items() if names}


def column_panels(video: Video, patterns: Sequence[str]) -> list[Panel]:
    """A panel for each table with matching columns; it shows one column at a time."""
    panels_of_tables = []
    for table, names in matching_columns(video, patterns).items():
        values = video.per_window(table, names)
        series = [series_of(video, table, name, values[:, i], colour=BLUE) for i, name in enumerate(names)]
        panels_of_tables.append(
            Panel(
                title=f"Columns of {table}",
                kind="lines",
                note=f"{len(names)} {'column' if len(names) == 1 else 'columns'}",
                series=series,
                pick_one=True,
                empty=empty_reason(video, series),
            )
        )
    return panels_of_tables


def frame_colours(video: Video) -> list[str | None]:
    """The mean colour of each window's frame, as #rrggbb; None without a frame."""
    if not video.has("color", "hue_mean", "saturation_mean", "hue_concentration", "value_mean"):
        return []
    names = ["hue_mean", "saturation_mean", "hue_concentration", "value_mean"]
    hue, saturation, concentration, value = video.values("color", names).T
    # Hues in all directions average to grey.
    hsv = np.nan_to_num(np.column_stack([hue, saturation * concentration, value]))
    rgb = cv2.cvtColor(hsv[None].astype(np.float32), cv2.COLOR_HSV2RGB)[0]
    hexes = ["#" + bytes(row).hex() for row in np.rint(rgb * 255).astype(np.uint8)]
    return [
        None if math.isnan(brightness) else colour for brightness, colour in zip(value.tolist(), hexes, strict=True)
    ]


def _lines(video: Video, title: str, lines: Sequence[_Line], note: str = "") -> Panel | None:
    series = []
    for line in lines:
        if not video.has(line.table, line.column):
            continue
        values = video.values(line.table, [line.column])[:, 0]
        if line.zero_is_missing:
            values[values == 0] = np.nan
        series.append(
            series_of(video, line.table, line.column, values, name=line.name, colour=line.colour, role=line.role)
        )
    if not series:
        return None
    drawn = [line for line in series if line.role != "text"]
    return Panel(title=title, kind="lines", note=note, series=series, empty=empty_reason(video, drawn))


def _hues(video: Video) -> Panel | None:
    readings = {"hue_mean": "mean hue", "hue_concentration": "concentration", "colourfulness": "colourfulness"}
    if not video.has("color", *_HUES, *readings):
        return None
    shares = video.values("color", _HUES)
    values = video.values("color", tuple(readings))
    series = [
        series_of(video, "color", name, values[:, i], name=title) for i, (name, title) in enumerate(readings.items())
    ]
    return Panel(
        title="Hue",
        kind="hues",
        note="share of pixels; grey counts as 0°",
        series=series,
        rows=[numbers(bin_) for bin_ in np.rint(shares.T * 255)],
        bins=[f"color.{name}" for name in _HUES],
        empty=empty_reason(video, series),
    )


def _expressions(video: Video) -> Panel | None:
    if not video.has("expressions", *CLASSES, "faces"):
        return None
    values = video.values("expressions", [*CLASSES, "faces"])
    series = [
        series_of(video, "expressions", name, values[:, i], colour=EXPRESSION_COLOURS[name])
        for i, name in enumerate(CLASSES)
    ]
    faces = series_of(video, "expressions", "faces", values[:, -1], role="text")
    empty = empty_reason(video, series)
    if empty and not empty_reason(video, [faces]):
        empty = "no face was detected in any frame"
    return Panel(
        title="Expression",
        kind="stack",
        note="probability; gaps without a face",
        series=[faces, *(replace(expression, low=0, high=1) for expression in series)],
        empty=empty,
    )


def _other_table(video: Video, table: str) -> Panel | None:
    """A panel for a window table without a panel of its own; it shows one column at a time."""
    columns = video.numeric(table)
    preferred = [name for name in _RHYTHM if name in columns] if table == "rhythm" else []
    names = preferred or columns[:_MAX_COLUMNS]
    if not names:
        return None
    values = video.values(table, names)
    series = [series_of(video, table, name, values[:, i], colour=BLUE) for i, name in enumerate(names)]
    return Panel(
        title=table.replace("_", " ").capitalize(),
        kind="lines",
        note=f"{len(names)} of {len(columns)} columns" if len(names) < len(columns) else "",
        series=series,
        pick_one=True,
        empty=empty_reason(video, series),
    )
