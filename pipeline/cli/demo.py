"""Runs avcues on real clips that any machine can download from the package index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
from rich.table import Table

from avcues.models_cache.cache import resolve
from avcues.pipeline.cli.console import Console
from avcues.pipeline.store.layout import table_path
from avcues.pipeline.store.manifest import require_manifest
from avcues.pipeline.store.timeline_table import TIMELINE

CLIPS = ("demo/bigbuckbunny", "demo/bikes", "demo/woman")
_SAMPLE_COLUMNS = {  # heading by table and column
    ("timeline", "shot"): "shot",
    ("emobase", "F0_sma_max"): "F0 max Hz",
    ("rhythm", "tempo_bpm"): "tempo bpm",
    ("color", "colourfulness"): "colour- fulness",
    ("lighting", "lighting_key"): "lighting key",
    ("expressions", "sad"): "sad",
    ("expressions", "happy"): "happy",
    ("scenes", "top1"): "scene",
}
_ROWS = 8


def fetch_clips() -> list[Path]:
    """The demo clips, which are downloaded once."""
    return [resolve(name).path for name in CLIPS]


def show_sample(out: Path, video_ids: Sequence[str], console: Console) -> None:
    """Prints a few columns of each window table side by side; each row is the same half second."""
    tables = require_manifest(out).tables
    console.print("\n[bold]Tables[/] (rows of the first video)")
    for name in sorted(tables):
        table = pq.read_table(table_path(out, name, video_ids[0]))
        console.print(f"  {name:12} {table.num_rows:4} rows x {table.num_columns:4} columns")
    for video_id in video_ids:
        console.print(_windows(out, video_id, set(tables)))
        if "actions" in tables:
            columns = ["start", "end", "top1"]
            for shot in pq.read_table(table_path(out, "actions", video_id), columns=columns).to_pylist():
                console.print(f"  shot {shot['start']:5.2f} to {shot['end']:5.2f} s: {shot['top1']}", highlight=False)
    console.print(f"\nAll files are in {out}; check them with: avcues validate {out}", soft_wrap=True)


def _windows(out: Path, video_id: str, tables: set[str]) -> Table:
    table = Table(
        title=f"\n{video_id}: each row is the same half second", title_justify="left", box=None, padding=(0, 2)
    )
    table.add_column("start s", justify="right")
    columns = []
    for (name, column), heading in _SAMPLE_COLUMNS.items():
        if name in tables:
            table.add_column(heading, justify="right")
            columns.append(pq.read_table(table_path(out, name, video_id), columns=[column])[column].to_pylist())
    starts = pq.read_table(table_path(out, TIMELINE.name, video_id), columns=["start"])["start"].to_pylist()
    for row in range(0, len(starts), max(1, len(starts) // _ROWS)):
        table.add_row(f"{starts[row]:.1f}", *(_text(values[row]) for values in columns))
    return table


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
