"""The design of a study, as declared in `study.toml`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from annotated_types import Len
from pydantic import Field, HttpUrl, model_validator

from avcues.pipeline.collection.design.questions import DesignPart, Name, Question, first_repeated
from avcues.pipeline.collection.design.rating import OverTime
from avcues.pipeline.collection.design.texts import Texts

ShownPart = Literal["sound", "picture", "text"]
_RATER_COLUMNS = frozenset(("rater", "round", "lag_s", "flags", "clips", "finished"))
"""Columns of the raters' table that are not answers."""


class Setup(DesignPart):
    """A setup: which parts of a clip are shown."""

    name: Name
    shows: Annotated[tuple[ShownPart, ...], Len(1, 3)]
    instruction: str = ""

    @property
    def plays(self) -> bool:
        """Whether anything plays: sound or picture."""
        return "sound" in self.shows or "picture" in self.shows


class Videos(DesignPart):
    """The videos of a study."""

    folder: str
    """Folder of the videos, relative to the study's folder."""
    files: tuple[str, ...] = ()
    """Names of files in the folder; empty: every video and sound file."""


class Page(DesignPart):
    """A page with text and questions."""

    title: str
    text: str = ""
    consent: bool = False
    """Whether a rater must agree to continue."""
    clip: str = ""
    """A file in the study's folder that the page shows, such as a sample."""
    questions: tuple[Question, ...] = ()


class Break(Page):
    """A page between clips."""

    after_every: Annotated[int, Field(ge=0)] = 0
    """Number of clips after which the page is shown; 0: never."""
    before_round: str = ""
    """The round before which the page is shown."""


class Assignment(DesignPart):
    """Which clips a rater gets."""

    rule: Literal["once per video", "every setup"]
    ratings_per_cell: Annotated[int, Field(ge=1, le=100_000)]
    """Number of ratings for each video in each setup."""
    items_per_rater: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None
    """Smallest and largest number of clips per rater, drawn for each rater; only with "once per video"."""
    gap: Annotated[int, Field(ge=0)] = 0
    """Smallest number of items between two setups of a video, and between a clip and its repetition."""
    retest: Annotated[int, Field(ge=0)] = 0
    """Clips that a rater rates again at the end of a round."""
    expires_minutes: Annotated[float, Field(gt=0)] = 90
    """Inactive time of a rater, in minutes, after which the rater's clips are given to others."""

    @model_validator(mode="after")
    def _check_items(self) -> Assignment:
        if self.rule == "once per video" and self.items_per_rater is None:
            raise ValueError('items_per_rater is missing; expected [FEWEST, MOST] with the rule "once per video"')
        if self.rule == "every setup" and self.items_per_rater is not None:
            raise ValueError('items_per_rater has no meaning with the rule "every setup"; remove it')
        if self.items_per_rater and self.items_per_rater[0] > self.items_per_rater[1]:
            raise ValueError(f"items_per_rater is {list(self.items_per_rater)}; expected [FEWEST, MOST]")
        return self


class Round(DesignPart):
    """A part of the study with its own videos."""

    name: Name
    videos: Literal["all"] | Annotated[int, Field(ge=1)] | tuple[str, ...] = "all"
    """All videos, a number of videos to draw, or a list of ids."""
    other_than: tuple[str, ...] = ()
    """Rounds whose videos are not used again."""
    joint: bool = False
    """Whether all raters rate together, as the single rater "joint", with a separate link."""
    opens: Literal["at once", "by hand"] = "at once"
    """By hand: the researcher opens the round."""


class Practice(DesignPart):
    """Trials that are not part of the ratings."""

    trials: Annotated[int, Field(ge=0, le=20)] = 0
    files: tuple[str, ...] = ()
    """Clips in the study's folder. Empty: videos of the study, which "once per video" then does not use."""


class Checks(DesignPart):
    """Checks of raters and their devices."""

    sound: bool = True
    """Whether raters count tones before the first clip with sound."""
    sound_tries: Annotated[int, Field(ge=1, le=10)] = 3
    follow_s: Annotated[float, Field(ge=0, le=120)] = 20
    """Seconds for which raters follow a moving point, to measure their lag; 0: no such check."""
    unmoved_s: Annotated[float, Field(ge=0)] = 20
    """Seconds without movement after which a rater is asked whether the rating still fits; 0: never."""
    pause_when: tuple[Literal["hidden", "unfocused"], ...] = ("hidden",)
    """When the clip is paused: the page is hidden, or another window has the focus."""
    stream_above_mb: Annotated[float, Field(ge=0)] = 300
    """Larger clips are played while they load; smaller clips are loaded first."""


class Links(DesignPart):
    """Links from and to other sites."""

    outside_id: tuple[str, ...] = ("PROLIFIC_PID", "participant", "workerId", "id")
    """Parameters of the link with a rater's id on another site."""
    completion: HttpUrl | None = None
    """Address to which raters are sent at the end."""


class Design(DesignPart):
    """A study."""

    format: Literal[1]
    title: Annotated[str, Len(1, 200)]
    language: Annotated[str, Len(2, 35)] = "en"
    direction: Literal["ltr", "rtl"] = "ltr"
    seed: int = 1
    videos: Videos
    setups: Annotated[tuple[Setup, ...], Len(1, 20)]
    assignment: Assignment
    rounds: tuple[Round, ...] = ()
    rating: OverTime | None = None
    after_clip: tuple[Question, ...] = ()
    before: tuple[Page, ...] = ()
    between: tuple[Break, ...] = ()
    after: tuple[Page, ...] = ()
    practice: Practice = Practice()
    checks: Checks = Checks()
    links: Links = Links()
    texts: Texts = Texts()

    @property
    def all_rounds(self) -> tuple[Round, ...]:
        """The declared rounds, or one round over all videos."""
        return self.rounds or (Round(name="ratings"),)

    def setup(self, name: str) -> Setup:
        """The setup with this name."""
        return next(setup for setup in self.setups if setup.name == name)

    def questions_after(self, setup: str) -> tuple[Question, ...]:
        """The questions after a clip in a setup."""
        return tuple(question for question in self.after_clip if not question.setups or setup in question.setups)

    def pages(self) -> Iterator[tuple[str, Page]]:
        """Yields every page with its key."""
        for part, pages in (("before", self.before), ("between", self.between), ("after", self.after)):
            for i, page in enumerate(pages):
                yield f"{part}-{i + 1}", page

    @model_validator(mode="after")
    def _check_names(self) -> Design:
        _check_unique("setups", [setup.name for setup in self.setups])
        _check_unique("rounds", [round_design.name for round_design in self.all_rounds])
        rated = [axis.name for axis in (self.rating.axes if self.rating else ())]
        _check_unique("dimensions and questions about clips", rated + [question.name for question in self.after_clip])
        answers = [question.name for _, page in self.pages() for question in page.questions]
        _check_unique("questions about raters", answers)
        if reserved := next((name for name in answers if name in _RATER_COLUMNS), None):
            raise ValueError(
                f'a question is named "{reserved}", which is already a column of the table of raters; rename it'
            )
        setup_names = {setup.name for setup in self.setups}
        for question in self.after_clip:
            if foreign := next((name for name in question.setups if name not in setup_names), None):
                raise ValueError(f'{question.name}: no setup is named "{foreign}"')
        for setup in self.setups:
            if not self.questions_after(setup.name) and not (self.rating and setup.plays):
                raise ValueError(f'nothing is rated in the setup "{setup.name}"')
        return self

    @model_validator(mode="after")
    def _check_rounds(self) -> Design:
        earlier_rounds: list[str] = []
        for round_design in self.all_rounds:
            if foreign := next((name for name in round_design.other_than if name not in earlier_rounds), None):
                raise ValueError(f'round {round_design.name}: other_than names "{foreign}"; expected an earlier round')
            earlier_rounds.append(round_design.name)
        for page in self.between:
            if page.before_round and page.before_round not in earlier_rounds:
                raise ValueError(f'a page between clips names the round "{page.before_round}", which does not exist')
        if all(round_design.joint for round_design in self.all_rounds):
            raise ValueError("every round is joint; expected at least one round of single raters")
        return self


def _check_unique(kind: str, names: list[str]) -> None:
    if name := first_repeated(names):
        raise ValueError(f'{kind}: the name "{name}" appears twice')
