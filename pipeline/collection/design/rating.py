"""Ratings that are given while a clip plays."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from avcues.pipeline.collection.design.questions import DesignPart, Name

Position = Literal["over", "beside"]


class Axis(DesignPart):
    """A dimension that is rated over time."""

    name: Name
    title: str = ""
    low: float = -1
    high: float = 1
    low_text: str = ""
    high_text: str = ""

    @model_validator(mode="after")
    def _range(self) -> Axis:
        if not self.low < self.high:
            raise ValueError(f"the range {self.low:g} to {self.high:g} is empty")
        return self


class Plane(DesignPart):
    """Two dimensions at once: the position of the pointer in a plane."""

    kind: Literal["plane"]
    x: Axis
    y: Axis
    place: Position | Literal["random"] = "beside"
    """Over the picture or beside it; random: drawn for each clip and recorded as `overlay`."""
    coordinates: bool = True
    pictograms: bool = True
    """A face in each quadrant."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The dimensions: horizontal, vertical."""
        return (self.x, self.y)

    @model_validator(mode="after")
    def _two_names(self) -> Plane:
        if self.x.name == self.y.name:
            raise ValueError(f'both axes are named "{self.x.name}"')
        return self


class TimeSlider(DesignPart):
    """One dimension: a slider that is moved while the clip plays."""

    kind: Literal["slider"]
    axis: Axis
    place: Position | Literal["random"] = "beside"
    coordinates: bool = True

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The dimension."""
        return (self.axis,)


OverTime = Annotated[Plane | TimeSlider, Field(discriminator="kind")]
