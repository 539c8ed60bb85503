"""How far the mean ratings of one setup follow those of another."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from avcues.pipeline.annotations.ratings.series import Series
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap, Coefficient, estimate, mean_of, undefined
from avcues.pipeline.annotations.statistics.consensus import Values, pearson
from avcues.pipeline.annotations.statistics.intervals import CORRELATION, OfSums

_FEWEST_VIDEOS = 3


@dataclass(frozen=True, kw_only=True)
class BetweenSetups:
    """Pearson's correlation between the raters' means of two setups.

    Args:
        dimension: Name of the dimension.
        kind: "over time": within each video, averaged over videos; "once per clip": over videos.
        round: Name of the round; None: there is only one.
        setups: Names of the two setups.
        correlation: Pearson's r, with an interval over videos.
    """

    dimension: str
    kind: str
    round: str | None
    setups: tuple[str, str]
    correlation: Coefficient


def between_setups(series: Series, kind: str, round_: str | None, bootstrap: Bootstrap) -> list[BetweenSetups]:
    """One entry per dimension and pair of its setups; `kind` is that of the series."""
    means = _means(series)
    rows = []
    for dimension in sorted({key[0] for key in means}):
        setups = [setup for mean_dimension, setup in means if mean_dimension == dimension]
        for a, b in combinations(setups, 2):
            x, y = means[dimension, a], means[dimension, b]
            if kind == "over time":
                common = sorted(x.keys() & y.keys())
                correlations = np.array([_pearson_of(x[video], y[video]) for video in common])
                reason = "no video is rated in both setups with means that vary"
                correlation = mean_of(correlations, np.arange(len(common)), bootstrap, reason)
            else:
                correlation = pearson_over_clips(x[-1], y[-1], bootstrap)
            rows.append(
                BetweenSetups(
                    dimension=series.names["dimension"][dimension],
                    kind=kind,
                    round=round_,
                    setups=(series.names["setup"][a], series.names["setup"][b]),
                    correlation=correlation,
                )
            )
    return rows


def _means(series: Series) -> dict[tuple[int, int], dict[int, Values]]:
    """By dimension and setup, by video, (windows,) means over raters; with -1 as the video, (videos,)."""
    means: dict[tuple[int, int], dict[int, Values]] = {}
    for cells in series.cells():
        is_rated = np.isfinite(cells.values)
        with np.errstate(invalid="ignore"):
            mean = np.where(is_rated, cells.values, 0).sum(1) / is_rated.sum(1)
        keys = (cells.codes[name].tolist() for name in ("dimension", "setup", "video_id"))
        for row, (dimension, setup, video) in enumerate(zip(*keys, strict=True)):
            means.setdefault((dimension, setup), {})[video] = mean[row]
    return means


def _pearson_of(a: Values, b: Values) -> float:
    shared = min(len(a), len(b))
    return float(pearson(a[:shared], b[:shared]))


def pearson_over_clips(a: Values, b: Values, bootstrap: Bootstrap) -> Coefficient:
    """The correlation of (V,) means of two setups over the clips rated in both, with its interval."""
    shared = min(len(a), len(b))
    common = np.isfinite(a[:shared]) & np.isfinite(b[:shared])
    x, y = a[:shared][common], b[:shared][common]
    if common.sum() < _FEWEST_VIDEOS:
        return undefined("fewer than three videos are rated in both setups")
    x, y = x - x.mean(), y - y.mean()
    moments = np.column_stack([np.ones_like(x), x, y, x * x, y * y, x * y])
    floor = 1e-12 * np.sqrt(moments[:, 3].sum() * moments[:, 4].sum())

    def correlation(total: Values) -> Values:
        mx, my, xx, yy, xy = np.moveaxis(total[..., 1:] / total[..., :1], -1, 0)
        spread = np.sqrt(np.maximum(xx - mx**2, 0) * np.maximum(yy - my**2, 0))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(spread <= floor, np.nan, (xy - mx * my) / spread)

    reason = "the means of a setup do not vary"
    return estimate(OfSums(moments, correlation), bootstrap, reason, scale=CORRELATION, n=len(x))
