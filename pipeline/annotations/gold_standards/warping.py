"""Aligns raters moment by moment by dynamic time warping, which makes labels non-causal.

| option | what                                                                                                     |
|--------|----------------------------------------------------------------------------------------------------------|
| "dba"  | the DTW barycentre of the raters: Petitjean et al. 2011, A global averaging method for dynamic time      |
|        | warping, Pattern Recognition 44(3)                                                                       |
| "raaw" | Rater Aligned Annotation Weighting: raters are warped to each other whatever their level and spread, and |
|        | weighted by how they agree unaligned: Stappen et al. 2021, MuSe-Toolbox. The toolbox warps by GCTW;      |
|        | here each rater is warped onto the barycentre of all, standardised                                       |

The label of a window then also depends on later ratings, and agreement measured on aligned ratings is too high.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from avcues.pipeline.annotations.statistics.consensus import Values, weighted_mean
from avcues.pipeline.errors import SettingsError

Alignment = Literal["dba", "raaw"]
ALIGNMENTS: tuple[Alignment, ...] = get_args(Alignment)

_ITERATIONS = 10  # as MuSe-Toolbox
_SHORTEST = 8  # windows; shorter stretches are not aligned


def aligned(
    ratings: Values, value: Values, weight: Values, method: Alignment, longest_warp: int
) -> tuple[Values, Values, bool]:
    """The raters of one clip aligned, over the longest stretch that all of them rated.

    Args:
        ratings: (raters, windows); NaN is missing.
        value: (windows,) the combined value without alignment, which is kept outside the stretch.
        weight: (raters,) weights of the estimator.
        method: See the module's table.
        longest_warp: Most windows by which a rating may be moved.

    Returns:
        (raters, windows) aligned ratings, (windows,) the combined value, and whether there was such a stretch.

    Raises:
        SettingsError: tslearn is not installed.
    """
    rated = np.isfinite(ratings).any(1)
    stretch = _longest_run(np.all(np.isfinite(ratings[rated]), axis=0)) if rated.sum() > 1 else slice(0, 0)
    if stretch.stop - stretch.start < _SHORTEST:
        return ratings, value, False
    dtw_barycenter_averaging, dtw_path = _tslearn()
    constraint = {"global_constraint": "sakoe_chiba", "sakoe_chiba_radius": longest_warp}
    courses = ratings[rated, stretch]
    compared = courses if method == "dba" else _standardised(courses)
    centre = dtw_barycenter_averaging(compared[..., None], max_iter=_ITERATIONS, metric_params=constraint)[:, 0]
    paths = [dtw_path(centre, course, **constraint)[0] for course in compared]
    warped = np.stack([_warp_onto(centre, course, path) for course, path in zip(courses, paths, strict=True)])
    ratings, value = ratings.copy(), value.copy()
    ratings[np.ix_(rated, np.arange(stretch.start, stretch.stop))] = warped
    if method == "dba":
        value[stretch] = centre
    else:
        used = weight[rated] if weight[rated].any() else np.ones(int(rated.sum()))
        value[stretch] = weighted_mean(warped, used)
    return ratings, value, True


def _warp_onto(centre: Values, course: Values, path: list[tuple[int, int]]) -> Values:
    """(windows,) a rater's course warped onto the centre: the mean of the moments that the path maps to each window."""
    centre_index, course_index = np.array(path).T
    return np.asarray(
        np.bincount(centre_index, course[course_index], len(centre)) / np.bincount(centre_index, minlength=len(centre))
    )


def _standardised(courses: Values) -> Values:
    deviation = courses.std(1, keepdims=True)
    return (courses - courses.mean(1, keepdims=True)) / np.where(deviation > 0, deviation, 1)


def _longest_run(mask: Any) -> slice:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    begins, ends = edges[::2], edges[1::2]
    if not len(begins):
        return slice(0, 0)
    longest = int(np.argmax(ends - begins))
    return slice(int(begins[longest]), int(ends[longest]))


def _tslearn() -> tuple[Any, Any]:
    try:
        from tslearn.barycenters import dtw_barycenter_averaging
        from tslearn.metrics import dtw_path
    except ImportError as error:
        raise SettingsError("raters are aligned by tslearn; pip install 'avcues[warping]'") from error
    return dtw_barycenter_averaging, dtw_path
