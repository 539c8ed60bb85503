"""The list of prepared stimuli."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from avcues.pipeline.collection.design import Setup
from avcues.pipeline.store.document_fields import Count, Number

STIMULI = "stimuli"
INDEX = "index.json"


Seconds = Annotated[float, Field(ge=0, le=1e5)]


def _checked_name(name: str) -> str:
    if Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name:
        raise ValueError("is not a path in the folder of stimuli")
    return name


class StimulusFile(BaseModel):
    """A prepared file.

    Args:
        name: Path relative to the folder of stimuli.
        kind: Media type.
        bytes: Size of the file.
        duration_s: Seconds from t = 0 to its end.
        copied: Whether the source's streams were copied rather than encoded again.
    """

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, AfterValidator(_checked_name)]
    kind: Literal["video/mp4", "audio/mp4"]
    bytes: Count
    duration_s: Seconds
    copied: bool


class TranscriptLine(BaseModel):
    """A line of a transcript, in seconds from t = 0."""

    model_config = ConfigDict(frozen=True)

    start: Seconds
    end: Seconds
    text: str


class Clip(BaseModel):
    """A video and its stimuli.

    Args:
        video_id: Id of the video.
        source: Path of the source.
        fingerprint: Fingerprint of the source, as in avcues' records.
        source_bytes: Size of the source; with `source_changed` it shows quickly that the source has not changed.
        source_changed: Time of the last change of the source.
        width: Width of the picture in pixels; 0 without a picture.
        height: Height of the picture in pixels; 0 without a picture.
        files: Files by the parts that they have, such as "picture+sound".
        transcript: Lines of the transcript; empty without one.
    """

    model_config = ConfigDict(frozen=True)

    video_id: str
    source: str
    fingerprint: str
    source_bytes: Count
    source_changed: Number
    width: Count = 0
    height: Count = 0
    files: Mapping[str, StimulusFile] = {}
    transcript: tuple[TranscriptLine, ...] = ()

    def file(self, setup: Setup) -> StimulusFile | None:
        """The file of a setup; None if the setup shows only text."""
        return self.files.get(parts_key(setup)) if setup.plays else None


class Index(BaseModel):
    """All clips of a study, and those of practice trials and pages, which are not rated."""

    model_config = ConfigDict(frozen=True)

    clips: Mapping[str, Clip]
    others: Mapping[str, Clip] = {}


def parts_key(setup: Setup) -> str:
    """The key of a setup's stimuli: the parts that play, in a fixed order."""
    return "+".join(part for part in ("picture", "sound") if part in setup.shows)


def index_path(study: Path) -> Path:
    """The path of the list."""
    return study / STIMULI / INDEX
