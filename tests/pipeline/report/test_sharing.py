"""Whom a report shows, what is passed on of it, and what a later report remembers."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import Browser
from clips import start_dataset
from command import avcues
from killed import killed_at

from avcues import report as report_of
from avcues.errors import AvcuesError
from avcues.pipeline.annotations import example, write
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.extraction.video import process_video
from avcues.pipeline.report import page
from avcues.pipeline.report.options import read_options
from avcues.pipeline.report.privacy import PathShortener
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store.records import failed_result, write_record
from avcues.pipeline.store.video_input import VideoInput

try:
    page.library()
except AvcuesError as unavailable:
    pytest.skip(str(unavailable), allow_module_level=True)

CLOSE_UP = (0.0, 0.5)


@pytest.fixture(scope="module")
def made(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two measured videos and one that failed, in folders whose names nobody else should see."""
    place = tmp_path_factory.mktemp("secret place")
    films = place / "patients of Dr. <X>"
    films.mkdir()
    measured = start_dataset(place / "out", Settings(features=("lighting", "color")))
    for video_id, name in (("first", "tiny4.mp4"), ("second", "rot90_12.mp4")):
        source = VideoInput(video_id, str(shutil.copy(media(name), films / name)))
        write_record(process_video(source, measured, place / "out"), place / "out")
    gone = VideoInput("gone", str(films / "gone.mp4"))
    write_record(
        failed_result(gone, InputError(f"{films}/gone.mp4: cannot be opened; see /var/log/secret/x.log")), place / "out"
    )
    return place


def film(html: str) -> list[np.ndarray]:
    """The stills of a page."""
    drawn = json.loads(unpacked(html, "data"))
    images = [piece["jpeg"].partition(",")[2] for piece in drawn["film"]]
    return [cv2.imdecode(np.frombuffer(base64.b64decode(image), np.uint8), 1) for image in images if image]


def unpacked(html: str, id_: str) -> str:
    packed = re.search(rf'id="{id_}">(.*?)</script>', html, re.DOTALL)
    assert packed is not None
    return gzip.decompress(base64.b64decode(packed[1])).decode()


def detail(image: np.ndarray) -> float:
    """Share of the contrast that is lost when an image is reduced to 12 rows: what tells one face from another."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    coarse = cv2.resize(
        cv2.resize(grey, (7, 12), interpolation=cv2.INTER_AREA), grey.shape[::-1], interpolation=cv2.INTER_CUBIC
    )
    return float((grey - coarse).std() / max(grey.std(), 1))


def test_stills_are_blurred_unless_they_are_asked_for(made: Path, tmp_path: Path) -> None:
    shown = {}
    for stills in (None, "on", "none"):
        report = report_of(made / "out", ["second"], out=tmp_path / str(stills), stills=stills)
        shown[stills] = film(report.open_first.read_text())
        assert report.stills == (stills or "blur")
    assert shown["none"] == []
    assert len(shown[None]) == len(shown["on"]) > 4
    assert {image.shape for image in shown[None]} == {image.shape for image in shown["on"]}
    sharp, blurred = (np.array([detail(image) for image in shown[stills]]) for stills in ("on", None))
    assert (blurred < 0.12).all() and (sharp > 2 * blurred).mean() > 0.8, (sharp, blurred)
    with pytest.raises(SettingsError, match="`stills=faces`: expected one of on, blur, none"):
        report_of(made / "out", stills="faces")  # type: ignore[arg-type]


def test_the_command_says_once_how_stills_are_shown(made: Path, tmp_path: Path) -> None:
    done = avcues("report", made / "out", "first", "--out", tmp_path / "r")
    assert done.returncode == 0 and done.stdout.count("--stills on shows them sharp") == 1
    report_of(made / "out", ["first"], out=tmp_path / "r", stills="on")
    second = avcues("report", made / "out", "first", "--out", tmp_path / "r")
    assert second.stderr == "avcues: --stills on: as in the former report\n"
    assert "in which people can be recognised" in second.stdout


def everything(path: Path) -> str:
    """All text of a shared file, unpacked."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            texts = [
                archive.read(name).decode("utf-8", "replace") for name in archive.namelist() if "/media/" not in name
            ]
            texts += archive.namelist()
    else:
        texts = [path.read_text()]
    packed = [found for text in texts for found in re.findall(r"H4sI[A-Za-z0-9+/=]{20,}", text)]
    return "\n".join([*texts, *(gzip.decompress(base64.b64decode(one)).decode("utf-8", "replace") for one in packed)])


def test_a_shared_file_names_no_folder_of_this_machine(made: Path, tmp_path: Path) -> None:
    report_of(made / "out", media=made, out=tmp_path / "own")
    for name in ("all.zip", "one.html"):
        videos = ["first"] if name.endswith("html") else []
        text = everything(report_of(made / "out", videos, share=tmp_path / name, media=made).open_first)
        for folder in ("secret", "patients", str(tmp_path.parent), str(Path.home())):
            assert folder not in text, (name, text[text.index(folder) - 200 :][:300])
        assert "tiny4.mp4" in text
        assert ("gone.mp4: cannot be opened; see x.log" in text) == name.endswith("zip")  # the video that failed
        assert "media" not in re.findall(r"<(?:video|audio|source)\b", text)
    assert "patients" in everything(tmp_path / "own" / "videos" / "first.html")  # the own report does say where


def test_a_shared_zip_opens_where_it_is_unpacked_and_plays_only_what_was_asked_for(
    browser: Browser, made: Path, tmp_path: Path
) -> None:
    quiet = report_of(made / "out", share=tmp_path / "quiet.zip").open_first
    loud = report_of(made / "out", share=tmp_path / "loud.zip", with_media=True).open_first
    with zipfile.ZipFile(quiet) as archive:
        assert not [name for name in archive.namelist() if name.endswith(".mp4")]
        assert {name.partition("/")[0] for name in archive.namelist()} == {"quiet"}
    shutil.unpack_archive(loud, tmp_path / "elsewhere")
    browser.open(tmp_path / "elsewhere" / "loud" / "index.html", 1000)
    browser.value("document.querySelector('#videos a[href*=second]').click()")
    browser.wait("document.title === 'second · avcues' && document.documentElement.dataset.ready")
    browser.wait("document.getElementById('media').readyState > 1")
    assert browser.complaints == []
    assert all(request.startswith((tmp_path / "elsewhere").as_uri()) for request in browser.requests)


def test_a_shared_page_stands_alone_with_all_its_columns(browser: Browser, made: Path, tmp_path: Path) -> None:
    alone = report_of(made / "out", ["second"], share=tmp_path / "one.html").open_first
    browser.visit(f"{alone.resolve().as_uri()}#column=color.hue_010")
    browser.wait("[...document.querySelectorAll('.panel h2')].some(h => h.textContent === 'Color')")
    assert browser.value("document.querySelectorAll('nav a').length") == 0
    assert (set(browser.requests) <= {alone.resolve().as_uri()}, browser.complaints) == (True, [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--share", "x.pdf"], "--share x.pdf: expected FILE.zip or FILE.html"),
        (["--share", "x.html"], "name one of the 2, or share a ZIP file"),
        (["--share", "x.html", "--with-media"], "--with-media: an HTML file holds no videos"),
        (["--with-media"], "--with-media: only a shared file contains videos"),
        (["--share", "x.zip", "--out", "pages"], "give only one of them"),
    ],
)
def test_what_cannot_be_shared_is_said_in_one_line(made: Path, arguments: list[str], message: str) -> None:
    done = avcues("report", made / "out", *arguments)
    assert done.returncode == 2
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_shared_file_is_whole_or_absent(made: Path, tmp_path: Path) -> None:
    target = tmp_path / "here" / "all.zip"
    target.parent.mkdir()
    states = []
    for operation in range(10, 10_000, 45):
        killed = killed_at(operation, lambda: report_of(made / "out", share=target, stills="none"))
        states.append(target.exists())
        if target.exists():
            with zipfile.ZipFile(target) as archive:
                assert archive.testzip() is None
        if not killed:
            break
    assert states[-1] and len(states) > 2
    report_of(made / "out", share=target, stills="none")
    assert [path.name for path in target.parent.iterdir()] == ["all.zip"]


def test_a_later_report_remembers_what_the_former_one_was_made_with(made: Path, tmp_path: Path) -> None:
    place = Path(shutil.copytree(made, tmp_path / "copy"))
    out = place / "out"
    write(example({"first": 8, "second": 25}), place / "ann")
    given = {"annotations": place / "ann", "media": place, "columns": ["lighting.*"], "stills": "on"}
    first = report_of(out, **given)  # type: ignore[arg-type]
    before = first.open_first.parent / "videos" / "second.html"
    whole = before.read_bytes()
    second = report_of(out)
    assert before.read_bytes() == whole
    assert [note.partition("=")[0] for note in second.notes] == ["`media", "`annotations", "`columns", "`stills"]
    assert first.notes == ()

    moved = place.rename(tmp_path / "moved")  # the report and what it shows, together
    report_of(moved / "out")
    assert (moved / "out" / "report" / "videos" / "second.html").read_bytes() == whole

    shutil.rmtree(moved / "ann")
    with pytest.raises(InputError, match=r"`annotations=.*shown by the former report, but it no longer exists"):
        report_of(moved / "out")
    assert "--fresh" in avcues("report", moved / "out").stderr
    (moved / "films").mkdir()
    fresh = report_of(moved / "out", fresh=True, media=moved / "films")
    (moved / "films").rmdir()
    (note,) = report_of(moved / "out", ["first"]).notes
    assert note.startswith("`media=") and note.endswith("which no longer exists; the pages play nothing")
    assert (fresh.notes, fresh.stills) == ((), "blur")
    assert read_options(fresh.open_first.parent).annotations is None


def test_names_are_left_of_paths() -> None:
    names = PathShortener.of([Path("/data/my films")])
    assert names.document_without_folders({"error": ["/data/my films/a b.mp4: bad", "in /opt/x/y.bin"]}) == {
        "error": ["a b.mp4: bad", "in y.bin"]
    }
    assert (
        names.without_folders("<b>/</b> 25/1 frames and data/my films/x") == "<b>/</b> 25/1 frames and data/my films/x"
    )
