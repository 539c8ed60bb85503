"""How ratings depend on what is shown of a clip.

After Tables 1 to 3 of Du et al. 2023.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from avcues.pipeline.annotations.across_setups.inconsistency import ratings_by_setup
from avcues.pipeline.annotations.across_setups.perspectives import Perspective
from avcues.pipeline.annotations.across_setups.polarity import POLARITIES
from avcues.pipeline.annotations.results import NotShownError, Results
from avcues.pipeline.paper.numbers import columns_of
from avcues.pipeline.paper.table import NONE, PaperTable, decimal, p_value
from avcues.pipeline.paper.text import file_name


def ratings_by_rater(results: Results, dimension: str) -> PaperTable:
    """Mean and variance (ddof 0) of each rater's ratings in each setup; ratings over time are averaged per series.

    After Table 1 of Du et al. 2023.
    """
    annotations = results.annotations
    rounds: Sequence[str | None] = annotations.rounds or (None,)
    numbers = []
    for round_ in rounds:
        ratings, _ = ratings_by_setup(
            annotations.select(dimensions=[dimension], round_=round_),
            dimension,
            annotations.setups,
            results.step,
            shortest=results.shortest,
            keep_constant=results.keep_constant,
        )
        for i, rater in enumerate(ratings.raters):
            for j, setup in enumerate(ratings.setups):
                rated = ratings.values[i, np.isfinite(ratings.values[i, :, j]), j]
                if len(rated):
                    numbers.append((rater, round_, setup, float(rated.mean()), float(rated.var()), len(rated)))
    if not numbers:
        raise NotShownError(f"no rating of {dimension} is usable")
    printed = {
        (rater, round_, setup): f"{decimal(mean, 2)} ({decimal(variance, 2)})"
        for rater, round_, setup, mean, variance, _ in numbers
    }
    has_rounds = len(rounds) > 1
    keys = list(dict.fromkeys((rater, round_) for rater, round_, *_ in numbers))
    return PaperTable(
        name=file_name("ratings_by_rater", dimension),
        caption=f"Mean (variance, ddof 0) of each rater's ratings of {dimension} in each setup.",
        header=("rater", *(["round"] if has_rounds else []), *annotations.setups),
        rows=tuple(
            (
                rater,
                *([round_ or ""] if has_rounds else []),
                *(printed.get((rater, round_, s), NONE) for s in annotations.setups),
            )
            for rater, round_ in keys
        ),
        numbers=columns_of(("rater", "round", "setup", "mean", "variance", "clips"), numbers),
        texts=2 if has_rounds else 1,
    )


def polarity(results: Results, dimension: str) -> PaperTable:
    """Shares of negative, neutral and positive ratings of each rater in each setup.

    After Table 2 of Du et al. 2023.

    Raises:
        NotShownError: There is one setup only, or the neutral values are unknown.
    """
    measured = results.perspectives[dimension]
    parts = [part for part in measured.rounds if part.clips == "all" and part.polarity]
    if not parts:
        raise NotShownError(measured.rounds[0].reasons.get("polarity", f"{dimension} is not rated"))
    has_rounds = len(parts) > 1
    rows = [
        (rater, *([part.round or ""] if has_rounds else []), *(_shares(shares.get(s)) for s in measured.setups))
        for part in parts
        for rater, shares in part.polarity.items()
    ]
    numbers = [
        (rater, part.round, setup, name, share)
        for part in parts
        for rater, shares in part.polarity.items()
        for setup, setup_shares in shares.items()
        for name, share in zip(POLARITIES, setup_shares, strict=True)
    ]
    return PaperTable(
        name=file_name("polarity", dimension),
        caption=f"Shares of negative, neutral and positive ratings of {dimension}, in per cent, by rater and setup; "
        "all: the mean "
        "over raters.",
        header=("rater", *(["round"] if has_rounds else []), *measured.setups),
        rows=tuple(rows),
        numbers=columns_of(("rater", "round", "setup", "polarity", "share"), numbers),
        texts=2 if has_rounds else 1,
    )


def regression(results: Results, dimension: str) -> PaperTable:
    """Least squares of the ratings with everything shown on those of the other setups.

    Standard errors are given for independent rows, as in the study, and clustered by clip. If no rater rated a clip in
    all setups, the means over raters are regressed. After Table 3 of Du et al. 2023.

    Raises:
        NotShownError: There is one setup only, or the regression is not defined.
    """
    measured = results.perspectives[dimension]
    numbers = []
    for part in on_all_clips(measured.rounds):
        uses_means = part.regression is None
        fitted = part.clip_means.regression if uses_means else part.regression
        if fitted is None:
            raise NotShownError(part.clip_means.reasons.get("regression") or part.reasons["regression"])
        rows = "clip means" if uses_means else "ratings"
        for errors, terms in (("plain", fitted.plain), ("clustered by clip", fitted.clustered)):
            if terms is None or (uses_means and errors != "plain"):
                continue
            for name, term in terms.items():
                numbers.append(
                    (
                        part.round,
                        rows,
                        errors,
                        name,
                        term.coefficient,
                        term.standard_error,
                        term.t,
                        term.p,
                        term.low,
                        term.high,
                        fitted.n,
                        fitted.df,
                        fitted.r_squared,
                    )
                )
    has_rounds = len({row[0] for row in numbers}) > 1
    facts = "; ".join(
        dict.fromkeys(
            f"{f'{round_}: ' if has_rounds else ''}{n} {rows}, {df} degrees of freedom, R² {decimal(r_squared)}"
            for round_, rows, *_, n, df, r_squared in numbers
        )
    )
    return PaperTable(
        name=file_name("regression", dimension),
        caption=f"Least squares of {dimension} in {measured.against} on {dimension} in the other setups, raters "
        f"pooled: {facts}.",
        header=(
            *(["round"] if has_rounds else []),
            "errors",
            "term",
            "coefficient",
            "standard error",
            "t",
            "p",
            "95 % interval",
        ),
        rows=tuple(
            (
                *([round_ or ""] if has_rounds else []),
                errors,
                name,
                decimal(b),
                decimal(se),
                decimal(t),
                p_value(p),
                f"{decimal(low)} to {decimal(high)}",
            )
            for round_, _, errors, name, b, se, t, p, low, high, *_ in numbers
        ),
        numbers=columns_of(
            (
                "round",
                "rows",
                "errors",
                "term",
                "coefficient",
                "standard_error",
                "t",
                "p",
                "low",
                "high",
                "n",
                "df",
                "r_squared",
            ),
            numbers,
        ),
        texts=3 if has_rounds else 2,
    )


def on_all_clips(rounds: Sequence[Perspective]) -> list[Perspective]:
    """The results of every round on all of its clips."""
    return [part for part in rounds if part.clips == "all"]


def _shares(shares: tuple[float, ...] | None) -> str:
    return NONE if shares is None else " / ".join(decimal(100 * share, 1) for share in shares)
