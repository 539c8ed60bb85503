"""Effects of the setup on ratings, by a mixed model, and whether ratings are normally distributed."""

from __future__ import annotations

from avcues.pipeline.annotations.reliability.mixed_model import MixedModel
from avcues.pipeline.annotations.results import NotShownError, Results
from avcues.pipeline.annotations.tables.agreement import round_title
from avcues.pipeline.paper.numbers import columns_of
from avcues.pipeline.paper.table import NONE, PaperTable, decimal, p_value, percent

_VARIANCES = {"rater": "raters", "video": "videos", "clip": "clips (videos in a setup)", "residual": "rest"}


def setup_effects(results: Results) -> PaperTable:
    """How much higher ratings are in one setup than in another, with raters and videos as random effects.

    Raises:
        NotShownError: Nothing is rated in numbers in two setups, or ratings are too few.
    """
    models = [model for model in results.agreement.mixed_models if model.reason is None]
    if not models:
        reasons = {model.reason for model in results.agreement.mixed_models if model.reason is not None}
        raise NotShownError("; ".join(sorted(reasons)) or "nothing is rated in numbers in two setups")
    has_rounds = round_title(models)
    unfitted = [
        f"{model.dimension}: {model.reason}" for model in results.agreement.mixed_models if model.reason is not None
    ]
    return PaperTable(
        name="setup_effects",
        caption="Effects of the setup on ratings, in the unit of the dimension, by a mixed model with raters, videos "
        "and clips (videos in a setup) as crossed random effects: differences from the reference, with Wald's tests; "
        f"and shares of the variance that the setup does not explain. {'; '.join(map(_sizes, models))}."
        + (f" Not fitted: {'; '.join(unfitted)}." if unfitted else ""),
        header=("dimension", *has_rounds, "term", "estimate", "standard error", "95 % interval", "p"),
        rows=tuple(
            (model.dimension, *(model.round or "" for _ in has_rounds), *cells)
            for model in models
            for cells in _terms(model)
        ),
        numbers=columns_of(
            ("dimension", "round", "kind", "term", "estimate", "standard_error", "low", "high", "statistic", "df", "p"),
            [
                (model.dimension, model.round, model.kind, *numbers)
                for model in models
                for numbers in (
                    (f"{model.reference} (reference)", model.intercept, *[None] * 6),
                    *(
                        (
                            name,
                            effect.estimate,
                            effect.standard_error,
                            effect.low,
                            effect.high,
                            effect.z,
                            None,
                            effect.p,
                        )
                        for name, effect in model.effects.items()
                    ),
                    ("all effects", *[None] * 4, model.chi_square, model.df, model.p),
                    *((f"variance of {name}", value, *[None] * 6) for name, value in model.variances.items()),
                )
            ],
        ),
        texts=2 + len(has_rounds),
    )


def normality(results: Results) -> PaperTable:
    """Whether ratings are normally distributed: Kolmogorov-Smirnov tests with Lilliefors' correction.

    Raises:
        NotShownError: Nothing is rated in numbers, or no test can be made.
    """
    tests = results.agreement.normality
    if not any(test.reason is None for test in tests):
        raise NotShownError("; ".join(sorted({test.reason or "" for test in tests})) or "nothing is rated in numbers")
    has_rounds = round_title(tests)
    return PaperTable(
        name="normality",
        caption="Are ratings normally distributed? Kolmogorov-Smirnov tests with Lilliefors' correction, in which each "
        "series counts by its median and each rating given once per clip by its value.",
        header=("dimension", "setup", *has_rounds, "n", "D", "p", "skewness"),
        rows=tuple(
            (
                *(test.dimension, test.setup, *(test.round or "" for _ in has_rounds), str(test.n)),
                *(decimal(test.d), test.p_in_words, decimal(test.skewness, 2)),
            )
            for test in tests
        ),
        numbers=columns_of(
            ("dimension", "setup", "round", "kind", "n", "d", "p", "skewness", "reason"),
            [
                (
                    *(test.dimension, test.setup, test.round, test.kind),
                    test.n,
                    test.d,
                    test.p,
                    test.skewness,
                    test.reason,
                )
                for test in tests
            ],
        ),
        texts=2 + len(has_rounds),
    )


def _sizes(model: MixedModel) -> str:
    ratings = "series" if model.kind == "over time" else "ratings"
    return f"{model.dimension}: {model.ratings} {ratings} of {model.videos} videos by {model.raters} raters"


def _terms(model: MixedModel) -> list[tuple[str, ...]]:
    """Term, estimate, standard error, interval and p."""
    total = sum(model.variances.values())
    return [
        (f"{model.reference} (reference)", decimal(model.intercept), NONE, NONE, NONE),
        *(
            (
                *(name, decimal(effect.estimate), decimal(effect.standard_error)),
                *(f"{decimal(effect.low)} to {decimal(effect.high)}", p_value(effect.p)),
            )
            for name, effect in model.effects.items()
        ),
        (f"all effects, χ² with df {model.df}", decimal(model.chi_square, 2), NONE, NONE, p_value(model.p)),
        *(
            (f"variance of {title}", percent(model.variances[name] / total if total else None), NONE, NONE, NONE)
            for name, title in _VARIANCES.items()
            if name in model.variances
        ),
    ]
