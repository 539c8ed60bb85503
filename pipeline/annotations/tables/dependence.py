"""Tests of whether labels and ratings depend on the setup, on the clip or on the rater.

After Section 4.2 of Chua et al. 2022.
"""

from __future__ import annotations

from avcues.pipeline.annotations.reliability.label_statistics import ChiSquare
from avcues.pipeline.annotations.reliability.median_tests import MedianTest
from avcues.pipeline.annotations.results import NotShownError, Results
from avcues.pipeline.annotations.tables.agreement import interval
from avcues.pipeline.paper.numbers import columns_of
from avcues.pipeline.paper.table import PaperTable, decimal, p_value, percent
from avcues.pipeline.paper.text import file_name


def label_tests(results: Results, dimension: str) -> PaperTable:
    """Chi-square tests of the labels of a dimension by every grouping.

    Args:
        dimension: Name of a dimension rated in labels.

    Raises:
        NotShownError: Neither raters nor clips are in groups.
    """
    tests = results.labels(dimension).tests
    if not tests:
        raise NotShownError("neither raters nor the clips that they saw are in groups")
    rows = tuple(
        (test.by, *((f"not tested: {test.reason}", *[""] * 5) if test.reason else _chi_square_cells(test)))
        for test in tests
    )
    return PaperTable(
        name=file_name("label_tests", dimension),
        caption=f"Does the choice of labels of {dimension} depend on these groups? Chi-square counts every chosen "
        "label as "
        "independent; permutations keep those of one rater together.",
        header=("by", "χ²", "df", "p", "p of permutations", "Cramér's V", "expected below 5"),
        rows=rows,
        numbers=columns_of(
            ("by", "chi_square", "df", "p", "p_permuted", "cramers_v", "few_expected"),
            [
                (test.by, test.statistic, test.df, test.p, test.p_permuted, test.cramers_v, test.few_expected)
                for test in tests
            ],
        ),
    )


def rating_tests(results: Results) -> PaperTable:
    """Kruskal-Wallis tests of the medians of series, or of ratings once per clip, by every grouping.

    Raises:
        NotShownError: Nothing is rated in numbers, or there are no groups.
    """
    tests = _median_tests(results)
    return PaperTable(
        name="rating_tests",
        caption="Are ratings higher in some groups? Kruskal-Wallis tests, in which each series counts by its median "
        "and each "
        "rating given once per clip by its value.",
        header=("dimension", "by", "medians (series)", "H", "p", "ε²"),
        rows=tuple(
            (
                _title(test),
                test.by,
                ", ".join(f"{name} {decimal(median)} ({n})" for name, (median, n) in test.medians.items()),
                decimal(test.h, 2),
                p_value(test.p),
                decimal(test.epsilon_squared),
            )
            for test in tests
        ),
        numbers=columns_of(
            ("dimension", "round", "by", "group", "median", "series", "h", "p", "epsilon_squared"),
            [
                (test.dimension, test.round, test.by, name, median, n, test.h, test.p, test.epsilon_squared)
                for test in tests
                for name, (median, n) in test.medians.items()
            ],
        ),
        texts=3,
    )


def pair_tests(results: Results) -> PaperTable:
    """Mann-Whitney and Kolmogorov-Smirnov tests of every pair of groups.

    Raises:
        NotShownError: Nothing is rated in numbers, or there are no groups.
    """
    pairs = [(test, pair) for test in _median_tests(results) for pair in test.pairs]
    if not pairs:
        raise NotShownError("no two groups have ratings")
    return PaperTable(
        name="pair_tests",
        caption="Pairs of groups: Mann-Whitney U, the probability that a series of the first is rated higher than one "
        "of the "
        "second, and the Kolmogorov-Smirnov distance of their distributions.",
        header=("dimension", "by", "groups", "U", "p", "superiority", "95 % interval", "D", "p of D"),
        rows=tuple(
            (
                *(_title(test), test.by, " and ".join(pair.groups), decimal(pair.u, 0), p_value(pair.p)),
                *(decimal(pair.superiority.value), interval(pair.superiority), decimal(pair.ks), p_value(pair.ks_p)),
            )
            for test, pair in pairs
        ),
        numbers=columns_of(
            ("dimension", "round", "by", "group", "other_group", "u", "p", "superiority", "low", "high", "ks", "ks_p"),
            [
                (
                    *(test.dimension, test.round, test.by, *pair.groups, pair.u, pair.p),
                    *(pair.superiority.value, pair.superiority.low, pair.superiority.high, pair.ks, pair.ks_p),
                )
                for test, pair in pairs
            ],
        ),
        texts=3,
    )


def _median_tests(results: Results) -> tuple[MedianTest, ...]:
    tests = results.agreement.medians
    if not tests:
        raise NotShownError("nothing is rated in numbers by groups")
    return tests


def _title(test: MedianTest) -> str:
    return test.dimension if test.round is None else f"{test.dimension}, {test.round}"


def _chi_square_cells(test: ChiSquare) -> tuple[str, ...]:
    return (
        *(decimal(test.statistic, 2), str(test.df), p_value(test.p), p_value(test.p_permuted)),
        *(decimal(test.cramers_v), percent(test.few_expected)),
    )
