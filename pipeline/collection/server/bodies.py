"""What raters' pages may send, checked before anything else sees it."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

from annotated_types import Len
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.requests import Request

_MOST_EVENTS = 5000
_LONGEST_NOTE = 400
# Kinds of events; see `avcues.pipeline.collection.export.trace`.
EVENTS: dict[str, int] = {"m": 4, "f": 5, "c": 3, "e": 5}
_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
_Time = Annotated[float, Field(ge=0, lt=1e15, allow_inf_nan=False)]


class BadRequestError(ValueError):
    """A request that the page would not send."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Device(_Body):
    """What a rater's device is, as the browser says."""

    agent: Annotated[str, Len(0, 400)] = ""
    screen: Annotated[list[_Time], Len(3, 3)] = [0, 0, 1]
    refresh_hz: _Time = 0
    touch: bool = False
    language: Annotated[str, Len(0, 35)] = ""


class Join(_Body):
    """A new rater."""

    outside: Annotated[str, Len(0, 128)] = ""


class Visit(_Body):
    """A tab asks for the next step."""

    tab: _Id
    device: Device | None = None


class Answers(_Body):
    """A page was left."""

    tab: _Id
    key: Annotated[str, Len(1, 100)]
    answers: dict[str, Any]
    attempt: _Id | None = None
    batches: Annotated[int, Field(ge=0, le=100_000)] = 0


class Batch(_Body):
    """A piece of a trace."""

    tab: _Id
    attempt: _Id
    item: Annotated[int, Field(ge=1, lt=2**53)] | None = None
    number: Annotated[int, Field(ge=0, lt=100_000)]
    events: Annotated[list[list[Any]], Len(1, _MOST_EVENTS)]

    @model_validator(mode="after")
    def _events(self) -> Batch:
        for event in self.events:
            if not event or event[0] not in EVENTS or len(event) != EVENTS[event[0]]:
                raise ValueError("an event is of no known kind")
            for part in event[1 : 3 if event[0] == "e" else None]:
                if part is not None and (isinstance(part, bool) or not isinstance(part, int | float)):
                    raise ValueError("an event's time or place is no number")
                if part is not None and (not math.isfinite(part) or abs(part) > 1e15):
                    raise ValueError("an event's time or place is out of range")
            if event[0] == "e" and not (_is_note(event[3]) and _is_note(event[4])):
                raise ValueError("an event's note is too long")
        return self


class Done(_Body):
    """A clip is rated."""

    tab: _Id
    item: Annotated[int, Field(ge=1, lt=2**53)]
    attempt: _Id | None = None
    batches: Annotated[int, Field(ge=0, le=100_000)] = 0
    answers: dict[str, Any]


class Open(_Body):
    """The researcher opens a round."""

    round: Annotated[str, Len(1, 40)]


async def body(request: Request, kind: type[Any]) -> Any:
    """The checked body of a request.

    Raises:
        BadRequestError: It is no JSON, or not what is expected.
    """
    try:
        return kind.model_validate(json.loads(await request.body(), parse_constant=_no_constant), strict=False)
    except (ValidationError, ValueError, RecursionError) as error:
        raise BadRequestError(kind.__name__) from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _is_note(note: Any) -> bool:
    return (
        note is None or isinstance(note, bool | int | float) or (isinstance(note, str) and len(note) <= _LONGEST_NOTE)
    )
