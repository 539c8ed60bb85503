"""Amount, rate and sentiment of the words in each window, spoken or shown as subtitles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from avcues.extractors.affect_lexicon import AFFECTS, Lexicon, read_lexicon
from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import Column, Columns, Table
from avcues.extractors.transcript import Transcript, Utterance, covered_share

if TYPE_CHECKING:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

_UTTERANCE = "the utterance that fills most of the window"
_VADER = {
    "vader_negative": ("neg", "share of negative words", 0),
    "vader_neutral": ("neu", "share of neutral words", 0),
    "vader_positive": ("pos", "share of positive words", 0),
    "vader_compound": ("compound", "sentiment from negative to positive", -1),
}
_COLUMNS = (
    Column(name="words", unit="count", meaning="words that begin in the window", dtype="int16", low=0),
    Column(
        name="word_share",
        unit="fraction",
        meaning="share of the window in which words are spoken or shown",
        low=0,
        high=1,
    ),
    Column(
        name="words_per_second",
        unit="1/s",
        meaning=f"words of {_UTTERANCE} over its length; null without one",
        low=0,
    ),
    *(
        Column(
            name=name,
            unit="1",
            meaning=f"VADER's {quantity} in {_UTTERANCE}; null without one, and unless it is English",
            low=low,
            high=1,
        )
        for name, (_, quantity, low) in _VADER.items()
    ),
)
_LEXICON_COLUMNS = (
    *(
        Column(
            name=f"lexicon_{affect}",
            unit="1",
            meaning=f"mean {affect} of the words of {_UTTERANCE} that the lexicon has",
        )
        for affect in AFFECTS
    ),
    Column(
        name="lexicon_share",
        unit="fraction",
        meaning=f"share of the words of {_UTTERANCE} that the lexicon has",
        low=0,
        high=1,
    ),
)
_TEXT = Column(name="text", unit="text", meaning=f"{_UTTERANCE}, in full", dtype="string")


@dataclass(frozen=True)
class TextSettings:
    """Options of the text features.

    Args:
        lexicon: A CSV or tab-separated file with a word and its valence, arousal and dominance on each line, such as
            the NRC VAD lexicon; empty for none.
    """

    lexicon: str = ""


class Text(BaseExtractor):
    """Amount, rate and sentiment of the words of each window.

    Sentiment is measured on a whole utterance and repeated on its windows: half a second is too short.
    """

    name = "text"
    version = 1
    citation = "Hutto and Gilbert 2014, VADER: a parsimonious rule-based model for sentiment analysis (vaderSentiment)"
    libraries = ("vaderSentiment",)
    Settings = TextSettings
    needs = ("words",)
    user_files: ClassVar[tuple[str, ...]] = ("lexicon",)

    def __init__(self, settings: TextSettings = TextSettings()) -> None:
        self.settings = settings
        self._vader: SentimentIntensityAnalyzer | None = None
        self._lexicon: Lexicon | None = None

    @property
    def tables(self) -> Sequence[Table]:
        """`text`, with the columns of the lexicon if one is named."""
        lexicon = _LEXICON_COLUMNS if self.settings.lexicon else ()
        return (Table(name="text", row="window", columns=(*_COLUMNS, *lexicon, _TEXT)),)

    def prepare(self, note: Callable[[str], object]) -> None:
        """Reads the lexicon once, so that an invalid file is refused before any work."""
        if self.settings.lexicon:
            read_lexicon(Path(self.settings.lexicon))

    def setup(self, compute: Compute) -> None:
        """Loads VADER's word list and the lexicon."""
        if self._vader is None:
            from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

            self._vader = SentimentIntensityAnalyzer()
            if self.settings.lexicon:
                self._lexicon = read_lexicon(Path(self.settings.lexicon))

    def process_transcript(self, transcript: Transcript, step: Fraction, windows: int) -> Mapping[str, Columns]:
        """Measures each utterance once and each window by its words."""
        utterance_of_window = transcript.utterance_of_windows(step, windows)
        words = [word for utterance in transcript.utterances for word in utterance.words]
        first_windows = np.array(
            [int(word.start // step) for word in words if 0 <= word.start < windows * step], np.intp
        )
        with_sentiment = is_english(transcript.language)
        utterance_rows = [
            self._measure(utterance, with_sentiment=with_sentiment) for utterance in transcript.utterances
        ]
        columns: dict[str, npt.NDArray[Any]] = {
            "words": np.bincount(first_windows, minlength=windows).astype(np.int16),
            "word_share": covered_share([(word.start, word.end) for word in words], step, windows),
        }
        for column in self.tables[0].columns[len(columns) :]:
            if column is _TEXT:
                texts = np.array([*(utterance.text for utterance in transcript.utterances), ""], object)
                columns["text"] = np.ma.MaskedArray(texts[utterance_of_window], utterance_of_window < 0)
            else:
                values = np.array([*(row.get(column.name, np.nan) for row in utterance_rows), np.nan], np.float32)
                columns[column.name] = values[utterance_of_window]
        return {"text": columns}

    def notes(self, transcript: Transcript) -> Sequence[str]:
        """Why sentiment is missing; empty if it is not."""
        if is_english(transcript.language):
            return ()
        if transcript.language is None:
            return (
                "text.vader_* is null: the language of the words is not known; name the file clip.en.srt, or set "
                "words.language=en",
            )
        return (
            f"text.vader_* is null: the words are in {transcript.language}, and VADER knows English only; see "
            "docs/words.md for models of other languages",
        )

    def _measure(self, utterance: Utterance, *, with_sentiment: bool) -> dict[str, float]:
        """Values of the utterance by column; columns without a value are left out."""
        assert self._vader is not None
        measures = {"words_per_second": len(utterance.words) / float(utterance.end - utterance.start)}
        if with_sentiment:
            scores = self._vader.polarity_scores(utterance.text)
            measures |= {name: scores[key] for name, (key, *_) in _VADER.items()}
        if self._lexicon is not None:
            measures |= {f"lexicon_{key}": value for key, value in self._lexicon.measure(utterance.words).items()}
        return measures


def is_english(language: str | None) -> bool:
    """Whether a language code means English."""
    return language is not None and language.lower().replace("_", "-").partition("-")[0] in ("en", "eng", "english")
