"""How long Chromium takes to paint the list of videos of a report, for 300 and for 3,000 videos.

    python benchmarks/report_index.py features/report/videos/*.html

The rows are those of the given pages, in turn, each with its own id, numbers and picture.
Milliseconds from the start of the navigation until the first frame is painted and the list can be used: medians of 7.
"""

from __future__ import annotations

import argparse
import base64
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from browser import Browser

from avcues.pipeline.report import index

REPETITIONS = 7
"""Repetitions, of which the median is printed."""


def rows(pages: list[Path], videos: int) -> list[dict[str, Any]]:
    """The rows of an index with many videos."""
    page_rows = [row for page in pages if (row := index.row_of_page(page)) is not None]
    videos_rows = []
    for i in range(videos):
        row = page_rows[i % len(page_rows)]
        numbers = {name: value * (1 + i % 97) for name, value in row.get("values", {}).items()}
        kind, _, picture = row["cover"].partition(",")
        # A comment at the end makes every JPEG unique, so that the browser must decode each.
        unique = base64.b64decode(picture) + b"\xff\xfe\x00\x06%04d" % (i % 10000)
        cover = f"{kind},{base64.b64encode(unique).decode()}"
        videos_rows.append(
            row | {"video_id": f"{row['video_id']} {i:04}", "page": True, "values": numbers, "cover": cover}
        )
    return videos_rows


def write(report: Path, videos: list[dict[str, Any]]) -> None:
    """Writes an index of videos; works with former versions of avcues, too."""
    if hasattr(index, "write_index"):
        index.write_index(report, "many videos", videos, agreement=None, overview=None)
    else:
        (report / "index.html").write_text(index.render("many videos", videos), "utf-8")


def painted_ms(browser: Browser, page: Path) -> float:
    """Milliseconds from the start of the navigation until the first frame is painted and the whole list can be used."""
    browser.visit("about:blank")
    browser.open(page, 1400)
    browser.wait(
        "document.querySelector('#videos tbody tr') && performance.getEntriesByName('first-contentful-paint').length"
    )
    return float(
        browser.value(
            """Math.max(performance.getEntriesByName('first-contentful-paint')[0].startTime,
                 Number(document.documentElement.dataset.ready
                   || performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd))"""
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", nargs="+", type=Path, help="pages of videos, in DIR/report/videos")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, Browser(Path(place) / "profile") as browser:
        for videos in (300, 3000):
            report = Path(place) / str(videos)
            report.mkdir()
            write(report, rows(arguments.page, videos))
            times = [painted_ms(browser, report / "index.html") for _ in range(REPETITIONS)]
            size = (report / "index.html").stat().st_size
            print(json.dumps({"videos": videos, "index_bytes": size, "painted_ms": round(statistics.median(times))}))


if __name__ == "__main__":
    main()
