"""How far raters agree within a setup: over time, once per clip, and in labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.ratings.series import Cells, Series
from avcues.pipeline.annotations.statistics.coefficients import (
    Bootstrap,
    Coefficient,
    alpha_of,
    estimate,
    kappa_of,
    mean_of,
    undefined,
)
from avcues.pipeline.annotations.statistics.consensus import (
    Values,
    Weights,
    ewe,
    leave_one_out_ccc,
    others_of_each,
    pairwise_ccc,
)
from avcues.pipeline.annotations.statistics.intervals import COEFFICIENT, OfSums
from avcues.pipeline.annotations.statistics.intraclass import INTRACLASS, intraclass

MOST_CATEGORIES = 50
"""Numbers with more distinct values than this are not categories."""

NUMERIC = ("loo_ccc", "pairwise_ccc", "alpha_interval", "alpha_ordinal", "alpha_nominal", "fleiss_kappa")
FEWEST_RATERS = "no video has two raters"


@dataclass(frozen=True, kw_only=True)
class SetupAgreement:
    """Agreement in one setup on one dimension.

    Args:
        setup: Name of the setup.
        round: Name of the round; None: there is only one.
        clips: "all", or "common" for the clips rated in every round.
        dimension: Name of the dimension.
        kind: "over time", "once per clip" or "labels".
        videos: Number of videos.
        raters: Number of raters.
        ratings: Number of series, or of ratings once per clip.
        coefficients: By name. Numbers have those of `NUMERIC` and `INTRACLASS`; over time, the latter are means over
            videos, with windows as items. Labels also have `alpha_labels`, the mean alpha over single labels.
        distribution: Percentiles 0, 5, 25, 50, 75, 95 and 100 of the leave-one-out CCC of single series (over time) or
            raters (once per clip); None: not defined.
    """

    setup: str
    round: str | None
    clips: str
    dimension: str
    kind: str
    videos: int
    raters: int
    ratings: int
    coefficients: Mapping[str, Coefficient]
    distribution: tuple[float, ...] | None


def over_time(
    series: Series, round_: str | None, clips: str, weights: Weights, bootstrap: Bootstrap
) -> list[SetupAgreement]:
    """One entry per setup and dimension of ratings over time."""
    collected = _Collected()
    for cells in series.cells():
        collected.add_series(cells.codes, leave_one_out_ccc(cells.values, weights), pairwise_ccc(cells.values))
        collected.add_videos(cells.codes, [intraclass(values, intervals=False) for values in _without_gaps(cells)])
    rows = []
    for setup, dimension, rated in _setups_and_dimensions(series):
        video = rated.codes["video_id"][rated.series_index]
        item = video * (int(rated.window.max()) + 1) + rated.window
        loo_values, video_of_value = collected.select(setup, dimension, "loo")
        pairs, pair_video = collected.select(setup, dimension, "pairs")
        coefficients = {
            "loo_ccc": mean_of(loo_values, video_of_value, bootstrap, FEWEST_RATERS),
            "pairwise_ccc": mean_of(pairs, pair_video, bootstrap, FEWEST_RATERS),
        }
        for name in INTRACLASS:
            values, video_of_value = collected.select(setup, dimension, name)
            coefficients[name] = mean_of(
                values, video_of_value, bootstrap, "no video has raters who rated the same windows"
            )
        rows.append(
            SetupAgreement(
                setup=series.names["setup"][setup],
                round=round_,
                clips=clips,
                dimension=series.names["dimension"][dimension],
                kind="over time",
                videos=len(np.unique(video)),
                raters=len(np.unique(rated.codes["rater"])),
                ratings=len(rated),
                coefficients=coefficients | _number_coefficients(item, rated.value, video, bootstrap),
                distribution=_percentiles(loo_values),
            )
        )
    return rows


def once_per_clip(
    series: Series, round_: str | None, clips: str, weights: Weights, bootstrap: Bootstrap
) -> list[SetupAgreement]:
    """One entry per setup and dimension of ratings given once per clip."""
    rows = []
    for cells in series.cells():
        for cell in range(len(cells.values)):
            rated_cells = np.isfinite(cells.values[cell])
            ratings = cells.values[cell][rated_cells.any(1)][:, rated_cells.any(0)]
            video, rater = np.nonzero(np.isfinite(ratings.T))
            consensus = ewe(others_of_each(ratings), weights)[0]
            upper = np.triu_indices(len(ratings), 1)
            loo, pairs = (ratings, consensus), (ratings[upper[0]], ratings[upper[1]])
            coefficients = {
                "loo_ccc": mean_ccc(*loo, bootstrap),
                "pairwise_ccc": mean_ccc(*pairs, bootstrap),
                **intraclass(ratings, intervals=bootstrap.replicates > 0),
            }
            values = ratings.T[video, rater]
            single = leave_one_out_ccc(ratings, weights)
            rows.append(
                SetupAgreement(
                    setup=series.names["setup"][cells.codes["setup"][cell]],
                    round=round_,
                    clips=clips,
                    dimension=series.names["dimension"][cells.codes["dimension"][cell]],
                    kind="once per clip",
                    videos=ratings.shape[1],
                    raters=len(ratings),
                    ratings=len(values),
                    coefficients=coefficients
                    | _number_coefficients(video, values, np.arange(ratings.shape[1])[video], bootstrap),
                    distribution=_percentiles(single),
                )
            )
    return rows


def _number_coefficients(
    item: npt.NDArray[np.int64], value: Values, video: npt.NDArray[np.int64], bootstrap: Bootstrap
) -> dict[str, Coefficient]:
    """Alphas and kappa of (N,) ratings, with the item and the video of each."""
    _, first, item = np.unique(item, return_index=True, return_inverse=True)
    video_of_item = video[first]
    measured = {"alpha_interval": alpha_of(item, value, video_of_item, "interval", bootstrap)}
    if len(np.unique(value)) > MOST_CATEGORIES:
        continuous = undefined(
            f"more than {MOST_CATEGORIES} distinct values, so a continuous scale rather than categories"
        )
        return measured | dict.fromkeys(("alpha_ordinal", "alpha_nominal", "fleiss_kappa"), continuous)
    measured["alpha_ordinal"] = alpha_of(item, value, video_of_item, "ordinal", bootstrap)
    measured["alpha_nominal"] = alpha_of(item, value, video_of_item, "nominal", bootstrap)
    return measured | {"fleiss_kappa": kappa_of(item, value, video_of_item, bootstrap)}


def mean_ccc(a: Values, b: Values, bootstrap: Bootstrap) -> Coefficient:
    """The mean CCC over pairs of (P, V) ratings; its interval resamples videos, but keeps each consensus."""
    rated_by_both = np.isfinite(a) & np.isfinite(b)
    centre = np.nanmean(a) if np.isfinite(a).any() else 0.0
    x, y = (np.where(rated_by_both, ratings - centre, 0).T for ratings in (a, b))
    moments = np.stack([rated_by_both.T.astype(np.float64), x, y, x * x, y * y, x * y], 2)
    videos, pairs = rated_by_both.T.shape

    def ccc_of_pairs(total: Values) -> Values:
        total = total.reshape(*total.shape[:-1], pairs, 6)
        with np.errstate(invalid="ignore", divide="ignore"):
            mx, my, xx, yy, xy = np.moveaxis(total[..., 1:] / total[..., :1], -1, 0)
            spread = xx - mx**2 + yy - my**2 + (mx - my) ** 2
            return np.where((total[..., 0] < 2) | (spread <= 1e-24), np.nan, 2 * (xy - mx * my) / spread)

    def mean_ccc(total: Values) -> Values:
        measured = ccc_of_pairs(total)
        defined = np.isfinite(measured)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(defined, measured, 0).sum(-1) / defined.sum(-1))

    sums = moments.reshape(videos, -1)
    single = ccc_of_pairs(sums.sum(0)) if pairs and videos else np.zeros(0)
    single = single[np.isfinite(single)]
    if not len(single):
        return undefined(FEWEST_RATERS)
    return estimate(
        OfSums(sums, mean_ccc),
        bootstrap,
        FEWEST_RATERS,
        scale=COEFFICIENT,
        sd=float(single.std()),
        n=len(single),
    )


class _Collected:
    """Collects coefficients of series, pairs of series and videos, with their setup, dimension and video."""

    def __init__(self) -> None:
        self._values: dict[str, list[Values]] = defaultdict(list)
        self._keys: dict[str, list[npt.NDArray[np.int64]]] = defaultdict(list)

    def add_videos(
        self, codes: Mapping[str, npt.NDArray[np.int64]], measured: Sequence[Mapping[str, Coefficient]]
    ) -> None:
        """Adds coefficients of single videos."""
        keys = np.stack([codes[name] for name in ("setup", "dimension", "video_id")], 1)
        for name in INTRACLASS:
            values = np.array(
                [np.nan if coefficients[name].value is None else coefficients[name].value for coefficients in measured],
                np.float64,
            )
            self._values[name].append(values)
            self._keys[name].append(keys)

    def add_series(self, codes: Mapping[str, npt.NDArray[np.int64]], loo: Values, pairs: Values) -> None:
        keys = np.stack([codes[name] for name in ("setup", "dimension", "video_id")], 1)
        first, second = np.triu_indices(pairs.shape[-1], 1)
        for name, values in (("loo", loo), ("pairs", pairs[:, first, second])):
            cell, pair = np.nonzero(np.isfinite(values))
            self._values[name].append(values[cell, pair])
            self._keys[name].append(keys[cell])

    def select(self, setup: int, dimension: int, name: str) -> tuple[Values, npt.NDArray[np.int64]]:
        """(N,) coefficients of one setup and dimension, and (N,) the video of each."""
        keys = np.concatenate(self._keys[name])
        rated = (keys[:, 0] == setup) & (keys[:, 1] == dimension)
        return np.concatenate(self._values[name])[rated], keys[rated, 2]


def _without_gaps(cells: Cells) -> Iterator[Values]:
    """(raters, windows) ratings of each cell, without windows that no rater rated."""
    for rater, values in zip(cells.rater, cells.values, strict=True):
        rated = values[rater >= 0]
        yield rated[:, np.isfinite(rated).any(0)]


def _setups_and_dimensions(series: Series) -> list[tuple[int, int, Series]]:
    key = series.codes["setup"] * len(series.names["dimension"]) + series.codes["dimension"]
    return [
        (
            int(code) // len(series.names["dimension"]),
            int(code) % len(series.names["dimension"]),
            series.filter(key == code),
        )
        for code in np.unique(key)
    ]


def _percentiles(values: Values) -> tuple[float, ...] | None:
    defined = values[np.isfinite(values)]
    return tuple(np.percentile(defined, (0, 5, 25, 50, 75, 95, 100)).tolist()) if len(defined) else None
