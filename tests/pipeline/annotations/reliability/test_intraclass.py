"""Intraclass correlations and Cronbach's alpha against pingouin and the values that R's psych prints."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pingouin
import pytest
from studies import of_matrix, tidy

from avcues.pipeline.annotations import agreement, import_tidy
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap
from avcues.pipeline.annotations.statistics.intraclass import (
    ICC,
    cronbach_alpha,
    intraclass,
    raters_needed,
    spearman_brown,
)

SHROUT_AND_FLEISS = np.array([[9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2], [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]])
PSYCH = {
    "icc1": (0.17, -0.133, 0.72),
    "icc2": (0.29, 0.019, 0.76),
    "icc3": (0.71, 0.342, 0.95),
    "icc1k": (0.44, -0.884, 0.91),
    "icc2k": (0.62, 0.071, 0.93),
    "icc3k": (0.91, 0.676, 0.99),
}
"""psych::ICC of the same table: the coefficient, and the bounds to three and two places."""


def some(seed: int) -> np.ndarray:
    """(raters, items)"""
    rng = np.random.default_rng(seed)
    items, raters = rng.integers(3, 30), rng.integers(2, 8)
    signal = rng.normal(0, rng.uniform(0, 2), items) + rng.normal(0, rng.uniform(0, 1), raters)[:, None]
    return np.asarray(signal + rng.normal(size=(raters, items)))


def test_the_table_of_shrout_and_fleiss_as_psych_prints_it() -> None:
    measured = intraclass(SHROUT_AND_FLEISS)
    for name, (value, low, high) in PSYCH.items():
        assert measured[name].value == pytest.approx(value, abs=0.005)
        assert measured[name].low == pytest.approx(low, abs=0.0005)
        assert measured[name].high == pytest.approx(high, abs=0.005)
    assert measured["icc1"].n == 6


def test_all_six_are_those_of_pingouin_on_100_tables() -> None:
    for seed in range(100):
        x = some(seed)
        item, rater = (axis.ravel() for axis in np.meshgrid(range(x.shape[1]), range(len(x))))
        long = pd.DataFrame({"item": item, "rater": rater, "value": x.ravel()})
        expected = pingouin.intraclass_corr(long, "item", "rater", "value")
        for name, (_, row) in zip(ICC, expected.iterrows(), strict=True):
            computed = intraclass(x)[name]
            assert computed.value == pytest.approx(row["ICC"], abs=1e-9)
            assert [computed.low, computed.high] == pytest.approx(list(row["CI95"]), abs=0.0051)  # it rounds
        alpha, bounds = pingouin.cronbach_alpha(pd.DataFrame(x.T))
        computed = cronbach_alpha(x)
        assert computed.value == pytest.approx(alpha, abs=1e-9)
        assert [computed.low, computed.high] == pytest.approx(list(bounds), abs=0.00051)


def test_gaps() -> None:
    rng = np.random.default_rng(0)
    x = some(3)
    gappy = np.where(rng.random(x.shape) < 0.2, np.nan, x)
    complete = gappy[:, np.isfinite(gappy).all(0)]
    for name in ("icc2", "icc3", "icc2k", "icc3k"):
        assert intraclass(gappy)[name] == intraclass(complete)[name]
    # One-way analysis of variance with groups of unequal sizes.
    groups = [column[np.isfinite(column)] for column in gappy.T if np.isfinite(column).sum() > 1]
    long = pd.DataFrame([(i, v) for i, group in enumerate(groups) for v in group], columns=["item", "value"])
    table = pingouin.anova(long, dv="value", between="item", detailed=True)
    between, within = table["MS"]
    sizes = np.array([len(group) for group in groups])
    k = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(sizes) - 1)
    assert intraclass(gappy)["icc1"].value == pytest.approx((between - within) / (between + (k - 1) * within))
    apart = np.full((4, 8), np.nan)
    apart[:2, :4], apart[2:, 4:] = SHROUT_AND_FLEISS[:2, :4], SHROUT_AND_FLEISS[2:, 2:]
    measured = intraclass(apart)
    assert measured["icc1"].value is not None
    assert "rated by all raters" in str(measured["icc2"].reason)
    assert intraclass(np.ones((3, 5)))["icc1"].reason == "all ratings are the same"
    assert intraclass(np.ones((1, 5)))["icc3"].reason == "there is one rater"


def test_more_raters_are_more_reliable() -> None:
    for seed in range(20):
        x = some(seed)
        measured = intraclass(x)
        for name in ("icc1", "icc2", "icc3"):
            single, average = measured[name].value, measured[f"{name}k"].value
            assert single is not None
            assert spearman_brown(single, len(x)) == pytest.approx(average)
    needed = raters_needed(0.3, 0.8)
    assert needed is not None
    assert spearman_brown(0.3, needed) >= 0.8 > spearman_brown(0.3, needed - 1)


def test_agreement_has_them_over_time_and_once_per_clip() -> None:
    rng = np.random.default_rng(1)
    curves = {f"v{i}": rng.normal(size=40).cumsum() + rng.normal(size=(4, 40)) for i in range(5)}
    over_time = [of_matrix(curve, video_id=name) for name, curve in curves.items()]
    clips = some(5)[:4]
    rater, item = (axis.ravel().tolist() for axis in np.meshgrid(*map(range, clips.shape), indexing="ij"))
    once = tidy(
        rater=[f"r{i}" for i in rater],
        video_id=[f"w{i}" for i in item],
        value=clips.ravel().tolist(),
        dimension="liking",
        time=[None] * clips.size,
    )
    study = import_tidy(pa_concat([*over_time, once]))
    rows = {row.dimension: row for row in agreement(study, bootstrap=Bootstrap(0)).by_setup}
    for name in ("icc2", "icc3k", "cronbach_alpha"):
        expected = [intraclass(curve)[name].value for curve in curves.values()]
        assert rows["valence"].coefficients[name].value == pytest.approx(np.mean(expected))  # type: ignore[arg-type]
        assert rows["valence"].coefficients[name].n == 5
        assert rows["liking"].coefficients[name].value == pytest.approx(intraclass(clips)[name].value)


def pa_concat(tables: list) -> object:
    import pyarrow as pa

    return pa.concat_tables(tables, promote_options="permissive")
