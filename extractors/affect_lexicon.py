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
        """The mean rating per affect over the words that the lexicon contains, and their "share" of all words."""
        normalized = [
            "".join(c for c in word.text.lower().replace("’", "'") if c.isalnum() or c in "'-") for word in words
        ]
        ratings = [self.values[word] for word in (word.strip("'-") for word in normalized) if word in self.values]
        means = np.mean(ratings, axis=0).tolist() if ratings else []
        return dict(zip(AFFECTS, means, strict=False)) | {"share": len(ratings) / len(words)}


def read_lexicon(path: Path) -> Lexicon:
    """Reads a CSV or tab-separated file. Without headings, columns are word, valence, arousal and dominance.

    Raises:
        AvcuesError: The file cannot be read or lacks these columns.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AvcuesError(f"{path}: cannot be read as a lexicon ({error}); expected a UTF-8 text file") from error
    rows = list(csv.reader(lines, delimiter="\t" if lines and "\t" in lines[0] else ","))
    headings = [name.strip().lower() for name in rows[0]] if rows else []
    columns = [next((i for i, name in enumerate(headings) if name in names), None) for names in _HEADINGS.values()]
    first_row = 1
    if None in columns and len(headings) == len(_HEADINGS) and _is_number(headings[1]):
        columns, first_row = list(range(len(_HEADINGS))), 0
    if None in columns:
        raise AvcuesError(
            f"{path}: is not a lexicon: expected columns headed {', '.join(_HEADINGS)}, separated by commas or tabs; "
            f"the first line is {lines[0][:80] if lines else 'missing'!r}"
        )
    word_column, *affect_columns = (i for i in columns if i is not None)
    values = {}
    for line_number, row in enumerate(rows[first_row:], first_row + 1):
        try:
            values[row[word_column].strip().lower()] = tuple(float(row[i]) for i in affect_columns)
        except (IndexError, ValueError) as error:
            raise AvcuesError(
                f"{path}, line {line_number}: expected a word and three numbers, found {row[:4]}"
            ) from error
    return Lexicon(values)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
