"""The result of `avcues.extract`: the tables of one video, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from avcues.pipeline.notebook import html_table

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes


class ExtractedVideo(Mapping[str, "pa.Table"]):
    """The tables of one video, by name, in memory.

    Window tables have one row per window, shot tables one per shot, item tables (faces, detections) any number per
    window. The first columns are keys; `timeline` has the window's shot and how much audio and video it has. The schema
    metadata key `avcues` documents every column.

    Args:
        video_id: The file's name without its suffix.
        tables: Tables by name.
        left_out: Features that were left out because their weights are missing, with the reasons.
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
        rows += [(f"{feature} is left out: {reason}", "", "") for feature, reason in self.left_out.items()]
        return html_table(self.video_id, ("table", "rows", "columns"), rows)

    def plot(self, *columns: str) -> list[Axes]:
        """Draws columns over time, each in its own panel.

        Args:
            columns: Names or patterns, `<table>.<column>`, such as "lighting.lighting_key" or "emobase.mfcc_sma[1]*".

        Returns:
            Matplotlib's axes, one per column.

        Raises:
            SettingsError: No column of numbers has such a name, or there are too many columns to draw.
        """
        from avcues.pipeline.plotting import choose_names, curve_of, plot_curves
        from avcues.pipeline.store.parquet import numeric_columns

        columns_by_name = {
            f"{name}.{column}": (table, column, unit)
            for name, table in self.items()
            for column, unit in numeric_columns(table).items()
        }
        names = choose_names(list(columns_by_name), columns)
        curves = [
            curve_of(table, column, name, unit) for name in names for table, column, unit in [columns_by_name[name]]
        ]
        return plot_curves(curves, self.video_id)
