"""The settings of a run: what is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from avcues.extractors import registry
from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.hub.create import create_model
from avcues.extractors.hub.options import HubOptions
from avcues.extractors.protocol import SHOT_DEPENDENT, AudioExtractor
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.extraction.measurements import Measurements
from avcues.pipeline.media.reading import Reading
from avcues.pipeline.store.manifest import BASE_FEATURE
from avcues.pipeline.store.timeline_table import TIMELINE

STEP_UNIT = Fraction(1, 50)
"""A whole number of the hops of every audio extractor, so that any feature can be added to any dataset."""
SHORTEST_STEP = Fraction(1, 10)
LONGEST_STEP = 3600
ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that decides what a run computes.

    Args:
        step: Window length in seconds.
        features: Names of extractors, `ALL` for those that are run by default, and names of tables that are made only
            on request (`registry.extra_tables`). `BASE_FEATURE` is always included.
        options: Extractor name to its options.
        models: Models of the hub by the name of the feature that each becomes.
        compute: Device, precision and threads.
        reading: What is read of a media file, and how.
    """

    step: Fraction = Fraction(1, 2)
    features: tuple[str, ...] = (ALL,)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    models: Mapping[str, HubOptions] = field(default_factory=dict)
    compute: Compute = field(default_factory=Compute)
    reading: Reading = field(default_factory=Reading)

    @property
    def extractor_names(self) -> tuple[str, ...]:
        """Names of the extractors of this run, the shot detector first."""
        by_default = registry.default_names() if ALL in self.features else ()
        features = (BASE_FEATURE, *by_default, *self.named)
        return tuple(dict.fromkeys(name for feature in features for name in (*registry.load(feature).needs, feature)))

    @property
    def named(self) -> tuple[str, ...]:
        """Names of the extractors that are asked for by name, or for one of their tables."""
        return tuple(dict.fromkeys(registry.extractor_name(name) for name in self.features if name != ALL))

    @property
    def extra_tables(self) -> tuple[str, ...]:
        """The tables that are asked for by name."""
        return tuple(name for name in self.features if name != ALL and registry.extractor_name(name) != name)

    def create_extractors(self) -> list[BaseExtractor]:
        """The extractors of this run, the shot detector first.

        Raises:
            AvcuesError: A feature or an option is unknown, or the step does not suit an extractor.
        """
        if not SHORTEST_STEP <= self.step <= LONGEST_STEP or self.step % STEP_UNIT:
            raise SettingsError(
                f"`step={Decimal(self.step.numerator) / self.step.denominator:g}`: expected a multiple of "
                f"{float(STEP_UNIT):g} s, {float(SHORTEST_STEP):g} s or more and at most {LONGEST_STEP} s"
            )
        for name in self.options:
            if name not in registry.names():
                hint = registry.nearest_feature(name)
                raise SettingsError(f'options are set for "{name}": no feature has that name{hint}')
        extractors = [registry.create(name, self.options.get(name), self.extra_tables) for name in self.extractor_names]
        folders = () if self.compute.weights.folder is None else (self.compute.weights.folder,)
        extractors += [create_model(name, options, folders) for name, options in self.models.items()]
        needs = dict.fromkeys(
            need for extractor in extractors for need in extractor.needs
        )  # a model's own say what kind it is
        extractors += [registry.create(need) for need in needs if need not in {e.name for e in extractors}]
        for extractor in extractors:
            if isinstance(extractor, AudioExtractor) and self.step % extractor.hop:
                raise SettingsError(
                    f"`step={float(self.step):g}` does not suit {extractor.name}: "
                    f"it must be a multiple of {float(extractor.hop):g} s"
                )
        by_name = {extractor.name: extractor for extractor in extractors}
        for extractor in extractors:
            of_shots = (BASE_FEATURE,) if isinstance(extractor, SHOT_DEPENDENT) else ()
            extractor.needed_extractors = tuple(by_name[name] for name in dict.fromkeys((*of_shots, *extractor.needs)))
        _check_tables(extractors)
        return extractors

    def measurements(self, *, trust_headers: bool = False) -> Measurements:
        """What a run with these settings measures.

        Args:
            trust_headers: As in `Measurements`.

        Raises:
            AvcuesError: As `create_extractors`.
        """
        return Measurements(
            extractors=self.create_extractors(),
            step=self.step,
            compute=self.compute,
            trust_headers=trust_headers,
            reading=self.reading,
        )


def _check_tables(extractors: Sequence[BaseExtractor]) -> None:
    """Makes sure that no two extractors make tables of one name, as two installed packages might.

    Raises:
        SettingsError: Two tables have one name.
    """
    makers = {TIMELINE.name: BASE_FEATURE}
    for extractor in extractors:
        for table in extractor.tables:
            if table.name in makers:
                raise SettingsError(
                    f"{extractor.name} and {makers[table.name]} both make a table {table.name}: leave one of them out"
                )
            makers[table.name] = extractor.name
