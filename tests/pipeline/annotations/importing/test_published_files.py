"""Data sets and tools as their real files are: several forms of one format, gaps, and what is no rating."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from avcues.pipeline.annotations.importing.registry import formats_of, import_format
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.errors import InputError


def rows(study: Annotations, *keys: str) -> list[tuple[Any, ...]]:
    frame = study.ratings.to_pandas().astype(object)
    return [tuple(row) for row in frame.where(pd.notna(frame), None)[list(keys)].itertuples(index=False)]


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_deam_has_ratings_over_time_of_named_and_unnamed_raters_and_ratings_of_songs(tmp_path: Path) -> None:
    over_time, of_songs = "per rater/dynamic (per second annotations)/arousal", "per rater/song_level"
    write(
        tmp_path,
        {
            f"{over_time}/2.csv": "WorkerId,sample_15000ms,sample_15500ms\na1,0.1,0.2\nb2,-0.1,\n",
            f"{over_time}/2001.csv": "sample_15000ms,sample_15500ms\n0.3,0.4\n-0.5,-0.6\n",
            f"{over_time}/7.csv": "",
            f"{of_songs}/static_annotations_songs_1_2000.csv": "workerID, SongId, Valence, Arousal\na1, 2, 6, 9\n",
            f"{of_songs}/static_annotations_songs_2000_2058.csv": (
                "SongId, WorkerId, Arousal_Average, Arousal_Max, Valence_Average, Valence_Max\n2001, c3, 5, 9, 4, 8\n"
            ),
        },
    )
    study = import_format("deam", [tmp_path])
    assert rows(study, "rater", "video_id", "dimension", "time", "value") == [
        ("a1", "2", "arousal", 15.0, 0.1),
        ("a1", "2", "arousal", 15.5, 0.2),
        ("b2", "2", "arousal", 15.0, -0.1),
        ("2001, row 1", "2001", "arousal", 15.0, 0.3),
        ("2001, row 1", "2001", "arousal", 15.5, 0.4),
        ("2001, row 2", "2001", "arousal", 15.0, -0.5),
        ("2001, row 2", "2001", "arousal", 15.5, -0.6),
        ("a1", "2", "arousal_of_song", None, 9.0),
        ("a1", "2", "valence_of_song", None, 6.0),
        ("c3", "2001", "arousal_of_song", None, 5.0),
        ("c3", "2001", "valence_of_song", None, 4.0),
    ]
    assert any("some files name no raters" in note for note in study.notes)
    averaged = "song_id, valence_mean, valence_std, arousal_mean, arousal_std\n2,3.1,0.94,3,0.63\n"
    file = write(tmp_path, {"static_annotations_averaged_songs_1_2000.csv": averaged})
    file = tmp_path / "static_annotations_averaged_songs_1_2000.csv"
    assert formats_of(file) == ["deam"]
    assert rows(import_format("deam", [file]), "rater", "dimension", "value") == [
        ("average", "arousal_of_song", 3.0),
        ("average", "valence_of_song", 3.1),
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is empty"):
        import_format("deam", [tmp_path / over_time / "7.csv"])


def test_deam_s_empty_files_are_counted(tmp_path: Path) -> None:
    write(tmp_path, {"arousal/2.csv": "WorkerId,sample_15000ms\na1,0.1\n", "arousal/7.csv": ""})
    study = import_format("deam", [tmp_path / "arousal" / "2.csv", tmp_path / "arousal" / "7.csv"])
    assert "left out: 1 empty file: 7.csv" in study.notes


def test_pmemo_has_raters_of_its_own(tmp_path: Path) -> None:
    heading = "subjectId,static,15.0,15.5\n"
    write(
        tmp_path,
        {
            "Annotations/Arousal/1-A.csv": f"{heading}100177,0.5,0.6,0.7\n",
            "Annotations/Valence/1-V.csv": f"{heading}100177,0.25,0.3,0.4\n",
            "Annotations/Valence/2-V.csv": "id,static,first,second\n1,0.2,0.3,0.4\n",
        },
    )
    files = [tmp_path / "Annotations/Arousal/1-A.csv", tmp_path / "Annotations/Valence/1-V.csv"]
    assert rows(import_format("pmemo", files), "rater", "video_id", "dimension", "time", "value") == [
        ("100177", "1", "arousal_of_song", None, 0.5),
        ("100177", "1", "arousal", 15.0, 0.6),
        ("100177", "1", "arousal", 15.5, 0.7),
        ("100177", "1", "valence_of_song", None, 0.25),
        ("100177", "1", "valence", 15.0, 0.3),
        ("100177", "1", "valence", 15.5, 0.4),
    ]
    with pytest.raises(InputError, match=r"2-V\.csv: its columns from the third on are not called by their seconds"):
        import_format("pmemo", [tmp_path / "Annotations/Valence/2-V.csv"])


def test_emotify_keeps_participants_who_chose_nothing_and_what_they_liked(tmp_path: Path) -> None:
    heading = "track id, genre, amazement, solemnity, tenderness, nostalgia, calmness, power, joyful_activation, "
    heading += "tension, sadness, mood, liked, disliked, age, gender, mother tongue\n"
    write(
        tmp_path,
        {"data.csv": f"{heading}1,rock,0,0,0,0,0,0,0,0,0,3,1,0,21,1,English\n2,pop,1,0,0,0,0,0,0,0,0,4,0,1,9,0,E\n"},
    )
    study = import_format("emotify", [tmp_path / "data.csv"])
    assert rows(study, "rater", "video_id", "label") == [("row 1", "1", None), ("row 2", "2", "amazement")]
    assert study.raters.select(["rater", "liked", "mood"]).to_pylist()[0] == {"rater": "row 1", "liked": 1, "mood": 3}


def test_mosei_has_raters_clips_and_segments(tmp_path: Path) -> None:
    answers = "Answer.anger,Answer.happiness,Answer.sentiment"
    write(
        tmp_path,
        {
            "raters.csv": f"WorkerId,Input.VIDEO_ID,Input.CLIP,{answers}\nW1,abc,10,0,2,-3\nW2,abc,10,1,3,1\n",
            "rows.csv": f"Input.VIDEO_ID,Input.CLIP,{answers}\nabc,10,0,2,-3\nabc,10,1,3,1\n",
        },
    )
    raters = import_format("cmu_mosei", [tmp_path / "raters.csv"])
    assert rows(raters, "rater", "video_id", "dimension", "value")[:4] == [
        ("W1", "abc_10", "anger", 0.0),
        ("W1", "abc_10", "happiness", 2.0),
        ("W1", "abc_10", "sentiment", -3.0),
        ("W2", "abc_10", "anger", 1.0),
    ]
    assert (raters.dimensions["happiness"].low, raters.dimensions["sentiment"].low) == (0, -3)
    assert import_format("cmu_mosei", [tmp_path / "rows.csv"]).rater_ids == ("row 1", "row 2")
    file = tmp_path / "CMU_MOSEI_Labels.csd"
    with h5py.File(file, "w") as archive:
        video = archive.create_group("All Labels/data/-3g5yACwYnA")
        video["intervals"] = np.array([[1.0, 2.0], [0.0, 1.0]])
        video["features"] = np.array([[2.0, 1, 0, 0, 0, 0, 0], [-1.0, 0, 3, 0, 0, 0, 0]], np.float32)
    assert formats_of(file) == ["cmu_mosei"]
    segments = import_format("cmu_mosei", [file])
    sentiment = segments.select(dimensions=["sentiment"])
    assert sorted(rows(sentiment, "time", "value")) == [(0.0, -1.0), (0.5, -1.0), (1.0, 2.0), (1.5, 2.0)]
    assert max(value for (value,) in rows(segments.select(dimensions=["sadness"]), "value")) == 3.0


def test_ch_sims_is_known_by_its_labels_and_not_by_its_folder(tmp_path: Path) -> None:
    heading = "video_id,clip_id,text,label,label_T,label_A,label_V,annotation,mode\n"
    write(
        tmp_path,
        {
            "a/label.csv": f'{heading}video_0001,1,"a, b",-0.2,-0.4,0.0,-0.6,Negative,train\n',
            "sims/label.csv": f'{heading}-3g5yACwYnA,10,"a, b",1.0,,,,Positive,train\n',
        },
    )
    assert formats_of(tmp_path / "a/label.csv") == ["ch_sims"]
    assert formats_of(tmp_path / "sims/label.csv") == ["cmu_mosei"]
    assert set(rows(import_format("ch_sims", [tmp_path / "a/label.csv"]), "video_id")) == {("video_0001_0001",)}


def test_the_dyadic_version_of_meld_names_clips_by_their_old_ids(tmp_path: Path) -> None:
    heading = "Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Old_Dialogue_ID,Old_Utterance_ID\n"
    lines = "It\x92s me.,Ross,joy,positive,0,0,3,1\nIt\x92s me.,Ross,joy,positive,1,0,3,1\n"
    lines += "No.,Joey,anger,negative,1,1,3,2\n"
    file = write(tmp_path, {"dev_sent_emo_dya.csv": (heading + lines).encode("latin-1")}) / "dev_sent_emo_dya.csv"
    assert formats_of(file) == ["meld"]
    study = import_format("meld", [file])
    assert rows(study, "video_id", "label") == [
        ("dia3_utt1", "joy"),
        ("dia3_utt2", "anger"),
        ("dia3_utt1", "positive"),
        ("dia3_utt2", "negative"),
    ]
    assert "dev_sent_emo_dya.csv: left out: 1 repetition of utterances in other dialogues" in study.notes


def test_iemocap_s_attributes_without_a_value_are_counted(tmp_path: Path) -> None:
    text = "[6.29 - 8.23]\tSes01F_impro01_F000\tneu\t[2.5, 2.5, 2.5]\n"
    text += "C-E2:\tNeutral;\t()\nA-E3:\tval 3; act ; dom  2;\t()\n"
    by_rater = "Ses01F_impro01_F000 :act 4; :val 3; :dom 2;\n"
    write(tmp_path, {"Ses01F_impro01.txt": text, "Attribute/Ses01F_impro01_e2_atr.txt": by_rater})
    study = import_format("iemocap", [tmp_path])
    assert rows(study, "rater", "dimension", "value") == [
        ("E2", "emotion", None),
        ("E3", "valence", 3.0),
        ("E3", "dominance", 2.0),
    ]
    assert "Ses01F_impro01.txt: left out: 1 attribute without a value" in study.notes


def carma(*ratings: str, upper: str = "very positive") -> str:
    lines = ["Time of Rating,01-Jan-2020", "Multimedia File,clip1.mp4", "Lower Label,low", f"Upper Label,{upper}"]
    lines += ["Minimum Value,-100", "Maximum Value,100", "Number of Steps,9", "Second,Rating", "%%%%%%,%%%%%%"]
    return "\n".join([*lines, *ratings])


def test_carma_writes_its_scale_above_the_ratings(tmp_path: Path) -> None:
    ratings = ("0.25,10", "0.5,-100", "0.75,NaN")
    write(tmp_path, {"clip1_JG.csv": carma(*ratings, upper="sad, angry"), "clip1_Mean.csv": carma(*ratings)})
    study = import_format("carma", [tmp_path])
    assert rows(study, "rater", "video_id", "time", "value") == [
        ("JG", "clip1", 0.125, 10.0),
        ("JG", "clip1", 0.375, -100.0),
    ]
    assert study.dimensions["rating"].low == -100
    assert "left out: 1 file with the mean over raters: clip1_Mean.csv" in study.notes
    workbook = tmp_path / "clip1_AP.xlsx"
    pd.DataFrame([line.split(",") for line in carma(*ratings).splitlines()]).to_excel(
        workbook, index=False, header=False
    )
    assert formats_of(workbook) == ["carma"]
    assert import_format("carma", [workbook]).rater_ids == ("AP",)
    write(tmp_path, {"clip1_YY.csv": carma('"0.5\n",1').replace("Second,Rating", "Second").replace(",%%%%%%", "")})
    with pytest.raises(InputError, match=r"clip1_YY\.csv: has no ratings"):
        import_format("carma", [tmp_path / "clip1_YY.csv"])
    write(tmp_path, {"clip1_XX.csv": carma("0.25,much")})
    with pytest.raises(InputError, match=r'clip1_XX\.csv: row 9: holds "much"; expected a number'):
        import_format("carma", [tmp_path / "clip1_XX.csv"])


def test_darma_calls_dimensions_as_its_axes_and_keeps_gaps(tmp_path: Path) -> None:
    text = "Time of Rating,1,,\nMedia File,clip1.mp4,,\nMagnitude,100,,\n"
    text += "Second,Valence,Arousal,B\n%%%%%%,%%%%%%,%%%%%%,%%%%%%\n"
    write(tmp_path, {"clip1_JG.csv": f"{text}0.5,10,20,0\n1,NaN,30,0\n", "clip1_Mean.csv": f"{text}0.5,10,20,0\n"})
    study = import_format("darma", [tmp_path])
    assert rows(study, "rater", "dimension", "time", "value") == [
        ("JG", "valence", 0.25, 10.0),
        ("JG", "arousal", 0.25, 20.0),
        ("JG", "arousal", 0.75, 30.0),
    ]
    assert "left out: 1 file with the mean over raters: clip1_Mean.csv" in study.notes


def pagan(*packets: str) -> str:
    return "\n".join(["OriginalName,DatabaseName,Participant,SessionID,Timestamp,VideoTime,Value", *packets])


def test_pagan_tells_runs_apart_and_leaves_closing_packets_out(tmp_path: Path) -> None:
    log = pagan(
        "a.mp4 - 60,p-1,anna,s1,1000,0,0",
        "a.mp4 - 60,p-1,anna,s1,9000,8000,5",
        "a.mp4 - 60,p-1,anna,s1,8000,7000,3",  # arrived late
        "a.mp4 - 60,p-1,anna,s1,20000,0,0",  # the page was loaded again
        "a.mp4 - 60,p-1,anna,s1,25000,5000,2",
        "a.mp4 - 60,p-1,anna,s1,80000,60000,0",
        "Sun, moon (dQw4w9WgXcQ) - 60,p-2,anna,s1,90000,0,0",
        "Sun, moon (dQw4w9WgXcQ) - 60,p-2,anna,s1,91000,1000,1",
    )
    study = import_format("pagan", [write(tmp_path, {"log.csv": log}) / "log.csv"])
    assert rows(study, "video_id", "time", "value") == [
        ("a", 0.0, 0.0),
        ("a", 7.0, 3.0),
        ("a", 8.0, 5.0),
        ("dQw4w9WgXcQ", 0.0, 0.0),
        ("dQw4w9WgXcQ", 1.0, 1.0),
    ]
    assert study.repeats.select(["time", "value", "repeat"]).to_pylist() == [
        {"time": 0.0, "value": 0.0, "repeat": 1},
        {"time": 5.0, "value": 2.0, "repeat": 1},
    ]
    assert "log.csv: left out: 1 packet closing a run with 0" in study.notes
    with pytest.raises(InputError, match=r"log\.csv: row 1: ends in no numbers"):
        import_format("pagan", [write(tmp_path, {"log.csv": pagan("a.mp4,p,anna,s1,1,0,high")}) / "log.csv"])


def test_logs_of_annemo_are_read_beside_recola_s_ratings(tmp_path: Path) -> None:
    day = '"Monday, June 7th, 2021, 3:04:05 PM"'
    log = f"{day},1,anna,clip1.mp4,arousal,1.25,0.1,true\n{day},2,anna,clip1.mp4,arousal,3.5,0.35,true\n"
    log += "Social,0.33,0,0,0,1\n"
    write(tmp_path, {"results/anna.csv": log, "arousal/P16.csv": "time;FM1 ;FF3 \n0.00;0.10;\n0.04;0.12;-0.2\n"})
    assert formats_of(tmp_path / "results/anna.csv") == ["annemo"]
    study = import_format("annemo", [tmp_path / "results"])
    assert rows(study, "rater", "video_id", "dimension", "time", "value") == [
        ("anna", "clip1", "arousal", 1.25, 0.1),
        ("anna", "clip1", "arousal", 3.5, 0.35),
    ]
    assert study.dimensions["arousal"].hold
    assert "anna.csv: left out: 1 line of social dimensions, which name no video" in study.notes
    recola = import_format("annemo", [tmp_path / "arousal"])
    assert rows(recola, "rater", "time") == [("FM1", 0.0), ("FM1", 0.04), ("FF3", 0.04)]
    with pytest.raises(InputError, match="is no log of ANNEMO like the other files"):
        import_format("annemo", [tmp_path])


def nova(kind: str, form: str, role: str = "novice", more: str = "") -> str:
    return (
        f'<?xml version="1.0" ?>\n<annotation ssi-v="3"><info ftype="{form}" size="3" /><meta annotator="Zoë" '
        f'role="{role}"/><scheme name="mood" type="{kind}" {more}><item name="calm" id="0"/></scheme></annotation>'
    )


def test_nova_writes_text_and_binary_in_the_way_of_its_system(tmp_path: Path) -> None:
    continuous = nova("CONTINUOUS", "ASCII", more='sr="2,5" min="-1" max="1"')
    write(
        tmp_path,
        {
            "s1/n.text.z.annotation": continuous.encode("cp1252"),
            "s1/n.text.z.annotation~": "0,5;1\nNaN;1\n-0,5;1\n",
            "s2/n.bin.z.annotation": nova("CONTINUOUS", "BINARY", more='sr="2.5" min="-1" max="1"'),
            "s2/n.bin.z.annotation~": struct.pack("<6f", 0.5, 1, float("nan"), 1, -0.5, 1),
            "s3/n.mood.z.annotation": nova("DISCRETE", "BINARY"),
            "s3/n.mood.z.annotation~": struct.pack("<ddifddif", 0, 1, 0, 1, 1, 2, -1, 1),
            "s4/n.words.z.annotation": nova("FREE", "BINARY"),
            "s4/n.words.z.annotation~": struct.pack("<ddi", 0, 1, 4) + "müde".encode() + struct.pack("<f", 1),
            "s5/n.words.z.annotation": nova("FREE", "ASCII"),
            "s5/n.words.z.annotation~": "0;1;calm; then tired;1;color=#FF0000\n",
        },
    )
    for session in ("s1", "s2"):
        study = import_format("nova", [tmp_path / session])
        assert rows(study, "rater", "video_id", "time", "value") == [
            ("Zoë", session, 0.0, 0.5),
            ("Zoë", session, 0.8, -0.5),
        ]
        ratings = tmp_path / session / ("n.text.z.annotation~" if session == "s1" else "n.bin.z.annotation~")
        assert formats_of(ratings) == ["nova"]
        assert import_format("nova", [ratings]).ratings == study.ratings
    discrete = import_format("nova", [tmp_path / "s3"])
    assert rows(discrete, "time", "label") == [(0.0, "calm"), (0.5, "calm")]
    assert "n.mood.z.annotation~: left out: 1 segment labelled as garbage" in discrete.notes
    assert "n.mood.z.annotation~: has 2 items, but n.mood.z.annotation counts 3" in discrete.notes
    assert set(rows(import_format("nova", [tmp_path / "s4"]), "label")) == {("müde",)}
    assert set(rows(import_format("nova", [tmp_path / "s5"]), "label")) == {("calm; then tired",)}
    write(tmp_path, {"s7/n.a.z.annotation": nova("CONTINUOUS", "ASCII", more='sr="2" min="-x" max="1"')})
    write(tmp_path, {"s7/n.a.z.annotation~": "0.5;1\n"})
    with pytest.raises(InputError, match=r'n\.a\.z\.annotation: the min of its scheme is "-x"; expected a number'):
        import_format("nova", [tmp_path / "s7"])
    write(tmp_path, {"s6/n.p.z.annotation": nova("POLYGON", "ASCII"), "s6/n.p.z.annotation~": "{}"})
    with pytest.raises(InputError, match="its scheme is of the type POLYGON; expected one of CONTINUOUS"):
        import_format("nova", [tmp_path / "s6"])


def test_roles_of_a_session_of_nova_are_videos_of_their_own(tmp_path: Path) -> None:
    for role in ("novice", "expert"):
        scheme = nova("CONTINUOUS", "ASCII", role, 'sr="25" min="-1" max="1"')
        write(tmp_path, {f"s1/{role}.mood.z.annotation": scheme, f"s1/{role}.mood.z.annotation~": "0.5;1\n0;1\n0;1\n"})
    study = import_format("nova", [tmp_path])
    assert study.videos == ("s1_expert", "s1_novice")
    assert any("videos are called SESSION_ROLE" in note for note in study.notes)
