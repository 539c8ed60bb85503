"""From subtitles as they are written to utterances: markup, sounds, speakers, and captions that repeat themselves."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

from avcues.extractors.transcript import Utterance, Word, spread_words, with_words

MARK = "\ue000{}\ue001"
"""A time in milliseconds within the text of a cue: the words after it begin there."""

_MARK = re.compile("\ue000(\\d+)\ue001")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_SOUND = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|【[^【】]*】|（[^（）]*）")
_MUSIC = re.compile(r"[♩♪♫♬♭♯]+|^\s*#+\s|\s#+\s*$", re.MULTILINE)
_TURN = re.compile(r"^(?:>>+|[-–—‐]+)\s*", re.MULTILINE)
_SPEAKER = re.compile(r"^(?P<name>[^\W\d_a-z][^a-z:\n]{0,29}?[^\W_a-z]) ?:(?=\s)\s*", re.MULTILINE)
_VOICE = re.compile(r"<v(?:\.[^ >]*)? +([^>]+)>")
# Captions that roll repeat words from one cue to the next; of other subtitles, few neighbours do.
_ROLLING_SHARE = 0.5
_FEWEST_PAIRS = 3
_NEIGHBOURS = Fraction(1, 2)


@dataclass(frozen=True)
class Cue:
    """A subtitle as its source has it.

    Args:
        text: Lines; tags of HTML and WebVTT may be in it, and `MARK`s.
        start: Seconds from t = 0.
        end: Seconds from t = 0.
        speaker: Name, where the format has a field for it.
    """

    text: str
    start: Fraction
    end: Fraction
    speaker: str | None = None


@dataclass(frozen=True)
class Subtitles:
    """The utterances of a source, and what became of its cues.

    Args:
        counts: What was left out, in words, with how often; zeros are not in it.
    """

    utterances: tuple[Utterance, ...]
    counts: dict[str, int] = field(default_factory=dict)


def utterances_of(cues: Sequence[Cue], source: str) -> Subtitles:
    """Reads the words of cues, which may overlap and come in any order.

    A cue's words are spread over it in proportion to their letters, or between the times within its text. Sounds and
    notes in brackets, music signs and markup are no words; words that are sung are. A name in capitals before a colon
    is the speaker. Where captions roll, the words of a cue that the one before it has shown are dropped.

    Args:
        source: The kind of source, for `Utterance.source`.
    """
    ordered = sorted(cues, key=lambda cue: (cue.start, cue.end))
    cleaned = [_clean(cue) for cue in ordered if cue.end > cue.start]
    worded = [cue for cue in cleaned if any(map(str.isalnum, _MARK.sub("", cue.text)))]
    fresh = _without_repeats(worded)
    left_out = {
        "subtitles that end before they begin": len(ordered) - len(cleaned),
        "subtitles without words (music, sounds, empty)": len(cleaned) - len(worded),
        "captions that only repeat the one before": len(worded) - len(fresh),
    }
    return Subtitles(
        tuple(_utterance(cue, source) for cue in fresh), {reason: count for reason, count in left_out.items() if count}
    )


def _clean(cue: Cue) -> Cue:
    text = html.unescape(cue.text).replace("\u200b", "").replace("\ufeff", "")
    speakers = [cue.speaker] if cue.speaker else _VOICE.findall(text)
    text = _SOUND.sub(" ", _TAG.sub("", text))
    text = _MUSIC.sub(" ", text)
    text = _TURN.sub("", "\n".join(line.strip() for line in text.split("\n")))
    speakers = speakers or [name_match["name"].title() for name_match in _SPEAKER.finditer(text)]
    text = " ".join(_SPEAKER.sub("", text).split())
    only = {speaker.strip() for speaker in speakers}
    return replace(cue, text=text, speaker=only.pop() if len(only) == 1 else None)


def _without_repeats(cues: Sequence[Cue]) -> list[Cue]:
    """The cues without words that the cue before them has shown, if the captions roll."""
    shown = [_MARK.sub(" ", cue.text).split() for cue in cues]
    near = [b.start - a.end <= _NEIGHBOURS for a, b in pairwise(cues)]
    repeated = [_repeated(a, b) if is_near else 0 for (a, b), is_near in zip(pairwise(shown), near, strict=True)]
    pairs = sum(near)
    if pairs < _FEWEST_PAIRS or sum(count > 0 for count in repeated) <= _ROLLING_SHARE * pairs:
        return list(cues)
    utterances = []
    for cue, words, count in zip(cues, shown, (0, *repeated), strict=True):
        if count < len(words):
            utterances.append(replace(cue, text=_after(cue.text, count)))
    return utterances


def _repeated(previous: Sequence[str], words: Sequence[str]) -> int:
    """How many of the first words are the last words of the cue before."""
    return next((n for n in range(min(len(previous), len(words)), 0, -1) if previous[-n:] == words[:n]), 0)


def _after(text: str, skipped: int) -> str:
    """The text after its first words, with the marks among the rest."""
    tokens = [token for token in re.split("(\ue000\\d+\ue001)|\\s+", text) if token]
    for i, token in enumerate(tokens):
        if skipped == 0:
            return " ".join(tokens[i:])
        skipped -= not _MARK.fullmatch(token)
    return ""


def _utterance(cue: Cue, source: str) -> Utterance:
    pieces = _MARK.split(cue.text)
    text = " ".join(" ".join(pieces[::2]).split())
    plain = Utterance(text, cue.start, cue.end, (), source, cue.speaker)
    times = [Fraction(int(ms), 1000) for ms in pieces[1::2]]
    starts = [cue.start, *times]
    if not times or starts != sorted(starts) or times[-1] > cue.end:
        return replace(plain, words=spread_words(text, cue.start, cue.end), source=f"{source}, spread")
    words: list[Word] = []
    for piece, start, end in zip(pieces[::2], starts, [*times, cue.end], strict=True):
        words += spread_words(piece, start, end)
    return with_words(plain, words)
