"""A study as `study.toml` declares it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from annotated_types import Len
from pydantic import Field, HttpUrl, model_validator

from avcues.pipeline.collection.design.questions import Name, Question, Strict, first_repeated
from avcues.pipeline.collection.design.rating import OverTime
from avcues.pipeline.collection.design.texts import Texts

Shown = Literal["sound", "picture", "text"]
_OF_RATERS = frozenset(("rater", "round", "lag_s", "flags", "clips", "finished"))
"""Columns of the raters' table that are not answers."""


class Setup(Strict):
    """What of a clip is shown."""

    name: Name
    shows: Annotated[tuple[Shown, ...], Len(1, 3)]
    instruction: str = ""

    @property
    def plays(self) -> bool:
        """Whether there is anything that plays."""
        return "sound" in self.shows or "picture" in self.shows


class Videos(Strict):
    """The videos of a study."""

    folder: str
    """Relative to the study's folder."""
    files: tuple[str, ...] = ()
    """Names in the folder; empty: every video and sound file in it."""


class Page(Strict):
    """A page with text and questions."""

    title: str
    text: str = ""
    consent: bool = False
    """Whether a rater must agree to go on."""
    clip: str = ""
    """A file in the study's folder that the page shows, such as a sample."""
    questions: tuple[Question, ...] = ()


class Break(Page):
    """A page between clips."""

    after_every: Annotated[int, Field(ge=0)] = 0
    """Clips between two such pages; 0: never."""
    before_round: str = ""
    """The round that it precedes."""


class Assignment(Strict):
    """Which clips a rater gets."""

    rule: Literal["once per video", "every setup"]
    ratings_per_cell: Annotated[int, Field(ge=1, le=100_000)]
    """Ratings wanted of each video in each setup."""
    items_per_rater: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None
    """Fewest and most clips of a rater, drawn for each; only with "once per video"."""
    gap: Annotated[int, Field(ge=0)] = 0
    """Fewest items between two setups of a video, and between a clip and its repetition."""
    retest: Annotated[int, Field(ge=0)] = 0
    """Clips that a rater rates again at the end of a round."""
    expires_minutes: Annotated[float, Field(gt=0)] = 90
    """The clips of a rater who was not heard of for so long are given to others."""

    @model_validator(mode="after")
    def _items(self) -> Assignment:
        if self.rule == "once per video" and self.items_per_rater is None:
            raise ValueError('items_per_rater is missing; expected [FEWEST, MOST] with the rule "once per video"')
        if self.rule == "every setup" and self.items_per_rater is not None:
            raise ValueError('items_per_rater has no meaning with the rule "every setup"; remove it')
        if self.items_per_rater and self.items_per_rater[0] > self.items_per_rater[1]:
            raise ValueError(f"items_per_rater is {list(self.items_per_rater)}; expected [FEWEST, MOST]")
        return self


class Round(Strict):
    """A part of the study with videos of its own."""

    name: Name
    videos: Literal["all"] | Annotated[int, Field(ge=1)] | tuple[str, ...] = "all"
    """All, as many drawn by the seed, or a list of ids."""
    other_than: tuple[str, ...] = ()
    """Rounds whose videos are not drawn again."""
    joint: bool = False
    """Rated by the raters together, under the one name "joint", behind a link of its own."""
    opens: Literal["at once", "by hand"] = "at once"
    """By hand: the researcher opens it."""


class Practice(Strict):
    """Trials that are not part of the ratings."""

    trials: Annotated[int, Field(ge=0, le=20)] = 0
    files: tuple[str, ...] = ()
    """Clips in the study's folder; empty: videos of the study, which the rater then does not rate where each video is
    rated once."""


class Checks(Strict):
    """What is checked of raters and their devices."""

    sound: bool = True
    """Raters count tones before the first clip with sound."""
    sound_tries: Annotated[int, Field(ge=1, le=10)] = 3
    follow_s: Annotated[float, Field(ge=0, le=120)] = 20
    """Seconds for which raters follow a moving point, which tells how late they are; 0: not at all."""
    unmoved_s: Annotated[float, Field(ge=0)] = 20
    """Seconds without movement after which a rater is asked whether the rating still fits; 0: never."""
    pause_when: tuple[Literal["hidden", "unfocused"], ...] = ("hidden",)
    """What pauses the clip: the page is hidden, or another window has the focus."""
    stream_above_mb: Annotated[float, Field(ge=0)] = 300
    """Clips larger than this are played while they load; smaller ones are loaded first."""


class Links(Strict):
    """Where raters come from and go to."""

    outside_id: tuple[str, ...] = ("PROLIFIC_PID", "participant", "workerId", "id")
    """Parameters of the link that hold a rater's id elsewhere."""
    completion: HttpUrl | None = None
    """Where raters go in the end."""


class Design(Strict):
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
        """The rounds; one over all videos where none is declared."""
        return self.rounds or (Round(name="ratings"),)

    def setup(self, name: str) -> Setup:
        """A setup by its name."""
        return next(setup for setup in self.setups if setup.name == name)

    def asked_after(self, setup: str) -> tuple[Question, ...]:
        """The questions after a clip in a setup."""
        return tuple(question for question in self.after_clip if not question.setups or setup in question.setups)

    def pages(self) -> Iterator[tuple[str, Page]]:
        """Every page with its key."""
        for part, pages in (("before", self.before), ("between", self.between), ("after", self.after)):
            for i, page in enumerate(pages):
                yield f"{part}-{i + 1}", page

    @model_validator(mode="after")
    def _names(self) -> Design:
        _unique("setups", [setup.name for setup in self.setups])
        _unique("rounds", [round_design.name for round_design in self.all_rounds])
        rated = [axis.name for axis in (self.rating.axes if self.rating else ())]
        _unique("dimensions and questions about clips", rated + [question.name for question in self.after_clip])
        answers = [question.name for _, page in self.pages() for question in page.questions]
        _unique("questions about raters", answers)
        if reserved := next((name for name in answers if name in _OF_RATERS), None):
            raise ValueError(f'a question is named "{reserved}", which the table of raters has already; rename it')
        setup_names = {setup.name for setup in self.setups}
        for question in self.after_clip:
            if foreign := next((name for name in question.setups if name not in setup_names), None):
                raise ValueError(f'{question.name}: no setup is named "{foreign}"')
        for setup in self.setups:
            if not self.asked_after(setup.name) and not (self.rating and setup.plays):
                raise ValueError(f'nothing is rated in the setup "{setup.name}"')
        return self

    @model_validator(mode="after")
    def _order_of_rounds(self) -> Design:
        earlier: list[str] = []
        for round_design in self.all_rounds:
            if foreign := next((name for name in round_design.other_than if name not in earlier), None):
                raise ValueError(f'round {round_design.name}: other_than names "{foreign}"; expected a round before it')
            earlier.append(round_design.name)
        for page in self.between:
            if page.before_round and page.before_round not in earlier:
                raise ValueError(f'a page between clips names the round "{page.before_round}", which does not exist')
        if all(round_design.joint for round_design in self.all_rounds):
            raise ValueError("every round is joint; expected one that raters do by themselves")
        return self


def _unique(kind: str, names: list[str]) -> None:
    if name := first_repeated(names):
        raise ValueError(f'{kind}: the name "{name}" appears twice')
