"""Recognises the `label.csv` of MMSA's copies of CMU-MOSI, CMU-MOSEI and CH-SIMS, and tells CH-SIMS from the others."""

from __future__ import annotations

import csv

from avcues.pipeline.store.text_tables import separator_of

_COLUMNS = ("video_id", "clip_id", "label")
_SINGLE = "label_T"


def is_label_csv(head: str) -> bool:
    """Whether a text begins with the header of a `label.csv`."""
    rows = _rows(head)
    return bool(rows) and set(_COLUMNS) <= set(rows[0])


def has_single_modalities(head: str) -> bool:
    """Whether text, sound and picture have their own labels, as in CH-SIMS; in other copies these cells are empty."""
    rows = _rows(head)
    if not rows or _SINGLE not in rows[0]:
        return False
    column = rows[0].index(_SINGLE)
    return any(len(row) == len(rows[0]) and row[column].strip() for row in rows[1:])


def _rows(head: str) -> list[list[str]]:
    lines = head.removeprefix("\ufeff").splitlines()
    return list(csv.reader(lines, delimiter=separator_of(lines[:1]))) if lines else []
