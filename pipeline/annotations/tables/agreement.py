"""Tables of the agreement of raters in each setup, and of setups with each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import Protocol

from avcues.pipeline.annotations.reliability.label_statistics import OVER_ALL
from avcues.pipeline.annotations.reliability.setup_agreement import SetupAgreement
from avcues.pipeline.annotations.results import NotShownError, Results
from avcues.pipeline.annotations.statistics.coefficients import Coefficient
from avcues.pipeline.annotations.statistics.intraclass import INTRACLASS
from avcues.pipeline.paper.numbers import columns_of
from avcues.pipeline.paper.table import NONE, PaperTable, decimal, spread
from avcues.pipeline.paper.text import file_name

COEFFICIENTS = {
    "fleiss_kappa": "Fleiss' κ",
    "alpha_nominal": "α nominal",
    "alpha_ordinal": "α ordinal",
    "alpha_interval": "α interval",
    "alpha_labels": "mean α of single labels",
    "loo_ccc": "leave-one-out CCC",
    "pairwise_ccc": "pairwise CCC",
}


class _OfRound(Protocol):
    """A result that belongs to one round."""

    @property
    def round(self) -> str | None: ...


def rater_agreement(results: Results) -> PaperTable:
    """How far each rater agrees with the others, by setup and over all setups: the leave-one-out CCC.

    After Table 5 of Chua et al. 2022: mean and standard deviation (ddof 0) over the series of all raters, or over
    raters where they rate once per clip.

    Raises:
        NotShownError: Nothing is rated in numbers by two raters.
    """
    rows = [row for row in results.agreement.by_setup if row.clips == "all" and row.kind != "labels"]
    if not any(row.coefficients["loo_ccc"].value is not None for row in rows):
        raise NotShownError("nothing is rated in numbers by two raters")
    setups = [s for s in results.annotations.setups if any(row.setup == s for row in rows)]
    columns = list(dict.fromkeys((row.dimension, row.round) for row in rows))
    measured = {(row.setup, row.dimension, row.round): row.coefficients["loo_ccc"] for row in rows}
    if len(setups) > 1:
        for dimension, round_ in columns:
            measured[OVER_ALL, dimension, round_] = pooled(
                [measured[s, dimension, round_] for s in setups if (s, dimension, round_) in measured]
            )
        setups.append(OVER_ALL)
    cells = [(s, *(_spread(measured.get((s, *column))) for column in columns)) for s in setups]
    numbers = [
        (s, dimension, round_, coefficient.value, coefficient.sd, coefficient.n, coefficient.low, coefficient.high)
        for s in setups
        for dimension, round_ in columns
        if (coefficient := measured.get((s, dimension, round_))) is not None
    ]
    return PaperTable(
        name="rater_agreement",
        caption="How far each rater agrees with the others: leave-one-out CCC with the consensus of the others, mean "
        "± standard "
        "deviation over series, or over raters of what is rated once per clip.",
        header=("setup", *(_title(*column) for column in columns)),
        rows=tuple(cells),
        numbers=columns_of(("setup", "dimension", "round", "mean", "sd", "n", "low", "high"), numbers),
    )


def pooled(parts: Sequence[Coefficient]) -> Coefficient:
    """The mean and standard deviation of the numbers behind several means."""
    defined = [
        (part.value, part.sd, part.n) for part in parts if part.value is not None and part.sd is not None and part.n
    ]
    n = sum(part[2] for part in defined)
    if not n:
        return Coefficient(value=None, reason="no setup has a value")
    mean = sum(value * count for value, _, count in defined) / n
    square = sum((sd**2 + value**2) * count for value, sd, count in defined) / n
    return Coefficient(value=mean, sd=sqrt(max(0.0, square - mean**2)), n=n)


def agreement_by_setup(results: Results, dimension: str) -> PaperTable:
    """Coefficients of agreement by setup; if there are several rounds, on the clips that all rounds share.

    After Tables 4 and 6 of Du et al. 2023.

    Args:
        dimension: Name of a dimension.

    Raises:
        NotShownError: The dimension is not rated.
    """
    rows = [row for row in results.agreement.by_setup if row.dimension == dimension]
    rows = [row for row in rows if row.clips == "common"] or rows
    if not rows:
        raise NotShownError(f"{dimension} is not rated")
    names = [name for name in COEFFICIENTS if any(_value(row, name) is not None for row in rows)]
    has_rounds = len({row.round for row in rows}) > 1
    cells = [
        (
            row.setup,
            *([row.round or ""] if has_rounds else []),
            str(row.videos),
            str(row.raters),
            *(_printed(row, name) for name in names),
        )
        for row in rows
    ]
    numbers = [
        (
            row.setup,
            row.round,
            row.videos,
            row.raters,
            name,
            coefficient.value,
            coefficient.sd,
            coefficient.low,
            coefficient.high,
        )
        for row in rows
        for name in (*names, *(INTRACLASS if row.kind != "labels" else ()))
        if (coefficient := row.coefficients.get(name)) is not None
    ]
    clip_note = " on the clips that all rounds share" if rows[0].clips == "common" else ""
    return PaperTable(
        name=file_name("agreement_by_setup", dimension),
        caption=f"Agreement of raters on {dimension} by setup{clip_note}.",
        header=(
            "setup",
            *(["round"] if has_rounds else []),
            "clips",
            "raters",
            *(COEFFICIENTS[name] for name in names),
        ),
        rows=tuple(cells),
        numbers=columns_of(("setup", "round", "clips", "raters", "coefficient", "value", "sd", "low", "high"), numbers),
        texts=2 if has_rounds else 1,
    )


def between_setups(results: Results) -> PaperTable:
    """How far the mean ratings of one setup follow those of another: Pearson's correlation.

    After Section 4.2 of Chua et al. 2022.

    Raises:
        NotShownError: Nothing is rated in two setups.
    """
    rows = results.agreement.between_setups
    if not rows:
        raise NotShownError("nothing is rated in numbers in two setups")
    has_rounds = len({pair.round for pair in rows}) > 1
    return PaperTable(
        name="between_setups",
        caption="Pearson's correlation of the raters' means of two setups: over time within each video, mean ± "
        "standard deviation "
        "over videos; or over videos, of what is rated once per clip.",
        header=("dimension", *(["round"] if has_rounds else []), "setups", "r", "95 % interval", "videos"),
        rows=tuple(
            (
                pair.dimension,
                *([pair.round or ""] if has_rounds else []),
                " and ".join(pair.setups),
                _spread(pair.correlation),
                interval(pair.correlation),
                str(pair.correlation.n or NONE),
            )
            for pair in rows
        ),
        numbers=columns_of(
            ("dimension", "round", "kind", "setup", "other_setup", "r", "sd", "low", "high", "videos"),
            [
                (
                    pair.dimension,
                    pair.round,
                    pair.kind,
                    *pair.setups,
                    pair.correlation.value,
                    pair.correlation.sd,
                    pair.correlation.low,
                    pair.correlation.high,
                    pair.correlation.n,
                )
                for pair in rows
            ],
        ),
        texts=3 if has_rounds else 2,
    )


def agreement_tables(results: Results) -> Iterator[PaperTable]:
    """One table of coefficients per dimension."""
    for dimension in dict.fromkeys(row.dimension for row in results.agreement.by_setup):
        yield agreement_by_setup(results, dimension)


def round_title(parts: Sequence[_OfRound]) -> tuple[str, ...]:
    """The title of the column of rounds, or nothing if there is one round only."""
    return ("round",) if len({part.round for part in parts}) > 1 else ()


def interval(coefficient: Coefficient) -> str:
    """The ends of an interval, or a dash."""
    if coefficient.low is None or coefficient.high is None:
        return NONE
    return f"{decimal(coefficient.low)} to {decimal(coefficient.high)}"


def _spread(coefficient: Coefficient | None) -> str:
    return NONE if coefficient is None else spread(coefficient.value, coefficient.sd)


def _value(row: SetupAgreement, name: str) -> float | None:
    coefficient = row.coefficients.get(name)
    return None if coefficient is None else coefficient.value


def _printed(row: SetupAgreement, name: str) -> str:
    return _spread(row.coefficients.get(name))


def _title(dimension: str, round_: str | None) -> str:
    return dimension if round_ is None else f"{dimension}, {round_}"
