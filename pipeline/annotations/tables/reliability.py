"""Tables of reliability: intraclass correlations, repeated ratings, numbers of raters, and models."""

from __future__ import annotations

from collections.abc import Iterator

from avcues.pipeline.annotations.reliability.retest import Retest
from avcues.pipeline.annotations.reliability.setup_agreement import SetupAgreement
from avcues.pipeline.annotations.results import NotShownError, Results
from avcues.pipeline.annotations.statistics.coefficients import Coefficient
from avcues.pipeline.annotations.statistics.intraclass import INTRACLASS, INTRACLASS_TITLES
from avcues.pipeline.annotations.tables.agreement import interval, round_title
from avcues.pipeline.paper.numbers import columns_of
from avcues.pipeline.paper.table import NONE, PaperTable, decimal, percent, spread
from avcues.pipeline.paper.text import file_name

_NUMBERS_OF_RATERS = (1, 2, 3, 5, 10, 20)
_SELF_AGREEMENT = {"over time": "ccc", "once per clip": "icc2", "labels": "overlap"}


def intraclass_by_setup(results: Results, dimension: str) -> PaperTable:
    """The six intraclass correlations and Cronbach's alpha in each setup, with 95 % intervals.

    After Shrout and Fleiss 1979, Psychological Bulletin 86(2).

    Args:
        dimension: Name of a dimension rated in numbers.

    Raises:
        NotShownError: No two raters rated the same clips.
    """
    rows = [
        row
        for row in results.agreement.by_setup
        if row.dimension == dimension and row.kind != "labels" and row.clips == "all"
    ]
    if not any(row.coefficients[name].value is not None for row in rows for name in INTRACLASS):
        raise NotShownError(f"no two raters rated {dimension} of the same clips")
    over_time = rows[0].kind == "over time"
    how = (
        "means over clips, whose items are windows, with bootstrap intervals over clips"
        if over_time
        else "items are clips; intervals by F tests"
    )
    return PaperTable(
        name=file_name("intraclass_by_setup", dimension),
        caption=f"Intraclass correlations of {dimension} by setup, with 95 % intervals ({how}): of one rater (1) and "
        "of the mean of all (k); raters chosen anew for each clip (1), standing for others (2), or the only ones of "
        "interest (3).",
        header=("coefficient", *(_setup_title(row) for row in rows)),
        rows=(
            ("clips", *(str(row.videos) for row in rows)),
            ("raters", *(str(row.raters) for row in rows)),
            *(
                (INTRACLASS_TITLES[name], *(_with_interval(row.coefficients[name]) for row in rows))
                for name in INTRACLASS
            ),
        ),
        numbers=columns_of(
            ("setup", "round", "clips", "raters", "coefficient", "value", "sd", "low", "high", "reason"),
            [
                (
                    row.setup,
                    row.round,
                    row.videos,
                    row.raters,
                    name,
                    part.value,
                    part.sd,
                    part.low,
                    part.high,
                    part.reason,
                )
                for row in rows
                for name in INTRACLASS
                if (part := row.coefficients[name])
            ],
        ),
    )


def rater_plans(results: Results) -> PaperTable:
    """The reliability of the raters' mean by their number, and how many raters reach .7, .8 and .9.

    Raises:
        NotShownError: Nothing is rated in numbers by two raters.
    """
    plans = [plan for plan in results.agreement.plans if plan.single.value is not None]
    if not plans:
        raise NotShownError("nothing is rated in numbers by two raters")
    dimensions = list(dict.fromkeys(plan.dimension for plan in plans))
    plans.sort(key=lambda plan: dimensions.index(plan.dimension))
    has_rounds = round_title(plans)
    targets = list(plans[0].needed)
    return PaperTable(
        name="rater_plans",
        caption="Expected reliability of the mean of so many raters, by Spearman and Brown's formula from the "
        "intraclass correlation of one; and the number of raters that a reliability needs.",
        header=(
            *("dimension", "setup", *has_rounds, "of one", *(f"{number} raters" for number in _NUMBERS_OF_RATERS[1:])),
            *(f"needed for {target:g}" for target in targets),
        ),
        rows=tuple(
            (
                *(plan.dimension, plan.setup, *(plan.round or "" for _ in has_rounds)),
                *(decimal(plan.expected[number], 2) for number in _NUMBERS_OF_RATERS),
                *(NONE if (needed := plan.needed[target]) is None else str(needed) for target in targets),
            )
            for plan in plans
        ),
        numbers=columns_of(
            ("dimension", "setup", "round", "kind", "raters", "expected", "low", "high", "resampled"),
            [
                (
                    *(plan.dimension, plan.setup, plan.round, plan.kind, number, expected),
                    *plan.interval.get(number, (None, None)),
                    plan.resampled.get(number),
                )
                for plan in plans
                for number, expected in plan.expected.items()
            ],
        ),
        texts=2 + len(has_rounds),
    )


def retest(results: Results) -> PaperTable:
    """How far raters agree with themselves on clips that they rated again.

    Raises:
        NotShownError: Nobody rated a clip again.
    """
    rows = results.agreement.retest
    if not rows:
        raise NotShownError("no rater rated a clip again")
    has_rounds = round_title(rows)
    left_out = [
        f"{sum(count for _, count in counts)} {noun}"
        for noun, counts in (
            ("repeated ratings without a first one", [(row, row.unpaired) for row in rows]),
            ("third and later ratings", [(row, row.later) for row in rows]),
        )
        if any(count for _, count in counts)
    ]
    return PaperTable(
        name="retest",
        caption="Agreement of raters with themselves where they rated a clip again: over time the mean CCC of the two "
        "courses, once per clip ICC(2,1), of labels the share of those chosen both times. The difference (second less "
        "first) and the standard error of measurement are in the unit of the dimension."
        + (f" Left out: {' and '.join(left_out)}." if left_out else ""),
        header=(
            *("dimension", "setup", *has_rounds, "coefficient", "raters", "clips", "pairs", "agreement"),
            *("95 % interval", "difference", "standard error"),
        ),
        rows=tuple(
            (
                *(row.dimension, row.setup, *(row.round or "" for _ in has_rounds), _SELF_TITLES[row.kind]),
                *(str(row.raters), str(row.videos), str(row.pairs)),
                *(_mean(_self_agreement(row)), interval(_self_agreement(row))),
                decimal(row.coefficients["difference"].value if "difference" in row.coefficients else None),
                decimal(row.standard_error),
            )
            for row in rows
        ),
        numbers=columns_of(
            (
                *("dimension", "setup", "round", "kind", "rater", "coefficient", "value", "sd", "low", "high", "n"),
                *("standard_error", "reason"),
            ),
            [
                (
                    *(row.dimension, row.setup, row.round, row.kind, rater, name),
                    *(part.value, part.sd, part.low, part.high, part.n, error, part.reason),
                )
                for row in rows
                for rater, name, part, error in _coefficients_by_rater(row)
            ],
        ),
        texts=3 + len(has_rounds),
    )


_SELF_TITLES = {"over time": "CCC", "once per clip": "ICC(2,1)", "labels": "overlap"}


def model_agreement(results: Results) -> PaperTable:
    """The agreement of a model with the raters, compared with that of the raters.

    Raises:
        NotShownError: There are no predictions, or none of a rated clip.
    """
    rows = results.models
    if not rows:
        raise NotShownError("there are no predictions of clips with two raters; name them with `predictions`")
    has_rounds = round_title(rows)
    return PaperTable(
        name="model_agreement",
        caption="A model and the raters, both compared with the consensus of the other raters: mean CCC ± standard "
        "deviation, and the difference with its 95 % interval over clips. Ahead: how often the model agrees with the "
        "others of a rater more than the rater does.",
        header=(
            *("dimension", "setup", *has_rounds, "clips", "raters", "model", "one rater", "difference"),
            *("95 % interval", "ahead"),
        ),
        rows=tuple(
            (
                *(row.dimension, row.setup, *(row.round or "" for _ in has_rounds), str(row.videos), str(row.raters)),
                *(_mean(row.model), _mean(row.human), decimal(row.difference.value), interval(row.difference)),
                percent(row.ahead),
            )
            for row in rows
        ),
        numbers=columns_of(
            ("dimension", "setup", "round", "kind", "clips", "raters", "measure", "value", "sd", "low", "high", "n"),
            [
                (
                    *(row.dimension, row.setup, row.round, row.kind, row.videos, row.raters, measure),
                    *(part.value, part.sd, part.low, part.high, part.n),
                )
                for row in rows
                for measure, part in (("model", row.model), ("rater", row.human), ("difference", row.difference))
            ],
        ),
        texts=2 + len(has_rounds),
    )


def _setup_title(row: SetupAgreement) -> str:
    return row.setup if row.round is None else f"{row.setup}, {row.round}"


def _with_interval(coefficient: Coefficient) -> str:
    text = decimal(coefficient.value, 2)
    if coefficient.low is None or coefficient.high is None:
        return text
    return f"{text} [{decimal(coefficient.low, 2)}, {decimal(coefficient.high, 2)}]"


def _mean(coefficient: Coefficient) -> str:
    return spread(coefficient.value, coefficient.sd)


def _self_agreement(row: Retest) -> Coefficient:
    return row.coefficients[_SELF_AGREEMENT[row.kind]]


def _coefficients_by_rater(row: Retest) -> Iterator[tuple[str | None, str, Coefficient, float | None]]:
    """Rater (None: all raters), name and value of every coefficient; for all raters, also the standard error."""
    for name, coefficient in row.coefficients.items():
        yield None, name, coefficient, row.standard_error
    for rater, coefficient in row.by_rater.items():
        yield rater, _SELF_AGREEMENT[row.kind], coefficient, None
