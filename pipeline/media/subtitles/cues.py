"""Turns subtitles into utterances: handles markup, sounds, speakers, and captions that repeat words."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

from avcues.extractors.transcript import Utterance, Word, spread_words, with_words

TIME_MARK = "\ue000{}\ue001"
"""Marks a time in milliseconds within the text of a cue: the words after the mark begin at that time."""

_TIME_MARK = re.compile("\ue000(\\d+)\ue001")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_SOUND = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|【[^【】]*】|（[^（）]*）")
_MUSIC = re.compile(r"[♩♪♫♬♭♯]+|^\s*#+\s|\s#+\s*$", re.MULTILINE)
_TURN = re.compile(r"^(?:>>+|[-–—‐]+)\s*", re.MULTILINE)
_SPEAKER = re.compile(r"^(?P<name>[^\W\d_a-z][^a-z:\n]{0,29}?[^\W_a-z]) ?:(?=\s)\s*", re.MULTILINE)
_VOICE = re.compile(r"<v(?:\.[^ >]*)? +([^>]+)>")
# Rolling captions repeat words from one cue to the next; few neighbouring cues of other subtitles do.
_ROLLING_SHARE = 0.5
_MIN_PAIRS = 3
_MAX_PAUSE_S = Fraction(1, 2)


@dataclass(frozen=True)
class Cue:
    """A subtitle as its source has it.

    Args:
        text: Lines of text, which may contain tags of HTML and WebVTT, and `TIME_MARK`s.
        start: Seconds from t = 0.
        end: Seconds from t = 0.
        speaker: Name of the speaker, if the format has a field for it.
    """

    text: str
    start: Fraction
    end: Fraction
    speaker: str | None = None


@dataclass(frozen=True)
class Subtitles:
    """The utterances of a source, and counts of the cues that were left out.

    Args:
        utterances: The utterances, in the order of their starts.
        counts: Number of cues left out for each reason; without zeros.
    """

    utterances: tuple[Utterance, ...]
    counts: dict[str, int] = field(default_factory=dict)


def utterances_of(cues: Sequence[Cue], source: str) -> Subtitles:
    """Reads the words of cues, which may overlap and come in any order.

    The words of a cue are spread over its duration, or between times within its text, in proportion to their letters.
    Sounds and notes in brackets, music signs and markup do not count as words; sung words do. A name in capitals before
    a colon is the speaker. In rolling captions, the words that the previous cue has already shown are dropped.

    Args:
        cues: The cues.
        source: The kind of source, for `Utterance.source`.
    """
    sorted_cues = sorted(cues, key=lambda cue: (cue.start, cue.end))
    cleaned = [_clean(cue) for cue in sorted_cues if cue.end > cue.start]
    cues_with_words = [cue for cue in cleaned if any(map(str.isalnum, _TIME_MARK.sub("", cue.text)))]
    distinct_cues = list(dict.fromkeys(cues_with_words))
    new_cues = _without_repeats(distinct_cues)
    left_out = {
        "subtitles that end before they begin": len(sorted_cues) - len(cleaned),
        "subtitles without words (music, sounds, empty)": len(cleaned) - len(cues_with_words),
        "repeated subtitles": len(cues_with_words) - len(distinct_cues),
        "captions that only repeat the previous one": len(distinct_cues) - len(new_cues),
    }
    return Subtitles(
        tuple(_utterance(cue, source) for cue in new_cues),
        {reason: count for reason, count in left_out.items() if count},
    )


def _clean(cue: Cue) -> Cue:
    text = html.unescape(cue.text).replace("\u200b", "").replace("\ufeff", "")
    speakers = [cue.speaker] if cue.speaker else _VOICE.findall(text)
    text = _SOUND.sub(" ", _TAG.sub("", text))
    text = _MUSIC.sub(" ", text)
    text = _TURN.sub("", "\n".join(line.strip() for line in text.split("\n")))
    speakers = speakers or [name_match["name"].title() for name_match in _SPEAKER.finditer(text)]
    text = " ".join(_SPEAKER.sub("", text).split())
    names = {speaker.strip() for speaker in speakers}
    return replace(cue, text=text, speaker=names.pop() if len(names) == 1 else None)


def _without_repeats(cues: Sequence[Cue]) -> list[Cue]:
    """If the captions roll: the cues without the words that the previous cue has shown; else all cues."""
    words_by_cue = [_TIME_MARK.sub(" ", cue.text).split() for cue in cues]
    is_adjacent = [cue.start - previous.end <= _MAX_PAUSE_S for previous, cue in pairwise(cues)]
    repeat_counts = [
        _repeat_count(previous_words, words) if adjacent else 0
        for (previous_words, words), adjacent in zip(pairwise(words_by_cue), is_adjacent, strict=True)
    ]
    pair_count = sum(is_adjacent)
    if pair_count < _MIN_PAIRS or sum(count > 0 for count in repeat_counts) <= _ROLLING_SHARE * pair_count:
        return list(cues)
    new_cues = []
    for cue, words, count in zip(cues, words_by_cue, (0, *repeat_counts), strict=True):
        if count < len(words):
            new_cues.append(replace(cue, text=_without_first_words(cue.text, count)))
    return new_cues


def _repeat_count(previous: Sequence[str], words: Sequence[str]) -> int:
    """How many of the first words are also the last words of the previous cue."""
    return next((n for n in range(min(len(previous), len(words)), 0, -1) if previous[-n:] == words[:n]), 0)


def _without_first_words(text: str, count: int) -> str:
    """The text without its first `count` words; marks after them are kept."""
    tokens = [token for token in re.split("(\ue000\\d+\ue001)|\\s+", text) if token]
    for i, token in enumerate(tokens):
        if count == 0:
            return " ".join(tokens[i:])
        count -= not _TIME_MARK.fullmatch(token)
    return ""


def _utterance(cue: Cue, source: str) -> Utterance:
    parts = _TIME_MARK.split(cue.text)
    text = " ".join(" ".join(parts[::2]).split())
    utterance = Utterance(text, cue.start, cue.end, (), source, cue.speaker)
    times = [Fraction(int(ms), 1000) for ms in parts[1::2]]
    starts = [cue.start, *times]
    if not times or starts != sorted(starts) or times[-1] > cue.end:
        return replace(utterance, words=spread_words(text, cue.start, cue.end), source=f"{source}, spread")
    words: list[Word] = []
    for part, start, end in zip(parts[::2], starts, [*times, cue.end], strict=True):
        words += spread_words(part, start, end)
    return with_words(utterance, words)
