"""Spoken and shown words: a row per word with its time, and a row per utterance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import WINDOW, Column, Columns, Table
from avcues.extractors.speech import (
    RATE_HZ,
    WHISPER_SIZES,
    RejectionLimits,
    WhisperStream,
    describe_rejected,
    load_model,
)
from avcues.extractors.transcript import Transcript, Utterance
from avcues.models_cache.hub import user_weights_path

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

SOURCES = ("sidecar", "stream", "speech")

_WORDS = Table(
    name="words",
    row="item",
    columns=(
        Column(name="word", unit="text", meaning="the word as written, punctuation included", dtype="string"),
        Column(name="word_start", unit="s", meaning="where it begins, on the clock of `start`", dtype="float64", low=0),
        Column(name="word_end", unit="s", meaning="where it ends, on the clock of `start`", dtype="float64", low=0),
        Column(name="utterance", unit="1", meaning="its row in the table utterances", dtype="int32", low=0),
        Column(name="speaker", unit="text", meaning="speaker, where the source names one", dtype="string"),
        Column(
            name="confidence",
            unit="probability",
            meaning="the recogniser's probability of the word; null where the source gives none",
            low=0,
            high=1,
        ),
        Column(
            name="source",
            unit="text",
            meaning="sidecar, stream or speech; with `spread`: its time is a share of its subtitle's in proportion to "
            "its letters",
            dtype="string",
        ),
    ),
)
_UTTERANCES = Table(
    name="utterances",
    row="item",
    columns=(
        Column(name="utterance", unit="1", meaning="number of the utterance", dtype="int32", low=0),
        Column(name="utterance_start", unit="s", meaning="where it begins, on the clock of `start`", dtype="float64"),
        Column(name="utterance_end", unit="s", meaning="where it ends, on the clock of `start`", dtype="float64"),
        Column(name="text", unit="text", meaning="the whole utterance", dtype="string"),
        Column(name="word_count", unit="count", meaning="its words", dtype="int32", low=0),
        Column(name="speaker", unit="text", meaning="speaker, where the source names one", dtype="string"),
        Column(name="source", unit="text", meaning="as in words", dtype="string"),
        Column(
            name="no_speech",
            unit="probability",
            meaning="the recogniser's probability that nobody speaks",
            low=0,
            high=1,
        ),
        Column(name="log_probability", unit="1", meaning="the recogniser's mean log probability of tokens", high=0),
        Column(name="compression", unit="1", meaning="bytes of the text over its compressed bytes", low=0),
        Column(
            name="rejected",
            unit="text",
            meaning="why it most likely was made up; such an utterance has no words in any other table",
            dtype="string",
        ),
    ),
)


@dataclass(frozen=True)
class WordsSettings:
    """Options of words: their sources and the recogniser.

    Args:
        sources: The kinds of sources to try, the preferred one first, separated by commas: sidecar (a subtitle
            file or transcript beside the video), stream (a subtitle stream of the video), speech (recognition).
        language: ISO 639 code, such as en or deu, of the subtitles to prefer, of subtitles that do not name their
            language, and of the speech; empty for any.
        variant: Recogniser: "auto" takes the first that is available; a size of Whisper, such as small.en or
            large-v3; a folder with a model of faster-whisper; or a model of the hub, such as OWNER/NAME@REVISION.
        find_speech: Recognise only where Silero's detector finds speech.
        max_no_speech: An utterance is rejected if the recogniser's probability of no speech is larger.
        min_log_probability: An utterance is rejected if the mean log probability of its tokens is smaller.
        max_compression: An utterance is rejected as repeating itself if its text compresses better.

    Raises:
        ValueError: A kind of source is unknown.
    """

    sources: str = "sidecar,stream"
    language: str = ""
    variant: str = "auto"
    find_speech: bool = True
    max_no_speech: float = RejectionLimits.no_speech
    min_log_probability: float = RejectionLimits.log_probability
    max_compression: float = RejectionLimits.compression

    def __post_init__(self) -> None:
        if self.variant in WHISPER_SIZES:
            object.__setattr__(self, "variant", f"Systran/faster-whisper-{self.variant}")
        unknown = set(self.sources.split(",")) - set(SOURCES)
        if unknown:
            raise ValueError(f"`sources={self.sources}`: expected some of {', '.join(SOURCES)}, separated by commas")


class Words(BaseExtractor):
    """Words and utterances with their times, from subtitles, transcripts or speech recognition."""

    name = "words"
    version = 1
    citation = "pysubs2 (subtitle formats); praatio (Praat TextGrid); faster-whisper (speech recognition)"
    Settings = WordsSettings
    tables = (_WORDS, _UTTERANCES)
    weights: ClassVar[Mapping[str, tuple[str, ...]]] = {"variant": ("speech/whisper_tiny_en",)}
    user_weights = ("variant",)
    hub_weights = ".bin"  # CTranslate2's format, which holds no code
    speech_rate_hz = RATE_HZ

    def __init__(self, settings: WordsSettings = WordsSettings()) -> None:
        self.settings = settings
        self._model: WhisperModel | None = None

    @property
    def weights_in_use(self) -> Mapping[str, tuple[str, ...]]:
        """The weights of the recogniser, if speech is a source."""
        return self.weights if "speech" in self.sources else {}

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]
        """Distributions whose code decides values."""
        return ("pysubs2", *(("faster-whisper", "ctranslate2") if self.weights_in_use else ()))

    def setup(self, compute: Compute) -> None:
        """Loads the recogniser, if speech is a source."""
        if self.weights_in_use and self._model is None:
            asset = f"speech/{self.settings.variant}"
            is_in_manifest = asset in self.weights["variant"]
            variant = self.settings.variant
            path = (
                compute.weights.resolve(asset).path
                if is_in_manifest
                else user_weights_path(variant, compute.weights, self.hub_weights)
            )
            self._model = load_model(path, compute)

    def start_speech(self) -> WhisperStream:
        """Opens a stream for one video."""
        assert self._model is not None
        limits = RejectionLimits(
            no_speech=self.settings.max_no_speech,
            log_probability=self.settings.min_log_probability,
            compression=self.settings.max_compression,
        )
        return WhisperStream(self._model, self.language, find_speech=self.settings.find_speech, limits=limits)

    @property
    def sources(self) -> tuple[str, ...]:
        """Kinds of sources, the preferred one first."""
        return tuple(self.settings.sources.split(","))

    @property
    def language(self) -> str | None:
        """The language of the subtitles to prefer; None for any."""
        return self.settings.language or None

    def process_transcript(self, transcript: Transcript, step: Fraction, windows: int) -> Mapping[str, Columns]:
        """Returns rows of the words that begin within the video, and of the utterances that begin before its end."""
        accepted = [
            (index, utterance, window)
            for index, utterance in enumerate(transcript.utterances)
            if (window := _window(utterance.start, step)) < windows
        ]
        words = [
            (window, word, index, utterance)
            for index, utterance in enumerate(transcript.utterances)
            for word in utterance.words
            if 0 <= (window := _window(word.start, step)) < windows
        ]
        words.sort(key=lambda row: row[1].start)
        rejected = [
            (None, utterance, window)
            for utterance in transcript.rejected
            if (window := _window(utterance.start, step)) < windows
        ]
        rows = sorted((*accepted, *rejected), key=lambda row: row[1].start)
        return {
            "words": _columns(
                _WORDS,
                {
                    WINDOW: [window for window, *_ in words],
                    "word": [word.text for _, word, *_ in words],
                    "word_start": [word.start for _, word, *_ in words],
                    "word_end": [word.end for _, word, *_ in words],
                    "utterance": [index for *_, index, _ in words],
                    "speaker": [utterance.speaker for *_, utterance in words],
                    "confidence": [word.confidence for _, word, *_ in words],
                    "source": [utterance.source for *_, utterance in words],
                },
            ),
            "utterances": _columns(_UTTERANCES, _utterance_columns(rows)),
        }

    def notes(self, transcript: Transcript) -> Sequence[str]:
        """How much speech was recognised, and how much of it was rejected."""
        if transcript.speech_s is None:
            return ()
        count = len(transcript.utterances) + len(transcript.rejected)
        summary = f"speech in {transcript.speech_s:.0f} s"
        if transcript.rejected:
            summary += (
                f"; {len(transcript.rejected)} of {count} utterances were rejected as most likely made up "
                f"({describe_rejected(transcript.rejected)})"
            )
        return (f"words are recognised: {summary}",)


def _utterance_columns(rows: Sequence[tuple[int | None, Utterance, int]]) -> dict[str, list[Any]]:
    judgements = [utterance.judgement for _, utterance, _ in rows]
    return {
        WINDOW: [max(0, window) for *_, window in rows],
        "utterance": [index for index, *_ in rows],
        "utterance_start": [utterance.start for _, utterance, _ in rows],
        "utterance_end": [utterance.end for _, utterance, _ in rows],
        "text": [utterance.text for _, utterance, _ in rows],
        "word_count": [len(utterance.words) for _, utterance, _ in rows],
        "speaker": [utterance.speaker for _, utterance, _ in rows],
        "source": [utterance.source for _, utterance, _ in rows],
        "no_speech": [judgement and judgement.no_speech for judgement in judgements],
        "log_probability": [judgement and judgement.log_probability for judgement in judgements],
        "compression": [judgement and judgement.compression for judgement in judgements],
        "rejected": [(judgement.rejection or None) if judgement else None for judgement in judgements],
    }


def _window(time: Fraction, step: Fraction) -> int:
    return math.floor(time / step)


def _columns(table: Table, values: Mapping[str, list[Any]]) -> Columns:
    """Arrays with the types of a table's columns, in which None is masked."""
    dtypes = {column.name: column.dtype for column in table.columns} | {WINDOW: "int32"}
    return {name: _masked_array(column, dtypes[name]) for name, column in values.items()}


def _masked_array(values: list[Any], dtype: str) -> np.ma.MaskedArray[Any, Any]:
    is_missing = [value is None for value in values]
    if dtype == "string":
        return np.ma.MaskedArray(np.array(["" if value is None else value for value in values], object), is_missing)
    numbers = [0 if value is None else float(value) for value in values]
    return np.ma.MaskedArray(np.array(numbers, dtype), is_missing)
