"""Brings raters to a common scale, and smooths their series."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.gold_standards.recipe import Smoothing
from avcues.pipeline.annotations.ratings.keys import starts
from avcues.pipeline.annotations.ratings.series import Series
from avcues.pipeline.annotations.ratings.wording import counted, listed


def standardised(series: Series, training_videos: Collection[str]) -> tuple[Series, list[str]]:
    """Gives every rater, per dimension, the mean and standard deviation that raters have on average.

    A rater's mean and standard deviation are taken over all ratings of training videos in all setups; the result keeps
    the unit of the dimension. Raters without ratings of training videos, or with constant ones, are left unchanged.

    Args:
        series: Over time, or over clips.

    Returns:
        The series, and a note that names the raters left unchanged.
    """
    if not len(series):
        return series, []
    series_index, raters = series.series_index, len(series.names["rater"])
    video = series.codes["video_id"][series_index]
    video = np.where(video < 0, series.window, video)
    training = np.isin(video, [series.names["video_id"].index(name) for name in training_videos])
    group = (series.codes["dimension"] * raters + series.codes["rater"])[series_index]
    size = len(series.names["dimension"]) * raters
    count, mean = _mean(series.value, group, training, size)
    _, variance = _mean((series.value - mean[group]) ** 2, group, training, size)
    with np.errstate(invalid="ignore"):
        is_varied = (count > 0) & (variance > (1e-12 * mean) ** 2)
    spread = np.sqrt(np.where(is_varied, variance, 1))
    dimension = np.arange(size) // raters
    _, common_mean = _mean(mean, dimension, is_varied, len(series.names["dimension"]))
    _, common_spread = _mean(spread, dimension, is_varied, len(series.names["dimension"]))
    scaled = (series.value - mean[group]) / spread[group] * common_spread[dimension[group]] + common_mean[
        dimension[group]
    ]
    value = np.where(is_varied[group], scaled, series.value)
    unscaled = sorted(
        {series.names["rater"][rater_code % raters] for rater_code in np.unique(group[~is_varied[group]])}
    )
    notes = [
        f"not standardised: {counted(len(unscaled), 'rater')} without varying ratings of training videos "
        f"({listed(unscaled)})"
    ]
    return replace(series, value=value), notes if unscaled else []


def smoothed(series: Series, smoothing: Smoothing) -> Series:
    """Filters every unbroken run of windows; runs shorter than the filter are left unchanged."""
    from scipy.signal import savgol_filter

    broken = np.diff(series.window.astype(np.int64) - np.arange(len(series.window))) != 0
    run = (
        np.concatenate([[0], np.cumsum(broken | (np.diff(series.series_index) != 0))])
        if len(series.value)
        else np.zeros(0, int)
    )
    begins = starts(run)
    lengths = np.diff(np.append(begins, len(run)))
    value = series.value.copy()
    for length in np.unique(lengths[lengths >= smoothing.windows]):
        rows = begins[lengths == length][:, None] + np.arange(length)
        value[rows] = savgol_filter(series.value[rows], smoothing.windows, smoothing.order, axis=1)
    return replace(series, value=value)


def _mean(
    value: npt.NDArray[np.float64], group: npt.NDArray[np.int64], used: npt.NDArray[np.bool_], size: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(size,) number and mean of the used values of each group; the mean is NaN where there are none."""
    count = np.bincount(group[used], minlength=size).astype(np.float64)
    with np.errstate(invalid="ignore"):
        return count, np.bincount(group[used], value[used], minlength=size) / count
