"""The base class of extractors: defaults for everything that the protocols leave optional."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from avcues.extractors.compute import Compute, Precision
from avcues.extractors.int8.table import Int8Table
from avcues.extractors.protocol import Table


class BaseExtractor:
    """Defaults for everything that the pipeline asks of an extractor.

    An extractor of another package may derive from this class or just implement a protocol of
    `avcues.extractors.protocol`, to which the registry then adds the defaults.

    Attributes:
        name: Feature name, as in `--features`; also the name of the main table.
        version: Raised whenever values change for the same input and settings.
        citation: The paper or tool that the measurement follows; the manifest of weights cites the networks.
        Settings: Frozen dataclass of options; the constructor takes an instance.
        weights: Option name to asset names "<task>/<variant>", the preferred one first. Before a run, an option that
            is "auto" is set to the first variant that is available.
        hub_weights: Suffix of the weights files of hub models. If not empty, the options of `user_weights` may also
            name such a model, as "<owner>/<name>" or "<owner>/<name>@<revision>".
        user_weights: Options of `weights` that may also hold the path of a weights file.
        precisions: Precisions besides fp32 that the user may request.
        thread_safe: Whether several threads may call the measuring methods at once.
        imports: Modules that `setup` imports; a worker may load them while it waits for its first video.
        libraries: Distributions whose code decides values; their versions are recorded in every table.
        cpu_libraries: Those of `libraries` that run on the CPU even where networks run on a GPU.
        needs: Names of the extractors whose results this one reads. Every run with this extractor includes them, and
            its recipe records them.
        needed_extractors: The extractors of this run that `needs` names, and its shot detector if values depend on
            shots.
        pinned_files: SHA-256 of each file, by name, of a model that is not in the manifest of weights.
        user_files: Options that may hold the path of a user's file that decides values; they are empty without one.
        requested_tables: Names of the `extra_tables` that this run makes.
        create_arguments: The arguments of `registry.create` that made this extractor; None if it was made otherwise.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    citation: ClassVar[str]
    Settings: ClassVar[type]
    settings: Any

    weights: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    user_weights: ClassVar[tuple[str, ...]] = ()
    hub_weights: ClassVar[str] = ""
    thread_safe: ClassVar[bool] = False
    imports: ClassVar[tuple[str, ...]] = ()
    libraries: Sequence[str] = ()
    cpu_libraries: Sequence[str] = ()
    needs: ClassVar[tuple[str, ...]] = ()
    user_files: ClassVar[tuple[str, ...]] = ()
    pinned_files: Mapping[str, str] = {}
    needed_extractors: tuple[BaseExtractor, ...] = ()
    requested_tables: tuple[str, ...] = ()
    create_arguments: tuple[str, Mapping[str, Any], tuple[str, ...]] | None = None

    @property
    def weights_in_use(self) -> Mapping[str, tuple[str, ...]]:
        """The part of `weights` that the settings call for."""
        return self.weights

    @property
    def tables(self) -> Sequence[Table]:
        """The tables that the extractor makes, including the `extra_tables` that were requested."""
        raise NotImplementedError

    @property
    def extra_tables(self) -> Sequence[Table]:
        """Tables that are made only when requested by name; they do not change the values of the others."""
        return ()

    def with_extras(self, *tables: Table) -> Sequence[Table]:
        """The given tables, followed by the extra tables that were requested."""
        return (*tables, *(table for table in self.extra_tables if table.name in self.requested_tables))

    @property
    def uses_network(self) -> bool:
        """Whether values come from a network, which may run on a GPU."""
        return bool(self.weights_in_use or self.pinned_files)

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """Precisions besides fp32 that the user may request."""
        return ()

    @property
    def int8_table(self) -> Int8Table | None:
        """The layers that int8 computes in 8 bits; None if the network has no table of input ranges."""
        return None

    def precision_in(self, compute: Compute) -> Precision:
        """The precision that values are computed in: the requested one, else the next that the extractor supports."""
        candidates: tuple[Precision, ...] = (
            (compute.precision, "bf16") if compute.precision == "int8" else (compute.precision,)
        )
        return next((precision for precision in candidates if precision in self.precisions), "fp32")

    def prepare(self, note: Callable[[str], object]) -> None:
        """Does work that is needed once per machine, before the workers start.

        Args:
            note: Called with a line for the user if this takes long.
        """

    def setup(self, compute: Compute) -> None:
        """Loads models and libraries. Called before each video; only the first call may take long."""

    def __reduce__(self) -> Any:
        """Pickles the arguments that made the extractor: a copy measures the same, but has loaded nothing yet."""
        if self.create_arguments is None:
            return super().__reduce__()
        from avcues.extractors.registry import create

        return create, self.create_arguments, {"needed_extractors": self.needed_extractors}


@cache
def with_defaults(extractor_class: type) -> type[BaseExtractor]:
    """The class itself if it derives from `BaseExtractor`, else a subclass of it that has the defaults."""
    if issubclass(extractor_class, BaseExtractor):
        return extractor_class
    completed = types.new_class(extractor_class.__name__, (extractor_class, BaseExtractor))
    completed.__module__, completed.__doc__ = extractor_class.__module__, extractor_class.__doc__
    return completed
