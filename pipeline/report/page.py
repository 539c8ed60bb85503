"""The page of one video: a single HTML file that loads other files only to add columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from avcues.models_cache.cache import resolve
from avcues.pipeline.report.packing import packed_json
from avcues.pipeline.report.panels import frame_colours, panels
from avcues.pipeline.report.series import Panel
from avcues.pipeline.report.thumbnails import FilmStrip
from avcues.pipeline.report.video import Video

_MOVING_IMAGES = (".gif", ".webp", ".apng", ".png", ".avif")


@cache
def templates() -> Environment:
    """The templates of the pages, with autoescaping."""
    environment = Environment(loader=PackageLoader(__package__, "assets"), autoescape=True, trim_blocks=True)
    environment.globals["asset"] = _asset
    environment.globals["library"] = library
    return environment


@cache
def library() -> Mapping[str, Markup]:
    """The script and style sheet of uPlot, which are embedded in every page; read once.

    Raises:
        WeightsError: uPlot could not be downloaded.
    """
    files = {"script": "report/uplot", "style": "report/uplot_style"}
    return {kind: Markup(resolve(name).path.read_text("utf-8")) for kind, name in files.items()}


def _asset(name: str) -> Markup:
    return Markup((files(__package__) / "assets" / name).read_text())


@dataclass(frozen=True, kw_only=True)
class Links:
    """The links of a page.

    Args:
        index: Address of the index; empty: no index.
        media: Address of the file that the page plays, relative to the page; empty: the page plays nothing.
        previous: Id of the video before this one in the index; None: this is the first.
        next: Id of the video after this one; None: this is the last.
    """

    index: str = "../index.html"
    media: str = ""
    previous: str | None = None
    next: str | None = None

    @property
    def is_moving_image(self) -> bool:
        """Whether browsers show the file as an image, such as a GIF, without a player."""
        return self.media.lower().endswith(_MOVING_IMAGES)


def render(
    video: Video,
    strip: FilmStrip,
    row: Mapping[str, Any],
    links: Links = Links(),
    extra_panels: Sequence[Panel] = (),
    files: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Renders the page.

    Args:
        row: The row of the video in the index. The page stores it, so that the index can be made again without tables.
        links: The links of the page.
        extra_panels: Panels above those of the tables.
        files: Files with the columns that the page does not draw, as `write_column_files` returns them.
    """
    all_panels = [*extra_panels, *panels(video)]
    titles_by_reason: dict[str, list[str]] = {}
    for panel in all_panels:
        if panel.empty:
            titles_by_reason.setdefault(panel.empty, []).append(panel.title)
    return (
        templates()
        .get_template("page.html")
        .render(
            video=video,
            row=row,
            links=links,
            quote=quote,
            facts=_facts(video),
            notices=_notices(video, strip),
            empty_panels=titles_by_reason,
            measurements=[_measurement(video, feature) for feature in video.recipes],
            footer=_footer(video),
            data=_packed(video, strip, [panel for panel in all_panels if not panel.empty], files),
        )
    )


def _packed(video: Video, strip: FilmStrip, shown_panels: Sequence[Panel], files: Sequence[Mapping[str, Any]]) -> str:
    """Everything that the page draws, as compressed JSON."""
    return packed_json(
        {
            "video": video.video_id,
            "step": video.step,
            "windows": video.windows,
            "shots": video.shots,
            "shot_of_windows": video.shot_of_windows.tolist(),
            "film": strip.thumbnails,
            "colours": frame_colours(video),
            "panels": shown_panels,
            "files": files,
        }
    )


def duration(seconds: float) -> str:
    """A duration as text, such as 1:02:03 or 2:03."""
    whole_seconds = round(seconds)
    hours, minutes = whole_seconds // 3600, whole_seconds // 60 % 60
    return f"{hours}:{minutes:02}:{whole_seconds % 60:02}" if hours else f"{minutes}:{whole_seconds % 60:02}"


def _facts(video: Video) -> list[str]:
    source, picture, sound = video.source, video.source.get("video"), video.source.get("audio")
    facts = [str(source["name"]), duration(video.duration_s), f"{video.windows} windows of {video.step:g} s"]
    if picture:
        facts.append(f"{picture['width']} × {picture['height']} {picture['codec']}, {_rate(picture['average_rate'])}")
    if video.source.get("frames", {}).get("rotation"):
        facts.append(f"turned by {source['frames']['rotation']}°")
    facts.append(f"{sound['codec']} {sound['rate_hz'] / 1000:g} kHz {sound['layout']}" if sound else "no sound")
    return facts if picture else [*facts, "no picture"]


def _rate(fraction: str) -> str:
    numerator, _, denominator = fraction.partition("/")
    return f"{float(numerator) / float(denominator or 1):.4g} frames/s" if numerator.isdigit() else "unknown rate"


def _notices(video: Video, strip: FilmStrip) -> list[tuple[str, str, str]]:
    """Notices of missing or damaged data: severity (a CSS class), one line, and details."""
    notices = []
    if video.status.get("state") == "failed":
        notices.append(("bad", "The last run failed; this page shows an older result.", str(video.status.get("error"))))
    if video.damage:
        notices.append(("warn", f"Damaged: {video.damage}. Parts that could not be decoded are missing below.", ""))
    for table, reason in video.unreadable.items():
        notices.append(("bad", f"The table {table} {reason}; run avcues extract again.", ""))
    for feature, reason in video.status.get("left_out", {}).items():
        notices.append(("", f"Left out: {feature}", reason))
    if strip.missing:
        notices.append(("", f"No pictures: {strip.missing}.", ""))
    return notices


def _measurement(video: Video, feature: str) -> dict[str, str]:
    """How a feature was measured, from the metadata of its first table."""
    recipe = video.recipes[feature]
    metadata = next((table for table in video.tables.values() if table["recipe"]["extractor"] == feature), None)
    networks = [name.partition("/")[2] or name for name in recipe.get("weights", {})]
    settings = {
        name: value for name, value in recipe["settings"].items() if value is not None and str(value) not in networks
    }
    return {
        "feature": feature,
        "networks": ", ".join(networks),
        "settings": ", ".join(f"{key} {value}" for key, value in settings.items()),
        "device": f"{metadata['device']}, {metadata['precision']}" if metadata else "not made for this video",
        "citation": metadata["citation"] if metadata else "",
    }


def _footer(video: Video) -> str:
    metadata = next(iter(video.tables.values()))
    libraries = ", ".join(f"{name} {version}" for name, version in metadata["libraries"].items())
    return f"avcues {metadata['avcues']}; {metadata['decoder']}; {libraries}."
