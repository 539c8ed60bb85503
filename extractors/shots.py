"""Shot boundaries, by PySceneDetect's detectors."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import Column, Table

if TYPE_CHECKING:
    from scenedetect.detector import SceneDetector

    from avcues.extractors.pyscenedetect import PySceneDetectStream

_WORKING_SIDE = 256

_TABLE = Table(
    name="shots",
    row="shot",
    columns=(
        Column(name="frames", unit="count", meaning="decoded frames in the shot", dtype="int32", low=1),
        Column(
            name="kind",
            unit="category",
            meaning="how the shot begins: cut, dissolve (where half of the change is done) or fade (where the picture "
            "returns from black); null for the first",
            dtype="string",
        ),
    ),
)


@dataclass(frozen=True)
class ShotsSettings:
    """Options of shot detection; names are PySceneDetect's.

    Args:
        detector: "adaptive" compares each frame's change with its neighbours' (robust to camera motion),
            "content" with a fixed threshold.
        threshold: Adaptive ratio or content value that makes a cut; None for PySceneDetect's default (3.0, 27.0).
        min_content_val: Smallest content value that the adaptive detector accepts as a cut.
        min_scene_len_s: Shortest shot in seconds; PySceneDetect's own default of 0.6 s misses the fast cuts of
            music videos.
    """

    detector: Literal["combined", "adaptive", "content"] = "combined"
    threshold: float | None = None
    min_content_val: float | None = None
    min_scene_len_s: float = 0.25


class Shots(BaseExtractor):
    """First frames of shots.

    Frames are point-sampled to PySceneDetect's own working size (longer side 256 px), which is what its linear
    interpolation amounts to at such factors, so that cuts agree with `scenedetect.detect` on the same file.
    """

    name = "shots"
    version = 1
    citation = "PySceneDetect 0.7 (Castellano), AdaptiveDetector and ContentDetector"
    libraries = ("scenedetect-headless", "opencv-python-headless")
    Settings = ShotsSettings
    tables = (_TABLE,)
    imports = ("avcues.extractors.pyscenedetect",)

    def __init__(self, settings: ShotsSettings = ShotsSettings()) -> None:
        self.settings = settings

    @cached_property
    def lag(self) -> int:
        """Frames by which a cut may be reported late."""
        return int(self._detector().event_buffer_length)

    def setup(self, compute: Compute) -> None:
        """Imports PySceneDetect."""
        import avcues.extractors.pyscenedetect  # noqa: F401

    def image_size(self, width: int, height: int) -> tuple[int, int]:
        """PySceneDetect's working size for a coded frame size: a longer side of 256 px, never enlarged."""
        factor = max(1.0, max(width, height) / _WORKING_SIDE)
        return max(1, round(width / factor)), max(1, round(height / factor))

    def start_shots(self, time_base: Fraction, frame_rate: Fraction) -> PySceneDetectStream:
        """Opens a stream for one video.

        Args:
            time_base: Seconds per unit of the time stamps that are written.
            frame_rate: Frames per second, a guess where it varies.
        """
        if self.settings.detector == "combined":
            from avcues.extractors.combined_shots import CombinedStream
            from avcues.extractors.pyscenedetect import ThresholdDetector

            shortest = self.settings.min_scene_len_s
            fades = ThresholdDetector(threshold=12, min_scene_len=shortest, fade_bias=1.0)
            return CombinedStream(self._detector(), fades, time_base, frame_rate, shortest)
        from avcues.extractors.pyscenedetect import PySceneDetectStream

        return PySceneDetectStream(self._detector(), time_base, frame_rate)

    def _detector(self) -> SceneDetector:
        from avcues.extractors.pyscenedetect import QuickAdaptiveDetector, QuickContentDetector

        options = self.settings
        if options.detector != "content":
            return QuickAdaptiveDetector(
                adaptive_threshold=3.0 if options.threshold is None else options.threshold,
                min_content_val=8.0 if options.min_content_val is None else options.min_content_val,
                min_scene_len=options.min_scene_len_s,
            )
        return QuickContentDetector(
            threshold=27.0 if options.threshold is None else options.threshold,
            min_scene_len=options.min_scene_len_s,
        )
