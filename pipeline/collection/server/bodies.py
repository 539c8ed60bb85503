"""Bodies of requests, which are checked before anything else uses them."""

from __future__ import annotations

import json
from typing import Annotated, Any

from annotated_types import Len
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from avcues.pipeline.collection.records.stored import Events

_MAX_EVENTS = 5000
_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
_Number = Annotated[float, Field(ge=0, lt=1e15, allow_inf_nan=False)]


class BadRequestError(ValueError):
    """A request that the page would not send."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Device(_Body):
    """A rater's device, as the browser reports it."""

    agent: Annotated[str, Len(0, 400)] = ""
    screen: Annotated[list[_Number], Len(3, 3)] = [0, 0, 1]
    refresh_hz: _Number = 0
    touch: bool = False
    language: Annotated[str, Len(0, 35)] = ""


class JoinRequest(_Body):
    """A request of a new rater to join; `outside_id` is the rater's id on another site, such as Prolific, or empty."""

    outside_id: Annotated[str, Len(0, 128)] = ""


class StepRequest(_Body):
    """A request of a tab for the next step."""

    tab: _Id
    device: Device | None = None


class Answers(_Body):
    """The answers of a completed page."""

    tab: _Id
    key: Annotated[str, Len(1, 100)]
    answers: dict[str, Any]
    attempt: _Id | None = None
    batches: Annotated[int, Field(ge=0, le=100_000)] = 0


class Batch(_Body):
    """A batch of a trace."""

    tab: _Id
    attempt: _Id
    item: Annotated[int, Field(ge=1, lt=2**53)] | None = None
    number: Annotated[int, Field(ge=0, lt=100_000)]
    events: Annotated[Events, Len(1, _MAX_EVENTS)]


class CompletedItem(_Body):
    """A completed rating of a clip."""

    tab: _Id
    item: Annotated[int, Field(ge=1, lt=2**53)]
    attempt: _Id | None = None
    batches: Annotated[int, Field(ge=0, le=100_000)] = 0
    answers: dict[str, Any]


class OpenRequest(_Body):
    """A request of the researcher to open a round."""

    round: Annotated[str, Len(1, 40)]


async def read_body(request: Request, kind: type[Any]) -> Any:
    """Reads and checks the body of a request.

    Args:
        kind: The class of the body.

    Raises:
        BadRequestError: The body is not JSON, or not of this class.
    """
    try:
        return kind.model_validate(json.loads(await request.body(), parse_constant=_refuse_constant), strict=False)
    except (ValidationError, ValueError, RecursionError) as error:
        raise BadRequestError(kind.__name__) from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")
