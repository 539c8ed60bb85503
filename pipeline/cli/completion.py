"""Shell completion of names from a dataset's folder or the list of weights."""

from __future__ import annotations

from pathlib import Path

import typer


def videos(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids of the videos in the folder that the command line names."""
    from avcues.pipeline.store.layout import recorded_videos

    folder = _folder(ctx)
    return [name for name in recorded_videos(folder) if name.startswith(incomplete)] if folder else []


def columns(ctx: typer.Context, incomplete: str) -> list[str]:
    """Tables of the folder that the command line names, and after a dot the columns of the table.

    In a comma-separated list, the last name is completed.
    """
    from avcues.pipeline.store.layout import table_path, videos_with_table
    from avcues.pipeline.store.manifest import read_manifest
    from avcues.pipeline.store.parquet import read_metadata

    prefix, comma, last = incomplete.rpartition(",")
    folder = _folder(ctx)
    manifest = read_manifest(folder) if folder else None
    if folder is None or manifest is None:
        return []
    table, dot, _ = last.partition(".")
    if not dot:
        return [f"{prefix}{comma}{name}." for name in manifest.tables if name.startswith(last)]
    video = next(iter(videos_with_table(folder, table)), None) if table in manifest.tables else None
    metadata = read_metadata(table_path(folder, table, video)) if video else None
    names = [f"{table}.{column['name']}" for column in metadata["columns"]] if metadata else []
    return [f"{prefix}{comma}{name}" for name in names if name.startswith(last)]


def weights(incomplete: str) -> list[str]:
    """Names of weights files."""
    from avcues.models_cache.manifest import assets

    return [name for name in assets() if name.startswith(incomplete)]


def _folder(ctx: typer.Context) -> Path | None:
    arguments = [parameter.name for parameter in ctx.command.params if parameter.param_type_name == "argument"]
    # While the value of an option is missing, arguments are not yet assigned.
    folder = (ctx.params.get(arguments[0] or "") if arguments else None) or next(iter(ctx.args), None)
    return Path(folder) if folder and "://" not in str(folder) else None
