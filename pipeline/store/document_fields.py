"""The types of fields that JSON documents share, and the base class of the documents; pydantic checks them."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_SHORTEST_STEP, _LONGEST_STEP = Fraction(1, 100), Fraction(3600)


def _checked_table_name(name: str) -> str:
    if not name.isprintable() or name[0] in "._" or {"/", "\\"} & {*name}:
        raise ValueError("is not a table name")
    return name


def _checked_step(text: str) -> str:
    parts = text.split("/")
    if not (len(parts) <= 2 and all(part.isdecimal() and part.isascii() and len(part) < 20 for part in parts)):
        raise ValueError("is not a step in seconds, such as 1/2")
    if int(parts[-1]) == 0 or not _SHORTEST_STEP <= Fraction(text) <= _LONGEST_STEP:
        raise ValueError(f"is not a step from {float(_SHORTEST_STEP):g} to {_LONGEST_STEP} s")
    return text


TableName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_checked_table_name)]
ColumnName = Annotated[str, Field(min_length=1, max_length=1000)]
ShortText = Annotated[str, Field(max_length=1000)]
Step = Annotated[str, AfterValidator(_checked_step)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, lt=1 << 53)]
Seconds = Annotated[float, Field(ge=0, le=1e9)]


class Document(BaseModel):
    """A JSON object; undeclared fields are kept."""

    # Most commands read one or two kinds of documents and need no validators of the others.
    model_config = ConfigDict(strict=True, extra="allow", defer_build=True)
