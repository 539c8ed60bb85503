"""Who gets which clip: by simulation, with raters who come, overlap and leave."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from itertools import combinations

import pytest

from avcues.pipeline.collection.assignment import (
    Cell,
    every_setup,
    least_filled,
    ratings_left,
    repetitions,
    videos_of_rounds,
)
from avcues.pipeline.collection.design import Round
from avcues.pipeline.errors import SettingsError

MUVI = tuple((f"v{video:02}", setup) for video in range(81) for setup in ("music", "visual", "audiovisual"))
CLIP_S, EXPIRES_S = 90.0, 90 * 60.0
SEEDS = range(200)


def simulate(seed: int) -> tuple[Counter[Cell], dict[int, list[Cell]]]:
    """Completions, and the clips of each of 49 raters of 30 to 36 clips within two days; eight leave in the middle."""
    chance = random.Random(seed)
    leaves = {rater: chance.randint(1, 28) for rater in chance.sample(range(49), 8)}
    wanted = {rater: chance.randint(30, 36) for rater in range(49)}
    now_at = [(chance.uniform(0, 48 * 3600), rater) for rater in range(49)]
    heapq.heapify(now_at)
    done, ratings_by_cell = Counter(dict.fromkeys(MUVI, 0)), Counter(dict.fromkeys(MUVI, 0))
    had: dict[int, list[Cell]] = {rater: [] for rater in range(49)}
    reserved: dict[int, tuple[Cell, float]] = {}
    while now_at:
        now, rater = heapq.heappop(now_at)
        if rater in reserved:
            done[reserved.pop(rater)[0]] += 1
        if len(had[rater]) == wanted[rater]:
            continue
        for left in [one for one, (_, since) in reserved.items() if now - since > EXPIRES_S]:
            ratings_by_cell[reserved.pop(left)[0]] -= 1
        cell = least_filled(ratings_by_cell, MUVI, {video for video, _ in had[rater]}, seed=seed, rater=rater)
        assert cell is not None
        had[rater].append(cell)
        reserved[rater] = (cell, now)
        ratings_by_cell[cell] += 1
        if len(had[rater]) != leaves.get(rater):
            heapq.heappush(now_at, (now + chance.uniform(0.7, 2) * CLIP_S, rater))
    return done, had


def test_every_cell_of_muvi_is_within_one_of_its_target() -> None:
    farthest = []
    for seed in SEEDS:
        done, had = simulate(seed)
        farthest.append(max(abs(done[cell] - 6) for cell in MUVI))
        assert all(len({video for video, _ in cells}) == len(cells) for cells in had.values())
    assert max(farthest) <= 1


def test_setups_are_mixed_and_raters_differ() -> None:
    _, had = simulate(1)
    counts = [Counter(setup for _, setup in cells) for cells in had.values() if len(cells) >= 30]
    assert all(min(count[setup] for setup in ("music", "visual", "audiovisual")) >= 3 for count in counts)
    assert len({tuple(cells[:5]) for cells in had.values()}) == 49


def test_every_rater_of_perspectives_gets_every_setup_of_every_clip_with_gaps() -> None:
    videos, setups = [f"v{video:02}" for video in range(94)], ("text", "audio", "video", "all")
    for seed in SEEDS:
        orders = [every_setup(videos, setups, gap=20, seed=seed, rater=rater, round_="before") for rater in (1, 2, 3)]
        assert len({tuple(order) for order in orders}) == 3
        ratings_by_cell = Counter(cell for order in orders for cell in order)
        assert len(ratings_by_cell) == 94 * 4
        assert set(ratings_by_cell.values()) == {3}
        for order in orders:
            places: dict[str, list[int]] = {}
            for place, (video, _) in enumerate(order):
                places.setdefault(video, []).append(place)
            assert min(b - a for of_video in places.values() for a, b in combinations(of_video, 2)) > 20


def test_an_order_is_a_function_of_seed_and_rater() -> None:
    videos, setups = [f"v{video}" for video in range(30)], ("a", "b")
    order = every_setup(videos, setups, gap=5, seed=3, rater=7, round_="r")
    assert order == every_setup(list(reversed(videos)), setups, gap=5, seed=3, rater=7, round_="r")
    assert order != every_setup(videos, setups, gap=5, seed=4, rater=7, round_="r")
    first = least_filled(Counter(), MUVI, (), seed=3, rater=7)
    assert (
        first
        == least_filled(Counter(), MUVI, (), seed=3, rater=7)
        != least_filled(Counter(), MUVI, (), seed=3, rater=8)
    )


def test_the_largest_possible_gap_is_kept_and_a_larger_one_is_refused() -> None:
    videos = [f"v{video}" for video in range(6)]
    order = every_setup(videos, ("a", "b", "c"), gap=5, seed=1, rater=1, round_="r")
    assert [video for video, _ in order[:6]] == [video for video, _ in order[6:12]]
    with pytest.raises(SettingsError, match="6 videos allow a gap of at most 5"):
        every_setup(videos, ("a", "b"), gap=6, seed=1, rater=1, round_="r")


def test_repetitions_come_late_enough() -> None:
    done = [(f"v{video}", "a") for video in range(20)]
    for rater in range(50):
        second = repetitions(done, 6, gap=12, seed=1, rater=rater, round_="r")
        assert len(set(second)) == 6
        assert all(20 + place - done.index(cell) > 12 for place, cell in enumerate(second))
    assert repetitions(done[:3], 6, gap=12, seed=1, rater=1, round_="r") == []


def test_raters_come_while_ratings_are_missing_that_nobody_at_work_will_give() -> None:
    cells = [("v", "a"), ("w", "a")]
    assert ratings_left(Counter({("v", "a"): 2}), cells, ratings_per_cell=3, promised=2) == 2
    assert ratings_left(Counter({("v", "a"): 9}), cells, ratings_per_cell=3, promised=3) == 0


def test_rounds_draw_their_videos() -> None:
    rounds = [
        Round(name="before"),
        Round(name="joint", videos=3, joint=True),
        Round(name="after", videos=5, other_than=("joint",)),
    ]
    videos = videos_of_rounds(rounds, [f"v{video}" for video in range(9)], seed=1)
    assert len(videos["before"]) == 9
    assert len(set(videos["joint"])) == 3
    assert len(set(videos["after"]) - set(videos["joint"])) == 5
    with pytest.raises(SettingsError, match="7 videos are needed, but 6 are available"):
        videos_of_rounds([*rounds[:2], Round(name="c", videos=7, other_than=("joint",))], videos["before"], seed=1)
