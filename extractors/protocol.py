"""The protocols of extractors: declared tables, a `setup`, and one verb per kind of input.

An extractor turns arrays into columns. It opens no file and knows nothing of videos, Dask or Parquet.
Its verbs decide which inputs it gets:

| verb             | protocol         | input                                        | called                    |
|------------------|------------------|----------------------------------------------|---------------------------|
| `start_audio`    | `AudioExtractor` | the whole sound track, streamed              | once per video            |
| `process_frames` | `FrameExtractor` | frames of the half-second grid, full size    | once per batch            |
| `process_clips`  | `ClipExtractor`  | clips of consecutive frames of one shot      | once per batch            |
| `process_pair`   | `PairExtractor`  | two neighbouring frames of one shot, small   | a few times a second      |
| `start_shots`    | `ShotDetector`   | every frame, small                           | once per video            |
| `link_items`     | `ItemLinker`     | items of the frames of a video, and shots    | once per video            |
| `process_transcript` | `TextExtractor` | words, spoken or shown as subtitles     | once per video            |

Missing values are NaN in float columns; they become nulls in the tables.

This module also has the names of `avcues.extractors.table`, `batch` and `cut` that extractors need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from avcues.extractors.batch import ClipBatch, FrameBatch, FramePair, Items
from avcues.extractors.compute import Compute
from avcues.extractors.cut import Cut, CutKind
from avcues.extractors.table import FRAME, FRAME_SIZE, WINDOW, Column, Columns, DType, RowKind, Table
from avcues.extractors.transcript import Transcript

__all__ = [
    "FRAME",
    "FRAME_SIZE",
    "SHOT_DEPENDENT",
    "WINDOW",
    "AudioExtractor",
    "AudioStream",
    "ClipBatch",
    "ClipExtractor",
    "Column",
    "Columns",
    "Cut",
    "CutKind",
    "DType",
    "Extractor",
    "FrameBatch",
    "FrameExtractor",
    "FramePair",
    "ItemLinker",
    "Items",
    "NoSettings",
    "PairExtractor",
    "RowKind",
    "ShotDetector",
    "ShotStream",
    "SpeechStream",
    "Table",
    "TextExtractor",
    "Transcriber",
]


@dataclass(frozen=True)
class NoSettings:
    """Settings of an extractor that has no options."""


class Extractor(Protocol):
    """Members that every extractor has.

    Attributes:
        name: Feature name, as in `--features`; also the name of its main table.
        version: Raised whenever values change for the same input and settings.
        citation: The paper or tool that the measurement follows.
        Settings: Frozen dataclass of options; the constructor takes an instance.

    All other members are optional: `avcues.extractors.base.BaseExtractor` documents them and has their defaults.

    Any thread may call the methods, `setup` before those that measure. No two calls overlap unless the extractor is
    `thread_safe`.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    citation: ClassVar[str]
    Settings: ClassVar[type]

    @property
    def settings(self) -> Any: ...

    @property
    def tables(self) -> Sequence[Table]: ...

    def setup(self, compute: Compute) -> None:
        """Loads models and libraries. Called before each video; only the first call may take long."""


class AudioStream(Protocol):
    """Takes the sound of one video, block by block."""

    def write(self, samples: npt.NDArray[np.float32]) -> None:
        """Takes the next samples of the track, mono, nominally -1..1, without gaps from t = 0 on."""

    def finish(self, windows: int) -> Mapping[str, Columns]:
        """Ends the stream and returns `windows` rows for each table."""

    def abort(self) -> None:
        """Frees all resources; may be called at any time, also after `finish`."""


@runtime_checkable
class AudioExtractor(Extractor, Protocol):
    """Measures the sound track.

    Attributes:
        rate_hz: Sampling rate that the extractor needs, or None for the rate of the track.
        hop: Analysis hop in seconds; a window must be a whole number of hops.
    """

    rate_hz: int | None
    hop: Fraction

    def start_audio(self, rate_hz: int, step: Fraction, expected_windows: int) -> AudioStream:
        """Opens a stream for one video.

        Args:
            rate_hz: Rate of the samples that will be written.
            step: Window length in seconds.
            expected_windows: A guess for sizing buffers; the true number comes with `finish`.
        """


@runtime_checkable
class FrameExtractor(Extractor, Protocol):
    """Measures single frames."""

    def process_frames(self, batch: FrameBatch) -> Mapping[str, Columns]:
        """Returns B rows for each window table, in batch order; item tables carry the column `FRAME`."""


@runtime_checkable
class ItemLinker(FrameExtractor, Protocol):
    """Measures single frames, and links items on different frames of a shot that show the same thing."""

    def link_items(self, table: str, items: Items) -> Columns:
        """Returns the columns of an item table that need the items of the whole video."""


@runtime_checkable
class ClipExtractor(Extractor, Protocol):
    """Measures clips of a shot; a shot's row is made from the mean over its clips.

    Attributes:
        clip_frames: T, frames per clip.
        clip_rate_hz: Frames per second within a clip.
        short_side_px: Short side that frames are scaled to.
        crop_px: Side of the square that is then cut out of the middle; 0: full frames.
    """

    clip_frames: int
    clip_rate_hz: int
    short_side_px: int
    crop_px: int

    def process_clips(self, batch: ClipBatch) -> npt.NDArray[np.float32]:
        """Returns (B, C) values, one row per clip."""

    def describe_shots(
        self, means: npt.NDArray[np.float32], clip_counts: npt.NDArray[np.int32], covered_s: npt.NDArray[np.float32]
    ) -> Mapping[str, Columns]:
        """Turns means over the clips of each shot into columns, one row per shot.

        Args:
            means: (S, C).
            clip_counts: (S,) number of clips of each shot.
            covered_s: (S,) seconds of each shot that its clips show.
        """


@runtime_checkable
class PairExtractor(Extractor, Protocol):
    """Measures pairs of neighbouring frames of a shot; a window's row is made from the mean over its pairs.

    Attributes:
        pair_rate_hz: Pairs per second.
        long_side_px: Longer side that frames are scaled to.
    """

    pair_rate_hz: int
    long_side_px: int

    def process_pair(self, pair: FramePair) -> npt.NDArray[np.float64]:
        """Returns (C,) values; NaN where a value is missing."""

    def describe_windows(
        self, means: npt.NDArray[np.float64], pair_counts: npt.NDArray[np.int16]
    ) -> Mapping[str, Columns]:
        """Turns means over the pairs of each window into columns, one row per window.

        Args:
            means: (N, C); NaN in windows without a pair.
            pair_counts: (N,) number of pairs of each window.
        """


SHOT_DEPENDENT = (ClipExtractor, PairExtractor, ItemLinker)
"""The kinds of extractors whose values depend on where shots begin."""


class ShotStream(Protocol):
    """Takes the frames of one video, one by one."""

    def write(self, image: npt.NDArray[np.uint8], pts: int) -> list[Cut]:
        """Takes the next frame, (H, W, 3) uint8 BGR, and returns the cuts that are now certain."""

    def finish(self) -> list[Cut]:
        """Returns the remaining cuts."""


@runtime_checkable
class ShotDetector(Extractor, Protocol):
    """Finds the first frames of shots.

    Attributes:
        lag: Largest number of frames by which a cut is reported late.
    """

    lag: int

    def image_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height that frames of the given coded size are scaled to."""

    def start_shots(self, time_base: Fraction, frame_rate: Fraction) -> ShotStream:
        """Opens a stream for one video whose pts count in units of `time_base` seconds."""


@runtime_checkable
class TextExtractor(Extractor, Protocol):
    """Measures the words of a video, spoken or shown as subtitles."""

    def process_transcript(self, transcript: Transcript, step: Fraction, windows: int) -> Mapping[str, Columns]:
        """Returns `windows` rows for each window table; item tables carry the column `WINDOW`.

        Args:
            transcript: At least one utterance, accepted or rejected.
            step: Window length in seconds.
            windows: Number of windows.
        """

    def notes(self, transcript: Transcript) -> Sequence[str]:
        """Notes for the user: what could not be measured in this transcript, and why."""


class SpeechStream(Protocol):
    """Recognises the speech of one video, block by block."""

    def write(self, samples: npt.NDArray[np.float32]) -> None:
        """Takes the next samples of the track, mono, nominally -1..1, without gaps from t = 0 on."""

    def finish(self) -> Transcript:
        """Ends the stream and returns the transcript."""

    def abort(self) -> None:
        """Frees all resources; may be called at any time, also after `finish`."""


@runtime_checkable
class Transcriber(TextExtractor, Protocol):
    """Decides where words come from, and recognises speech.

    Attributes:
        sources: Kinds of sources, the preferred one first: "sidecar", "stream", "speech".
        language: ISO 639 code of the requested subtitles, or None for any.
        speech_rate_hz: Sampling rate that the recogniser needs.
    """

    sources: tuple[str, ...]
    language: str | None
    speech_rate_hz: int

    def start_speech(self) -> SpeechStream:
        """Opens a stream for one video."""
