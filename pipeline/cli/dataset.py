"""The commands that read a finished folder: align, describe, export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from avcues.pipeline.cli import completion
from avcues.pipeline.cli.errors import OneLineErrors
from avcues.pipeline.cli.option_values import parse_list
from avcues.pipeline.cli.visible_text import print_visible

if TYPE_CHECKING:
    from avcues.pipeline.cli.console import Console
    from avcues.pipeline.dataset.dataset import Dataset


Folder = Annotated[str, typer.Argument(metavar="DIR", help="A folder or URL that avcues extract made.")]
Tables = Annotated[str | None, typer.Option(help="Comma-separated tables; default: all.")]
Columns = Annotated[
    str | None,
    typer.Option(
        autocompletion=completion.columns,
        help="Comma-separated patterns of TABLE.COLUMN, quoted: 'color.*,emobase.F0*'; default: all.",
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]

export = typer.Typer(no_args_is_help=True, help="Write a dataset in the form that a published training script reads.")


def align(
    folder: Folder,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="NAME.parquet, or a folder for part-*.parquet of a large dataset."),
    ] = None,
    tables: Tables = None,
    columns: Columns = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="CSV or Parquet: video_id; time (seconds) or window, or neither if static; any targets."),
    ] = None,
    label_fill: Annotated[
        Literal["none", "hold", "linear"],
        typer.Option(help="Windows without a label: null, the preceding label, or a line between two labels."),
    ] = "none",
    incomplete: Annotated[
        Literal["leave-out", "nulls"], typer.Option(help="Videos that lack a table: leave out, or fill with nulls.")
    ] = "leave-out",
    names: Annotated[
        Literal["safe", "original"],
        typer.Option(
            help="Names of columns: TABLE__COLUMN in letters, digits and underscores, which every library accepts, or "
            "TABLE.COLUMN."
        ),
    ] = "safe",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be written, and write nothing.")] = False,
    debug: Debug = False,
) -> None:
    """Joins all tables into one for training: one row per half second of each video.

    Columns are called TABLE__COLUMN, labels target__NAME; the file's metadata gives each original name. Rows of shot
    tables are repeated for every window of the shot.

    Exit codes: 0 written, 2 nothing was written because of the input or the settings.

    [bold]avcues align[/] features --out train.parquet --labels labels.csv --label-fill hold
    """
    with OneLineErrors(debug):
        from avcues.pipeline.cli.console import Console, print_line
        from avcues.pipeline.dataset.opening import open_dataset
        from avcues.pipeline.dataset.parquet_export import check_output, write
        from avcues.pipeline.dataset.selection import item_tables
        from avcues.pipeline.errors import SettingsError

        if out is None and not dry_run:
            raise SettingsError("--out is missing: name a .parquet file or a folder, or use --dry-run")
        console = Console(stderr=not dry_run)
        data = open_dataset(
            folder,
            tables=parse_list(tables),
            columns=parse_list(columns),
            labels=labels,
            label_fill=label_fill,
            incomplete="nulls" if incomplete == "nulls" else "leave_out",
            verify=True,
        )
        if out is not None:
            check_output(out, data)
        for name in item_tables(data.catalog):
            path = data.catalog.folder / name
            print_line(console, "bold", "separate", f"{path}: any number of rows per window, not joined")
        _show_plan(data, console)
        if out is not None and not dry_run:
            with _progress(console, len(data.videos)) as on_video:
                write(data, out, on_video, names=names)
            size = sum(path.stat().st_size for path in (out.glob("*.parquet") if out.is_dir() else [out]))
            print_line(console, "bold", "wrote", f"{out}: {size / 1e6:.1f} MB")


def describe(
    folder: Folder,
    tables: Tables = None,
    columns: Columns = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    card: Annotated[
        bool,
        typer.Option(
            "--card",
            help="Instead, write DIR/README.md and DIR/croissant.json, to share and load the dataset; reads all "
            "tables.",
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Describes every column: table, unit, range, meaning, source, network and weights.

    [bold]avcues describe[/] features --columns 'emobase.F0*'
    """
    with OneLineErrors(debug):
        import json

        from avcues.pipeline.cli.console import Console
        from avcues.pipeline.cli.describe_display import show_description
        from avcues.pipeline.dataset.catalog import read_catalog
        from avcues.pipeline.dataset.describe import describe
        from avcues.pipeline.store.location import location

        catalog = read_catalog(location(folder))
        if card:
            from avcues.pipeline.dataset.card_files import write_card

            with _progress(Console(stderr=True), len(catalog.videos)) as on_video:
                written = write_card(catalog, on_video)
            print_visible("\n".join(map(str, written)))
            return
        described = describe(catalog, parse_list(tables), parse_list(columns))
        if as_json:
            print(json.dumps(described, indent=1))
            return
        console = Console()
        show_description(described, console)


@export.command()
def muvi(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for emobase_features/ and the visual table.")],
    tables: Annotated[
        str | None,
        typer.Option(help="Comma-separated visual tables; default: those of the study that the dataset has."),
    ] = None,
    nulls: Annotated[
        Literal["zero", "empty"], typer.Option(help="Write missing values as 0, or empty, which is read as NaN.")
    ] = "zero",
    debug: Debug = False,
) -> None:
    """Writes emobase_features/ID.csv and combined_visual_features.csv for the MuVi study's training script.

    [bold]avcues export muvi[/] features --out muvi
    """
    with OneLineErrors(debug):
        from avcues.pipeline.cli.console import Console, print_line
        from avcues.pipeline.dataset import muvi_export as muvi
        from avcues.pipeline.store.location import location

        console = Console(stderr=True)
        data = muvi.open_for_export(location(folder), parse_list(tables))
        _show_plan(data, console)
        for video_id, windows in data.lengths.items():
            if windows < muvi.USED_ROWS:
                print_line(
                    console, "yellow", "short", f"{video_id}: {windows} windows; the script uses {muvi.USED_ROWS}"
                )
        with _progress(console, len(data.videos)) as on_video:
            missing = muvi.write(data, out, nulls=nulls, on_progress=on_video)
        for table, values in missing.items():
            print_line(console, "yellow", "missing", f"{values} values of {table}, written as {nulls}")
        print_line(console, "bold", "wrote", f"{out}")


def _show_plan(data: Dataset, console: Console) -> None:
    """Prints the rows and columns of the result, and what is left out and why."""
    from avcues.pipeline.cli.console import print_line

    for name in data.catalog.absent:
        print_line(console, "red", "absent", f"{name}: no video has this table yet")
    for video_id, reason in data.left_out.items():
        print_line(console, "red", "left out", f"{video_id}: {reason}")
    for warning in data.labels.warnings if data.labels else ():
        print_line(console, "yellow", "labels", warning)
    for name in dict.fromkeys(column.table for column in data.stored_columns):
        names = [column.name for column in data.stored_columns if column.table == name]
        print_line(console, "bold", "columns", f"{len(names):4} {' to '.join(dict.fromkeys((names[0], names[-1])))}")
    if data.targets:
        print_line(console, "bold", "targets", f"{len(data.targets):4} {', '.join(data.targets)}")
    shape = f"{data.rows} rows of {len(data.videos)} videos, {len(data.schema)} columns including keys"
    print_line(console, "bold", "total", shape + (f"; {len(data.left_out)} videos left out" if data.left_out else ""))


@contextmanager
def _progress(console: Console, videos: int) -> Iterator[Callable[[str], None]]:
    """Shows a bar over videos on a terminal; yields the function that advances it."""
    from rich.progress import Progress

    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("videos", total=videos)
        yield lambda video_id: progress.advance(task)
