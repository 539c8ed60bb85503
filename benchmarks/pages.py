"""How fast the pages of `avcues report` open: a page of two hours, and an index of 300 videos.

    python benchmarks/pages.py FEATURES
    python benchmarks/pages.py FEATURES --against ../avcues-before

FEATURES is a finished folder; its first video is repeated until it lasts two hours, and copied under 300 names. Each
copy of avcues makes both reports, and they are opened in turn in one Chromium. Figures are seconds from the start of
the navigation until the page reports that its charts are drawn, and until the browser first paints content: medians
over the repeats, after a first round that is not counted. Writes pages.md into --out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "tests" / "support")]

from browser import Browser  # noqa: E402
from run import machine  # noqa: E402
from tiling import tile_dataset  # noqa: E402

VIDEOS, HOURS = 300, 2
INDEX_TABLES = ("color", "lighting", "expressions", "shots", "timeline")
"""The tables of the videos in the index."""

BUILD = "import sys; from pathlib import Path; from avcues.pipeline.report.build import build; build(Path(sys.argv[1]))"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
DRAWN = "Number(document.documentElement.dataset.ready)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("features", type=Path)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--against", type=Path, help="Root of another copy of avcues, measured in turn with this one")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    copies = {"avcues": HERE.parent} | ({"the other copy": arguments.against.resolve()} if arguments.against else {})
    with tempfile.TemporaryDirectory() as folder:
        reports = {copy: reports_of(arguments.features, root, Path(folder, copy)) for copy, root in copies.items()}
        seconds = opened(reports, arguments.repeat, Path(folder))
        sizes = {copy: film.stat().st_size / 1e6 for copy, (film, _) in reports.items()}
    lines = [f"Seconds, {machine()['processor']}, Chromium, {arguments.repeat} repetitions.", ""]
    lines += ["| copy | page of two hours, drawn | its size, MB | index of 300 videos, painted |", "|---|---|---|---|"]
    for copy in copies:
        film, index = (statistics.median(seconds[copy, name]) for name in ("film", "index"))
        lines.append(f"| {copy} | {film:.2f} | {sizes[copy]:.1f} | {index:.2f} |")
    print("\n".join(lines))
    (arguments.out / "pages.md").write_text("\n".join(lines) + "\n")


def reports_of(features: Path, root: Path, folder: Path) -> tuple[Path, Path]:
    """The page of two hours and the index of many videos, made by the copy of avcues in `root`."""
    video = min(path.stem for path in (features / "_status").glob("*.json"))
    windows = json.loads((features / "_status" / f"{video}.json").read_text())["windows"]
    tile_dataset(features, folder / "film", video, round(HOURS * 7200 / windows))
    pinned = json.loads((features / "dataset.json").read_text())
    pinned["tables"] = {name: table for name, table in pinned["tables"].items() if name in INDEX_TABLES}
    for k in range(VIDEOS):
        for name in (*pinned["tables"], "_status"):
            (path,) = (features / name).glob(f"{video}.*")
            copy = folder / "many" / name / f"video_{k:03d}{path.suffix}"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (folder / "many" / "dataset.json").write_text(json.dumps(pinned))
    for name in ("film", "many"):
        environment = os.environ | {"PYTHONPATH": str(root)}
        subprocess.run([sys.executable, "-P", "-c", BUILD, str(folder / name)], env=environment, cwd=root, check=True)
    return folder / "film" / "report" / "videos" / f"{video}.html", folder / "many" / "report" / "index.html"


def opened(reports: dict[str, tuple[Path, Path]], repeat: int, folder: Path) -> dict[tuple[str, str], list[float]]:
    """Seconds by copy and kind of page, one per repetition."""
    seconds: dict[tuple[str, str], list[float]] = {}
    with Browser(folder / "profile") as browser:
        for round_ in range(repeat + 1):
            for copy, (film, index) in reports.items():
                for name, page, figure in (("film", film, DRAWN), ("index", index, PAINTED)):
                    browser.call("Network.clearBrowserCache")
                    browser.visit("about:blank")
                    browser.open(page, 1400)
                    browser.wait(figure)
                    if round_:
                        seconds.setdefault((copy, name), []).append(browser.value(figure) / 1000)
    return seconds


if __name__ == "__main__":
    main()
