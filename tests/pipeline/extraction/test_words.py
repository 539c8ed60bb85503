"""Words of a video: from files beside it and streams in it, on the video's clock, into tables."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pysubs2
import pytest
from av.subtitles.subtitle import SubtitleSet
from clips import Clip, click, steady_frames
from command import avcues

from avcues.pipeline.store.parquet import read_metadata

SRT = """1
00:00:01,003 --> 00:00:02,499
The quick brown fox <i>jumps</i>.

2
00:00:02,600 --> 00:00:03,000
[thunder]

3
00:00:03,250 --> 00:00:05,017
JANE: I am very happy
about that!
"""
CUES = [(1.003, 2.499, "The quick brown fox jumps.", None), (3.25, 5.017, "I am very happy about that!", "Jane")]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return Clip(frames=steady_frames(6, flash=(2, 3)), sounds=[click(6, 1.5)]).write(tmp_path / "clip.mkv")


def extract(clip: Path, *options: str) -> tuple[Path, str]:
    """The output folder, and what the run said."""
    out = clip.parent / "features"
    done = avcues("extract", clip, "--out", out, "--features", "text", "--workers", "0", *options)
    assert done.returncode == 0, done.stderr
    return out, done.stderr


def table(out: Path, name: str, video: str = "clip") -> pa.Table:
    return pq.read_table(out / name / f"{video}.parquet")


def cues(out: Path) -> list[tuple[float, float, str, str | None]]:
    utterances = table(out, "utterances").select(["utterance_start", "utterance_end", "text", "speaker"])
    return [tuple(row.values()) for row in utterances.to_pylist()]


def test_a_file_beside_the_video_is_read_to_the_millisecond(clip: Path) -> None:
    clip.with_name("clip.en.srt").write_text(SRT)
    out, said = extract(clip)
    assert cues(out) == CUES
    assert "subtitles without words (music, sounds, empty): 1" in said
    words = table(out, "words")
    assert words["word"].to_pylist() == [
        "The",
        "quick",
        "brown",
        "fox",
        "jumps.",
        "I",
        "am",
        "very",
        "happy",
        "about",
        "that!",
    ]
    assert set(words["source"].to_pylist()) == {"sidecar, spread"}
    starts, ends = np.array(words["word_start"]), np.array(words["word_end"])
    assert (starts[0], ends[4], starts[5], ends[-1]) == (1.003, 2.499, 3.25, 5.017)
    lengths = np.array([3, 5, 5, 3, 5])  # letters, without the full stop
    np.testing.assert_allclose((ends - starts)[:5], lengths / lengths.sum() * 1.496, rtol=1e-12)
    assert words["window"].to_pylist() == [int(start // 0.5) for start in starts]


def test_windows_have_the_words_and_the_sentiment_of_their_utterance(clip: Path) -> None:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    clip.with_name("clip.en.srt").write_text(SRT)
    out, _ = extract(clip)
    text = table(out, "text")
    assert text.num_rows == 12
    assert text["text"].to_pylist() == [
        *[None] * 2,
        *["The quick brown fox jumps."] * 3,
        None,
        *["I am very happy about that!"] * 5,
        None,
    ]
    analyzer = SentimentIntensityAnalyzer()
    for row in text.to_pylist():
        expected = analyzer.polarity_scores(row["text"]) if row["text"] else {}
        for name, key in (("negative", "neg"), ("neutral", "neu"), ("positive", "pos"), ("compound", "compound")):
            value = row[f"vader_{name}"]
            assert (value is None) if row["text"] is None else value == np.float32(expected[key])
    assert sum(text["words"].to_pylist()) == 11
    share = np.array(text["word_share"]) * 0.5
    assert share.sum() == pytest.approx(1.496 + 1.767, abs=1e-6)
    assert text["words_per_second"][2].as_py() == pytest.approx(5 / 1.496)


def test_another_file_makes_the_tables_anew_and_the_same_does_not(clip: Path) -> None:
    sidecar = clip.with_name("clip.en.srt")
    sidecar.write_text(SRT)
    out, _ = extract(clip)
    before = (out / "text" / "clip.parquet").stat().st_mtime_ns
    assert "was done" in extract(clip)[1]
    assert (out / "text" / "clip.parquet").stat().st_mtime_ns == before
    sidecar.write_text(SRT.replace("happy", "sad"))
    assert "was done" not in extract(clip)[1]
    assert "sad" in table(out, "words")["word"].to_pylist()
    sidecar.unlink()
    assert "no words" in extract(clip)[1]
    assert table(out, "words").num_rows == 0


def test_a_video_without_words_has_nulls_and_a_sentence(clip: Path) -> None:
    out, said = extract(clip)
    assert "note    clip: no words: no readable file beside the video, no subtitle stream of text" in said
    text = table(out, "text")
    assert text.num_rows == 12
    assert all(text[name].null_count == 12 for name in text.column_names[4:])
    assert table(out, "words").num_rows == table(out, "utterances").num_rows == 0
    assert avcues("validate", out).returncode == 0


@pytest.mark.parametrize(
    ("name", "reason"), [("clip.srt", "language of the words is not known"), ("clip.de.srt", "in de")]
)
def test_sentiment_is_null_with_the_reason_unless_the_words_are_english(clip: Path, name: str, reason: str) -> None:
    clip.with_name(name).write_text(SRT)
    out, said = extract(clip)
    assert reason in said
    assert table(out, "text")["vader_compound"].null_count == 12
    assert table(out, "text")["words"].null_count == 0


def test_the_language_of_files_that_do_not_name_it_can_be_set(clip: Path) -> None:
    clip.with_name("clip.srt").write_text(SRT)
    out, said = extract(clip, "--set", "words.language=en")
    assert "vader" not in said
    assert table(out, "text")["vader_compound"].null_count < 12


def mux(source: Path, target: Path, codec: str, *, shift_s: float = 0) -> Path:
    """The source's packets with `SRT` as a stream of English subtitles, all stamps moved by a shift."""
    subtitles = pysubs2.SSAFile.from_string(SRT)
    file = target.with_name({"subrip": "s.srt", "ass": "s.ass", "webvtt": "s.vtt", "mov_text": "s.ass"}[codec])
    subtitles.save(str(file))
    with av.open(str(source)) as video, av.open(str(file)) as text, av.open(str(target), "w") as container:
        streams = [container.add_stream_from_template(stream) for stream in video.streams]
        packets = [(streams[p.stream_index], p) for p in video.demux() if p.dts is not None]
        if codec == "mov_text":
            shown = container.add_stream(codec)
            shown.codec_context.subtitle_header = subtitles.to_string("ass").encode()
            shown.time_base = shown.codec_context.time_base = Fraction(1, 1000)
            packets += [(shown, encoded(shown, i, event)) for i, event in enumerate(subtitles)]
        else:
            shown = container.add_stream_from_template(text.streams[0])
            packets += [(shown, p) for p in text.demux() if p.dts is not None]
        shown.metadata["language"] = "eng"
        for stream, packet in sorted(packets, key=lambda item: item[1].dts * item[1].time_base):
            ticks = round(Fraction(str(shift_s)) / packet.time_base)
            packet.pts, packet.dts, packet.stream = packet.pts + ticks, packet.dts + ticks, stream
            container.mux(packet)
    return target


def encoded(stream: av.subtitles.stream.SubtitleStream, number: int, event: pysubs2.SSAEvent) -> av.Packet:
    line = f"{number},0,Default,,0,0,0,,{event.text}"
    packet = stream.codec_context.encode_subtitle(SubtitleSet.create(line.encode(), 0, event.end - event.start))
    packet.pts = packet.dts = event.start
    packet.duration, packet.time_base = event.end - event.start, Fraction(1, 1000)
    return packet


@pytest.mark.parametrize(
    ("suffix", "codec", "shift_s"),
    [
        (".mkv", "subrip", 0),
        (".mkv", "ass", 0),
        (".mkv", "webvtt", 7.25),
        (".mp4", "mov_text", 0),
        (".mkv", "subrip", 10),
    ],
)
def test_a_subtitle_stream_is_read_to_the_millisecond(tmp_path: Path, suffix: str, codec: str, shift_s: float) -> None:
    source = Clip(
        frames=steady_frames(6, flash=(2, 3)),
        sounds=[click(6, 1.5)],
        audio_codec="aac" if suffix == ".mp4" else "pcm_s16le",
    ).write(tmp_path / f"source{suffix}")
    clip = mux(source, tmp_path / f"clip{suffix}", codec, shift_s=shift_s)
    out, _ = extract(clip)
    digits = 2 if codec == "ass" else 3  # ASS counts in hundredths
    assert [cue[:2] for cue in cues(out)] == [tuple(round(time, digits) for time in cue[:2]) for cue in CUES]
    assert [cue[2:] for cue in cues(out)] == [cue[2:] for cue in CUES]
    assert set(table(out, "words")["source"].to_pylist()) == {"stream, spread"}
    about = read_metadata(out / "text" / "clip.parquet")["source"]["words"]
    assert (about["kind"], about["language"], about["stream"]["codec"]) == ("stream", "en", codec)


def test_a_run_without_text_imports_none_of_it(clip: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys, avcues; avcues.extract(sys.argv[1], features=['color']); "
        "print({name.partition('.')[0] for name in sys.modules} & "
        "{'pysubs2', 'vaderSentiment', 'praatio', 'iso639', 'faster_whisper', 'ctranslate2', 'tokenizers'})"
    )
    done = subprocess.run([sys.executable, "-c", code, str(clip)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_words_keep_their_times_when_a_stream_begins_late(tmp_path: Path) -> None:
    frames = steady_frames(5, flash=(2, 3), start=1)
    clip = Clip(frames=frames, sounds=[click(6, 1.5)]).write(tmp_path / "clip.mkv")
    clip.with_name("clip.en.srt").write_text(SRT)
    out, _ = extract(clip)
    assert cues(out) == CUES
    assert table(out, "timeline")["on_screen"].to_pylist()[:3] == [False, False, True]


def test_a_stream_is_on_the_clock_of_a_video_whose_picture_begins_late(tmp_path: Path) -> None:
    source = Clip(frames=steady_frames(5, flash=(2, 3), start=1), sounds=[click(6, 1.5)]).write(tmp_path / "source.mkv")
    out, _ = extract(mux(source, tmp_path / "clip.mkv", "subrip", shift_s=3.7))
    assert cues(out) == CUES
    assert table(out, "timeline")["on_screen"].to_pylist()[:3] == [False, False, True]


def test_a_file_that_cannot_be_read_is_named_and_costs_nothing_else(clip: Path) -> None:
    clip.with_name("clip.srt").write_text("no subtitles")
    out, said = extract(clip, "--features", "text,color")
    assert "clip.srt: has no subtitles in the format srt; is its suffix right?; not used" in said
    assert table(out, "text").num_rows == table(out, "color").num_rows == 12
    clip.with_name("clip.srt").write_text(SRT)
    extract(clip, "--features", "text,color")
    assert cues(out) == CUES


def test_pictures_of_subtitles_are_named_and_left_out(clip: Path, tmp_path: Path) -> None:
    with av.open(str(clip)) as video, av.open(str(tmp_path / "pictures.mkv"), "w") as container:
        streams = [container.add_stream_from_template(stream) for stream in video.streams]
        shown = container.add_stream("dvdsub")
        shown.metadata["language"] = "fre"
        for packet in video.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                container.mux(packet)
        packet = av.Packet(b"\0\4\0\4")
        packet.stream, packet.pts, packet.dts, packet.time_base = shown, 5000, 5000, Fraction(1, 1000)
        container.mux(packet)
    _, said = extract(tmp_path / "pictures.mkv")
    assert "left out: subtitles that are pictures, not text (dvd_subtitle fr)" in said


def test_speech_is_recognised_where_nothing_else_has_words(tmp_path: Path) -> None:
    from spoken import speak

    from avcues.models_cache.cache import find

    pytest.importorskip("faster_whisper", reason="faster-whisper is not installed")
    if find("speech/whisper_tiny_en") is None:
        pytest.skip("the recogniser's weights are not on this machine")
    spoken = speak("I am very happy about that! Please open the window before you leave the house.")
    clip = Clip(
        frames=steady_frames(9, flash=(2, 3)), sounds=[(Fraction(1), spoken.samples)], audio_codec="flac"
    ).write(tmp_path / "clip.mkv")
    out, said = extract(clip, "--set", "words.sources=sidecar,stream,speech")
    assert "using   words: whisper_tiny_en" in said
    assert "words are recognised: speech in" in said
    words = table(out, "words")
    assert set(words["source"].to_pylist()) == {"speech"}
    starts = dict(zip(words["word"].to_pylist(), words["word_start"].to_pylist(), strict=True))
    truth = {word: start + 1 for word, start, _ in spoken.words}
    assert abs(starts["window"] - truth["window"]) < 0.3
    assert min(words["confidence"].to_pylist()) > 0
    assert table(out, "text")["vader_compound"].null_count < table(out, "text").num_rows
    assert "was done" in extract(clip, "--set", "words.sources=sidecar,stream,speech")[1]


def test_a_recogniser_of_the_hub_is_pinned_to_its_revision(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from avcues.models_cache.cache import find
    from avcues.models_cache.loading import load_zip

    pytest.importorskip("faster_whisper", reason="faster-whisper is not installed")
    weights = find("speech/whisper_tiny_en")
    if weights is None:
        pytest.skip("the recogniser's weights are not on this machine")
    revision = "0d3d19a32d3338f10357c0889762bd8d64bbdeba"
    cached = tmp_path / "hub" / "hub" / "models--Systran--faster-whisper-tiny.en"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(revision)
    snapshot = cached / "snapshots" / revision
    snapshot.mkdir(parents=True)
    for name, content in load_zip(
        weights.path, ["model.bin", "config.json", "tokenizer.json", "vocabulary.txt"]
    ).items():
        (snapshot / name).write_bytes(content)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    out, said = extract(clip, "--set", "words.sources=speech", "--variant", "words=tiny.en")
    pinned = f"Systran/faster-whisper-tiny.en@{revision}"
    assert f"using   words: {pinned}" in said
    recipe = json.loads((out / "dataset.json").read_text())["recipes"]["words"]
    assert recipe["settings"]["variant"] == pinned
    assert list(recipe["weights"]) == [pinned]
    assert "no words: the recogniser heard none" in said
    assert "was done" in extract(clip, "--set", "words.sources=speech", "--variant", "words=tiny.en")[1]
