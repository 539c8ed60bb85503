"""Documents in folders that anybody may have made: of bounded size, and of the types that their readers rely on.

Every JSON document of an output folder, and the metadata in the footer of every table, is read here. Only plain files
are opened: a pipe or a device, which would never end, is refused.
"""

from __future__ import annotations

import errno
import json
import stat
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal, NoReturn, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from avcues.pipeline.errors import one_line

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

MOST_BYTES = 64 << 20
MOST_ROWS = 50_000_000
"""Rows of a table of one video: 50 days in windows of a tenth of a second, with ten items in each."""

_MOST_COLUMNS = 100_000
_LONGEST_PLACE = 200
_SHORTEST_STEP, _LONGEST_STEP = Fraction(1, 100), Fraction(3600)


def _can_be_a_name(name: str) -> str:
    if not name.isprintable() or name[0] in "._" or {"/", "\\"} & {*name}:
        raise ValueError("is no name of a table")
    return name


def _is_step(text: str) -> str:
    parts = text.split("/")
    if not (len(parts) <= 2 and all(part.isdecimal() and part.isascii() and len(part) < 10 for part in parts)):
        raise ValueError("is no step in seconds, such as 1/2")
    if int(parts[-1]) == 0 or not _SHORTEST_STEP <= Fraction(text) <= _LONGEST_STEP:
        raise ValueError(f"is no step from {float(_SHORTEST_STEP):g} to {_LONGEST_STEP} s")
    return text


TableName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_can_be_a_name)]
ColumnName = Annotated[str, Field(min_length=1, max_length=1000)]
Step = Annotated[str, AfterValidator(_is_step)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, lt=1 << 53)]
Seconds = Annotated[float, Field(ge=0, le=1e9)]


class Document(BaseModel):
    """A JSON object; what it has beside the fields that are declared is kept."""

    model_config = ConfigDict(strict=True, extra="allow")


class RecipeDocument(Document):
    """What decides the values of an extractor, as `provenance.recipe` makes it."""

    extractor: TableName
    version: int
    settings: dict[str, JsonValue]
    step: Step
    weights: dict[str, str] = {}
    precision: str = ""


class ColumnDocument(Document):
    """A column, as `avcues.extractors.protocol.Column` describes it."""

    name: ColumnName
    unit: str
    meaning: str
    low: Number | None = None
    high: Number | None = None


class SourceDocument(Document):
    """The file that a table was made from."""

    name: str = ""
    fingerprint: str | None = None
    video: dict[str, JsonValue] | None = None
    audio: dict[str, JsonValue] | None = None
    frames: dict[str, JsonValue] = {}


class OriginDocument(Document):
    """What the metadata of a table says of how it was made: enough to tell whether it is up to date."""

    recipe: RecipeDocument
    source: SourceDocument


class FooterDocument(OriginDocument):
    """The metadata of a table, as `provenance.metadata` and `parquet` make it."""

    row: Literal["window", "item", "shot"]
    columns: Annotated[list[ColumnDocument], Field(max_length=_MOST_COLUMNS)]
    sums_to_one: list[Annotated[list[ColumnName], Field(min_length=1)]]
    avcues: str
    citation: str
    device: str
    precision: str
    decoder: str
    libraries: dict[str, str]

    @model_validator(mode="after")
    def _groups_are_of_columns(self) -> Self:
        if {name for group in self.sums_to_one for name in group} <= {column.name for column in self.columns}:
            return self
        raise ValueError("sums_to_one names other columns")


class ManifestDocument(Document):
    """`dataset.json`."""

    step: Step
    recipes: dict[TableName, RecipeDocument]
    tables: dict[TableName, TableName]


class OwnerDocument(Document):
    """`_status/.owner.json`: the run at work."""

    host: str
    process: int
    since: str
    token: str
    alive: Number = 0.0


class CardDocument(Document):
    """`_status/.card.json`: hashes by file."""

    __pydantic_extra__: dict[str, list[str]]


_Nothing = Annotated[dict[str, JsonValue], Field(max_length=0)]


class StampsDocument(Document):
    """Stamps of a video's files in its record, see `avcues.pipeline.store.stamps`."""

    media: list[int]
    words: dict[str, str] | None
    tables: dict[str, list[int | str]]


class RecordDocument(Document):
    """`_status/<video_id>.json`: the fields of `records.VideoResult`."""

    video_id: str
    source: str
    state: Literal["done", "failed"]
    error_class: str | None
    error: str | None
    duration_s: Seconds
    windows: Count
    tables: dict[str, Count]
    made: list[str] = []
    kept: list[str] = []
    left_out: dict[str, str]
    damage: dict[str, Count]
    lost_s: Seconds = 0.0
    notes: list[str] = []
    retries: Count = 0
    seconds: dict[str, Seconds]
    stamps: StampsDocument | _Nothing = {}


def parse(content: bytes | str, model: type[Document]) -> dict[str, Any]:
    """A JSON document of a given kind.

    Raises:
        ValueError: It is none; says in one line what is wrong.
    """
    if len(content) > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES >> 20} MB")
    try:
        document = json.loads(content, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    check(document, model)
    return dict(document)


def check(document: Any, model: type[Document]) -> None:
    """Raises a `ValueError`, which says in one line what is wrong, unless a JSON value is a document of that kind."""
    try:
        model.model_validate(document)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:_LONGEST_PLACE]
        raise ValueError(f"{where or 'it'}: {one_line(Exception(first['msg']))}") from None


def read_document(place: Location, model: type[Document]) -> dict[str, Any]:
    """The JSON document in a file.

    Raises:
        OSError: There is no such file, or it cannot be read.
        ValueError: It is no such document; says in one line what is wrong.
    """
    with open_plain(place) as file:
        return parse(file.read(MOST_BYTES + 1), model)


def open_plain(place: Location) -> BinaryIO:
    """A file, opened for reading if it is a plain one.

    Raises:
        OSError: There is none, or it is a folder, a pipe or a device.
    """
    if not isinstance(place, Path):
        return place.open("rb")
    require_plain(place)
    return place.open("rb")


def require_plain(path: Path) -> None:
    """Raises an `OSError` unless there is a plain file, or a link to one."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "is no plain file", str(path))


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
