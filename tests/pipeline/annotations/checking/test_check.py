"""What a check finds, and what it does not cry wolf about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from studies import changes, latent, like_muvi, muvi_folder, of_matrix, tidy

from avcues.pipeline.annotations.checking.alignment import Alignment, RowsInOrder, alignment, rows_of
from avcues.pipeline.annotations.checking.check import check
from avcues.pipeline.annotations.importing.formats.muvi import import_muvi
from avcues.pipeline.annotations.importing.formats.tidy import import_tidy
from avcues.pipeline.annotations.ratings.series import once_per_clip, series_of


def labelled(seed: int, *, effect: float, drift: float, one_order: bool = False) -> RowsInOrder:
    """Labels at the size of the MuVi study: 49 raters with 30 of 81 clips each, 27 labels.

    Args:
        effect: How much clips differ, as a standard deviation of log odds; 0: raters do not agree at all.
        drift: How much a rater's mood, which changes slowly from clip to clip, adds to that.
        one_order: All raters see the same clips in the same order.
    """
    rng = np.random.default_rng(seed)
    raters, videos, clips, labels = 49, 81, 30, 27
    orders = np.stack([rng.permutation(videos)[:clips] for _ in range(raters)])
    orders = np.tile(orders[0], (raters, 1)) if one_order else orders
    mood = rng.normal(0, drift, (raters, clips, labels))
    for i in range(1, clips):
        mood[:, i] += 0.8 * mood[:, i - 1]
    odds = rng.normal(-2, 0.7, labels) + rng.normal(0, 0.5, (raters, 1, labels)) + mood
    odds += rng.normal(0, effect, (videos, labels))[orders]
    given = rng.random(odds.shape) < 1 / (1 + np.exp(-odds))
    return RowsInOrder(
        dimensions="labels",
        raters=tuple(f"r{j}" for j in range(raters)),
        rater=np.repeat(np.arange(raters), clips),
        video=orders.ravel(),
        values=given.reshape(-1, labels).astype(float),
    )


def rolled(rows: RowsInOrder, shift: int, raters: range = range(49)) -> RowsInOrder:
    """The rows of some raters displaced, so that moving them by `shift` puts them right."""
    given = rows.values.copy()
    for j in raters:
        given[rows.rater == j] = np.roll(given[rows.rater == j], -shift, axis=0)
    return RowsInOrder(dimensions=rows.dimensions, raters=rows.raters, rater=rows.rater, video=rows.video, values=given)


def found(rows: RowsInOrder) -> Alignment:
    """The alignment of rows that can be compared."""
    aligned = alignment(rows)
    assert aligned is not None
    return aligned


def test_the_published_labels_are_found_displaced_for_all_49_raters() -> None:
    published = import_muvi(muvi_folder(), static_rows="as-published")
    (rows,) = rows_of(published, series_of(published), once_per_clip(published))
    aligned = found(rows)
    assert (aligned.shift, aligned.agreeing, len(aligned.best)) == (-1, 49, 49)
    assert aligned.certain
    (problem,) = check(published).problems
    assert "49 of 49 raters agree best with the others at shift -1" in problem


def test_the_corrected_labels_are_in_place() -> None:
    corrected = check(import_muvi(muvi_folder()))
    assert corrected.problems == ()
    assert "gems: rows are in place" in corrected.notes
    assert corrected.alignments[0].agreeing == 49


def test_no_alarm_on_200_aligned_sets_of_the_same_size() -> None:
    alarms = []
    for seed in range(200):
        aligned = found(labelled(seed, effect=(0, 0.5, 1, 2)[seed % 4], drift=(0, 0.5, 1)[seed % 3]))
        alarms += [(seed, aligned.shift)] * (aligned.shift != 0) + [(seed, one) for one in aligned.displaced]
    assert alarms == []


@pytest.mark.parametrize("shift", [-3, -1, 2])
def test_a_displacement_of_all_rows_is_named(shift: int) -> None:
    aligned = found(rolled(labelled(0, effect=1, drift=0.5), shift))
    assert (aligned.shift, aligned.displaced) == (shift, {})
    assert aligned.agreeing >= 47


def test_raters_displaced_alone_are_named_with_their_shift() -> None:
    rows = rolled(rolled(labelled(1, effect=2, drift=0.5), -1, range(3, 4)), 2, range(17, 18))
    aligned = found(rows)
    assert aligned.shift == 0
    assert {rater: shift for rater, (shift, _) in aligned.displaced.items()} == {"r3": -1, "r17": 2}


def test_one_order_for_all_raters_hides_a_common_displacement_and_is_no_alarm() -> None:
    for seed in range(20):
        aligned = found(labelled(seed, effect=2, drift=0, one_order=True))
        assert (aligned.shift, aligned.displaced, aligned.certain) == (0, {}, False)


def test_few_rows_or_raters_give_no_verdict() -> None:
    rows = labelled(0, effect=1, drift=0)
    few = rows.rater == 0
    assert (
        alignment(
            RowsInOrder(
                dimensions="", raters=("r0",), rater=rows.rater[few], video=rows.video[few], values=rows.values[few]
            )
        )
        is None
    )


def test_numbers_rolled_one_row_within_raters_are_named() -> None:
    rng = np.random.default_rng(0)
    rows = []
    truth = rng.normal(0, 1, (40, 60))
    for rater in range(8):
        order = rng.permutation(40)[:20]
        curves = truth[order] + rng.normal(0, 0.3, (20, 60))
        for clip, curve in zip(order, np.roll(curves, 1, axis=0), strict=True):
            keys = {"rater": f"r{rater}", "video_id": f"v{clip:02d}"}
            rows.append(pd.DataFrame({**keys, "time": np.arange(60) / 2, "value": curve}))
    annotations = import_tidy(pd.concat(rows).assign(setup="music", dimension="arousal"))
    (problem,) = check(annotations).problems
    assert problem.startswith("arousal: rows are displaced: 8 of 8 raters agree best with the others at shift -1")
    clips = pd.concat(rows).assign(setup="music", dimension="liking").groupby(["rater", "video_id"], sort=False).first()
    (problem,) = check(import_tidy(clips.drop(columns="time").reset_index())).problems
    assert "liking: rows are displaced" in problem


def test_a_rater_who_contradicts_the_others_is_named() -> None:
    rng = np.random.default_rng(0)
    tables = []
    for video in range(6):
        truth = latent(rng, 100)
        sign = np.array([1, 1, 1, 1, -1])[:, None]
        tables.append(of_matrix(sign * truth + rng.normal(0, 0.2, (5, 100)), video_id=f"v{video}").to_pandas())
    result = check(import_tidy(pd.concat(tables)))
    (problem,) = result.problems
    assert problem.startswith("rater r4 contradicts the others in valence: mean correlation -0.")
    correlation = {row["rater"]: row["correlation"] for row in result.raters}
    assert correlation["r0"] > 0.5 > -0.5 > correlation["r4"]


def test_the_lag_of_a_slow_rater_is_told() -> None:
    rng = np.random.default_rng(0)
    tables = []
    for video in range(4):
        truth = latent(rng, 110)
        ratings = np.stack([truth[10:], truth[10:], truth[7:107]]) + rng.normal(0, 0.05, (3, 100))
        tables.append(of_matrix(ratings, video_id=f"v{video}").to_pandas())
    lags = {row["rater"]: row["lag_s"] for row in check(import_tidy(pd.concat(tables))).raters}
    assert lags["r2"] == 1.5
    assert lags["r0"] == lags["r1"] <= 0


def test_series_that_say_nothing_are_counted_and_coverage_is_shown() -> None:
    rng = np.random.default_rng(0)
    ratings = latent(rng, 100) + rng.normal(0, 0.1, (4, 100))
    ratings[2] = 0.25
    ratings[3, 85:] = np.nan
    two = pd.concat([of_matrix(ratings).to_pandas(), of_matrix(ratings[:1], video_id="v2").to_pandas()])
    result = check(import_tidy(two))
    assert result.left_out == {"constant": ("r2 v1 music valence",), "short": ("r3 v1 music valence",)}
    assert "no usable series of 2 raters: r2 (valence), r3 (valence)" in result.notes
    assert "one video only by 3 raters, whose agreement is uncertain: r1, r2, r3" in result.notes
    assert "videos with one rater, so without agreement, in music valence" in result.notes
    assert result.coverage[0]["raters_per_video"] == [1, 2.5, 4]
    assert result.problems == ()


def test_a_video_that_lacks_a_setup_is_told() -> None:
    table = tidy(video_id=["v1", "v1", "v2"], setup=["music", "video", "music"], value=[0.0, 0.1, 0.2])
    assert "not rated in every setup: 1 video (v2)" in check(import_tidy(table)).notes


def test_a_study_in_order_has_no_problem(tmp_path: Path) -> None:
    result = check(import_muvi(like_muvi(tmp_path / "muvi"), static_rows="as-published"))
    assert result.problems == ()
    assert {row["setup"] for row in result.coverage} == {"music", "visual", "audiovisual"}


def test_ratings_of_two_windows_can_be_checked() -> None:
    """The lags that are tried are longer than such series."""
    table = tidy(rater=["anna", "anna", "ben", "ben"], time=[0.0, 0.5] * 2, value=[0.1, 0.2, -0.1, 0.3])
    checked = check(import_tidy(table, range_=(-1, 1)))
    assert checked.problems == ()
    assert [row["correlation"] for row in checked.raters] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("odd", "named"),
    [
        (lambda n, rng: np.arange(n) * 1.0, "0.29 to 28.7"),
        (lambda n, rng: 50 + 10 * rng.normal(size=n), ""),
        (lambda n, rng: 0.002 * rng.normal(size=n), ""),
    ],
)
def test_a_rater_on_another_scale_is_named(odd: Any, named: str) -> None:
    rng = np.random.default_rng(0)
    ratings = np.clip(np.stack([latent(rng, 30, sd=0.2) for _ in range(3)] + [odd(30, rng)]), -1, None)
    ratings[3] = odd(30, np.random.default_rng(1))
    problems = check(import_tidy(of_matrix(ratings))).problems
    (line,) = [problem for problem in problems if "scale" in problem]
    assert line.startswith(f"rater r3 is off everyone's scale in valence: {named}")


@pytest.mark.parametrize("on_scale", [2, 3])
def test_a_rater_off_scale_does_not_make_the_few_others_seem_so(on_scale: int) -> None:
    rng = np.random.default_rng(0)
    ratings = np.stack([*(latent(rng, 30, sd=0.2) for _ in range(on_scale)), np.arange(30) * 10.0])
    problems = check(import_tidy(of_matrix(ratings))).problems
    (line,) = [problem for problem in problems if "scale" in problem]
    assert line.startswith(f"rater r{on_scale} is off everyone's scale")


def test_calm_and_lively_raters_are_on_one_scale() -> None:
    rng = np.random.default_rng(0)
    ratings = np.stack([latent(rng, 60, sd=sd) for sd in (0.05, 0.1, 0.2, 0.5)])
    assert not [line for line in check(import_tidy(of_matrix(ratings))).problems if "scale" in line]


def test_logs_of_changes_are_found_and_sampled_ratings_are_not() -> None:
    rng = np.random.default_rng(0)
    sampled = import_tidy(of_matrix(np.stack([latent(rng, 120) for _ in range(3)])))
    assert not [note for note in check(sampled).notes if "log of changes" in note]
    logs = import_tidy(changes(rng)[0])
    (note,) = [note for note in check(logs).notes if "log of changes" in note]
    assert "import the ratings again with `hold`" in note
    assert not [note for note in check(import_tidy(changes(rng)[0], hold=True)).notes if "log of changes" in note]
