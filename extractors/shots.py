"""Shot boundaries: cuts, dissolves and fades, by PySceneDetect and detectors of our own, or by TransNetV2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Literal

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute, Network
from avcues.extractors.protocol import Column, ShotStream, Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from scenedetect.detector import SceneDetector

COMBINED_LAG = 100
"""Largest number of frames by which the detector "combined" reports a transition late."""

_WORKING_SIDE_PX = 256

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
    """Options of shot detection. Options of PySceneDetect keep their names.

    Args:
        detector: "combined" finds cuts as "adaptive" does, ignores flashes, and also finds fades and dissolves;
            "adaptive" compares each frame's change with its neighbours' (robust to camera motion), "content" with a
            fixed threshold; "transnetv2" is a network, which takes three times as long as decoding.
        threshold: Adaptive ratio, content value or probability that makes a cut; None for the default (3.0, 27.0, 0.5).
        min_content_val: Smallest content value that the adaptive detector accepts as a cut; None for 8 in "combined",
            which has other guards, and PySceneDetect's 15 in "adaptive".
        min_scene_len_s: Shortest shot in seconds; PySceneDetect's own default of 0.6 s misses the fast cuts of
            music videos. TransNetV2 has no such limit.
        fade_level: Mean level, of 255, below which a picture is black, for fades in "combined".
    """

    detector: Literal["combined", "adaptive", "content", "transnetv2"] = "combined"
    threshold: float | None = None
    min_content_val: float | None = None
    min_scene_len_s: float = 0.25
    fade_level: int = 12


class Shots(BaseExtractor):
    """First frames of shots, and how each shot begins.

    Frames are point-sampled to PySceneDetect's working size (longer side 256 px). At such factors its linear
    interpolation does the same, so cuts of "adaptive" and "content" agree with `scenedetect.detect` on the same file.
    """

    name = "shots"
    version = 2
    citation = "PySceneDetect 0.7 (Castellano), AdaptiveDetector, ContentDetector and ThresholdDetector"
    Settings = ShotsSettings
    tables = (_TABLE,)
    imports = ("avcues.extractors.pyscenedetect",)
    weights: ClassVar[Mapping[str, tuple[str, ...]]] = {"detector": ("shots/transnetv2",)}

    def __init__(self, settings: ShotsSettings = ShotsSettings()) -> None:
        self.settings = settings
        self._network: Network | None = None

    @property
    def weights_in_use(self) -> Mapping[str, tuple[str, ...]]:
        """The weights of TransNetV2; other detectors have none."""
        return self.weights if self.settings.detector == "transnetv2" else {}

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]
        """Distributions whose code decides values."""
        detector_libraries = (
            ("torch", "openvino") if self.settings.detector == "transnetv2" else ("scenedetect-headless",)
        )
        return (*detector_libraries, "opencv-python-headless")

    @property
    def lag(self) -> int:
        """Largest number of frames by which a transition is reported late."""
        if self.settings.detector == "transnetv2":
            from avcues.extractors.transnet_shots import LAG

            return LAG
        if self.settings.detector == "combined":
            return COMBINED_LAG
        return int(self._make_detector().event_buffer_length)

    def setup(self, compute: Compute) -> None:
        """Imports PySceneDetect, or loads the network."""
        if self.settings.detector != "transnetv2":
            import avcues.extractors.pyscenedetect  # noqa: F401
        elif self._network is None:
            import torch

            from avcues.extractors.networks import transnet

            example = torch.zeros(2, transnet.WINDOW, transnet.HEIGHT, transnet.WIDTH, 3, dtype=torch.uint8)
            weights = compute.weights.resolve("shots/transnetv2").path
            self._compute = compute
            self._network = compute.in_fp32().prepare_for_inference(transnet.load(weights), example)

    def image_size(self, width: int, height: int) -> tuple[int, int]:
        """PySceneDetect's working size for a coded frame size: a longer side of 256 px, never enlarged."""
        factor = max(1.0, max(width, height) / _WORKING_SIDE_PX)
        return max(1, round(width / factor)), max(1, round(height / factor))

    def start_shots(self, time_base: Fraction, frame_rate: Fraction) -> ShotStream:
        """Opens a stream for one video.

        Args:
            time_base: Seconds per unit of the time stamps passed to the stream.
            frame_rate: Frames per second; an estimate if the rate varies.
        """
        settings = self.settings
        if settings.detector == "transnetv2":
            from avcues.extractors.transnet_shots import TransNetStream

            return TransNetStream(self._predict, 0.5 if settings.threshold is None else settings.threshold)
        if settings.detector == "combined":
            from avcues.extractors.combined_shots import CombinedStream
            from avcues.extractors.pyscenedetect import ThresholdDetector

            min_shot_s = settings.min_scene_len_s
            fades = ThresholdDetector(threshold=settings.fade_level, min_scene_len=min_shot_s, fade_bias=1.0)
            return CombinedStream(self._make_detector(), fades, time_base, frame_rate, min_shot_s)
        from avcues.extractors.pyscenedetect import PySceneDetectStream

        return PySceneDetectStream(self._make_detector(), time_base, frame_rate)

    def _make_detector(self) -> SceneDetector:
        from avcues.extractors.pyscenedetect import FastAdaptiveDetector, FastContentDetector

        settings = self.settings
        if settings.detector == "content":
            threshold = 27.0 if settings.threshold is None else settings.threshold
            return FastContentDetector(threshold=threshold, min_scene_len=settings.min_scene_len_s)
        min_content_val = 8.0 if settings.detector == "combined" else 15.0
        return FastAdaptiveDetector(
            adaptive_threshold=3.0 if settings.threshold is None else settings.threshold,
            min_content_val=min_content_val if settings.min_content_val is None else settings.min_content_val,
            min_scene_len=settings.min_scene_len_s,
        )

    def _predict(self, frames: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        import torch

        assert self._network is not None
        with torch.inference_mode():
            middle_logits, transition_logits = self._network(torch.from_numpy(frames[None]).to(self._compute.device))
        return middle_logits[0].sigmoid().cpu().numpy(), transition_logits[0].sigmoid().cpu().numpy()
