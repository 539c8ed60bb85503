"""Arrow arrays made from buffers are those that Arrow makes itself."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from avcues.pipeline.store import arrow

MISSING = np.array([False, True, False, False, True, False, False, False, False, True])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "int32", "bool"])
@pytest.mark.parametrize("missing", [None, MISSING, np.zeros(10, bool)])
def test_numbers(dtype: str, missing: np.ndarray | None) -> None:
    values = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 100, 10)
    values_in_arrow = arrow.array(values, dtype, missing)
    values_in_arrow.validate(full=True)
    assert values_in_arrow.equals(pa.array(values.astype(dtype), mask=missing))
    assert values_in_arrow.null_count == (0 if missing is None else missing.sum())


def test_strings() -> None:
    values = ["", "a", None, "über", "日本", "x" * 300, None, "b", "c", "d"]
    values_in_arrow = arrow.strings(values, MISSING)
    values_in_arrow.validate(full=True)
    assert values_in_arrow.equals(pa.array([None if gone else v for v, gone in zip(values, MISSING, strict=True)]))
    assert arrow.strings([]).equals(pa.array([], pa.string()))


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit into int16"):
        arrow.array(np.array([1, 40000]), "int16")
