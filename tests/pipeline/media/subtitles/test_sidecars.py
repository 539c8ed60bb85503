"""Files beside a video: which one is read, what it says to the millisecond, and what is said of one that cannot be."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from avcues.extractors.transcript import Utterance
from avcues.pipeline.errors import MediaError
from avcues.pipeline.media.subtitles.sidecars import SidecarWords, find_sidecars, read_sidecar

SRT = "1\n00:00:01,500 --> 00:00:03,250\nHello there.\n"


def read(folder: Path, name: str, content: str | bytes) -> SidecarWords:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    (sidecar,) = find_sidecars(folder / "clip.mp4", None)
    return read_sidecar(sidecar)


def spoken(words: SidecarWords) -> list[tuple[float, float, str]]:
    return [(float(u.start), float(u.end), u.text) for u in words.utterances]


def times(utterance: Utterance) -> list[tuple[str, float, float]]:
    return [(word.text, float(word.start), float(word.end)) for word in utterance.words]


def test_names_tell_language_and_kind_and_the_best_file_comes_first(tmp_path: Path) -> None:
    names = ("clip.srt", "clip.en.srt", "clip.pt-BR.vtt", "clip.german.ass", "clip.en.sdh.vtt", "clip.en.forced.srt")
    other_names = ("clip.info.json", "clip.2.srt", "other.srt", "clip.mp4", "clip.txt", "clip.en.de.srt")
    for name in (*names, *other_names, "clip.json"):
        (tmp_path / name).write_text(SRT)
    languages = {sidecar.name: sidecar.language for sidecar in find_sidecars(tmp_path / "clip.mp4", None)}
    assert list(languages)[:4] == ["clip.json", "clip.srt", "clip.en.srt", "clip.en.sdh.vtt"]
    assert languages == {
        "clip.json": None,
        "clip.srt": None,
        "clip.en.srt": "en",
        "clip.en.sdh.vtt": "en",
        "clip.german.ass": "de",
        "clip.pt-BR.vtt": "pt",
        "clip.en.forced.srt": "en",
    }
    assert next(iter(find_sidecars(tmp_path / "clip.mp4", "deu"))).name == "clip.german.ass"


def test_names_with_glob_characters_and_dots_are_taken_as_they_are(tmp_path: Path) -> None:
    for name in ("a[1].v2.mp4", "a[1].v2.en.srt", "a1.v2.srt", "a[1].srt"):
        (tmp_path / name).write_text(SRT)
    assert [sidecar.name for sidecar in find_sidecars(tmp_path / "a[1].v2.mp4", None)] == ["a[1].v2.en.srt"]


VTT = """WEBVTT - with a title

STYLE
::cue { color: lime }

NOTE this is no text, and neither
is this 00:00

intro
00:01.003 --> 00:02.500 align:start position:0%
<v Roger Bingham>We are in <i>New York</i> &amp; happy

NOTE after a cue

00:00:03.000 --> 00:00:04.000
♪ la la la ♪

00:00:04.000 --> 00:00:05.000
♪♪

00:00:05.000 --> 00:00:06.001
- (sighs) No!
- JANE: [whispers] Yes.
"""


def test_webvtt_with_names_notes_styles_voices_and_music(tmp_path: Path) -> None:
    words = read(tmp_path, "clip.en.vtt", VTT)
    assert spoken(words) == [(1.003, 2.5, "We are in New York & happy"), (3, 4, "la la la"), (5, 6.001, "No! Yes.")]
    assert [u.speaker for u in words.utterances] == ["Roger Bingham", None, "Jane"]
    assert words.notes == ("clip.en.vtt: left out are subtitles without words (music, sounds, empty): 1",)


ROLLING = """WEBVTT
Kind: captions

00:00:00.080 --> 00:00:02.310 align:start position:0%
{space}
hello<00:00:00.400><c> and</c><00:00:00.900><c> welcome</c>

00:00:02.310 --> 00:00:02.320 align:start position:0%
hello and welcome
{space}

00:00:02.320 --> 00:00:04.500 align:start position:0%
hello and welcome
to<00:00:02.640><c> the</c><00:00:03.000><c> show</c>

00:00:04.500 --> 00:00:04.510 align:start position:0%
to the show
{space}

00:00:04.510 --> 00:00:06.000 align:start position:0%
to the show
tonight<00:00:05.000><c> we</c>
""".replace("{space}", " ")


def test_rolling_captions_give_each_word_once_at_its_own_time(tmp_path: Path) -> None:
    words = read(tmp_path, "clip.en.vtt", ROLLING)
    assert spoken(words) == [(0.08, 2.31, "hello and welcome"), (2.32, 4.5, "to the show"), (4.51, 6, "tonight we")]
    assert times(words.utterances[0]) == [("hello", 0.08, 0.4), ("and", 0.4, 0.9), ("welcome", 0.9, 2.31)]
    assert {u.source for u in words.utterances} == {"sidecar"}
    assert words.notes == ("clip.en.vtt: left out are captions that only repeat the previous one: 2",)


def test_captions_that_grow_give_each_word_once(tmp_path: Path) -> None:
    grown = ["I", "I am", "I am here", "I am here now", "Go"]
    cues = [f"{i}\n00:00:0{i},000 --> 00:00:0{i + 1},000\n{text}\n" for i, text in enumerate(grown)]
    assert [text for *_, text in spoken(read(tmp_path, "clip.srt", "\n".join(cues)))] == [
        "I",
        "am",
        "here",
        "now",
        "Go",
    ]


def test_a_word_that_is_said_twice_counts_twice(tmp_path: Path) -> None:
    sentences = ["No.", "No.", "What?", "Leave me.", "Never!"]
    cues = [f"{i}\n00:00:0{i},000 --> 00:00:0{i + 1},000\n{text}\n" for i, text in enumerate(sentences)]
    assert [text for *_, text in spoken(read(tmp_path, "clip.srt", "\n".join(cues)))] == sentences


def test_overlapping_cues_in_any_order_keep_their_times(tmp_path: Path) -> None:
    srt = "2\n00:00:02,000 --> 00:00:05,000\nSecond\n\n1\n00:00:01,000 --> 00:00:03,000\nFirst one\n"
    assert spoken(read(tmp_path, "clip.srt", srt)) == [(1, 3, "First one"), (2, 5, "Second")]


def test_a_subtitle_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    """Layers of ASS, and files that were joined, repeat lines; said again later, they are words of their own."""
    cue = "00:00:01,000 --> 00:00:03,000\nHello there\n"
    words = read(tmp_path, "clip.srt", f"1\n{cue}\n2\n{cue}\n3\n00:00:04,000 --> 00:00:05,000\nHello there\n")
    assert spoken(words) == [(1, 3, "Hello there"), (4, 5, "Hello there")]
    assert "repeated subtitles: 1" in words.notes[0]


ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,not shown
Dialogue: 0,0:00:01.25,0:00:02.50,Default,Ann,0,0,0,,{\\k20}Sing{\\k30} it\\Nnow
Dialogue: 0,0:00:01.25,0:00:02.50,Default,,0,0,0,,{\\p1}m 0 0 l 100 0{\\p0}
"""
TTML = """<?xml version="1.0" encoding="utf-8"?>
<tt xmlns="http://www.w3.org/ns/ttml"><body><div>
<p begin="00:00:01.250" end="00:00:02.500">Sing it<br/>now</p></div></body></tt>"""


@pytest.mark.parametrize(("name", "content"), [("clip.ass", ASS), ("clip.ttml", TTML), ("clip.dfxp", TTML)])
def test_other_formats_of_subtitles(tmp_path: Path, name: str, content: str) -> None:
    words = read(tmp_path, name, content)
    assert spoken(words) == [(1.25, 2.5, "Sing it now")]
    assert words.utterances[0].speaker == ("Ann" if name == "clip.ass" else None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_that_are_certain(tmp_path: Path, encoding: str) -> None:
    words = read(tmp_path, "clip.srt", SRT.replace("Hello", "Señor").encode(encoding))
    assert spoken(words) == [(1.5, 3.25, "Señor there.")]
    assert words.notes == ()


def test_an_encoding_that_is_guessed_is_said(tmp_path: Path) -> None:
    russian = "Она сказала, что сегодня вечером никого не будет дома, и мы решили пойти в кино вместе."
    words = read(tmp_path, "clip.ru.srt", SRT.replace("Hello there.", russian).encode("cp1251"))
    assert words.utterances[0].text == russian
    assert words.notes == ("clip.ru.srt: its encoding was guessed to be cp1251; save it as UTF-8 to be sure",)


def test_transcripts_of_whisper_and_whisperx_keep_the_times_of_words(tmp_path: Path) -> None:
    document = {
        "language": "en",
        "segments": [
            {"start": 0.5, "end": 3.001, "text": " In 1999, yes.", "speaker": "SPEAKER_00"}
            | {"words": [{"word": "In", "start": 0.5, "end": 0.7, "score": 0.9}, {"word": "1999,"}]},
            {"start": 4, "end": 5, "text": "No words"},
        ],
    }
    document["segments"][0]["words"].append({"word": "yes.", "start": 2.7, "end": 3.001, "score": 0.5})
    words = read(tmp_path, "clip.json", json.dumps(document))
    assert words.language == "en"
    first, second = words.utterances
    assert times(first) == [("In", 0.5, 0.7), ("1999,", 0.7, 2.7), ("yes.", 2.7, 3.001)]
    assert (first.source, first.speaker, first.words[0].confidence) == ("sidecar", "SPEAKER_00", 0.9)
    assert (second.source, times(second)[1]) == ("sidecar, spread", ("words", pytest.approx(4 + 2 / 7), 5))


def test_textgrids_of_word_tiers_and_of_sentences(tmp_path: Path) -> None:
    def grid(*tiers: tuple[str, list[tuple[float, float, str]]]) -> str:
        lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", "xmax = 5", "tiers? <exists>"]
        lines += [f"size = {len(tiers)}", "item []:"]
        for i, (name, intervals) in enumerate(tiers, 1):
            lines += [
                f"    item [{i}]:",
                '        class = "IntervalTier"',
                f'        name = "{name}"',
                "        xmin = 0",
            ]
            lines += ["        xmax = 5", f"        intervals: size = {len(intervals)}"]
            for j, (start, end, label) in enumerate(intervals, 1):
                lines += [f"        intervals [{j}]:", f"            xmin = {start}", f"            xmax = {end}"]
                lines += [f'            text = "{label}"']
        return "\n".join(lines) + "\n"

    spoken_words = [(0, 1.001, ""), (1.001, 1.5, "hello"), (1.5, 1.9, "you"), (1.9, 5, "<eps>")]
    words = read(tmp_path, "clip.TextGrid", grid(("Ann - words", spoken_words), ("Ann - phones", [(1, 2, "h")])))
    assert times(words.utterances[0]) == [("hello", 1.001, 1.5), ("you", 1.5, 1.9)]
    assert (words.utterances[0].speaker, words.utterances[0].source) == ("Ann", "sidecar")
    (tmp_path / "clip.TextGrid").unlink()
    words = read(tmp_path, "clip.TextGrid", grid(("Bob", [(2, 3, "see you")])).encode("utf-16"))
    assert times(words.utterances[0]) == [("see", 2, 2.5), ("you", 2.5, 3)]
    assert (words.utterances[0].speaker, words.utterances[0].source) == ("Bob", "sidecar, spread")


def test_tables_of_words_end_an_utterance_at_marks_pauses_and_other_speakers(tmp_path: Path) -> None:
    rows = ("Hi,0.1,0.35,A,0.9", "you.,0.35,0.7,A,", "Oh,0.8,1,A,1", "dear,2.5,3,A,1", "what,3,3.2,B,1")
    words = read(tmp_path, "clip.csv", "word,start,end,speaker,confidence\n" + "\n".join(rows))
    assert [(u.text, u.speaker) for u in words.utterances] == [
        ("Hi you.", "A"),
        ("Oh", "A"),
        ("dear", "A"),
        ("what", "B"),
    ]
    assert words.utterances[0].words[0].end == Fraction("0.35")
    assert words.utterances[0].words[1].confidence is None


DAMAGED = {
    "clip.srt": (b"", "is empty"),
    "clip.en.srt": (b"Just some prose.\nWithout times.\n", "has no subtitles in the format srt"),
    "clip.fr.srt": (bytes(range(256)) * 4, "save it as UTF-8"),
    "clip.de.srt": (b"1\n00:00:05,000 --> 00:00:01,000\nBackwards\n", "end before they begin: 1"),
    "clip.es.srt": ("1\n00:00:01,000 --> 00:00:02,000\n♪ [music] ♪\n".encode(), "holds no words"),
    "clip.vtt": (b"WEBVTT\n\nNOTE nothing here\n", "has no subtitles in the format vtt"),
    "clip.ass": (b"[Script Info]\nTitle: x\n\n[Events]\n", "has no subtitles in the format ass"),
    "clip.ttml": (b"<tt xmlns='http://www.w3.org/ns/ttml'><body><div><p begin=", "cannot be read as ttml (ParseError"),
    "clip.json": (b'{"segments": [{"text": "hi"}]}', "a segment lacks text or times"),
    "clip.it.json": (b'{"format": 1}', 'has no list "segments"'),
    "clip.pt.json": (b'{"segments": [', "cannot be read as JSON"),
    "clip.nl.json": (b'{"segments": [{"text": "hi", "start": 1e999999999, "end": 2}]}', "is not a number of seconds"),
    "clip.sv.json": (b'{"segments": [{"text": "hi", "start": 0, "end": Infinity}]}', "lacks text or times (TypeError"),
    "clip.da.json": (b"[" * 100_000, "nested too deeply"),
    "clip.no.csv": (b"word,start,end\nhi,1,1e999999999\n", "line 2: expected seconds"),
    "clip.TextGrid": (b'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n5\n', "cannot be read as a TextGrid"),
    "clip.csv": (b"term,from,to\nhi,1,2\n", "needs the columns word, start, end, and has term, from, to"),
    "clip.tsv": (b"word\tstart\tend\nhi\t1:02\t2\n", "line 2: expected seconds, such as 12.34, found 1:02, 2"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_give_one_helpful_line(tmp_path: Path, name: str) -> None:
    content, reason = DAMAGED[name]
    with pytest.raises(MediaError) as caught:
        read(tmp_path, name, content)
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert reason in message
    assert "\n" not in message
    assert len(message) < 200


def test_what_of_a_file_cannot_be_read_is_counted(tmp_path: Path) -> None:
    words = read(tmp_path, "clip.srt", SRT + "\n2\n00:00:xx,000 --> 00:00:05,000\nLost\n")
    assert len(words.utterances) == 1
    assert "subtitles that cannot be read: 1" in words.notes[0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "clip.json",
            '{"segments": [{"text": "a b c d e", "start": 0, "end": 9, "words": ['
            + ", ".join(
                f'{{"word": "{word}", "start": {i}, "end": {i + 1}, "probability": {value}}}'
                for i, (word, value) in enumerate(
                    zip("abcdef", ("0.5", "Infinity", "NaN", "-0.25", "1e999", "97"), strict=True)
                )
            )
            + "]}]}",
        ),
        ("clip.csv", "word,start,end,confidence\na,0,1,0.5\nb,1,2,inf\nc,2,3,nan\nd,3,4,-1\ne,4,5,1e999\nf,5,6,high\n"),
    ],
)
def test_confidences_that_are_no_probabilities_are_counted(tmp_path: Path, name: str, content: str) -> None:
    read_words = read(tmp_path, name, content)
    confidences = [word.confidence for utterance in read_words.utterances for word in utterance.words]
    assert confidences == [0.5, None, None, None, None, None]
    assert read_words.notes == (f"{name}: the confidence of 5 words is no number from 0 to 1, and left out",)
