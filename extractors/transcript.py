"""What is said or shown as words in one video, on the clock that starts at t = 0."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

_SENTENCE_ENDS = tuple(".?!…。？！")
# A pause that is longer ends an utterance where the source does not say where these end.
_PAUSE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is written, punctuation included.

    Args:
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
    """A recogniser's own figures of an utterance, by which made-up text is recognised.

    Args:
        no_speech: Probability of no speech.
        log_probability: Mean log probability of the tokens.
        compression: How much shorter the text becomes when it is compressed: large where it repeats itself.
        rejected: Which figure exceeds its limit; empty for an utterance that counts.
    """

    no_speech: float
    log_probability: float
    compression: float
    rejected: str = ""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A subtitle, a sentence of a transcript, or what a recogniser heard in one breath.

    Args:
        text: The whole of it, in one line.
        start: Seconds from t = 0.
        end: Seconds from t = 0, after `start`.
        words: In order; at least one.
        source: Where its words come from and how they got their times.
        speaker: Name or number of the speaker, where it is known.
        judgement: What a recogniser says of it.
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
    """All that is said or shown in a video.

    Args:
        utterances: In the order in which they begin; those that a recogniser made up are not among them.
        language: ISO 639 code, or None if it is not known.
        rejected: What a recogniser most likely made up.
        speech_s: Seconds in which a recogniser found speech; None: nothing was recognised.
    """

    utterances: tuple[Utterance, ...]
    language: str | None = None
    rejected: tuple[Utterance, ...] = ()
    speech_s: float | None = None

    def utterance_of_windows(self, step: Fraction, windows: int) -> npt.NDArray[np.int32]:
        """Index of the utterance that fills most of each window; -1 where there is none.

        Of two that fill equally much, the one that begins later counts.

        Args:
            step: Window length in seconds.
            windows: Number of windows.
        """
        filled = [Fraction(0)] * windows
        chosen = np.full(windows, -1, np.int32)
        for index, utterance in enumerate(self.utterances):
            for window in touched(utterance.start, utterance.end, step, windows):
                shared = min(utterance.end, (window + 1) * step) - max(utterance.start, window * step)
                if shared >= filled[window]:
                    filled[window], chosen[window] = shared, index
        return chosen


def touched(start: Fraction, end: Fraction, step: Fraction, windows: int) -> range:
    """The windows of which [start, end) covers a part."""
    return range(max(0, math.floor(start / step)), min(windows, math.ceil(end / step)))


def in_order(utterances: Sequence[Utterance]) -> tuple[Utterance, ...]:
    """Utterances by their start, and of one start by their end."""
    return tuple(sorted(utterances, key=lambda utterance: (utterance.start, utterance.end)))


def spread(text: str, start: Fraction, end: Fraction) -> tuple[Word, ...]:
    """The words of a text, each as long in time as it is in letters.

    Args:
        text: Words between white space; what has neither a letter nor a digit is no word.
        start: Seconds from t = 0.
        end: Seconds from t = 0, after `start`.
    """
    words = [word for word in text.split() if any(map(str.isalnum, word))]
    lengths = [sum(map(str.isalnum, word)) for word in words]
    edges = [start + (end - start) * Fraction(sum(lengths[:i]), sum(lengths)) for i in range(len(words) + 1)]
    return tuple(Word(word, first, last) for word, (first, last) in zip(words, pairwise(edges), strict=True))


def timed(utterance: Utterance, words: Sequence[Word]) -> Utterance:
    """The utterance with words of their own times, which it then spans."""
    return replace(utterance, words=tuple(words), start=min(w.start for w in words), end=max(w.end for w in words))


def sentences(
    words: Iterable[Word], source: str, speaker_of: Callable[[Word], str | None] = lambda word: None
) -> list[Utterance]:
    """Utterances of words whose source does not say where these end: at sentence marks, pauses, other speakers.

    Args:
        words: In any order.
        source: As in `Utterance`.
        speaker_of: The speaker of a word.
    """
    groups: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.start):
        last = groups[-1][-1] if groups else None
        if (
            last is None
            or word.start - last.end > _PAUSE
            or last.text.endswith(_SENTENCE_ENDS)
            or speaker_of(word) != speaker_of(last)
        ):
            groups.append([])
        groups[-1].append(word)
    utterances = []
    for group in groups:
        text = " ".join(word.text for word in group)
        utterance = timed(Utterance(text, group[0].start, group[-1].end, (), source, speaker_of(group[0])), group)
        if utterance.end > utterance.start:
            utterances.append(utterance)
    return utterances


def covered_share(spans: Sequence[tuple[Fraction, Fraction]], step: Fraction, windows: int) -> npt.NDArray[np.float32]:
    """(windows,) share of each window, 0..1, that [start, end) spans cover together, however they overlap.

    Args:
        spans: Start and end in seconds, in any order.
        step: Window length in seconds.
        windows: Number of windows.
    """
    covered = [Fraction(0)] * windows
    reached = Fraction(0)
    for start, end in sorted(spans):
        for window in touched(max(start, reached), end, step, windows):
            covered[window] += min(end, (window + 1) * step) - max(start, reached, window * step)
        reached = max(reached, end)
    return np.array([float(seconds / step) for seconds in covered], np.float32)
