"""The words of one video, spoken or shown as subtitles, with times from t = 0."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

_SENTENCE_ENDS = tuple(".?!…。？！")
# A longer pause ends an utterance, unless the source says where utterances end.
_MAX_PAUSE_S = Fraction(1)


@dataclass(frozen=True, slots=True)
class Word:
    """A word.

    Args:
        text: The word as written, with punctuation.
        start: Seconds from t = 0.
        end: Seconds from t = 0.
        confidence: Probability that a recogniser gives the word.
    """

    text: str
    start: Fraction
    end: Fraction
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A recogniser's scores of an utterance, which reveal text that it made up.

    Args:
        no_speech: Probability of no speech.
        log_probability: Mean log probability of the tokens.
        compression: Ratio of the text's bytes to its compressed bytes: large if the text repeats itself.
        rejection: Why the utterance is rejected; empty if it is not.
    """

    no_speech: float
    log_probability: float
    compression: float
    rejection: str = ""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A subtitle, a sentence of a transcript, or a passage of recognised speech without a pause.

    Args:
        text: The whole utterance, in one line.
        start: Seconds from t = 0.
        end: Seconds from t = 0, after `start`.
        words: In order; at least one.
        source: Where its words come from and how they got their times.
        speaker: Name or number of the speaker, if it is known.
        judgement: The recogniser's scores; None for other sources.
    """

    text: str
    start: Fraction
    end: Fraction
    words: tuple[Word, ...]
    source: str
    speaker: str | None = None
    judgement: Judgement | None = None


@dataclass(frozen=True)
class Transcript:
    """The words of one video, spoken or shown as subtitles.

    Args:
        utterances: In the order of their starts, without rejected ones.
        language: ISO 639 code, or None if it is not known.
        rejected: Utterances that the recogniser most likely made up, in the same order.
        speech_s: Seconds of speech that the recogniser found; None if no sound was recognised.
    """

    utterances: tuple[Utterance, ...]
    language: str | None = None
    rejected: tuple[Utterance, ...] = ()
    speech_s: float | None = None

    def utterance_of_windows(self, step: Fraction, windows: int) -> npt.NDArray[np.int32]:
        """(windows,) index of the utterance that fills most of each window; -1 without an utterance.

        If two fill a window equally, the one that begins later counts.

        Args:
            step: Window length in seconds.
            windows: Number of windows.
        """
        longest_s = [Fraction(0)] * windows
        indices = np.full(windows, -1, np.int32)
        for index, utterance in enumerate(self.utterances):
            for window in windows_touched(utterance.start, utterance.end, step, windows):
                overlap_s = min(utterance.end, (window + 1) * step) - max(utterance.start, window * step)
                if overlap_s >= longest_s[window]:
                    longest_s[window], indices[window] = overlap_s, index
        return indices


def windows_touched(start: Fraction, end: Fraction, step: Fraction, windows: int) -> range:
    """The windows that overlap with [start, end)."""
    return range(max(0, math.floor(start / step)), min(windows, math.ceil(end / step)))


def sorted_by_time(utterances: Sequence[Utterance]) -> tuple[Utterance, ...]:
    """The utterances, sorted by start and then by end."""
    return tuple(sorted(utterances, key=lambda utterance: (utterance.start, utterance.end)))


def spread_words(text: str, start: Fraction, end: Fraction) -> tuple[Word, ...]:
    """The words of a text, with durations in proportion to their numbers of letters.

    Args:
        text: Words between white space; a word has at least one letter or digit.
        start: Seconds from t = 0.
        end: Seconds from t = 0, after `start`.
    """
    words = [word for word in text.split() if any(map(str.isalnum, word))]
    lengths = [sum(map(str.isalnum, word)) for word in words]
    edges = [start + (end - start) * Fraction(sum(lengths[:i]), sum(lengths)) for i in range(len(words) + 1)]
    return tuple(
        Word(word, word_start, word_end) for word, (word_start, word_end) in zip(words, pairwise(edges), strict=True)
    )


def with_words(utterance: Utterance, words: Sequence[Word]) -> Utterance:
    """A copy with these words, which spans them in time."""
    start, end = min(word.start for word in words), max(word.end for word in words)
    return replace(utterance, words=tuple(words), start=start, end=end)


def group_into_sentences(
    words: Iterable[Word], source: str, speaker_of: Callable[[Word], str | None] = lambda word: None
) -> list[Utterance]:
    """Groups words into utterances, which end at sentence marks, at pauses and where the speaker changes.

    Args:
        words: In any order.
        source: As in `Utterance`.
        speaker_of: The speaker of a word.
    """
    groups: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.start):
        previous = groups[-1][-1] if groups else None
        if (
            previous is None
            or word.start - previous.end > _MAX_PAUSE_S
            or previous.text.endswith(_SENTENCE_ENDS)
            or speaker_of(word) != speaker_of(previous)
        ):
            groups.append([])
        groups[-1].append(word)
    utterances = []
    for group in groups:
        text = " ".join(word.text for word in group)
        utterance = with_words(Utterance(text, group[0].start, group[-1].end, (), source, speaker_of(group[0])), group)
        if utterance.end > utterance.start:
            utterances.append(utterance)
    return utterances


def covered_share(spans: Sequence[tuple[Fraction, Fraction]], step: Fraction, windows: int) -> npt.NDArray[np.float32]:
    """(windows,) share of each window, 0..1, that lies in any of the spans [start, end), which may overlap.

    Args:
        spans: Start and end in seconds, in any order.
        step: Window length in seconds.
        windows: Number of windows.
    """
    covered_s = [Fraction(0)] * windows
    covered_until = Fraction(0)
    for start, end in sorted(spans):
        for window in windows_touched(max(start, covered_until), end, step, windows):
            covered_s[window] += min(end, (window + 1) * step) - max(start, covered_until, window * step)
        covered_until = max(covered_until, end)
    return np.array([float(seconds / step) for seconds in covered_s], np.float32)
