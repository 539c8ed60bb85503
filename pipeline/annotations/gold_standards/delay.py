"""The reaction lag of each rater: the lag at which features of the clip explain the ratings best.

Raters report what they felt one to six seconds earlier (Mariooryad and Busso 2015, Correcting time-continuous
emotional labels by modeling the reaction lag of evaluators, IEEE Trans. Affective Computing 6(2)). For each lag, a
ridge regression predicts the rating `lag` windows later from the features. A rater's lag is the one whose predictions,
on videos held out of the regression, correlate best with the ratings. Only training videos are read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from avcues.pipeline.annotations.ratings.series import Series
from avcues.pipeline.annotations.statistics.consensus import Values, pearson
from avcues.pipeline.errors import SettingsError

LONGEST = 12
"""Longest lag tried, in windows."""

WEAKEST = 0.1
"""A rater whose best correlation is below this gets the median lag of the others."""

_COMPONENTS = 64
_ROWS = 20_000  # about as many are sampled to compute the components
_FOLDS = 5
_PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)  # in units of the components' variances


@dataclass(frozen=True, kw_only=True)
class Delays:
    """The reaction lags of raters.

    Args:
        windows: Lag in windows by rater, 0 to `LONGEST`.
        correlation: By rater, the correlation of the prediction at that lag; missing without training videos.
        videos: Training videos that the lags were estimated from.
        borrowed: Raters whose own lag is unknown and who get the median lag of the others.
    """

    windows: Mapping[str, int]
    correlation: Mapping[str, float]
    videos: tuple[str, ...]
    borrowed: tuple[str, ...]


def fit_delays(series: Series, features: Mapping[str, Values], training_videos: Collection[str]) -> Delays:
    """Estimates every rater's reaction lag from training videos.

    Args:
        series: Ratings over time.
        features: By video, (windows, columns); NaN is missing. Only those of training videos are read.
        training_videos: Ids; videos without ratings or without features are ignored.

    Raises:
        SettingsError: No training video has ratings and features, or features explain no rater's ratings.
    """
    rated = series.names["video_id"]
    fitted_videos = {rated[i] for i in np.unique(series.codes["video_id"])} & set(training_videos)
    components = _components({video: features[video] for video in sorted(fitted_videos) if video in features})
    videos = sorted(components)
    if not videos:
        raise SettingsError("the delay cannot be estimated: no training video has both ratings and features")
    names = series.names["rater"]
    in_fitted_videos = np.isin(series.codes["video_id"], [rated.index(video) for video in videos])
    scores = {
        names[rater]: _scores(series, in_fitted_videos, rater, components) for rater in np.unique(series.codes["rater"])
    }
    lags, best = {}, {}
    for rater, score in scores.items():
        if np.isfinite(score).any():
            lag = int(np.nanargmax(score))
            best[rater] = round(float(score[lag]), 4)
            if best[rater] >= WEAKEST:
                lags[rater] = lag
    if not lags:
        raise SettingsError(
            f"the delay cannot be estimated: features explain no rater's ratings (all correlations below {WEAKEST}); "
            "give it in seconds"
        )
    borrowed = tuple(rater for rater in scores if rater not in lags)
    median = int(np.floor(np.median(list(lags.values())) + 0.5))
    windows = {rater: lags.get(rater, median) for rater in scores}
    return Delays(windows=windows, correlation=best, videos=tuple(videos), borrowed=borrowed)


def _components(features: Mapping[str, Values]) -> dict[str, Values]:
    """By video the first principal components of the standardised features, (windows, at most 64)."""
    if not features:
        return {}
    pooled = np.concatenate([np.asarray(values, np.float64) for values in features.values()])
    is_known = np.isfinite(pooled)
    count = np.maximum(is_known.sum(0), 1)
    mean = np.where(is_known, pooled, 0).sum(0) / count
    deviation = np.sqrt((np.where(is_known, pooled - mean, 0) ** 2).sum(0) / count)
    varying = deviation > 1e-9 * np.abs(mean)
    if not varying.any():
        return {}
    mean, deviation = mean[varying], deviation[varying]

    def standardised(values: Values) -> Values:
        return np.nan_to_num((np.asarray(values, np.float64)[:, varying] - mean) / deviation)

    sample = standardised(pooled[:: max(1, len(pooled) // _ROWS)])
    _, axes = np.linalg.eigh(sample.T @ sample)
    return {video: standardised(values) @ axes[:, ::-1][:, :_COMPONENTS] for video, values in features.items()}


def _scores(series: Series, in_fitted_videos: np.ndarray, rater: int, components: Mapping[str, Values]) -> Values:
    """(lags,) the mean correlation over the rater's setups and dimensions, weighted by their rows."""
    rater_series = series.filter(in_fitted_videos & (series.codes["rater"] == rater))
    total, weight = np.zeros(LONGEST + 1), 0.0
    group = rater_series.codes["setup"] * len(rater_series.names["dimension"]) + rater_series.codes["dimension"]
    for group_code in np.unique(group):
        x, y, fold = _aligned(rater_series.filter(group == group_code), components)
        if not len(x):
            continue
        score = _ridge_scores(x, y, fold)
        if np.isfinite(score).all():
            total += score * len(x)
            weight += len(x)
    return total / weight if weight else np.full(LONGEST + 1, np.nan)


def _aligned(series: Series, components: Mapping[str, Values]) -> tuple[Values, Values, np.ndarray]:
    """(n, p) features of windows, (n, lags) ratings that many windows later, both centred by video, and (n,) folds.

    Only windows that have a rating at every lag take part, so that all lags are judged by the same windows.
    """
    xs, ys, video_codes = [], [], []
    for i in range(len(series)):
        span = slice(series.first[i], series.first[i + 1])
        video = components[series.names["video_id"][series.codes["video_id"][i]]]
        rating = np.full(len(video) + LONGEST + 1, np.nan)
        inside = series.window[span] < len(rating)
        rating[series.window[span][inside]] = series.value[span][inside]
        lagged = np.lib.stride_tricks.sliding_window_view(rating, LONGEST + 1)[: len(video)]
        rows = np.flatnonzero(np.isfinite(lagged).all(1))
        if len(rows) > LONGEST:
            xs.append(video[rows] - video[rows].mean(0))
            ys.append(lagged[rows] - lagged[rows].mean(0))
            video_codes.append(np.full(len(rows), series.codes["video_id"][i]))
    if not xs:
        return np.zeros((0, 0)), np.zeros((0, LONGEST + 1)), np.zeros(0, int)
    x, (videos, fold) = np.concatenate(xs), np.unique(np.concatenate(video_codes), return_inverse=True)
    # If a rater rated one video only, folds are consecutive pieces of it.
    return x, np.concatenate(ys), fold % _FOLDS if len(videos) > 1 else np.arange(len(x)) * _FOLDS // len(x)


def _ridge_scores(x: Values, y: Values, fold: np.ndarray) -> Values:
    """(lags,) correlation of ratings with predictions by regressions fitted on the other folds."""
    predicted = np.zeros((len(_PENALTIES), *y.shape))
    for held_out in np.unique(fold):
        is_train, is_test = fold != held_out, fold == held_out
        if not is_train.any():
            return np.full(y.shape[1], np.nan)
        eigenvalues, vectors = np.linalg.eigh(x[is_train].T @ x[is_train] / is_train.sum())
        rotated = vectors.T @ (x[is_train].T @ y[is_train]) / is_train.sum()
        projected = x[is_test] @ vectors
        for i, penalty in enumerate(_PENALTIES):
            predicted[i, is_test] = projected @ (rotated / (np.maximum(eigenvalues, 0) + penalty)[:, None])
    return np.asarray(np.fmax.reduce(pearson(predicted.swapaxes(1, 2), y.T[None])))
