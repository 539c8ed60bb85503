"""The content of `model.json`, which describes a saved model.

It is typed, bounded and checked when it is read, because anyone may have written it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from avcues.pipeline.dataset.join import KEY_FIELDS
from avcues.pipeline.errors import InputError, SettingsError, one_line
from avcues.pipeline.store.document_fields import Step
from avcues.pipeline.store.documents import check_document, read_regular_file
from avcues.pipeline.store.exchange import recover
from avcues.pipeline.store.model_files import DOCUMENT
from avcues.pipeline.training.settings import TrainingSettings

FORMAT = 2
_LONGEST_NAME = 500


def _printable(text: str) -> str:
    if not text or len(text) > _LONGEST_NAME or not text.isprintable():
        raise ValueError(f"expected 1 to {_LONGEST_NAME} printable characters")
    return text


def _dimension(name: str) -> str:
    if name in {field.name for field in KEY_FIELDS}:
        raise ValueError(f"{name} is the name of a key column; expected the name of a label")
    return name


def _about_labels(about: dict[str, Any]) -> dict[str, Any]:
    check_document(about, "labels")
    return about


Name = Annotated[str, AfterValidator(_printable)]
Dimension = Annotated[Name, AfterValidator(_dimension)]
Scale = Annotated[FiniteFloat, Field(gt=0)]


class _Document(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Recipe(_Document):
    """How a feature table was made; fields beyond these two are kept for comparison."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    extractor: Name
    version: int


class TableDocument(_Document):
    """A feature table that the model reads."""

    row: Literal["window", "shot", "item"]
    recipe: Recipe
    citation: str


class LabelsDocument(_Document):
    """The labels of one role, with the metadata of their gold standard."""

    name: Name
    sha256: str
    videos: int
    about: Annotated[dict[str, Any], AfterValidator(_about_labels)]


class FoldDocument(_Document):
    """The videos of each part of a fold."""

    train: tuple[Name, ...]
    validation: tuple[Name, ...]
    test: tuple[Name, ...]


class AgreementDocument(_Document):
    """CCC of each rater's series with the gold standard of the other raters."""

    mean: FiniteFloat
    sd: FiniteFloat
    series: int


class ColumnDocument(_Document):
    """How a column is scaled."""

    name: Name
    centre: FiniteFloat
    scale: Scale
    fill: FiniteFloat


class BlockDocument(_Document):
    """The columns that a block reads, and the scaling of the columns that vary."""

    columns: tuple[Name, ...]
    scaler: tuple[ColumnDocument, ...]

    @model_validator(mode="after")
    def _scales_what_it_reads(self) -> BlockDocument:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("a column is named twice")
        unknown = {column.name for column in self.scaler} - set(self.columns)
        if unknown:
            raise ValueError(f"{min(unknown)} is scaled but not read")
        return self


class ModelDocument(_Document):
    """Everything that is saved of a model, except its weights."""

    format: Literal[2]
    avcues: Name
    step: Step
    settings: TrainingSettings
    tables: dict[Name, TableDocument]
    blocks: dict[Name, BlockDocument]
    readout: dict[Dimension, tuple[FiniteFloat, ...]]
    labels: dict[Name, LabelsDocument]
    videos: dict[Name, Name]
    groups: dict[Name, Name]
    folds: tuple[FoldDocument, ...]
    epochs: dict[Dimension, dict[Name, int]]
    constant: tuple[Name, ...]
    unconverged: int
    leaks: tuple[str, ...]
    notes: tuple[str, ...]
    human: dict[Dimension, AgreementDocument]
    versions: dict[Name, Name]

    @model_validator(mode="after")
    def _fits_its_settings(self) -> ModelDocument:
        settings = self.settings
        if settings.unit is None or set(self.readout) != set(settings.dimensions):
            raise ValueError("readout: expected the dimensions of the settings")
        for dimension in settings.dimensions:
            for label in settings.labels_of(dimension):
                _dimension(_printable(label))
        if set(self.tables) != set(settings.tables):
            raise ValueError("tables: expected those of the settings")
        if set(self.blocks) != set(settings.blocks):
            raise ValueError(f"blocks: expected {', '.join(settings.blocks)}")
        if "main" not in self.labels:
            raise ValueError("labels: expected the role main")
        return self

    @property
    def names(self) -> Iterable[str]:
        """Names of the columns of predictions."""
        return [label for name in self.settings.dimensions for label in self.settings.labels_of(name)]


def read_document(folder: Path) -> ModelDocument:
    """Reads the document of a saved model.

    Raises:
        InputError: The folder holds no model, or one that is damaged or of another version.
    """
    path = folder / DOCUMENT
    if not folder.exists():
        recover(folder)
    try:
        text = read_regular_file(path)
    except FileNotFoundError as error:
        raise InputError(f"{folder}: has no {DOCUMENT}; name a folder that avcues train made") from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); name a folder that avcues train made"
        ) from error
    try:
        version = _FormatField.model_validate_json(text)
        if version.format != FORMAT:
            raise InputError(f"{path}: was written by another version of avcues; train the model again")
        return ModelDocument.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"{path}: is damaged ({_first_problem(error)}); train the model again") from error
    except (SettingsError, RecursionError) as error:
        raise InputError(f"{path}: is damaged ({one_line(error)}); train the model again") from error


class _FormatField(BaseModel):
    format: int = 0


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_context=False)[0]
    field_path = ".".join(map(str, problem["loc"]))
    return (
        one_line(ValueError(f"{field_path}: {problem['msg']}" if field_path else problem["msg"]))
        .encode("ascii", "backslashreplace")
        .decode()
    )
