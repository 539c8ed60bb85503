"""A finished folder as one dataset, joined on the half-second grid, for Arrow, pandas, polars or torch.

```python
import avcues

data = avcues.open_dataset("features", tables=["color", "lighting"], labels="labels.csv")
frame = data.to_pandas()
for train, test in data.split(folds=5, seed=0):
    sequences = train.sequences(length=4, targets=["valence"])
```
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from avcues.pipeline.dataset import join
from avcues.pipeline.dataset.catalog import Catalog, StoredColumn
from avcues.pipeline.dataset.folds import test_videos_of_folds
from avcues.pipeline.dataset.labels import PREFIX, Labels
from avcues.pipeline.dataset.names import NameStyle, with_names
from avcues.pipeline.dataset.selection import choose_columns
from avcues.pipeline.errors import DatasetError
from avcues.pipeline.notebook import html_table
from avcues.pipeline.patterns import similar
from avcues.pipeline.store.parquet import METADATA_KEY
from avcues.version import __version__

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from matplotlib.axes import Axes

    from avcues.pipeline.dataset.sequences import SequenceNulls, Sequences


class Fold(NamedTuple):
    """Two datasets without a video in common."""

    train: Dataset
    test: Dataset


@dataclass(frozen=True, kw_only=True, repr=False)
class Dataset:
    """Videos and columns of a finished folder; values are read on demand. `open_dataset` makes it.

    Args:
        lengths: By video id, its number of windows, in the order of rows: sorted by id.
        stored_columns: The feature columns, in order.
        labels: The user's labels, placed on the grid.
        left_out: Videos of the folder that are not in the dataset, each with the reason.
        nulls_for_missing: Whether missing tables of a video are filled with nulls; otherwise no video lacks a table.
    """

    catalog: Catalog
    lengths: Mapping[str, int]
    stored_columns: tuple[StoredColumn, ...]
    labels: Labels | None
    left_out: Mapping[str, str]
    nulls_for_missing: bool

    def __repr__(self) -> str:
        return f"<Dataset {self.catalog.folder}: {self._shape}>"

    def _repr_html_(self) -> str:
        """For notebooks: a row per table."""
        columns = Counter(column.table for column in self.stored_columns)
        rows = [(name, self.catalog.tables[name].row, count) for name, count in columns.items()]
        rows += [("labels", "window", len(self.targets))] if self.targets else []
        return html_table(f"{self.catalog.folder}: {self._shape}", ("table", "one row per", "columns"), rows)

    @property
    def _shape(self) -> str:
        counts = ((self.rows, "row"), (len(self.columns), "column"), (len(self.targets), "target"))
        left_out = [f"{len(self.left_out)} left out"] if self.left_out else []
        return ", ".join(
            [_count_text(len(self.videos), "video"), *left_out, *(_count_text(*count) for count in counts)]
        )

    @property
    def videos(self) -> tuple[str, ...]:
        """Ids of the videos, sorted."""
        return tuple(self.lengths)

    @property
    def rows(self) -> int:
        """Number of rows: windows of all videos."""
        return sum(self.lengths.values())

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features: `<table>.<column>`."""
        return tuple(column.name for column in self.stored_columns)

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the labels: `target.<name>`."""
        return self.labels.targets if self.labels else ()

    @cached_property
    def schema(self) -> pa.Schema:
        """Keys, features and targets; the metadata key `avcues` has their documentation (`metadata()` as JSON)."""
        features = (pa.field(column.name, column.type) for column in self.stored_columns)
        targets = self.labels.fields if self.labels else ()
        metadata = {METADATA_KEY: json.dumps(self.metadata())}
        return pa.schema([*join.KEY_FIELDS, *features, *targets], metadata=metadata)

    def metadata(self) -> dict[str, Any]:
        """The documentation of every column, and the recipe of its table, as JSON values."""
        tables = (self.catalog.tables[name] for name in dict.fromkeys(column.table for column in self.stored_columns))
        return {
            "avcues": __version__,
            "row": "window",
            "step": str(self.catalog.step),
            "tables": {
                table.name: {"row": table.row, "recipe": table.recipe, "citation": table.citation} for table in tables
            },
            "columns": [column.documentation_as_json() for column in self.stored_columns],
            "targets": [{"name": name, "fill": self.labels.fill} for name in self.targets] if self.labels else [],
            "labels": dict(self.labels.metadata) if self.labels else {},
        }

    def fingerprint(self, video_id: str) -> str | None:
        """The fingerprint of the file from which a video's tables were made, if recorded; equal for equal files.

        Raises:
            DatasetError: The timeline cannot be read.
        """
        return join.fingerprint(self.catalog, video_id)

    def read(self, video_id: str) -> pa.Table:
        """The rows of one video.

        Raises:
            DatasetError: A file of the video is missing, damaged, or does not belong to the others.
        """
        columns = join.join(self.catalog, video_id, self.stored_columns, nulls_for_missing=self.nulls_for_missing)
        labels = self.labels.columns_of(video_id, len(columns[0])) if self.labels else []
        return pa.table([*columns, *labels], schema=self.schema)

    def tables(self) -> Iterator[pa.Table]:
        """Yields the rows of each video, so that only one video needs to be in memory."""
        return map(self.read, self.videos)

    def to_arrow(self, *, names: NameStyle = "original") -> pa.Table:
        """All rows; missing values are null, and types are those of the files.

        Args:
            names: "safe": names of letters, digits and underscores (`emobase__mfcc_sma_1__amean`), which XGBoost,
                LightGBM, `DataFrame.query` and SQL accept.
        """
        schema = with_names(self.schema, names)
        table = pa.concat_tables([self.schema.empty_table(), *self.tables()])
        return table.rename_columns(schema.names).replace_schema_metadata(schema.metadata)

    def to_pandas(self, *, names: NameStyle = "original") -> pd.DataFrame:
        """All rows, named as by `to_arrow`; missing values are NaN, so counts with missing values become floats."""
        return self.to_arrow(names=names).to_pandas()

    def to_polars(self, *, names: NameStyle = "original") -> pl.DataFrame:
        """All rows, named as by `to_arrow`; missing values are null."""
        import polars as pl

        frame = pl.from_arrow(self.to_arrow(names=names))
        assert isinstance(frame, pl.DataFrame)
        return frame

    def plot(self, *columns: str, video: str | None = None) -> list[Axes]:
        """Draws columns and labels over the time of one video, a panel for each.

        Args:
            columns: Names or patterns: `<table>.<column>`, or `target.<name>`.
            video: Id of the video; None: the first video.

        Returns:
            Matplotlib's axes, one per column.

        Raises:
            AvcuesError: There is no such video or column, or there are too many columns to draw.
        """
        from avcues.pipeline.plotting import choose_names, curve_of, plot_curves

        video_id = self.videos[0] if video is None else video
        if video_id not in self.lengths:
            raise DatasetError(f'{self.catalog.folder}: there is no video "{video_id}" in this dataset')
        units = {column.name: column.documentation.unit for column in self.stored_columns}
        keys = {field.name for field in join.KEY_FIELDS}
        numeric = [field.name for field in self.schema if field.name not in keys and not pa.types.is_string(field.type)]
        names = choose_names(numeric, columns)
        plotted = replace(self, stored_columns=tuple(column for column in self.stored_columns if column.name in names))
        rows = plotted.read(video_id)
        return plot_curves([curve_of(rows, name, name, units.get(name, "1")) for name in names], video_id)

    def sequences(
        self,
        length: int = 4,
        hop: int = 1,
        *,
        horizon: int | None = None,
        tables: Collection[str] | None = None,
        columns: Collection[str] | None = None,
        targets: Sequence[str] | None = None,
        nulls: SequenceNulls = "nan",
        cache_bytes: int = 1 << 30,
    ) -> Sequences:
        """Sequences of consecutive windows of one video, as a map-style torch dataset: see `Sequences` for the items.

        Args:
            length: Windows per sequence.
            hop: Windows from the start of one sequence to the start of the next.
            horizon: The window whose labels are the targets: None: each window of the sequence; 0: its last window; 1:
                the window after it, as in the MuVi study; and so on.
            tables: Tables of the features, as for `open_dataset`.
            columns: Patterns of the features, as for `open_dataset`.
            targets: Names of labels, or of columns to predict, which are then excluded from the features; None: all
                labels.
            nulls: How missing features are handled: "nan", "zero" (with a mask), or "drop" (leave out the sequence).
            cache_bytes: Memory for cached videos, in each process that reads.

        Raises:
            DatasetError: A name is unknown, a target is text, or no feature or sequence remains.
            ValueError: `length`, `hop`, `horizon` or `nulls` has an impossible value.
        """
        from avcues.pipeline.dataset.sequences import Sequences

        features = [column.name for column in choose_columns(self.stored_columns, self.catalog, tables, columns)]
        target_columns = [self._target(name) for name in (self.targets if targets is None else targets)]
        return Sequences(
            replace(
                self,
                stored_columns=tuple(
                    column for column in self.stored_columns if column.name in {*features, *target_columns}
                ),
            ),
            length,
            hop,
            horizon=horizon,
            features=features,
            targets=target_columns,
            nulls=nulls,
            cache_bytes=cache_bytes,
        )

    def select(
        self,
        *,
        videos: Collection[str] | None = None,
        tables: Collection[str] | None = None,
        columns: Collection[str] | None = None,
    ) -> Dataset:
        """The dataset with only some videos, tables or columns.

        Raises:
            DatasetError: A video or table is unknown, or a pattern matches nothing.
        """
        for video_id in videos or ():
            if video_id not in self.lengths:
                raise DatasetError(f'{self.catalog.folder}: there is no video "{video_id}" in this dataset')
        lengths = {name: rows for name, rows in self.lengths.items() if videos is None or name in videos}
        return replace(
            self, lengths=lengths, stored_columns=choose_columns(self.stored_columns, self.catalog, tables, columns)
        )

    def split(self, folds: int = 5, seed: int = 0) -> list[Fold]:
        """Cross-validation by video: each video is in the test set of one fold and in the training sets of all others.

        The sizes of folds differ by at most one video. Folds depend only on the ids, `folds` and `seed`, not on the
        order of files, the machine or the versions of libraries.

        Raises:
            ValueError: There are fewer than 2 folds, or more than videos.
        """
        return [
            Fold(self.select(videos={*self.videos} - test_videos), self.select(videos=test_videos))
            for test_videos in test_videos_of_folds(self.videos, folds, seed)
        ]

    def _target(self, name: str) -> str:
        """The joined name of a label or column."""
        labels = [field.name for field in self.labels.fields] if self.labels else []
        for candidate in (f"{PREFIX}{name}", name):
            if candidate in (*labels, *self.columns):
                return candidate
        known_names = [*(target.removeprefix(PREFIX) for target in self.targets), *self.columns]
        raise DatasetError(f'there is no label or column "{name}"{similar(name, known_names)}')


def _count_text(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
