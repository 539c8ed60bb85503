"""Reads transcripts with a time per word: JSON of Whisper and WhisperX, Praat TextGrids, tables of words."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from avcues.extractors.transcript import Utterance, Word, group_into_sentences, spread_words, with_words
from avcues.pipeline.errors import MediaError
from avcues.pipeline.timeline import exact_seconds

SUFFIXES = (".json", ".textgrid", ".csv", ".tsv")

_TABLE_COLUMNS = ("word", "start", "end")
_SILENCES = frozenset(("", "<eps>", "sil", "sp", "spn", "<sil>", "<p>", "<unk>"))
_WORD_TIERS = ("word", "words")
_OTHER_TIERS = ("phone", "phones", "segment", "segments", "phonemes", "syllables", "mau")


def read_json(text: str, source: str) -> tuple[list[Utterance], str | None]:
    """Utterances and language of a transcript by Whisper, faster-whisper or WhisperX.

    Words without times, as WhisperX leaves numbers, share the time between their neighbours.

    Raises:
        MediaError: The file is not such a transcript.
    """
    try:
        document = json.loads(text, parse_float=exact_seconds, parse_int=exact_seconds)
    except ValueError as error:
        raise MediaError(f"cannot be read as JSON ({error})") from error
    except RecursionError:
        raise MediaError("cannot be read as JSON (it is nested too deeply)") from None
    segments = document.get("segments") if isinstance(document, dict) else None
    if not isinstance(segments, list):
        raise MediaError('is not a transcript of Whisper or WhisperX: it has no list "segments"')
    try:
        utterances = [_segment(segment, source) for segment in segments]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MediaError(
            "is not a transcript of Whisper or WhisperX: a segment lacks text or times "
            f"({type(error).__name__}: {error})"
        ) from error
    language = document.get("language")
    return (
        [utterance for utterance in utterances if utterance is not None],
        language if isinstance(language, str) else None,
    )


def _segment(segment: Mapping[str, Any], source: str) -> Utterance | None:
    text = " ".join(str(segment["text"]).split())
    start, end = _seconds(segment["start"]), _seconds(segment["end"])
    speaker = segment.get("speaker")
    if end <= start or not any(map(str.isalnum, text)):
        return None
    utterance = Utterance(text, start, end, (), source, None if speaker is None else str(speaker))
    words = [word for word in segment.get("words") or () if any(map(str.isalnum, str(word["word"])))]
    if not any("start" in word for word in words):
        return Utterance(text, start, end, spread_words(text, start, end), f"{source}, spread", utterance.speaker)
    return with_words(utterance, _timed_words(words, start, end))


def _timed_words(words: Sequence[Mapping[str, Any]], start: Fraction, end: Fraction) -> list[Word]:
    timed_words: list[Word] = []
    untimed_texts: list[str] = []
    for word in words:
        text = str(word["word"]).strip()
        if "start" not in word or "end" not in word:
            untimed_texts.append(text)
            continue
        word_start, word_end = _seconds(word["start"]), _seconds(word["end"])
        if untimed_texts:
            timed_words += spread_words(
                " ".join(untimed_texts), timed_words[-1].end if timed_words else start, word_start
            )
            untimed_texts = []
        confidence = _confidence(word.get("probability", word.get("score")))
        timed_words.append(Word(text, word_start, max(word_start, word_end), confidence))
    if untimed_texts:
        timed_words += spread_words(" ".join(untimed_texts), timed_words[-1].end if timed_words else start, end)
    return timed_words


def _confidence(value: object) -> float | None:
    """The number as it is written; NaN if it is none, None if there is none."""
    if value is None or value == "":
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except (OverflowError, TypeError, ValueError):
        return math.nan


def without_impossible_confidences(utterances: Sequence[Utterance]) -> tuple[list[Utterance], int]:
    """The utterances without confidences that are no probabilities, and how many these were."""
    impossible = 0

    def checked(word: Word) -> Word:
        nonlocal impossible
        if word.confidence is None or 0 <= word.confidence <= 1:
            return word
        impossible += 1
        return replace(word, confidence=None)

    return [replace(u, words=tuple(map(checked, u.words))) for u in utterances], impossible


def _seconds(value: str | Fraction) -> Fraction:
    """A time of a document whose numbers were read as fractions, or its text."""
    return value if isinstance(value, Fraction) else exact_seconds(value)


def read_textgrid(text: str, source: str) -> list[Utterance]:
    """Utterances of a Praat TextGrid, from word tiers (one per speaker) or else from tiers of whole sentences.

    Raises:
        MediaError: The file is not a TextGrid, or has no tier with words.
    """
    from praatio.utilities.textgrid_io import parseTextgridStr

    try:
        tiers = [tier for tier in parseTextgridStr(text)["tiers"] if tier["class"] == "IntervalTier"]
        intervals = {
            tier["name"]: [
                (" ".join(label.split()), exact_seconds(start), exact_seconds(end))
                for start, end, label in tier["entries"]
                if label.strip().lower() not in _SILENCES
            ]
            for tier in tiers
        }
    except Exception as error:  # the library passes on whatever its parser raises
        raise MediaError(f"cannot be read as a TextGrid ({type(error).__name__}: {error})") from error
    word_tiers = [name for name in intervals if _tier_kind(name) in _WORD_TIERS]
    utterances: list[Utterance] = []
    for name in word_tiers:
        speaker = name.rpartition(" - ")[0] or None
        tier_utterances = group_into_sentences((Word(*interval) for interval in intervals[name]), source)
        utterances += [replace(utterance, speaker=speaker) for utterance in tier_utterances]
    if not word_tiers:
        for name in (name for name in intervals if _tier_kind(name) not in _OTHER_TIERS):
            utterances += [
                Utterance(label, start, end, spread_words(label, start, end), f"{source}, spread", name or None)
                for label, start, end in intervals[name]
                if end > start and any(map(str.isalnum, label))
            ]
    if not utterances:
        raise MediaError(f"has no interval tier with words (tiers: {', '.join(intervals) or 'none'}); call it words")
    return utterances


def _tier_kind(name: str) -> str:
    return name.rpartition(" - ")[2].strip().lower()


def read_table(text: str, source: str) -> list[Utterance]:
    """Utterances of a table with the columns word, start, end (seconds), and optionally speaker and confidence.

    Utterances end with a sentence, at a pause, and where the speaker changes.

    Raises:
        MediaError: The file is not such a table.
    """
    lines = text.splitlines()
    rows = csv.DictReader(lines, delimiter="\t" if lines and "\t" in lines[0] else ",")
    if not set(_TABLE_COLUMNS) <= set(rows.fieldnames or ()):
        raise MediaError(
            f"is not a table of words: it needs the columns {', '.join(_TABLE_COLUMNS)}, and has "
            f"{', '.join(map(str, rows.fieldnames or ())) or 'none'}"
        )
    words, speakers = [], {}
    for row in rows:
        try:
            start, end = exact_seconds(row["start"]), exact_seconds(row["end"])
        except (TypeError, ValueError) as error:
            raise MediaError(
                f"line {rows.line_num}: expected seconds, such as 12.34, found {row['start']}, {row['end']}"
            ) from error
        if end < start:
            raise MediaError(f"line {rows.line_num}: the word ends at {row['end']}, before it begins at {row['start']}")
        if any(map(str.isalnum, row["word"] or "")):
            words.append(Word(row["word"].strip(), start, end, _confidence(row.get("confidence"))))
            speakers[id(words[-1])] = row.get("speaker") or None
    return group_into_sentences(words, source, lambda word: speakers[id(word)])
