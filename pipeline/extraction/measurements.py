"""What a run measures in a video, and how."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import AudioExtractor, ShotDetector, TextExtractor
from avcues.pipeline.media.reading import Reading
from avcues.pipeline.store import provenance
from avcues.pipeline.store.manifest import BASE_FEATURE, Manifest
from avcues.pipeline.store.timeline_table import TIMELINE


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """What a run measures in a video, and how.

    Args:
        extractors: All extractors of the run, including the shot detector. Only those that have work to do are set up.
        step: Window length in seconds.
        compute: Device, precision, threads and weights of the extractors.
        trust_headers: Decode files whose headers claim more than `avcues.pipeline.media.limits` allow.
        reading: Options of reading media files.
    """

    extractors: Sequence[BaseExtractor]
    step: Fraction
    compute: Compute
    trust_headers: bool = False
    reading: Reading = field(default_factory=Reading)

    @property
    def manifest(self) -> Manifest:
        """The manifest of these measurements, which the output folder records."""
        tables = {table.name: extractor.name for extractor in self.extractors for table in extractor.tables}
        return Manifest(
            step=self.step,
            recipes={extractor.name: self.recipe(extractor) for extractor in self.extractors},
            tables={**tables, TIMELINE.name: BASE_FEATURE},
        )

    def recipe(self, extractor: BaseExtractor) -> dict[str, Any]:
        """Everything besides the video that decides an extractor's values: equal recipes give equal tables."""
        return provenance.recipe(extractor, self.step, self.compute, self.reading_of(extractor))

    def reading_of(self, extractor: BaseExtractor) -> dict[str, object]:
        """What of `reading` decides an extractor's values: versions, and options that differ from their defaults."""
        reads_sound = isinstance(extractor, AudioExtractor | TextExtractor)
        reads_both = isinstance(extractor, ShotDetector)  # the timeline comes with the shots
        return (self.reading.audio_options() if reads_sound or reads_both else {}) | (
            {} if reads_sound else self.reading.video_options()
        )

    def with_fresh_extractors(self) -> Measurements:
        """A copy whose extractors have loaded nothing yet."""
        return replace(self, extractors=copy.deepcopy(list(self.extractors)))
