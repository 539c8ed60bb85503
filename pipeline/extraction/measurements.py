"""What is measured of a video, and how."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.pipeline.store.manifest import BASE_FEATURE, Manifest
from avcues.pipeline.store.parquet import TIMELINE
from avcues.pipeline.store.provenance import recipe


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """What is measured of a video, and how.

    Args:
        extractors: All extractors of the run, including the shot detector. Only those that have work to do are set up.
        step: Window length in seconds.
        compute: What the extractors may use.
        trust_headers: Decode files whose headers claim more than `avcues.pipeline.media.limits` allow.
    """

    extractors: Sequence[BaseExtractor]
    step: Fraction
    compute: Compute
    trust_headers: bool = False

    @property
    def manifest(self) -> Manifest:
        """What the output folder records of these measurements."""
        tables = {table.name: extractor.name for extractor in self.extractors for table in extractor.tables}
        return Manifest(
            step=self.step,
            recipes={extractor.name: recipe(extractor, self.step, self.compute) for extractor in self.extractors},
            tables={**tables, TIMELINE.name: BASE_FEATURE},
        )

    def renewed(self) -> Measurements:
        """The same, by extractors that have loaded nothing yet."""
        return replace(self, extractors=[copy.copy(extractor) for extractor in self.extractors])
