"""Labels in cells: whether they were chosen, several in one cell, and missing ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.ratings.keys import codes, combined
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError

Rows = npt.NDArray[np.int64]

_CHOSEN = ("1", "1.0", "true", "t", "yes", "y", "x", "selected", "checked")
_NOT_CHOSEN = ("0", "0.0", "false", "f", "no", "n", "not selected", "unchecked")
_MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "-", "--", "\N{EN DASH}")


def chosen_only(table: pa.Table, cells: pa.ChunkedArray, number: Rows, file: str) -> tuple[pa.Table, Rows]:
    """Keeps the rows of chosen labels, and one row without a label where a rater chose none.

    Args:
        table: With a column `label`.
        cells: (N,) texts, such as 1 and 0.
        number: (N,) row of each cell in the file.
        file: Name of the file, for messages.

    Raises:
        InputError: A cell says neither that the label was chosen nor that it was not.
    """
    words = np.array(pc.utf8_lower(pc.utf8_trim_whitespace(cells.cast(pa.string()))).fill_null("").to_pylist(), str)
    chosen, missing = np.isin(words, _CHOSEN), np.isin(words, _MISSING)
    wrong = ~(chosen | missing | np.isin(words, _NOT_CHOSEN))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise InputError(
            f'{file}: row {number[first]}: {table["label"][first].as_py()} is "{words[first]}"; expected 1 if the '
            "label was chosen, 0 if not"
        )
    keys = [table[name] for name in table.column_names if name != "label"]
    names = [[word for word in key.unique().to_pylist() if word is not None] for key in keys]
    question = combined(
        [(number, 0), *((_codes(key, words), len(words)) for key, words in zip(keys, names, strict=True))]
    )
    _, question = np.unique(question, return_inverse=True)
    has_choice = np.zeros(question.max(initial=-1) + 1, bool)
    np.logical_or.at(has_choice, question, chosen)
    unchosen = np.flatnonzero(~chosen & ~missing & ~has_choice[question])
    rows_without_choice = unchosen[np.unique(question[unchosen], return_index=True)[1]]
    rows = np.sort(np.concatenate([np.flatnonzero(chosen), rows_without_choice]))
    labels = pc.if_else(pa.array(chosen[rows]), table["label"].take(pa.array(rows)), None)
    column = table.column_names.index("label")
    return table.take(pa.array(rows)).set_column(column, "label", labels), number[rows]


def _codes(key: pa.ChunkedArray, words: Sequence[object]) -> Rows:
    """(N,) codes of a column of words, or of numbers such as times."""
    if pa.types.is_string(key.type) or pa.types.is_dictionary(key.type):
        return codes(key, words)  # type: ignore[arg-type]
    return np.unique(key.to_numpy(), return_inverse=True)[1].astype(np.int64)


def cut_apart(table: pa.Table, number: Rows, separator: str) -> tuple[pa.Table, Rows]:
    """Splits cells that hold several labels into one row per label."""
    lists = pc.split_pattern(table["label"].fill_null(""), separator).combine_chunks()
    row = pc.list_parent_indices(lists)
    labels = pc.utf8_trim_whitespace(pc.list_flatten(lists))
    column = table.column_names.index("label")
    return table.take(row).set_column(column, "label", pa.chunked_array([labels])), number[row.to_numpy()]


def without_missing(table: pa.Table, number: Rows) -> tuple[pa.Table, Rows, list[str]]:
    """Drops rows whose label is a word for a missing one, such as NA, and notes how many there were."""
    words = pc.utf8_lower(table["label"].fill_null("").cast(pa.string()))
    missing = pc.and_(pc.is_in(words, pa.array(_MISSING[1:])), table["label"].is_valid()).to_numpy()
    if not missing.any():
        return table, number, []
    note = f"left out: {counted(int(missing.sum()), 'row')} without a label (NA, - and the like)"
    return table.filter(pa.array(~missing)), number[~missing], [note]
