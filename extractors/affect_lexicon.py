"""Valence, arousal and dominance of words, by a list that the user supplies."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avcues.errors import AvcuesError
from avcues.extractors.transcript import Word

AFFECTS = ("valence", "arousal", "dominance")

_HEADINGS = {  # as in the NRC VAD lexicon and in Warriner, Kuperman and Brysbaert 2013
    "word": ("word", "term"),
    "valence": ("valence", "v", "v.mean.sum"),
    "arousal": ("arousal", "a", "a.mean.sum"),
    "dominance": ("dominance", "d", "d.mean.sum"),
}


@dataclass(frozen=True)
class Lexicon:
    """Words in lower case, each with its valence, arousal and dominance on the scale of the file."""

    values: Mapping[str, tuple[float, ...]]

    def measure(self, words: Sequence[Word]) -> dict[str, float]:
        """Mean values over the words that the lexicon has, by affect, and their "share" of all words."""
        plain = ["".join(c for c in word.text.lower().replace("’", "'") if c.isalnum() or c in "'-") for word in words]
        rated = [self.values[word] for word in (w.strip("'-") for w in plain) if word in self.values]
        means = np.mean(rated, axis=0).tolist() if rated else []
        return dict(zip(AFFECTS, means, strict=False)) | {"share": len(rated) / len(words)}


def read_lexicon(path: Path) -> Lexicon:
    """Reads a CSV or tab-separated file: columns by their headings, or without headings in the order of `_HEADINGS`.

    Raises:
        AvcuesError: It cannot be read, or has no such columns.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AvcuesError(f"{path}: cannot be read as a lexicon ({error}); expected a UTF-8 text file") from error
    rows = list(csv.reader(lines, delimiter="\t" if lines and "\t" in lines[0] else ","))
    head = [name.strip().lower() for name in rows[0]] if rows else []
    columns = [next((i for i, name in enumerate(head) if name in names), None) for names in _HEADINGS.values()]
    first = 1
    if None in columns and len(head) == len(_HEADINGS) and _is_number(head[1]):
        columns, first = list(range(len(_HEADINGS))), 0
    if None in columns:
        raise AvcuesError(
            f"{path}: is no lexicon: expected columns headed {', '.join(_HEADINGS)}, separated by commas or tabs; the "
            f"first line is {lines[0][:80] if lines else 'missing'!r}"
        )
    word, *affects = (i for i in columns if i is not None)
    values = {}
    for number, row in enumerate(rows[first:], first + 1):
        try:
            values[row[word].strip().lower()] = tuple(float(row[i]) for i in affects)
        except (IndexError, ValueError) as error:
            raise AvcuesError(f"{path}, line {number}: expected a word and three numbers, found {row[:4]}") from error
    return Lexicon(values)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
