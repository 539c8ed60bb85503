"""Words on the windows: which utterance a window belongs to, how full it is, its sentiment, and lexicons."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from avcues.errors import AvcuesError
from avcues.extractors.compute import Compute
from avcues.extractors.text import Text, TextSettings
from avcues.extractors.transcript import Transcript, Utterance, covered_share, spread_words

STEP = Fraction(1, 2)


def utterance(text: str, start: float, end: float) -> Utterance:
    times = Fraction(str(start)), Fraction(str(end))
    return Utterance(text, *times, spread_words(text, *times), "sidecar, spread")


def measure(*utterances: Utterance, windows: int = 8, language: str | None = "en", **settings: object) -> dict:
    text = Text(TextSettings(**settings))
    text.setup(Compute())
    return dict(text.process_transcript(Transcript(utterances, language), STEP, windows)["text"])


def test_a_window_belongs_to_the_utterance_that_fills_most_of_it() -> None:
    first, second, third = utterance("one", 0, 1.2), utterance("two", 1.2, 2), utterance("three", 1.5, 2)
    owner = Transcript((first, second, third)).utterance_of_windows(STEP, 6)
    assert owner.tolist() == [0, 0, 1, 2, -1, -1]  # the later of two that fill it equally


def test_shares_count_overlapping_words_once_and_end_with_the_video() -> None:
    spans = [(Fraction(0), Fraction(3, 4)), (Fraction(1, 4), Fraction(1, 2)), (Fraction(7, 4), Fraction(9))]
    assert covered_share(spans, STEP, 4).tolist() == [1, 0.5, 0, 0.5]
    assert covered_share([(Fraction(-1), Fraction(1, 8))], STEP, 1).tolist() == [0.25]


@pytest.mark.parametrize(
    "text",
    ["I LOVE this!!! :)", "not bad at all", "The worst, most terrible day ever.", "The table is brown.", "😀 great"],
)
def test_sentiment_is_that_of_vader(text: str) -> None:
    measured = measure(utterance(text, 0, 2))
    expected = SentimentIntensityAnalyzer().polarity_scores(text)
    for name, key in (("negative", "neg"), ("neutral", "neu"), ("positive", "pos"), ("compound", "compound")):
        assert measured[f"vader_{name}"][:4].tolist() == [np.float32(expected[key])] * 4
        assert np.isnan(measured[f"vader_{name}"][4:]).all()


NRC = "Word\tValence\tArousal\tDominance\nhappy\t1.000\t0.735\t0.772\nend\t0.25\t0.5\t0.125\ndon't\t0.5\t0.5\t0.5\n"
WARRINER = '"",Word,V.Mean.Sum,V.SD.Sum,A.Mean.Sum,D.Mean.Sum\n1,happy,8.47,1.54,6.05,7.21\n'
BARE = "happy\t0.9\t0.8\t0.7\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (NRC, (0.625, 0.6175, 0.4485, 2 / 3)),
        (WARRINER, (8.47, 6.05, 7.21, 1 / 3)),
        (BARE, (0.9, 0.8, 0.7, 1 / 3)),
    ],
)
def test_lexicons_give_the_mean_of_the_words_that_they_have(tmp_path: Path, content: str, expected: tuple) -> None:
    (tmp_path / "lexicon.txt").write_text(content)
    measured = measure(utterance("A Happy end.", 0, 1), language="de", lexicon=str(tmp_path / "lexicon.txt"))
    for name, value in zip(("valence", "arousal", "dominance", "share"), expected, strict=True):
        assert measured[f"lexicon_{name}"][0] == pytest.approx(value)
    assert np.isnan(measured["vader_compound"]).all()
    unknown = measure(utterance("Nothing known", 0, 1), lexicon=str(tmp_path / "lexicon.txt"))
    assert np.isnan(unknown["lexicon_valence"][0])
    assert unknown["lexicon_share"][0] == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("some,other,table\n1,2,3\n", "expected columns headed word, valence, arousal, dominance"),
        ("word,valence,arousal,dominance\nhappy,high,1,1\n", "line 2: expected a word and three numbers"),
        ("", "is not a lexicon"),
    ],
)
def test_a_file_that_is_no_lexicon_is_refused_in_one_line(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "lexicon.csv").write_text(content)
    with pytest.raises(AvcuesError) as caught:
        measure(utterance("A", 0, 1), lexicon=str(tmp_path / "lexicon.csv"))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
