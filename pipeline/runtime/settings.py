"""The settings of a run, which decide what it computes."""

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

STEP_UNIT_S = Fraction(1, 50)
"""A multiple of the hop of every audio extractor, so that any feature can be added to any dataset."""
MIN_STEP_S = Fraction(1, 10)
MAX_STEP_S = 3600
ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that decides what a run computes.

    Args:
        step: Window length in seconds.
        features: Names of extractors, `ALL` for those that run by default, and names of tables that are made only on
            request (`registry.extra_tables`). `BASE_FEATURE` is always included.
        options: Options by the name of the extractor.
        models: Options of hub models by the name of the feature that each becomes.
        compute: Device, precision and threads.
        reading: Options of reading media files.
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
        default_names = registry.default_names() if ALL in self.features else ()
        features = (BASE_FEATURE, *default_names, *self.requested_extractors)
        return tuple(dict.fromkeys(name for feature in features for name in (*registry.load(feature).needs, feature)))

    @property
    def requested_extractors(self) -> tuple[str, ...]:
        """Names of the extractors that the user named, directly or by one of their tables."""
        return tuple(dict.fromkeys(registry.extractor_name(name) for name in self.features if name != ALL))

    @property
    def extra_tables(self) -> tuple[str, ...]:
        """Names of the extra tables that the user named."""
        return tuple(name for name in self.features if name != ALL and registry.extractor_name(name) != name)

    def create_extractors(self) -> list[BaseExtractor]:
        """The extractors of this run, the shot detector first.

        Raises:
            AvcuesError: A feature or an option is unknown, or the step does not suit an extractor.
        """
        if not MIN_STEP_S <= self.step <= MAX_STEP_S or self.step % STEP_UNIT_S:
            raise SettingsError(
                f"`step={Decimal(self.step.numerator) / self.step.denominator:g}`: expected a multiple of "
                f"{float(STEP_UNIT_S):g} s, {float(MIN_STEP_S):g} s or more and at most {MAX_STEP_S} s"
            )
        for name in self.options:
            if name not in registry.names():
                hint = registry.nearest_feature(name)
                raise SettingsError(f'options are set for "{name}": no feature has that name{hint}')
        extractors = [registry.create(name, self.options.get(name), self.extra_tables) for name in self.extractor_names]
        folders = () if self.compute.weights.folder is None else (self.compute.weights.folder,)
        extractors += [create_model(name, options, folders) for name, options in self.models.items()]
        # What a hub model needs depends on its kind, so it is known only now.
        needs = dict.fromkeys(need for extractor in extractors for need in extractor.needs)
        created_names = {extractor.name for extractor in extractors}
        extractors += [registry.create(need) for need in needs if need not in created_names]
        for extractor in extractors:
            if isinstance(extractor, AudioExtractor) and self.step % extractor.hop:
                raise SettingsError(
                    f"`step={float(self.step):g}` does not suit {extractor.name}: "
                    f"it must be a multiple of {float(extractor.hop):g} s"
                )
        by_name = {extractor.name: extractor for extractor in extractors}
        for extractor in extractors:
            shot_detector = (BASE_FEATURE,) if isinstance(extractor, SHOT_DEPENDENT) else ()
            extractor.needed_extractors = tuple(
                by_name[name] for name in dict.fromkeys((*shot_detector, *extractor.needs))
            )
        _check_tables(extractors)
        return extractors

    def measurements(self, *, trust_headers: bool = False) -> Measurements:
        """The measurements of a run with these settings.

        Args:
            trust_headers: See `Measurements`.

        Raises:
            AvcuesError: See `create_extractors`.
        """
        return Measurements(
            extractors=self.create_extractors(),
            step=self.step,
            compute=self.compute,
            trust_headers=trust_headers,
            reading=self.reading,
        )


def _check_tables(extractors: Sequence[BaseExtractor]) -> None:
    """Checks that no two extractors make tables of the same name, as two installed packages might.

    Raises:
        SettingsError: Two tables have the same name.
    """
    makers = {TIMELINE.name: BASE_FEATURE}
    for extractor in extractors:
        for table in extractor.tables:
            if table.name in makers:
                raise SettingsError(
                    f"{extractor.name} and {makers[table.name]} both make a table {table.name}: leave one of them out"
                )
            makers[table.name] = extractor.name
