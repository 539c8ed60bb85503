"""A study that is ready to run: its design, its stimuli, and the tokens of its links."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from avcues.pipeline.collection.assignment import Cell, every_setup, videos_of_rounds
from avcues.pipeline.collection.design import Design, Round
from avcues.pipeline.collection.stimuli import Clip, Index
from avcues.pipeline.errors import SettingsError

JOINT = "joint"
"""The name of the raters who rate a round together."""


@dataclass(frozen=True)
class Study:
    """A study.

    Args:
        folder: Folder of the study.
        design: The design, as declared in `study.toml`.
        stimuli: The prepared stimuli.
    """

    folder: Path
    design: Design
    stimuli: Index

    @cached_property
    def videos_by_round(self) -> dict[str, tuple[str, ...]]:
        """The videos of each round."""
        return videos_of_rounds(self.design.all_rounds, list(self.stimuli.clips), self.design.seed)

    @cached_property
    def setups(self) -> tuple[str, ...]:
        """Names of the setups."""
        return tuple(setup.name for setup in self.design.setups)

    def cells(self, round_: Round) -> tuple[Cell, ...]:
        """Every video of a round in every setup."""
        return tuple((video, setup) for video in self.videos_by_round[round_.name] for setup in self.setups)

    def rounds(self, *, joint: bool) -> tuple[Round, ...]:
        """The rounds of single raters, or the joint rounds."""
        return tuple(round_design for round_design in self.design.all_rounds if round_design.joint == joint)

    def order(self, rater: int, round_: Round) -> list[Cell]:
        """The order of clips for a rater in a round in which every setup of every video is rated."""
        return every_setup(
            self.videos_by_round[round_.name],
            self.setups,
            gap=self.design.assignment.gap,
            seed=self.design.seed,
            rater=rater,
            round_=round_.name,
        )

    def clip(self, video: str, *, practice: bool = False) -> Clip:
        """A clip by the id of its video, or for practice by the name of its file."""
        other_files = self.stimuli.others
        return other_files[video] if practice and video in other_files else self.stimuli.clips[video]

    def check(self) -> None:
        """Checks that there are enough videos for the design.

        Raises:
            SettingsError: There are too few videos.
        """
        assignment = self.design.assignment
        for round_design in self.design.all_rounds:
            videos: Sequence[str] = self.videos_by_round[round_design.name]
            if not videos:
                raise SettingsError(f"round {round_design.name}: has no video; earlier rounds use all videos")
            if assignment.rule == "every setup" or round_design.joint:
                self.order(0, round_design)
            elif assignment.items_per_rater and assignment.items_per_rater[1] > len(videos) - self.practice_videos:
                raise SettingsError(
                    f"items_per_rater allows {assignment.items_per_rater[1]} clips, but each video is rated once by a "
                    f"rater and there are {len(videos)} in round {round_design.name}"
                    + (f", {self.practice_videos} of which are for practice" if self.practice_videos else "")
                )

    @property
    def practice_videos(self) -> int:
        """Number of videos of the study that each rater uses only for practice."""
        practice = self.design.practice
        is_once_per_video = self.design.assignment.rule == "once per video"
        return practice.trials if is_once_per_video and not practice.files else 0


def secret_token(connection: sqlite3.Connection, name: str) -> str:
    """The secret token that the study keeps under a name; created at the first call."""
    connection.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (f"token {name}", secrets.token_urlsafe(18)))
    row = connection.execute("SELECT value FROM settings WHERE key = ?", (f"token {name}",)).fetchone()
    return str(row["value"])
