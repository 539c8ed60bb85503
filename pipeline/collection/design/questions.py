"""Questions to raters: about a clip, or before, between and after the clips."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from annotated_types import Len
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

MAX_WORDS_LENGTH = 2000
"""Largest number of characters in a free answer."""
MAX_LABEL_LENGTH = 80

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


def _checked_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f'"{text}" is not a name; expected a letter, then at most 39 letters, digits or _')
    return text


Name = Annotated[str, AfterValidator(_checked_name)]
"""The name of a column, a setup or a round."""


class DesignPart(BaseModel):
    """Base of the parts of a design: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Question(DesignPart):
    name: Name
    text: str
    required: bool = True
    setups: tuple[str, ...] = ()
    """Setups after whose clips the question is asked; empty: all setups."""


class Choice(_Question):
    """One of several answers, or any number of them."""

    kind: Literal["choice"]
    options: Annotated[tuple[str, ...], Len(2, 200)]
    several: bool = False

    def check(self, answer: Any) -> Any:
        """Checks and returns an answer.

        Raises:
            ValueError: The answer is not possible.
        """
        chosen = answer if self.several else [answer]
        if not isinstance(chosen, list) or any(option not in self.options for option in chosen):
            raise ValueError(f"{self.name}: not among the options")
        if self.required and not chosen:
            raise ValueError(f"{self.name}: nothing is chosen")
        return answer


class YesNo(_Question):
    """A yes-no question. After a clip, the answer to the question `seen` fills the column `seen` of the exposures."""

    kind: Literal["yes-no"]

    def check(self, answer: Any) -> Any:
        """Checks and returns an answer.

        Raises:
            ValueError: The answer is not possible.
        """
        if not isinstance(answer, bool):
            raise ValueError(f"{self.name}: expected yes or no")
        return answer


class Number(_Question):
    """A typed number, such as an age."""

    kind: Literal["number"]
    low: float
    high: float

    def check(self, answer: Any) -> Any:
        """Checks and returns an answer.

        Raises:
            ValueError: The answer is not possible.
        """
        if isinstance(answer, bool) or not isinstance(answer, int | float) or not self.low <= answer <= self.high:
            raise ValueError(f"{self.name}: expected a number from {self.low:g} to {self.high:g}")
        return answer


class Words(_Question):
    """Free text."""

    kind: Literal["words"]
    longest: Annotated[int, Field(ge=1, le=MAX_WORDS_LENGTH)] = 500

    def check(self, answer: Any) -> Any:
        """Checks and returns an answer.

        Raises:
            ValueError: The answer is not possible.
        """
        if not isinstance(answer, str) or len(answer) > self.longest:
            raise ValueError(f"{self.name}: expected at most {self.longest} characters")
        if self.required and not answer.strip():
            raise ValueError(f"{self.name}: is empty")
        return printable_text(answer)


class Scale(_Question):
    """A number on a scale: a slider, points, or pictograms."""

    kind: Literal["scale"]
    low: float
    high: float
    step: Annotated[float, Field(gt=0)] = 1
    shown: Literal["points", "slider", "pictograms"] = "points"
    pictograms: Literal["valence", "arousal"] = "valence"
    low_text: str = ""
    high_text: str = ""
    level: Literal["ordinal", "interval"] = "ordinal"

    @model_validator(mode="after")
    def _whole_steps(self) -> Scale:
        if not self.low < self.high:
            raise ValueError(f"the range {self.low:g} to {self.high:g} is empty")
        if not self._on_step(self.high):
            raise ValueError(f"{self.low:g} to {self.high:g} is not a multiple of steps of {self.step:g}")
        if self.shown == "pictograms" and round((self.high - self.low) / self.step) != 4:
            raise ValueError("there are five pictograms; expected a range of four steps, such as 1 to 5")
        return self

    def check(self, answer: Any) -> Any:
        """Checks and returns an answer.

        Raises:
            ValueError: The answer is not possible.
        """
        is_number = not isinstance(answer, bool) and isinstance(answer, int | float)
        if not is_number or not self.low <= answer <= self.high or not self._on_step(answer):
            raise ValueError(f"{self.name}: expected {self.low:g} to {self.high:g} in steps of {self.step:g}")
        return answer

    def _on_step(self, value: float) -> bool:
        steps = (value - self.low) / self.step
        return abs(steps - round(steps)) < 1e-6


class LabelGroup(DesignPart):
    """Labels under a heading."""

    title: str = ""
    above: str = ""
    """A heading over several groups; shown where it changes."""
    labels: Annotated[tuple[Annotated[str, Len(1, MAX_LABEL_LENGTH)], ...], Len(1, 200)]


class Labels(_Question):
    """Labels that apply to a clip, in groups, possibly with a word of the rater."""

    kind: Literal["labels"]
    groups: Annotated[tuple[LabelGroup, ...], Len(1, 100)]
    at_least: Annotated[int, Field(ge=0)] = 1
    at_most: Annotated[int, Field(ge=1)] = 100
    free: bool = False
    """Whether a rater may add a word."""
    alone: tuple[str, ...] = ()
    """Labels that exclude all others, such as "neutral"."""

    @property
    def all_labels(self) -> tuple[str, ...]:
        """The labels of all groups."""
        return tuple(label for group in self.groups for label in group.labels)

    @model_validator(mode="after")
    def _consistent(self) -> Labels:
        if self.at_least > self.at_most:
            raise ValueError(f"at_least is {self.at_least}, more than at_most, {self.at_most}")
        if repeated := first_repeated(self.all_labels):
            raise ValueError(f'the label "{repeated}" appears twice')
        if foreign := next((label for label in self.alone if label not in self.all_labels), None):
            raise ValueError(f'alone names "{foreign}", which is not in any group')
        return self

    def check(self, answer: Any) -> Any:
        """Checks and returns an answer `{"labels": [...], "free": "..."}`.

        Raises:
            ValueError: The answer is not possible.
        """
        if not isinstance(answer, dict) or not set(answer) <= {"labels", "free"}:
            raise ValueError(f"{self.name}: expected labels")
        labels, free = answer.get("labels", []), answer.get("free", "")
        if not isinstance(labels, list) or not isinstance(free, str) or len(free) > MAX_LABEL_LENGTH:
            raise ValueError(f"{self.name}: expected labels")
        if any(label not in self.all_labels for label in labels) or first_repeated(labels):
            raise ValueError(f"{self.name}: not among the labels")
        free = printable_text(free).strip()
        if free and not self.free:
            raise ValueError(f"{self.name}: own words are not allowed")
        chosen = [*labels, *([free] if free else [])]
        required_count = self.at_least if self.required else 0
        if not required_count <= len(chosen) <= self.at_most:
            raise ValueError(f"{self.name}: expected {required_count} to {self.at_most} labels")
        if len(chosen) > 1 and any(label in self.alone for label in chosen):
            raise ValueError(f"{self.name}: a label that excludes others is chosen with others")
        return {"labels": labels, "free": free}


Question = Annotated[Choice | YesNo | Number | Words | Scale | Labels, Field(discriminator="kind")]


def printable_text(text: str) -> str:
    """Text without control characters other than line breaks."""
    return "".join(character for character in text if character.isprintable() or character == "\n")


def first_repeated(names: Iterable[Any]) -> Any:
    """The first name that appears twice; None if each appears once."""
    earlier_names = set()
    for name in names:
        if name in earlier_names:
            return name
        earlier_names.add(name)
    return None
