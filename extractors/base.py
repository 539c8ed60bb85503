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
    """What the pipeline may ask of any extractor.

    An extractor of another package may derive from it, or only keep the protocols of `avcues.extractors.protocol`: then
    the registry adds the defaults.

    Attributes:
        name: Feature name, as in `--features`; also the name of the main table.
        version: Raised whenever values change for the same input and settings.
        citation: The paper or tool that the measurement follows; that of a network is in its manifest.
        Settings: Frozen dataclass of options; the constructor takes an instance.
        weights: Option name to asset names "<task>/<variant>", the preferred one first. Before a run, an option that
            is "auto" is set to the first variant that is available.
        hub_weights: Suffix of the weights files of models of the hub that options of `own_weights` may also name, as
            "<owner>/<name>" or "<owner>/<name>@<revision>"; empty: none.
        own_weights: Options of `weights` that may also hold the path of a weights file.
        precisions: Those beside fp32 that values may be computed in on request.
        thread_safe: Whether several threads may call the measuring methods at once.
        imports: Modules that `setup` imports; a worker may load them while it waits for its first video.
        libraries: Distributions whose code decides values; their versions are recorded in every table.
        needs: Names of the extractors whose results this one reads: they are part of every run with it, and of its
            recipe.
        pinned_files: SHA-256 by name of the files of a model that is not in the manifest of weights.
        files: Options that hold the path of a file of the user's own which decides values, or are empty.
        needed: The extractors that `needs` names, and the shot detector if values depend on shots, as this run has
            them.
        requested: Names of the `extra_tables` that this run makes.
        origin: The arguments of `registry.create` that made it; None if it was made otherwise.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    citation: ClassVar[str]
    Settings: ClassVar[type]
    settings: Any

    weights: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    own_weights: ClassVar[tuple[str, ...]] = ()
    hub_weights: ClassVar[str] = ""
    thread_safe: ClassVar[bool] = False
    imports: ClassVar[tuple[str, ...]] = ()
    libraries: Sequence[str] = ()
    needs: ClassVar[tuple[str, ...]] = ()
    files: ClassVar[tuple[str, ...]] = ()
    pinned_files: Mapping[str, str] = {}
    needed: tuple[BaseExtractor, ...] = ()
    requested: tuple[str, ...] = ()
    origin: tuple[str, Mapping[str, Any], tuple[str, ...]] | None = None

    @property
    def weights_in_use(self) -> Mapping[str, tuple[str, ...]]:
        """Those of `weights` that the settings call for."""
        return self.weights

    @property
    def tables(self) -> Sequence[Table]:
        """The tables that the extractor makes, those of `extra_tables` that are `requested` included."""
        raise NotImplementedError

    @property
    def extra_tables(self) -> Sequence[Table]:
        """Tables that are made only when requested by name; they do not change the values of the others."""
        return ()

    def with_extras(self, *tables: Table) -> Sequence[Table]:
        """The given tables, then the requested extra ones."""
        return (*tables, *(table for table in self.extra_tables if table.name in self.requested))

    @property
    def uses_network(self) -> bool:
        """Whether values come from a network, which may run on a GPU."""
        return bool(self.weights_in_use or self.pinned_files)

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """Those beside fp32 that values may be computed in on request."""
        return ()

    @property
    def ranges(self) -> Int8Table | None:
        """The layers that int8 computes in 8 bits, where their ranges are known."""
        return None

    def precision_in(self, compute: Compute) -> Precision:
        """What values are computed in: the precision that is wanted, or else the next one that is possible."""
        wanted: tuple[Precision, ...] = (
            (compute.precision, "bf16") if compute.precision == "int8" else (compute.precision,)
        )
        return next((precision for precision in wanted if precision in self.precisions), "fp32")

    def prepare(self, note: Callable[[str], object]) -> None:
        """Does what is needed once per machine, before the workers start.

        Args:
            note: Is given a line for the user when that takes long.
        """

    def setup(self, compute: Compute) -> None:
        """Loads models and libraries; called before each video, so only the first call may cost."""

    def __reduce__(self) -> Any:
        """A copy, and one in another process, measures the same, and has loaded nothing yet."""
        if self.origin is None:
            return super().__reduce__()
        from avcues.extractors.registry import create

        return create, self.origin, {"needed": self.needed}


@cache
def with_defaults(extractor_class: type) -> type[BaseExtractor]:
    """The class itself if it derives from `BaseExtractor`, else a subclass of it that has the defaults."""
    if issubclass(extractor_class, BaseExtractor):
        return extractor_class
    completed = types.new_class(extractor_class.__name__, (extractor_class, BaseExtractor))
    completed.__module__, completed.__doc__ = extractor_class.__module__, extractor_class.__doc__
    return completed
