"""Orders that are a function of the seed and the rater alone."""

from __future__ import annotations

import random
from collections.abc import Sequence

from avcues.pipeline.collection.assignment.filling import Cell
from avcues.pipeline.collection.design import Round
from avcues.pipeline.errors import SettingsError


def every_setup(
    videos: Sequence[str], setups: Sequence[str], *, gap: int, seed: int, rater: int, round_: str
) -> list[Cell]:
    """Every video in every setup: one pass over all videos per setup, in a new order each time.

    In each pass, each video comes in one of the setups that it has not had yet, so setups are mixed throughout.

    Args:
        gap: Fewest items between two setups of a video.
        seed: Of the study.
        rater: The rater's number.
        round_: Name of the round.

    Raises:
        SettingsError: There are too few videos for the gap.
    """
    if len(setups) > 1 and gap > len(videos) - 1:
        raise SettingsError(
            f"round {round_}: {len(videos)} videos allow a gap of at most {len(videos) - 1} items between two setups "
            f"of one video, not {gap}"
        )
    chance = _chance(seed, rater, round_)
    setups_of = {video: chance.sample(list(setups), len(setups)) for video in sorted(videos)}
    last_place = dict.fromkeys(setups_of, -gap - 1)
    order: list[Cell] = []
    for turn in range(len(setups)):
        waiting = set(setups_of)
        while waiting:
            allowed = sorted(video for video in waiting if len(order) - last_place[video] > gap)
            video = chance.choice(allowed)
            waiting.remove(video)
            last_place[video] = len(order)
            order.append((video, setups_of[video][turn]))
    return order


def repetitions(shown: Sequence[Cell], count: int, *, gap: int, seed: int, rater: int, round_: str) -> list[Cell]:
    """Cells that a rater gets again at the end of a round, each at least `gap` items after its first time.

    Args:
        shown: In the order in which the rater had them.
        count: How many; fewer if there are not enough.
    """
    chance = _chance(seed, rater, f"{round_} again")
    # Drawn from the early ones, in random order, each only where it is far enough behind.
    waiting = chance.sample(range(len(shown)), len(shown))
    order: list[Cell] = []
    while len(order) < count:
        place = len(shown) + len(order)
        at = next((cell for cell in waiting if place - cell > gap), None)
        if at is None:
            break
        waiting.remove(at)
        order.append(shown[at])
    return order


def videos_of_rounds(rounds: Sequence[Round], videos: Sequence[str], seed: int) -> dict[str, tuple[str, ...]]:
    """The videos of each round.

    Raises:
        SettingsError: A round names a video that does not exist, or wants more than there are.
    """
    chosen: dict[str, tuple[str, ...]] = {}
    for round_design in rounds:
        excluded = {video for name in round_design.other_than for video in chosen[name]}
        free = [video for video in sorted(videos) if video not in excluded]
        if round_design.videos == "all":
            chosen[round_design.name] = tuple(free)
        elif isinstance(round_design.videos, int):
            if round_design.videos > len(free):
                raise SettingsError(
                    f"round {round_design.name}: {round_design.videos} videos are wanted, but there are {len(free)}"
                )
            chosen[round_design.name] = tuple(
                random.Random(f"{seed}/{round_design.name}").sample(free, round_design.videos)
            )
        else:
            if foreign := next((video for video in round_design.videos if video not in free), None):
                raise SettingsError(
                    f'round {round_design.name}: "{foreign}" is no video of the study that the round may have'
                )
            chosen[round_design.name] = tuple(round_design.videos)
    return chosen


def _chance(seed: int, rater: int, purpose: str) -> random.Random:
    return random.Random(f"{seed}/{rater}/{purpose}")
