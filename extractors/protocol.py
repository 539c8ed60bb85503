"""What an extractor is: declared tables, a `setup`, and one verb per kind of input.

An extractor turns arrays into columns. It opens no file and knows nothing of videos, Dask or Parquet.
It takes part in a run through the verbs that it has:

| verb             | protocol         | input                                        | called                    |
|------------------|------------------|----------------------------------------------|---------------------------|
| `start_audio`    | `AudioExtractor` | the whole sound track, streamed              | once per video            |
| `process_frames` | `FrameExtractor` | frames of the half-second grid, full size    | once per batch            |
| `process_clips`  | `ClipExtractor`  | clips of consecutive frames of one shot      | once per batch            |
| `process_pair`   | `PairExtractor`  | two neighbouring frames of one shot, small   | a few times a second      |
| `start_shots`    | `ShotDetector`   | every frame, small                           | once per video            |
| `link_items`     | `ItemLinker`     | items of the frames of a video, and shots    | once per video            |
| `process_transcript` | `TextExtractor` | words that are spoken and shown         | once per video            |

Missing values are NaN in float columns; they become nulls in the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from avcues.extractors.compute import Compute
from avcues.extractors.transcript import Transcript

DType = Literal["float32", "float64", "int16", "int32", "bool", "string"]
RowKind = Literal["window", "item", "shot"]
Columns = Mapping[str, npt.NDArray[Any]]
"""Column name to a 1-D array; all arrays of one table have the same length."""

FRAME = "frame"
"""Reserved column of item tables: position within the batch of the frame that each item belongs to."""
WINDOW = "window"
"""Reserved column of item tables made from a transcript: the window of each item."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One measured quantity, as documented in every table that holds it.

    Args:
        name: Name of the column.
        unit: SI unit, "probability", "fraction", "count", "px", ..., or "1" for a plain number.
        meaning: One-line description.
        dtype: Type of the values.
        low: Smallest possible value, None if unbounded.
        high: Largest possible value, None if unbounded.
    """

    name: str
    unit: str
    meaning: str
    dtype: DType = "float32"
    low: float | None = None
    high: float | None = None

    @property
    def range_text(self) -> str:
        """The range of possible values, such as "0 to 1"; empty without bounds."""
        if self.low is None and self.high is None:
            return ""
        if self.high is None:
            return f"{self.low:g} or more"
        return f"up to {self.high:g}" if self.low is None else f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table's name, what one row is, and its feature columns (the key columns are added by the pipeline).

    Args:
        name: Name of the table.
        row: "window" (one row per half second), "item" (any number per half second: faces, boxes), "shot".
        columns: Feature columns, in order.
        sums_to_one: Groups of columns that sum to 1 wherever they are not null.
    """

    name: str
    row: RowKind
    columns: tuple[Column, ...]
    sums_to_one: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class NoSettings:
    """Settings of an extractor that has no options."""


FRAME_SIZE = (
    Column(name="frame_width", unit="px", meaning="width of the frame, upright, square pixels", dtype="int32", low=1),
    Column(name="frame_height", unit="px", meaning="height of the frame", dtype="int32", low=1),
)
"""Columns of item tables whose boxes are in pixels of the frame."""


@dataclass(frozen=True)
class FrameBatch:
    """Upright frames of one size.

    Args:
        images: (B, H, W, 3) uint8 RGB as a viewer sees them: upright, with square pixels, in BT.709.
        times: Presentation times in seconds, one per frame.
    """

    images: npt.NDArray[np.uint8]
    times: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.images)

    def frame_size_columns(self, item_count: int) -> dict[str, npt.NDArray[np.int32]]:
        """The columns `FRAME_SIZE` for a number of items on these frames."""
        height, width = self.images.shape[1:3]
        return {
            "frame_width": np.full(item_count, width, np.int32),
            "frame_height": np.full(item_count, height, np.int32),
        }


@dataclass(frozen=True)
class Items:
    """The items of one table that `process_frames` measured in a whole video, in the order of time.

    Args:
        columns: Arrays of N values, by column name.
        times: (N,) seconds; starts of the windows that show the items.
        shots: (N,) number of the shot on screen at that time; -1 without a shot.
        step: Window length in seconds.
    """

    columns: Columns
    times: npt.NDArray[np.float64]
    shots: npt.NDArray[np.int32]
    step: float


@dataclass(frozen=True)
class ClipBatch:
    """Clips of consecutive frames at the extractor's clip rate.

    Args:
        clips: (B, T, H, W, 3) uint8 RGB, upright.
    """

    clips: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.clips)


class Extractor(Protocol):
    """What every extractor declares.

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
        """Loads models and libraries. Called before each video, so only the first call may take long."""


class AudioStream(Protocol):
    """Takes the sound of one video, block by block."""

    def write(self, samples: npt.NDArray[np.float32]) -> None:
        """Takes the next samples of the track, mono, nominally -1..1, without gaps from t = 0 on."""

    def finish(self, windows: int) -> Mapping[str, Columns]:
        """Ends the stream and returns `windows` rows for each table."""

    def abort(self) -> None:
        """Frees everything and returns nothing; may be called at any time, also after `finish`."""


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


@dataclass(frozen=True)
class FramePair:
    """Two frames of one shot.

    Args:
        images: (H, W) uint8 brightness, upright, square pixels.
        seconds: Time between the two frames.
    """

    images: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
    seconds: float


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

CutKind = Literal["cut", "dissolve", "fade"]


@dataclass(frozen=True)
class Cut:
    """The beginning of a shot.

    Args:
        pts: Time stamp of the first frame of the shot.
        kind: Transition from the previous shot.
    """

    pts: int
    kind: CutKind = "cut"


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
    """Measures the words that are spoken and shown."""

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
        """Frees everything and returns nothing; may be called at any time, also after `finish`."""


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
