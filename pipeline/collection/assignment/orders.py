"""Orders of clips that depend only on the seed and the rater."""

from __future__ import annotations

import random
from collections.abc import Sequence

from avcues.pipeline.collection.assignment.filling import Cell
from avcues.pipeline.collection.design import Round
from avcues.pipeline.errors import SettingsError


def every_setup(
    videos: Sequence[str], setups: Sequence[str], *, gap: int, seed: int, rater: int, round_: str
) -> list[Cell]:
    """Every video in every setup: as many passes over all videos as there are setups, each in a new order.

    In each pass, each video comes in a setup that it has not had yet, so setups are mixed throughout.

    Args:
        gap: Smallest number of items between two setups of a video.
        seed: The seed of the study.
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
    random_source = _random_source(seed, rater, round_)
    setups_of = {video: random_source.sample(list(setups), len(setups)) for video in sorted(videos)}
    last_position = dict.fromkeys(setups_of, -gap - 1)
    order: list[Cell] = []
    for pass_number in range(len(setups)):
        remaining = set(setups_of)
        while remaining:
            allowed = sorted(video for video in remaining if len(order) - last_position[video] > gap)
            video = random_source.choice(allowed)
            remaining.remove(video)
            last_position[video] = len(order)
            order.append((video, setups_of[video][pass_number]))
    return order


def repetitions(given_cells: Sequence[Cell], count: int, *, gap: int, seed: int, rater: int, round_: str) -> list[Cell]:
    """Cells that a rater rates again at the end of a round, each at least `gap` items after the first time.

    Args:
        shown: Cells in the order in which the rater had them.
        count: Number of repetitions; fewer are returned if there are not enough.
    """
    random_source = _random_source(seed, rater, f"{round_} again")
    # Takes cells in random order, skipping those whose first time is less than `gap` items back.
    candidates = random_source.sample(range(len(given_cells)), len(given_cells))
    order: list[Cell] = []
    while len(order) < count:
        position = len(given_cells) + len(order)
        cell_index = next((cell for cell in candidates if position - cell > gap), None)
        if cell_index is None:
            break
        candidates.remove(cell_index)
        order.append(given_cells[cell_index])
    return order


def videos_of_rounds(rounds: Sequence[Round], videos: Sequence[str], seed: int) -> dict[str, tuple[str, ...]]:
    """The videos of each round.

    Raises:
        SettingsError: A round names a video that does not exist, or needs more videos than there are.
    """
    videos_by_round: dict[str, tuple[str, ...]] = {}
    for round_design in rounds:
        excluded = {video for name in round_design.other_than for video in videos_by_round[name]}
        available = [video for video in sorted(videos) if video not in excluded]
        if round_design.videos == "all":
            videos_by_round[round_design.name] = tuple(available)
        elif isinstance(round_design.videos, int):
            if round_design.videos > len(available):
                raise SettingsError(
                    f"round {round_design.name}: {round_design.videos} videos are needed, "
                    f"but {len(available)} are available"
                )
            videos_by_round[round_design.name] = tuple(
                random.Random(f"{seed}/{round_design.name}").sample(available, round_design.videos)
            )
        else:
            if foreign := next((video for video in round_design.videos if video not in available), None):
                raise SettingsError(
                    f'round {round_design.name}: "{foreign}" is not a video of the study that this round may use'
                )
            videos_by_round[round_design.name] = tuple(round_design.videos)
    return videos_by_round


def _random_source(seed: int, rater: int, name: str) -> random.Random:
    return random.Random(f"{seed}/{rater}/{name}")
