"""Extraction from Python; `avcues` re-exports it, and the command line is a thin layer over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.notebook import html_table, text_table

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes

    from avcues.extractors.compute import Device, Precision
    from avcues.extractors.hub.options import HubOptions
    from avcues.extractors.protocol import Table
    from avcues.pipeline.media.reading import Reading
    from avcues.pipeline.runtime.request import Request, Workers
    from avcues.pipeline.runtime.settings import Settings
    from avcues.pipeline.store.records import VideoResult

Options = Mapping[str, Mapping[str, Any]]
"""Options by feature, such as `{"shots": {"detector": "content"}, "actions": {"variant": "i3d_rgb_imagenet"}}`."""


Models = Mapping[str, "str | Mapping[str, Any]"]
"""Models by the name of the feature: the source, or the options of `avcues.extractors.hub.options.HubOptions`."""


class ExtractedVideo(Mapping[str, "pa.Table"]):
    """The tables of one video, by name, in memory.

    Window tables have one row per window, shot tables one per shot, item tables (faces, detections) any number per
    window. The first columns are keys; `timeline` has the window's shot and how much audio and video it has. The schema
    metadata key `avcues` documents every column.

    Args:
        video_id: The file's name without its suffix.
        tables: By name.
        left_out: Features left out because their weights are missing, each with the reason.
    """

    def __init__(self, video_id: str, tables: Mapping[str, pa.Table], left_out: Mapping[str, str]) -> None:
        self.video_id = video_id
        self.left_out = dict(left_out)
        self._tables = dict(tables)

    def __getitem__(self, table: str) -> pa.Table:
        return self._tables[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {table.num_rows} x {table.num_columns}" for name, table in self.items())
        return f"<ExtractedVideo {self.video_id}: {shapes}>"

    def _repr_html_(self) -> str:
        """For notebooks: a row per table, and what was left out."""
        rows = [(name, table.num_rows, table.num_columns) for name, table in self.items()]
        rows += [(f"{feature} is left out: {why}", "", "") for feature, why in self.left_out.items()]
        return html_table(self.video_id, ("table", "rows", "columns"), rows)

    def plot(self, *columns: str) -> list[Axes]:
        """Draws columns over time, each in a panel of its own.

        Args:
            columns: Names or patterns, `<table>.<column>`, such as "lighting.lighting_key" or "emobase.mfcc_sma[1]*".

        Returns:
            Matplotlib's axes, one per column.

        Raises:
            SettingsError: There is no such column of numbers, or they are too many to be drawn.
        """
        from avcues.pipeline.plotting import choose_names, curve_of, plot_curves
        from avcues.pipeline.store.parquet import numeric_columns

        units = {
            f"{name}.{column}": (table, column, unit)
            for name, table in self.items()
            for column, unit in numeric_columns(table).items()
        }
        names = choose_names(list(units), columns)
        curves = [curve_of(table, column, name, unit) for name in names for table, column, unit in [units[name]]]
        return plot_curves(curves, self.video_id)


@dataclass(frozen=True, kw_only=True, repr=False)
class Feature:
    """A feature that can be extracted.

    Args:
        name: As in `features=[...]`.
        tables: Its tables, with the unit, meaning and range of every column.
        extra_tables: Tables that are made only where `features` names them, too.
        variants: Networks to choose from, by option; empty for a feature that uses none.
        citation: The paper or tool that it follows.
    """

    name: str
    tables: Sequence[Table]
    extra_tables: Sequence[Table]
    variants: Mapping[str, Sequence[str]]
    citation: str

    def __repr__(self) -> str:
        return text_table(self._title, self._header, self._rows())

    def _repr_html_(self) -> str:
        """For notebooks: a row per column."""
        return html_table(self._title, self._header, self._rows())

    @property
    def _title(self) -> str:
        return f"{self.name}: {self.citation}"

    _header = ("column", "unit", "range", "meaning")

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (f"{table.name}.{column.name}", column.unit, column.range_text, column.meaning)
            for table in (*self.tables, *self.extra_tables)
            for column in table.columns
        ]


class FeatureTable(dict[str, Feature]):
    """Features by name; shows itself as a table."""

    _header = ("feature", "tables", "columns", "source")

    def __repr__(self) -> str:
        return text_table(f"{len(self)} features", self._header, self._rows())

    def _repr_html_(self) -> str:
        """For notebooks: a row per feature."""
        return html_table(f"{len(self)} features", self._header, self._rows())

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                name,
                ", ".join(t.name for t in feature.tables),
                str(sum(len(t.columns) for t in feature.tables)),
                feature.citation,
            )
            for name, feature in self.items()
        ]


def extract(
    media: str | Path,
    *,
    features: Sequence[str] | None = None,
    step: float | str | Fraction = Fraction(1, 2),
    options: Options | None = None,
    models: Models | None = None,
    device: Device = "auto",
    precision: Precision = "fp32",
    weights_dir: str | Path | None = None,
    reading: Reading | None = None,
    trust_headers: bool = False,
    progress: bool = False,
) -> ExtractedVideo:
    """Extracts the features of one video, in this process and in memory.

    The values are those that `extract_many` writes. A crash in a codec or a network ends this process; `extract_many`
    protects against that, and against videos that hang or need too much memory.

    Args:
        media: A video or audio file, or its URL.
        features: Names as in `features()`, of extra tables, and "all"; None: all. `shots` and the timeline always come
            along.
        step: Window length in seconds, a multiple of 0.02, at least 0.1.
        options: Options by feature.
        models: Models of the hub by the name of the feature that each becomes: "<owner>/<name>", the path of a folder,
            or options such as `{"source": "<owner>/<name>", "layer": 9}`.
        device: "auto" takes a GPU if torch sees one.
        precision: "bf16" is faster and moves probabilities by about 0.01 at most; "int8" is faster again and moves
            those of actions by 0.02 on average and 0.06 at most.
        weights_dir: A folder with weights files of your own.
        reading: Which streams are read and how; None: as a player does.
        trust_headers: Also decode a file whose headers claim over 8192 x 8192 pixels, 64 audio channels, or a sample
            rate outside 1 to 768 kHz.
        progress: Show a progress bar.

    Raises:
        MediaError: The file cannot be read as audio or video.
        WeightsError: The weights of a feature that was named could not be found or downloaded.
        SettingsError: A setting is unknown or has a bad value.

    Example:
        >>> import avcues
        >>> result = avcues.extract("clip.mp4", features=["color", "lighting"])
        >>> list(result)
        ['shots', 'timeline', 'color', 'lighting']
        >>> result["color"].column_names[:5]
        ['video_id', 'window', 'start', 'end', 'hue_000']
    """
    from dataclasses import replace

    from rich.console import Console

    from avcues.pipeline.extraction.video import measure_video
    from avcues.pipeline.runtime import cluster
    from avcues.pipeline.runtime.inputs import collect
    from avcues.pipeline.runtime.observer import Plan
    from avcues.pipeline.runtime.progress import ProgressBars
    from avcues.pipeline.runtime.run import on_this_machine
    from avcues.pipeline.runtime.weights import settle

    settings = make_settings(
        features=features,
        step=step,
        options=options,
        models=models,
        device=device,
        precision=precision,
        weights_dir=weights_dir,
        reading=reading,
    )
    settings.create_extractors()
    videos = collect([str(media)]).videos
    if len(videos) != 1:
        raise InputError(f"{media}: names {len(videos)} videos; use extract_many for more than one")
    with ProgressBars(Console(stderr=True), shown=progress) as bars:
        settings = on_this_machine(settings, bars)
        compute = replace(settings.compute, threads=cluster.threads_per_worker(1))
        settings, left_out = settle(replace(settings, compute=compute), None, bars.downloading)
        bars.planned(Plan(videos=1, problems=(), networks=(), left_out=left_out))
        measurements = settings.measurements(trust_headers=trust_headers)
        video = videos[0]
        bars.progress(video.video_id, 0.0, None)
        tables = measure_video(video, measurements, lambda done, total: bars.progress(video.video_id, done, total))
    return ExtractedVideo(video.video_id, tables, left_out)


def extract_many(
    media: Sequence[str | Path],
    out: str | Path,
    *,
    features: Sequence[str] | None = None,
    step: float | str | Fraction = Fraction(1, 2),
    options: Options | None = None,
    models: Models | None = None,
    device: Device = "auto",
    precision: Precision = "fp32",
    weights_dir: str | Path | None = None,
    reading: Reading | None = None,
    overwrite: bool = False,
    trust_headers: bool = False,
    verify: bool = False,
    workers: int | Literal["auto"] = "auto",
    workers_per_gpu: int | None = None,
    scheduler: str | None = None,
    resources: Mapping[str, float] | None = None,
    time_limit_s: float | None = None,
    memory_limit: int | str | None = "auto",
    max_failures: int | None = None,
    progress: bool = False,
) -> Iterator[VideoResult]:
    """Writes the features of many videos as Parquet tables, as `avcues extract` does, and yields a result per video.

    Each video is worked on in a process of its own: one that crashes, hangs or exceeds a limit gives a result whose
    `state` is "failed", with the cause, and costs no other video anything. Tables that are up to date are kept, so
    calling it again resumes a run. The inputs and settings are checked at once; the work begins when the first result
    is asked for, and ends when the iterator is closed.

    Args:
        media: Files, folders, patterns, CSV or Parquet lists with the columns video_id and path, or URLs.
        out: Folder or URL of the tables: `out/<table>/<video_id>.parquet`.
        features: Names as in `features()`, of extra tables, and "all"; None: all. Those that are not named are left out
            if their weights are not here and cannot be downloaded.
        step: Window length in seconds, a multiple of 0.02, at least 0.1.
        options: Options by feature.
        models: Models of the hub by the name of the feature that each becomes: "<owner>/<name>", the path of a folder,
            or options such as `{"source": "<owner>/<name>", "layer": 9}`.
        device: "auto" takes a GPU if torch sees one.
        precision: "bf16" is faster and moves probabilities by about 0.01 at most; "int8" is faster again and moves
            those of actions by 0.02 on average and 0.06 at most.
        weights_dir: A folder with weights files of your own; workers of a cluster must see it.
        reading: Which streams are read and how; None: as a player does.
        overwrite: Compute tables again that are up to date.
        trust_headers: Also decode files whose headers claim over 8192 x 8192 pixels, 64 audio channels, or a sample
            rate outside 1 to 768 kHz.
        verify: Read every table that is kept, and compute it again if its content is damaged.
        workers: Worker processes; "auto": as many as suit cores, memory and GPUs; 0: this process, without protection.
        workers_per_gpu: With workers="auto": the most workers that share a GPU; None: 4.
        scheduler: Address of a running Dask scheduler, such as "tcp://host:8786".
        resources: With a scheduler: what a worker must offer, such as {"GPU": 1}.
        time_limit_s: A video that takes longer fails.
        memory_limit: A video that needs more memory fails; bytes, or text such as "4GiB". "auto": 90 % of its worker's
            share of the machine, but at least 6 GiB if the machine has them; None: no limit.
        max_failures: Stop after this many failed videos.
        progress: Show progress bars.

    Yields:
        One `VideoResult` per video, in the order in which they finish.

    Raises:
        AvcuesError: Nothing was started because of the inputs, the settings, the weights or the output folder.
        RunStoppedError: The run stopped before its end; what is done stays done.

    Example:
        >>> import avcues
        >>> for result in avcues.extract_many(["clip.mp4"], "features", features=["color"], workers=0):
        ...     print(result.video_id, result.state, result.tables["color"])
        clip done 8
    """
    from avcues.pipeline.runtime.request import Limits, Request, Workers
    from avcues.pipeline.store.location import location

    request = Request(
        settings=make_settings(
            features=features,
            step=step,
            options=options,
            models=models,
            device=device,
            precision=precision,
            weights_dir=weights_dir,
            reading=reading,
        ),
        out=location(str(out)),
        overwrite=overwrite,
        trust_headers=trust_headers,
        verify=verify,
        limits=Limits(time_s=time_limit_s, memory_bytes=parse_memory_limit(memory_limit)),
    )
    if workers != "auto" and not isinstance(workers, int):
        raise SettingsError(f"`workers={workers}`: expected a number of processes, 0, or auto")
    count = None if workers == "auto" else workers
    chosen = Workers(count=count, per_gpu=workers_per_gpu, scheduler=scheduler, resources=resources)
    return _extract_many([str(path) for path in media], request, chosen, max_failures, progress)


def _extract_many(
    paths: Sequence[str], request: Request, workers: Workers, max_failures: int | None, progress: bool
) -> Iterator[VideoResult]:
    from rich.console import Console

    from avcues.pipeline.runtime.progress import ProgressBars
    from avcues.pipeline.runtime.run import run

    bars = ProgressBars(Console(stderr=True), shown=progress)
    results = run(paths, request, workers, max_failures=max_failures, observer=bars)

    def watched() -> Iterator[VideoResult]:
        with bars:
            for result in results:
                bars.finished(result)
                yield result

    return watched()


def features() -> FeatureTable:
    """Every feature that can be extracted, by name, those of installed packages included.

    Example:
        >>> import avcues
        >>> column = avcues.features()["lighting"].tables[0].columns[0]
        >>> column.name, column.unit
        ('lighting_key', '1')
    """
    from avcues.extractors import registry

    known = FeatureTable()
    for name in registry.names():
        extractor = registry.create(name)
        variants = {
            option: tuple(asset.partition("/")[2] for asset in assets) for option, assets in extractor.weights.items()
        }
        known[name] = Feature(
            name=name,
            tables=tuple(extractor.tables),
            extra_tables=tuple(extractor.extra_tables),
            variants=variants,
            citation=extractor.citation,
        )
    return known


def make_settings(
    *,
    features: Sequence[str] | None = None,
    step: float | str | Fraction = Fraction(1, 2),
    options: Options | None = None,
    models: Models | None = None,
    device: Device = "auto",
    precision: Precision = "fp32",
    weights_dir: str | Path | None = None,
    reading: Reading | None = None,
) -> Settings:
    """Settings of a run.

    Raises:
        SettingsError: `step` is no number, `features` is empty, or there is no folder `weights_dir`.
    """
    from avcues.extractors.compute import Compute
    from avcues.models_cache.cache import WeightsFinder
    from avcues.pipeline.media.reading import Reading
    from avcues.pipeline.runtime.settings import ALL, Settings

    try:
        exact_step = Fraction(str(step))
    except (ValueError, ZeroDivisionError) as error:
        raise SettingsError(f"`step={step}`: expected seconds, such as 0.5 or 1/2") from error
    if features is not None and not features:
        raise SettingsError("`features` is empty: name some, or all")
    return Settings(
        step=exact_step,
        features=tuple(features or (ALL,)),
        options=options or {},
        models=_checked_models(models or {}),
        compute=Compute(device=device, precision=precision, weights=WeightsFinder(_weights_folder(weights_dir))),
        reading=reading or Reading(),
    )


def _checked_models(models: Models) -> dict[str, HubOptions]:
    from avcues.extractors import registry
    from avcues.extractors.hub.options import options_of

    reserved = dict.fromkeys(registry.names(), "a feature")
    reserved |= {table: f"a table of {feature}" for table, feature in registry.tables_beside().items()}
    checked: dict[str, HubOptions] = {}
    for name, model in models.items():
        checked[name] = options_of(name, model, reserved)
        reserved |= {name: "another model", f"{name}_faces": "another model"}
    return checked


def parse_memory_limit(size: int | str | None) -> int | Literal["auto"] | None:
    """A limit in bytes from text such as "4GiB"; "auto" stays as it is, "none" becomes None.

    Raises:
        SettingsError: It is no size.
    """
    if size is None or size == "none":
        return None
    if size == "auto":
        return "auto"
    from dask.utils import parse_bytes as parse

    try:
        number = int(parse(size))
    except (ValueError, OverflowError) as error:
        raise SettingsError(f"`memory_limit={size}`: expected a size such as 4GiB, auto, or none") from error
    if number < 1:
        raise SettingsError(f"`memory_limit={size}`: expected a size such as 4GiB, auto, or none")
    return number


def _weights_folder(weights_dir: str | Path | None) -> Path | None:
    """The absolute path of a folder with weights files.

    Raises:
        SettingsError: There is no such folder.
    """
    if weights_dir is None:
        return None
    folder = Path(weights_dir)
    if not folder.is_dir():
        raise SettingsError(f"`weights_dir={folder}`: no such folder")
    return folder.resolve()
