"""The commands `avcues models ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avcues.pipeline.cli import completion
from avcues.pipeline.cli.errors import OneLineErrors, complain
from avcues.pipeline.cli.visible_text import print_visible

_TABLE_COLUMNS = 130
"""Columns of a console in which a table of all weights is easier to read than lines."""

models = typer.Typer(no_args_is_help=True, help="Weights files: list, fetch, verify, import.")


@models.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Lists every weights file that avcues can use, and whether this machine has it."""
    import json
    from dataclasses import asdict

    from rich.table import Table

    from avcues.models_cache.cache import cache_dir, find
    from avcues.models_cache.manifest import assets
    from avcues.pipeline.cli.console import Console

    files = {name: find(name) for name in assets()}
    if as_json:
        documents = [
            asdict(asset) | {"path": file and str(file.path)}
            for asset, file in zip(assets().values(), files.values(), strict=True)
        ]
        print(json.dumps(documents, indent=1))
        return
    console = Console()
    if not console.is_terminal or console.width < _TABLE_COLUMNS:
        for name, asset in assets().items():
            status = "have" if files[name] else "-"
            print_visible(f"{status:4}  {name}  {asset.file}  {asset.size_text}  {asset.licence}: {asset.title}")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("name", "here", "file", "size", "licence and title"):
        # Other commands need names and files, so these are never cut.
        table.add_column(heading, no_wrap=not heading.startswith("licence"), overflow="fold")
    for name, asset in assets().items():
        table.add_row(
            name, "yes" if files[name] else "no", asset.file, asset.size_text, f"{asset.licence}: {asset.title}"
        )
    console.print(table)
    console.print(f"cache: {cache_dir()}", soft_wrap=True, highlight=False)


@models.command()
def fetch(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME", autocompletion=completion.weights, help="Names as in avcues models list, or all."
        ),
    ],
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Downloads weights into the cache, from the first source that works. Exit code 1 if any download failed."""
    failed = 0
    with OneLineErrors(debug):
        from avcues.models_cache import WeightsError
        from avcues.models_cache.cache import resolve
        from avcues.models_cache.manifest import asset, assets
        from avcues.pipeline.cli.console import Console
        from avcues.pipeline.runtime.progress import ProgressBars

        assets_to_fetch = list(assets()) if names == ["all"] else [asset(name).name for name in names]
        console = Console(stderr=True)
        with ProgressBars(console, visible=console.is_terminal) as bars:
            for name in assets_to_fetch:
                try:
                    file = resolve(name, lambda done, total, name=name: bars.on_download(name, done, total))  # type: ignore[misc]
                    print_visible(f"{name}: {file.path}")
                except WeightsError as error:
                    failed += 1
                    complain(str(error))
    raise typer.Exit(1 if failed else 0)


@models.command()
def verify(debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False) -> None:
    """Checks the content of every file in the cache against its hash. Exit code 1 if any file is damaged."""
    damaged = 0
    with OneLineErrors(debug):
        from avcues.models_cache.cache import cache_dir
        from avcues.models_cache.hashing import mismatch
        from avcues.models_cache.manifest import assets

        for name, asset in assets().items():
            path = cache_dir() / asset.file
            if path.is_file():
                problem = mismatch(asset, path)
                damaged += problem is not None
                print_visible(f"{name}: {problem + '; remove ' + str(path) if problem else 'sound'}")
    raise typer.Exit(1 if damaged else 0)


@models.command("import")
def import_models(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Weights files on this machine.")],
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Copies weights files into the cache, identified by their content. Exit code 1 if any file is unknown."""
    failed = 0
    with OneLineErrors(debug):
        from avcues.models_cache import WeightsError
        from avcues.models_cache.cache import import_file

        for file in files:
            try:
                print_visible(f"{file}: is {import_file(file).name}")
            except WeightsError as error:
                failed += 1
                complain(str(error))
    raise typer.Exit(1 if failed else 0)
