"""Groups that ratings are compared by: setups, familiarity, overlays, and profiles of raters."""

from __future__ import annotations

import operator
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.ratings.keys import codes, combined
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.errors import SettingsError

Ints = npt.NDArray[np.int64]

_CONDITION = re.compile(r"(?P<column>.+?)(?P<comparison>>=|<=|>|<)(?P<number>-?[\d.]+)")
_COMPARISONS = {">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le}
_FEWEST, _MOST = 2, 8
_CLIP_COLUMNS = ("setup", "seen", "overlay")
# The overlay of a setup without pictures.
_NOT_A_GROUP = {"irrelevant", ""}


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """Groups of raters, or of the clips that each saw.

    Args:
        name: Name of a column, or a condition on it.
        groups: Names of the groups.
        of_raters: Whether all of a rater's clips are in one group.
    """

    name: str
    groups: tuple[str, ...]
    of_raters: bool
    _key: Ints
    _group: Ints
    _sizes: tuple[int, ...]

    def of(self, rater: Ints, video: Ints, setup: Ints, round_: Ints) -> Ints:
        """(N,) group of each rating, -1 where it has none; all arguments are (N,) codes of the grouped annotations."""
        if self.of_raters:
            return self._group[rater]
        key = combined(list(zip((rater, video, setup, round_), self._sizes, strict=True)))
        order = np.argsort(self._key)
        position = np.searchsorted(self._key[order], key).clip(0, max(0, len(self._key) - 1))
        return np.where(self._key[order][position] == key, self._group[order][position], -1)


def groupings(annotations: Annotations, by: Collection[str] | None = None) -> list[Grouping]:
    """The requested groupings, or all that the tables of raters and exposures give.

    A column of numbers is split at its median unless a condition names another threshold; a column of words or
    booleans is used if it has 2 to 8 distinct values.

    Raises:
        SettingsError: `by` names an unknown column.
    """
    columns = [name for name in annotations.raters.column_names if name != "rater"]
    if by is not None:
        return [_named(annotations, text, columns) for text in by]
    all_groupings = [_grouping(annotations, name, None) for name in (*_CLIP_COLUMNS, *columns)]
    return [grouping for grouping in all_groupings if _FEWEST <= len(grouping.groups) <= _MOST]


def not_compared(annotations: Annotations) -> dict[str, str]:
    """The columns about raters or clips that `groupings` leaves out, each with the reason."""
    reasons = {}
    for name in (*_CLIP_COLUMNS, *annotations.raters.column_names):
        groups = 0 if name == "rater" else len(_grouping(annotations, name, None).groups)
        if groups > _MOST:
            reasons[name] = f"{groups} groups, more than {_MOST}"
        elif groups == 1:
            reasons[name] = "one group"
    return reasons


def _named(annotations: Annotations, text: str, columns: Collection[str]) -> Grouping:
    condition = _CONDITION.fullmatch(text.replace(" ", ""))
    name = condition["column"] if condition else text
    if name not in (*_CLIP_COLUMNS, *columns):
        raise SettingsError(f'no column "{name}" to compare by, only {", ".join((*_CLIP_COLUMNS, *columns))}')
    return _grouping(annotations, name, condition)


def _grouping(annotations: Annotations, name: str, condition: re.Match[str] | None) -> Grouping:
    of_raters = name not in _CLIP_COLUMNS
    raters = codes(annotations.raters["rater"], annotations.rater_ids)
    names: Mapping[str, tuple[str, ...]] = {
        "rater": annotations.rater_ids,
        "video_id": annotations.videos,
        "setup": annotations.setups,
        "round": annotations.rounds,
    }
    table = annotations.raters if of_raters else annotations.exposures
    label, groups, group = _split(table[name], name, condition)
    if name == "setup":
        groups, group = annotations.setups, codes(table[name], annotations.setups)
    if of_raters:
        rater_group = np.full(len(annotations.rater_ids), -1)
        rater_group[raters[raters >= 0]] = group[raters >= 0]
        group, key = rater_group, np.zeros(0, np.int64)
    else:
        key = combined([(codes(table[column], words), len(words)) for column, words in names.items()])
    return Grouping(
        name=label,
        groups=groups,
        of_raters=of_raters,
        _key=key,
        _group=group,
        _sizes=tuple(len(words) for words in names.values()),
    )


def _split(column: pa.ChunkedArray, name: str, condition: re.Match[str] | None) -> tuple[str, tuple[str, ...], Ints]:
    """The grouping's name, its groups, and the group of each row."""
    kind = column.type
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if condition is not None and not numeric:
        raise SettingsError(f"{name} holds {kind}, not numbers: it cannot be compared with {condition['number']}")
    if not numeric:
        words = pa.chunked_array([pc.cast(column, pa.string()).combine_chunks()])
        groups = tuple(
            sorted(word for word in words.unique().to_pylist() if word is not None and word not in _NOT_A_GROUP)
        )
        return name, groups, codes(words, groups)
    values = pc.cast(column, pa.float64()).to_numpy()
    if condition is None and len(np.unique(values[np.isfinite(values)])) == _FEWEST:
        low = np.nanmin(values)
        high = np.nanmax(values)
        return name, (f"{low:g}", f"{high:g}"), np.where(np.isnan(values), -1, values == high).astype(np.int64)
    comparison, number = (
        (condition["comparison"], float(condition["number"])) if condition else (">", float(np.nanmedian(values)))
    )
    is_met = _COMPARISONS[comparison](values, number)
    label = f"{name} {comparison} {number:g}"
    groups = tuple(
        text for text, occurs in (("no", (~is_met[np.isfinite(values)]).any()), ("yes", is_met.any())) if occurs
    )
    return label, groups, np.where(np.isnan(values), -1, is_met if len(groups) == _FEWEST else 0).astype(np.int64)
