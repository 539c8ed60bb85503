"""The options of a report, which are saved beside its pages so that the next report shows the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.report.emotion import Emotion
from avcues.pipeline.store.documents import read_document

Stills = Literal["on", "blur", "none"]
FILE = "made_with.json"
_PATHS = ("media", "predictions", "annotations")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the pages show besides the tables. None or empty: as in the former report, if there is one.

    Args:
        media: Folder of the videos, which the pages play.
        predictions: Parquet file of predictions.
        annotations: Folder of ratings.
        columns: Patterns of `table.column` that get panels of their own.
        stills: Pictures of the shots: "on", "blur" (so coarse that nobody can be recognised) or "none".

    Raises:
        SettingsError: `stills` has another value.
    """

    media: Path | None = None
    predictions: Path | None = None
    annotations: Path | None = None
    columns: tuple[str, ...] = ()
    stills: Stills | None = None

    def __post_init__(self) -> None:
        if self.stills not in (None, *get_args(Stills)):
            raise SettingsError(f"`stills={self.stills}`: expected one of {', '.join(get_args(Stills))}")

    @property
    def emotion(self) -> Emotion:
        """Predictions and ratings."""
        return Emotion(self.predictions, self.annotations)

    @property
    def still_kind(self) -> Stills:
        """The kind of stills; "blur" by default."""
        return self.stills or "blur"

    def completed_from(self, former: Options) -> tuple[Options, list[str]]:
        """Completes these options from the former report; returns also a line for each option taken from it.

        Raises:
            InputError: The predictions or ratings of the former report no longer exist.
        """
        former_values = {name: value for name, value in vars(former).items() if value and not getattr(self, name)}
        for name in ("predictions", "annotations"):
            if name in former_values and not former_values[name].exists():
                raise InputError(
                    f"`{name}={former_values[name]}`: shown by the former report, but it no longer exists; give its "
                    "new path or `fresh=True` to ignore the former report"
                )
        lines = []
        media = former_values.get("media")
        if media is not None and not media.is_dir():
            lines.append(
                f"`media={media}`: the former report played videos from this folder, which no longer exists; the pages "
                "play nothing"
            )
            del former_values["media"]
        for name, value in former_values.items():
            text = ",".join(value) if name == "columns" else value
            lines.append(f"`{name}={text}`: as in the former report")
        return replace(self, **former_values), lines

    def document(self, report: Path) -> dict[str, Any]:
        """The options as JSON values; paths are relative to the report's folder, so that both can be moved together."""
        return dict(self._documented(report.resolve()))

    def _documented(self, report: Path) -> Iterator[tuple[str, Any]]:
        for name, value in vars(self).items():
            if value:
                yield name, os.path.relpath(value.resolve(), report) if name in _PATHS else value


def read_options(report: Path) -> Options:
    """The options of the report in a folder; empty options if there is no report or its file is damaged."""
    try:
        stored = read_document(report / FILE, "report")
    except (OSError, ValueError):
        return Options()
    paths = {name: Path(os.path.normpath(report.resolve() / stored[name])) for name in _PATHS if stored.get(name)}
    return Options(**paths, columns=tuple(stored.get("columns", ())), stills=stored.get("stills"))
