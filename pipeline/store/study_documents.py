"""The types of the documents of labels, ratings, models and predictions."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator

from avcues.pipeline.store.document_fields import (
    ColumnName,
    Count,
    Document,
    Number,
    Seconds,
    ShortText,
    Step,
    TableName,
)

_MEASURES = {
    "course": (("ccc", "pearson", "rmse", "mse"), ("mean", "sd")),
    "clips": (("ccc", "pearson", "rmse", "mse"), ("value",)),
    "shares": (("uar", "f1", "accuracy", "cross_entropy"), ("value",)),
}
"""By kind of figures: the measures, of which the first has an interval, and the keys of the figures of each measure."""


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
    """The labels that a model learned from, as its document describes them."""

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
        measures, keys = _MEASURES[self.kind]
        for measure in measures:
            figures = self.model.get(measure)
            required_keys = (*keys, "low", "high") if measure == measures[0] else keys
            if not isinstance(figures, dict):
                raise ValueError(f"model has no figures of {measure}")
            values = [*(figures.get(key, "") for key in required_keys), figures.get("low"), figures.get("high")]
            if not all(isinstance(value, float | int | None) for value in values):
                raise ValueError(f"model has no figures of {measure}")
        return self


class MetricsDocument(Document):
    """`metrics.json` of a model."""

    dimensions: dict[ColumnName, FiguresDocument]
