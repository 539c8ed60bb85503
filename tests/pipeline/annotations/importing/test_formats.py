"""Every registered format is read from the sample that its documentation shows, and is not taken for another."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command import avcues

from avcues.pipeline.annotations.importing.format import FormatOptions
from avcues.pipeline.annotations.importing.formats.table import import_table
from avcues.pipeline.annotations.importing.registry import formats_of, import_format, registered
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.errors import InputError, SettingsError

DOCUMENT = Path(__file__).parents[4] / "docs" / "rating_formats.md"
_BLOCK = re.compile(r"^```\w+ (?P<name>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"avcues annotations import (?P<name>\w+) (?P<file>\S+)")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("samples")
    document = DOCUMENT.read_text()
    for block in _BLOCK.finditer(document[document.index("## Formats with a command") :]):
        if block["name"] != "run":
            (place / block["name"]).parent.mkdir(parents=True, exist_ok=True)
            (place / block["name"]).write_text(block["text"])
    return place


def rows(study: Annotations, *keys: str) -> list[tuple[Any, ...]]:
    frame = study.ratings.to_pandas().astype(object)
    frame = frame.where(pd.notna(frame), None)
    return [tuple(row) for row in frame[list(keys)].itertuples(index=False)]


def documented() -> dict[str, list[str]]:
    """The files of each format in the commands of the page."""
    document = DOCUMENT.read_text()
    files: dict[str, list[str]] = {}
    for command in _COMMAND.finditer(document[document.index("## Formats with a command") :]):
        if command["name"] in registered():
            files.setdefault(command["name"], []).append(command["file"])
    return files


def test_every_format_is_documented() -> None:
    assert documented().keys() == registered().keys()
    assert len(registered()) == 18


@pytest.mark.parametrize("name", sorted(registered()))
def test_a_sample_looks_like_its_format_and_no_other(name: str, samples: Path) -> None:
    for file in documented()[name]:
        assert formats_of(samples / file) == [name]


@pytest.mark.parametrize("name", ["pmemo", "meld"])
def test_a_workbook_looks_like_the_format_that_its_table_has(name: str, samples: Path, tmp_path: Path) -> None:
    csv_file = next(
        file
        for path in documented()[name]
        for file in [samples / path, *(samples / path).glob("*.csv")]
        if file.suffix == ".csv"
    )
    pd.read_csv(csv_file).to_excel(tmp_path / "export.xlsx", index=False)
    assert formats_of(tmp_path / "export.xlsx") == [name]
    (tmp_path / "broken.xlsx").write_bytes(b"PK no workbook")
    assert formats_of(tmp_path / "broken.xlsx") == []


def test_files_without_a_format_are_named_on_the_command_line(samples: Path) -> None:
    done = avcues("annotations", "import", samples / "carma" / "2F10_08_AP.csv", "--out", samples / "x")
    assert done.returncode == 2
    assert "name its format; it looks like CARMA" in done.stderr
    assert "avcues annotations import carma" in done.stderr
    done = avcues("annotations", "import", samples / "questionnaire.csv", "--out", samples / "x")
    assert "looks like none of annemo, avec" in done.stderr
    (samples / "clip1.csv").write_text("time,anna,ben\n0,0.1,0.2\n")
    done = avcues("annotations", "import", samples / "clip1.csv", "--out", samples / "x")
    assert "it looks like a wide table: avcues annotations import wide" in done.stderr


@pytest.mark.parametrize(
    ("name", "options", "keys", "expected"),
    [
        (
            "deam",
            {},
            ("rater", "video_id", "dimension", "time", "value"),
            [("a1b2", "10", "arousal", 15.0, 0.1), ("a1b2", "10", "arousal", 15.5, 0.12)],
        ),
        ("pmemo", {}, ("video_id", "dimension", "time", "value"), [("1", "arousal", 15.0, 0.6)]),
        ("emotify", {}, ("rater", "video_id", "label"), [("row 1", "1", "solemnity"), ("row 1", "1", "calmness")]),
        ("muse", {}, ("rater", "video_id", "dimension", "time", "value"), [("1", "11", "arousal", 0.5, 0.15)]),
        ("cmu_mosei", {}, ("video_id", "setup", "value"), [("-3g5yACwYnA_10", "all", 1.0)]),
        ("ch_sims", {}, ("video_id", "setup", "value"), [("video_0001_0001", "text", -0.4)]),
        ("meld", {}, ("video_id", "dimension", "label"), [("dia0_utt0", "emotion", "sadness")]),
        (
            "iemocap",
            {},
            ("rater", "video_id", "dimension", "value", "label"),
            [
                ("E2", "Ses01F_impro01_F000", "emotion", None, "Neutral"),
                ("E4", "Ses01F_impro01_F000", "emotion", None, "Neutral"),
                ("E4", "Ses01F_impro01_F000", "emotion", None, "Frustration"),
                ("F1", "Ses01F_impro01_F000", "emotion", None, "Neutral"),
                ("E3", "Ses01F_impro01_F000", "valence", 3.0, None),
                ("E3", "Ses01F_impro01_F000", "activation", 2.0, None),
                ("E3", "Ses01F_impro01_F000", "dominance", 2.0, None),
            ],
        ),
        ("avec", {}, ("video_id", "dimension", "time", "value"), [("dev_1", "arousal", 0.0, 0.1)]),
        (
            "carma",
            {"dimension": "valence"},
            ("rater", "video_id", "dimension", "time", "value"),
            [
                ("AP", "2F10_08", "valence", 0.5, 7.8010475),
                ("AP", "2F10_08", "valence", 1.5, 0.930772222),
                ("JG", "clip1", "valence", 0.25, 7.8),
                ("JG", "clip1", "valence", 0.75, 0.9308),
            ],
        ),
        (
            "darma",
            {},
            ("rater", "video_id", "dimension", "time", "value"),
            [("JG", "clip1", "affiliation", 0.5, 100.0), ("JG", "clip1", "dominance", 0.5, -250.0)],
        ),
        (
            "pagan",
            {"dimension": "arousal"},
            ("rater", "video_id", "time", "value"),
            [
                ("anna", "clip1", 0.0, 0.0),
                ("anna", "clip1", 2.5, 3.0),
                ("ben", "dQw4w9WgXcQ", 0.0, 0.0),
                ("ben", "dQw4w9WgXcQ", 4.0, -1.0),
            ],
        ),
        ("annemo", {}, ("rater", "video_id", "dimension", "time", "value"), [("FM1", "P16", "valence", 0.0, 0.0)]),
        (
            "nova",
            {},
            ("rater", "video_id", "dimension", "time", "value"),
            [("anna", "session1", "arousal", 0.0, -0.021), ("anna", "session1", "arousal", 0.04, -0.017)],
        ),
        (
            "elan",
            {},
            ("rater", "video_id", "dimension", "time", "value", "label"),
            [
                ("anna", "clip1", "valence", 0.0, 4.0, None),
                ("anna", "clip1", "valence", 0.5, 4.0, None),
                ("anna", "clip1", "valence", 1.0, 4.0, None),
                ("anna", "clip1", "mood", 0.0, None, "calm"),
                ("anna", "clip1", "mood", 0.5, None, "calm"),
                ("anna", "clip1", "mood", 1.0, None, "calm"),
                ("anna", "clip1", "mood", 1.5, None, "tense"),
            ],
        ),
        (
            "label_studio",
            {"frame_rate": 25.0},
            ("rater", "video_id", "dimension", "time", "value", "label"),
            [
                # Frames 1 to 50 of 25 a second are the first two seconds.
                *(("7", "clip1", "tension", 0.5 * window, None, "rising") for window in range(4)),
                ("7", "clip1", "mood", None, None, "calm"),
                ("7", "clip1", "mood", None, None, "tender"),
                ("7", "clip1", "valence", None, 4.0, None),
            ],
        ),
        (
            "jspsych",
            {},
            ("rater", "video_id", "dimension", "value"),
            [("anna", "clip1", "rating", 72.0), ("anna", "clip1", "arousal", 3.0), ("anna", "clip1", "liking", 5.0)],
        ),
        (
            "qualtrics",
            {},
            ("rater", "video_id", "dimension", "value", "label"),
            [
                ("R_1abc", "clip1", "valence", 4.0, None),
                ("R_2def", "clip1", "valence", 5.0, None),
                ("R_1abc", "clip1", "mood", None, "calm"),
                ("R_2def", "clip1", "mood", None, "tense"),
                ("R_1abc", "clip2", "valence", 2.0, None),
            ],
        ),
    ],
)
def test_a_sample_is_read(
    name: str, options: dict[str, Any], keys: tuple[str, ...], expected: list[Any], samples: Path
) -> None:
    study = import_format(name, [samples / documented()[name][0]], options=FormatOptions(**options))
    assert rows(study, *keys)[: len(expected)] == expected
    assert study.origin["importer"] == name


def test_scales_that_a_format_states_are_those_of_the_ratings(samples: Path) -> None:
    def scale(name: str, dimension: str) -> tuple[Any, ...]:
        scale_of = import_format(name, [samples / documented()[name][0]]).dimensions[dimension]
        return scale_of.level, scale_of.low, scale_of.high

    assert scale("carma", "rating") == ("interval", -100, 100)
    assert scale("darma", "affiliation") == ("interval", -1000, 1000)
    assert scale("pmemo", "arousal") == ("interval", 0, 1)
    assert scale("deam", "valence") == ("interval", -1, 1)
    assert scale("deam", "valence_of_song") == ("interval", 1, 9)
    assert scale("nova", "arousal") == ("interval", -1, 1)
    assert scale("iemocap", "valence") == ("ordinal", 1, 5)
    assert import_format("pagan", [samples / "pagan/log.csv"]).dimensions["rating"].hold


def test_tables_of_any_form_are_read_by_a_map(samples: Path) -> None:
    commands = DOCUMENT.read_text().split("avcues annotations import table ")[1:]
    for command, out in zip(commands[:3], ("own-1", "own-2", "own-3"), strict=True):
        words = shlex.split(command.split("\n```")[0].split("\navcues")[0].replace("\\\n", " "))
        assert out in words
    keys = {"rater": "{rater}", "video_id": "{video_id}", "time": "Zeit", "value": "Wert"}
    constants = {"setup": "=video", "dimension": "=valence"}
    files = sorted((samples / "ratings-by-clip").glob("*.csv"))
    study = import_table(files, keys | constants, pattern="{rater}_{video_id}", scale=(0, 100), range_=(-1, 1))
    assert rows(study, "rater", "video_id", "time", "value") == [
        ("anna", "film_01", 0.0, 0.0),
        ("anna", "film_01", 0.5, 0.51),
    ]
    assert "left out: 1 row without a value" in study.notes
    questions = import_table(
        [samples / "questionnaire.csv"],
        {"rater": "code", "setup": "=all"},
        header="{video_id} {dimension}",
        scale=(1, 9),
        range_=(-1, 1),
    )
    assert rows(questions, "rater", "video_id", "dimension", "value") == [
        ("r1", "clip_01", "valence", 1.0),
        ("r1", "clip_01", "arousal", 0.0),
        ("r1", "clip_02", "valence", -1.0),
        ("r2", "clip_01", "valence", 0.5),
        ("r2", "clip_01", "arousal", 0.0),
    ]
    keys = {"rater": "annotator", "video_id": "file", "start": "from", "end": "to", "label": "feeling"}
    segments = import_table([samples / "segments.csv"], keys | {"setup": "=video", "dimension": "=mood"}, split=";")
    assert rows(segments, "rater", "video_id", "time", "label")[:4] == [
        ("anna", "film_01", 0.0, "calm"),
        ("anna", "film_01", 0.5, "calm"),
        ("anna", "film_01", 1.0, "calm"),
        ("anna", "film_01", 1.5, "calm"),
    ]
    assert len(segments.ratings) == 2 * 5 + 4


def test_ids_match_but_for_folders_suffixes_and_leading_zeros(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,v\n7,0.1\nclips/b.mp4,0.2\n")
    keys = {"video_id": "id", "value": "v", "rater": "=r", "setup": "=s", "dimension": "=d"}
    study = import_table([tmp_path / "a.csv"], keys, known=["007", "b"])
    assert study.videos == ("007", "b")
    assert "ids were matched but for folders, suffixes or leading zeros: 7 as 007" in study.notes


@pytest.mark.parametrize(
    ("keys", "options", "error", "message"),
    [
        ({"value": "w"}, {}, InputError, "has no column w, only id, v"),
        ({"worth": "v"}, {}, SettingsError, "expected one of rater, video_id"),
        ({"video_id": "{movie}"}, {"header": "v"}, SettingsError, "{movie} is no column and no part of the path"),
        ({}, {"header": "{colour}"}, SettingsError, "{colour} is unknown"),
        ({}, {"header": "x{round}"}, InputError, 'no column is named like "x{round}"'),
        ({}, {}, SettingsError, "names no `value` and no label"),
        ({"value": "v"}, {"scale": (0, 1)}, SettingsError, "`scale` needs `range_`"),
    ],
)
def test_maps_that_do_not_fit_say_why(
    keys: dict[str, str], options: dict[str, Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("id,v\na,0.1\n")
    base = {"video_id": "id", "rater": "=r", "setup": "=s", "dimension": "=d"}
    with pytest.raises(error) as raised:
        import_table([tmp_path / "a.csv"], base | keys, **options)
    assert message in str(raised.value)


@pytest.mark.parametrize("name", ["iemocap", "avec", "darma", "nova", "elan", "label_studio", "jspsych", "qualtrics"])
def test_broken_files_are_one_line(name: str, tmp_path: Path) -> None:
    suffix = {"avec": "arff", "elan": "eaf", "nova": "annotation", "label_studio": "json", "jspsych": "json"}
    file = tmp_path / f"broken.{suffix.get(name, 'csv')}"
    file.write_text("<xml broken\n")
    with pytest.raises(InputError) as error:
        import_format(name, [file])
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("label_studio", "[" * 200_000, "nested too deeply"),
        ("label_studio", '[{"data": 5}]', "[0].data: "),
        (
            "label_studio",
            '[{"data": {"video": "a.mp4"}, "annotations": [{"result": 7}]}]',
            "[0].annotations[0].result: ",
        ),
        (
            "label_studio",
            '[{"data": {"video": "a.mp4"}, "annotations": [{"result": [{"value": {"ranges": [{"start": 1}]}}]}]}]',
            "[0].annotations[0].result[0].value.ranges[0].end: Field required",
        ),
        ("jspsych", "[" * 200_000, "nested too deeply"),
        ("jspsych", "[5]", "[0]: "),
        ("jspsych", '{"trial_type": "html", "time_elapsed": 5}', ": "),
    ],
)
def test_json_of_another_form_is_one_line(name: str, text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError) as error:
        import_format(name, [tmp_path / "a.json"])
    assert str(error.value).startswith(f"{tmp_path / 'a.json'}: is no export of ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", sorted(registered()))
def test_damaged_samples_are_read_or_refused_in_one_line(name: str, samples: Path, tmp_path: Path) -> None:
    for document in documented()[name]:
        folder = tmp_path / document.split("/")[0]
        for file in sorted(path for path in (samples / folder.name).rglob("*") if path.is_file()):
            lines = file.read_text().splitlines()
            shorter_rows = [re.sub(r"[,;\t][^,;\t]*$", "", line) for line in lines]
            for damaged in (lines[:1], lines[: len(lines) // 2], [*lines[:-1], shorter_rows[-1]], shorter_rows):
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(samples / folder.name, folder)
                (folder / file.relative_to(samples / folder.name)).write_text("\n".join(damaged))
                try:
                    import_format(name, [tmp_path / document], options=FormatOptions(frame_rate=25))
                except InputError as error:
                    assert "\n" not in str(error)


def test_annotations_of_elan_have_the_times_of_those_that_they_refer_to(tmp_path: Path) -> None:
    reference = (
        '<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="{}" ANNOTATION_REF="{}"><ANNOTATION_VALUE>{}</ANNOTATION_VALUE>'
    )
    reference += "</REF_ANNOTATION></ANNOTATION>"
    text = f"""<ANNOTATION_DOCUMENT AUTHOR="anna"><TIME_ORDER><TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="0"/>
        <TIME_SLOT TIME_SLOT_ID="t2" TIME_VALUE="500"/></TIME_ORDER>
        <TIER TIER_ID="why">{reference.format("a3", "a2", "music")}{reference.format("r1", "r2", "lost")}</TIER>
        <TIER TIER_ID="mood">{reference.format("a2", "a1", "calm")}{reference.format("r2", "r1", "lost")}</TIER>
        <TIER TIER_ID="words"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="t1"
        TIME_SLOT_REF2="t2"><ANNOTATION_VALUE>hello</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>"""
    (tmp_path / "a.eaf").write_text(text)
    study = import_format("elan", [tmp_path / "a.eaf"])
    assert rows(study, "dimension", "time", "label") == [
        ("why", 0.0, "music"),
        ("mood", 0.0, "calm"),
        ("words", 0.0, "hello"),
    ]
    assert "a.eaf: left out: 2 annotations without times" in study.notes
    (tmp_path / "a.eaf").write_text(text.replace('"500"', '"soon"'))
    with pytest.raises(InputError, match=r'a\.eaf: has the time "soon"; expected milliseconds'):
        import_format("elan", [tmp_path / "a.eaf"])


def test_rows_of_qualtrics_are_counted_with_those_left_out(samples: Path) -> None:
    with pytest.raises(InputError, match=r"survey\.csv: row 5: valence is 5; expected 1 to 4"):
        import_format("qualtrics", [samples / "qualtrics" / "survey.csv"], range_=(1, 4))


def test_times_of_muse_that_are_no_numbers_are_said(tmp_path: Path) -> None:
    (tmp_path / "arousal").mkdir()
    (tmp_path / "arousal" / "1.csv").write_text("timestamp,1\n500,0.1\nlater,0.2\n")
    with pytest.raises(InputError, match=r'1\.csv: row 2: timestamp is "later"; expected seconds'):
        import_format("muse", [tmp_path / "arousal" / "1.csv"])


def test_an_unknown_encoding_is_said(samples: Path, tmp_path: Path) -> None:
    text = next((samples / "elan").rglob("*.eaf")).read_text()
    (tmp_path / "a.eaf").write_text(text.replace('encoding="UTF-8"', 'encoding="UTF-x"'))
    with pytest.raises(InputError, match=r"a\.eaf: is no XML file of ELAN \(unknown encoding: UTF-x\)"):
        import_format("elan", [tmp_path / "a.eaf"])


def test_the_labels_of_sewa_have_no_header(samples: Path) -> None:
    study = import_format("avec", [samples / "sewa"])
    assert rows(study, "video_id", "dimension", "time", "value")[:4] == [
        ("Devel_DE_01", "arousal", 0.0, 0.1),
        ("Devel_DE_01", "valence", 0.0, 0.2),
        ("Devel_DE_01", "liking", 0.0, 0.0),
        ("Devel_DE_01", "arousal", 0.1, 0.11),
    ]


def test_what_the_exports_of_tools_hold_beside_ratings_is_counted(samples: Path) -> None:
    with pytest.raises(InputError, match="counted in frames; give `frame_rate`"):
        import_format("label_studio", [samples / "label-studio"])
    study = import_format("label_studio", [samples / "label-studio"], options=FormatOptions(frame_rate=25))
    assert "left out: 1 result of the type textarea, no ratings" in study.notes
    study = import_format("qualtrics", [samples / "qualtrics"])
    assert "survey.csv: left out: 1 response in previews or tests" in study.notes
    assert "survey.csv: left out: 1 response not finished" in study.notes
    assert set(study.dimensions) == {"valence", "mood"}
    minimal = samples / "minimal.json"
    minimal.write_text('[{"video": "/data/upload/1/clip1.mp4", "mood": "calm", "annotator": 1, "annotation_id": 4}]')
    with pytest.raises(InputError, match="export as JSON, not as JSON-MIN"):
        import_format("label_studio", [minimal])


def test_tiers_without_an_annotator_name_raters_in_other_ways(samples: Path, tmp_path: Path) -> None:
    text = (samples / "elan" / "clip1.eaf").read_text()
    file = tmp_path / "file.eaf"
    file.write_text(text.replace('ANNOTATOR="anna" ', "").replace('TIER_ID="mood"', 'TIER_ID="mood@ben"'))
    study = import_format("elan", [file])
    assert set(rows(study, "rater", "dimension")) == {("ben", "mood"), ("cleo", "valence")}
    file.write_text(text.replace('MIME_TYPE="video/mp4"', 'MIME_TYPE="video/mp4" TIME_ORIGIN="1000"'))
    assert [time for time, label in rows(import_format("elan", [file]), "time", "label") if label == "tense"] == [2.5]


@pytest.mark.parametrize("name", registered())
def test_only_plain_files_are_opened(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "device.csv").symlink_to("/dev/zero")
    for path in tmp_path.iterdir():
        with pytest.raises(InputError, match="is not a regular file"):
            import_format(name, [path])
