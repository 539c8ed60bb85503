"""The types of JSON documents, which readers rely on; pydantic checks them."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

_MAX_COLUMNS = 100_000
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


_MEASURES = {
    "course": (("ccc", "pearson", "rmse", "mse"), ("mean", "sd")),
    "clips": (("ccc", "pearson", "rmse", "mse"), ("value",)),
    "shares": (("uar", "f1", "accuracy", "cross_entropy"), ("value",)),
}

TableName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_checked_table_name)]
ColumnName = Annotated[str, Field(min_length=1, max_length=1000)]
ShortText = Annotated[str, Field(max_length=1000)]
Step = Annotated[str, AfterValidator(_checked_step)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, lt=1 << 53)]
Seconds = Annotated[float, Field(ge=0, le=1e9)]
_Picture = Annotated[str, Field(pattern=r"^(data:image/[a-z]+;base64,[A-Za-z0-9+/=]*)?$")]


class Document(BaseModel):
    """A JSON object; undeclared fields are kept."""

    # Most commands read one or two kinds of documents and need no validators of the others.
    model_config = ConfigDict(strict=True, extra="allow", defer_build=True)


class RecipeDocument(Document):
    """The recipe of an extractor, as `provenance.recipe` makes it."""

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
    """The file from which a table was made."""

    name: str = ""
    fingerprint: str | None = None
    video: dict[str, JsonValue] | None = None
    audio: dict[str, JsonValue] | None = None
    frames: dict[str, JsonValue] = {}


class OriginDocument(Document):
    """The part of a table's metadata that shows whether the table is up to date."""

    recipe: RecipeDocument
    source: SourceDocument


class FooterDocument(OriginDocument):
    """The metadata of a table, as `provenance.metadata` and `parquet` make it."""

    row: Literal["window", "item", "shot"]
    columns: Annotated[list[ColumnDocument], Field(max_length=_MAX_COLUMNS)]
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


class RequestedDocument(Document):
    """`_status/.inputs`: the videos that runs were asked to process."""

    video_ids: list[str]


class OwnerDocument(Document):
    """`_status/.owner.json`: the run that works on the folder."""

    host: str
    process: int
    since: str
    token: str
    alive: Number = 0.0


class CardDocument(Document):
    """`_status/.card.json`: hashes by file."""

    __pydantic_extra__: dict[str, list[str]]


class ReportDocument(Document):
    """`made_with.json` of a report: its options, with paths relative to its folder."""

    media: str | None = None
    predictions: str | None = None
    annotations: str | None = None
    columns: list[ColumnName] = []
    stills: Literal["on", "blur", "none"] | None = None


class MeanFileDocument(Document):
    """A file with the means of columns, which the index loads."""

    file: Annotated[str, Field(max_length=300, pattern=r"^means/[^/\\:]+\.[0-9]+\.js$")]
    table: TableName
    columns: Annotated[list[ColumnName], Field(max_length=_MAX_COLUMNS)]


class MeansDocument(Document):
    """`means/about.json` of a report: videos and files of the means."""

    model_config = ConfigDict(strict=True, extra="forbid", defer_build=True)

    videos: list[str]
    files: list[MeanFileDocument]


class RowDocument(Document):
    """The row of the index that the page of a video stores, as `row_of` of `avcues.pipeline.report` makes it."""

    model_config = ConfigDict(strict=True, extra="forbid", defer_build=True)

    video_id: str
    source: str
    state: str
    error: str
    left_out: list[str]
    duration_s: Seconds
    shots: Count
    cover: _Picture
    strip: _Picture
    expressions: dict[ColumnName, Number]
    damage: dict[str, Count]
    values: dict[ColumnName, Number]


_EmptyObject = Annotated[dict[str, JsonValue], Field(max_length=0)]


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
    computed: list[str] = []
    reused: list[str] = []
    left_out: dict[str, str]
    damage: dict[str, Count]
    lost_s: Seconds = 0.0
    notes: list[str] = []
    retries: Count = 0
    seconds: dict[str, Seconds]
    stamps: StampsDocument | _EmptyObject = {}
    checksums: dict[str, str] = {}


class LabelRecipeDocument(Document):
    """How a gold standard was made, as `Recipe.described` of `avcues.pipeline.annotations` has it."""

    method: ShortText = ""
    weights: ShortText | None = None
    delay: Number | Literal["auto"] = 0.0
    standardise: bool = False
    smooth: ShortText | None = None
    align: ShortText | None = None
    longest_warp: Number = 1.0
    windows: Count | None = None
    whole_clips: bool = False
    shortest: Number = 0.0
    keep_constant: bool = False
    step: Step = "1/2"
    round: ShortText | None = None
    dimensions: list[str] | None = None
    delay_tables: list[TableName] | None = None


class TargetDocument(Document):
    """A column that labels name as a target, with the ends of its scale."""

    name: ColumnName
    low: Number | None = None
    high: Number | None = None


class LabelsDocument(Document):
    """The metadata of a file of labels: of gold standards, soft labels, or a table of `avcues align`."""

    step: Step = "1/2"
    setup: str | None = None
    recipe: LabelRecipeDocument = Field(default_factory=LabelRecipeDocument)
    targets: list[TargetDocument] = []
    sums_to_one: list[list[ColumnName]] = []
    fitted_on: dict[str, list[str]] = {}
    delays_s: dict[str, Number] | None = None
    left_out: dict[str, Count] = {}
    raters: dict[str, list[Count]] = {}


class TrainedLabelsDocument(Document):
    """What a model says of the labels that it learned from."""

    about: LabelsDocument = Field(default_factory=LabelsDocument)


class TrainedDocument(Document):
    """As much of a model's document as readers of its predictions need."""

    labels: dict[str, TrainedLabelsDocument] = {}


class PredictionsDocument(Document):
    """The metadata of a file of `avcues predict`."""

    predictions: list[ColumnName] = []
    trained_on: list[str] = []
    model: TrainedDocument = Field(default_factory=TrainedDocument)


class DimensionDocument(Document):
    """A dimension of ratings, as `Dimension` of `avcues.pipeline.annotations` has it."""

    # Its fields are those of a Python object.
    model_config = ConfigDict(strict=True, extra="forbid", defer_build=True)

    name: ColumnName
    level: Literal["nominal", "ordinal", "interval"]
    low: Number | None
    high: Number | None
    labels: list[str]
    hold: bool = False


class ImportDocument(Document):
    """How ratings were imported."""

    notes: list[str] = []
    ends_s: dict[str, Seconds] = {}
    imports: list[dict[str, JsonValue]] = []


class RatingsDocument(Document):
    """The metadata of `ratings.parquet`."""

    kind: Literal["ratings"]
    dimensions: Annotated[list[DimensionDocument], Field(min_length=1)]
    origin: ImportDocument
    repeats: Count = 0


class ImportanceDocument(Document):
    """How much each table and modality counts for a model, and the weights of families of columns."""

    tables: dict[str, Number | None]
    modalities: dict[str, Number | None] = {}
    families: list[dict[str, JsonValue]] = []


class FiguresDocument(Document):
    """The figures of one dimension of a model."""

    kind: Literal["course", "clips", "shares"]
    model: dict[str, JsonValue]
    baselines: dict[str, dict[str, JsonValue]]
    human: dict[str, Number] | None
    importance: ImportanceDocument
    ablation: dict[str, dict[str, JsonValue]]

    @model_validator(mode="after")
    def _has_its_measures(self) -> Self:
        measures, figures = _MEASURES[self.kind]
        for measure in measures:
            about = self.model.get(measure)
            keys = (*figures, "low", "high") if measure == measures[0] else figures
            if not isinstance(about, dict):
                raise ValueError(f"model has no figures of {measure}")
            values = [*(about.get(key, "") for key in keys), about.get("low"), about.get("high")]
            if not all(isinstance(value, float | int | None) for value in values):
                raise ValueError(f"model has no figures of {measure}")
        return self


class MetricsDocument(Document):
    """`metrics.json` of a model."""

    dimensions: dict[ColumnName, FiguresDocument]


DOCUMENTS: dict[str, type[Document]] = {
    "any": Document,
    "card": CardDocument,
    "footer": FooterDocument,
    "labels": LabelsDocument,
    "manifest": ManifestDocument,
    "means": MeansDocument,
    "metrics": MetricsDocument,
    "origin": OriginDocument,
    "owner": OwnerDocument,
    "predictions": PredictionsDocument,
    "ratings": RatingsDocument,
    "record": RecordDocument,
    "report": ReportDocument,
    "requested": RequestedDocument,
    "row": RowDocument,
    "trained": TrainedDocument,
}
"""By `avcues.pipeline.store.documents.Kind`."""
