"""The list of prepared stimuli."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from avcues.pipeline.collection.design import Setup

STIMULI = "stimuli"
INDEX = "index.json"


class File(BaseModel):
    """A prepared file.

    Args:
        name: Relative to the folder of stimuli.
        kind: Its media type.
        duration_s: Seconds from t = 0 to its end.
        copied: Whether the source's streams were copied rather than encoded again.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    kind: str
    bytes: int
    duration_s: float
    copied: bool


class Line(BaseModel):
    """A line of a transcript, in seconds from t = 0."""

    model_config = ConfigDict(frozen=True)

    start: float
    end: float
    text: str


class Clip(BaseModel):
    """A video and its stimuli.

    Args:
        fingerprint: Of the source, as of avcues' records.
        source_bytes: Size of the source, and `source_changed`, its time stamp: what tells quickly that it is the same.
        width: Of the picture, in pixels; 0: it has none.
        files: By what is shown, such as "picture+sound".
        transcript: Empty: there is none.
    """

    model_config = ConfigDict(frozen=True)

    video_id: str
    source: str
    fingerprint: str
    source_bytes: int
    source_changed: float
    width: int = 0
    height: int = 0
    files: Mapping[str, File] = {}
    transcript: tuple[Line, ...] = ()

    def file(self, setup: Setup) -> File | None:
        """The file of a setup; None: the setup shows text only."""
        return self.files.get(shown_key(setup)) if setup.plays else None


class Index(BaseModel):
    """All clips of a study, and those of practice trials and pages, which are not rated."""

    model_config = ConfigDict(frozen=True)

    clips: Mapping[str, Clip]
    others: Mapping[str, Clip] = {}


def shown_key(setup: Setup) -> str:
    """The name of a setup's stimuli: what plays, in a fixed order."""
    return "+".join(part for part in ("picture", "sound") if part in setup.shows)


def index_path(study: Path) -> Path:
    """Where the list lies."""
    return study / STIMULI / INDEX
