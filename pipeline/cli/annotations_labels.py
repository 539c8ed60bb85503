"""The commands `avcues annotations gold` and `soft`, which make labels from ratings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from avcues.pipeline.cli.annotations_options import (
    Debug,
    Folder,
    KeepConstant,
    Protocol,
    Round,
    Shortest,
    Step,
    Weights,
    parse_delay,
    parse_step,
    read_ids,
    recipe_of,
    show_notes,
    show_written,
)
from avcues.pipeline.cli.errors import OneLineErrors
from avcues.pipeline.cli.option_values import parse_list


def gold(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for one labels file per setup.")],
    dimensions: Annotated[
        str | None, typer.Option(help="Comma-separated dimensions rated in numbers; default: all.")
    ] = None,
    protocol: Annotated[
        Protocol,
        typer.Option(
            help="muvi: as in the study (--weights all, 118 windows; a rater's clip counts only if all its dimensions "
            "can be used)."
        ),
    ] = "avcues",
    method: Annotated[
        Literal["ewe", "mean", "median"], typer.Option(help="Evaluator weighted estimator, or plain mean or median.")
    ] = "ewe",
    weights: Annotated[
        Weights | None,
        typer.Option(
            help="Weight of a rater: correlation with the mean of the others (default) or of all raters, or mean CCC "
            "with each other rater."
        ),
    ] = None,
    delay: Annotated[
        str,
        typer.Option(metavar="SECONDS|auto", help="How late raters react; auto: each rater's lag, from --features."),
    ] = "0",
    standardise: Annotated[
        Literal["none", "rater"], typer.Option(help="rater: bring all raters to one mean and spread.")
    ] = "none",
    smooth: Annotated[
        str | None, typer.Option(metavar="savgol:WINDOWS:ORDER", help="Smooth every series, e.g. savgol:5:3.")
    ] = None,
    align: Annotated[
        Literal["none", "dba", "raaw"],
        typer.Option(
            help="Align raters moment by moment, so that labels depend on what follows (not causal): dba, their DTW "
            "barycentre; raaw, warped to it, each weighted by its agreement before warping. Needs the extra warping."
        ),
    ] = "none",
    longest_warp: Annotated[
        float, typer.Option(metavar="SECONDS", help="Largest time by which --align may move a rating.")
    ] = 4.0,
    windows: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Use only the first N windows. Series that end earlier are left out; series with gaps are kept if "
            "they have the share --shortest of these windows.",
        ),
    ] = None,
    shortest: Shortest = 0.9,
    keep_constant: KeepConstant = False,
    round_: Round = None,
    training_videos: Annotated[
        Path | None,
        typer.Option(
            help="List of video ids, one per line: everything that depends on videos is fitted on these only."
        ),
    ] = None,
    partition: Annotated[
        Path | None,
        typer.Option(
            help="Instead of --training-videos, a CSV of a study's own partition, with the columns video_id and part: "
            "the videos of part train are used."
        ),
    ] = None,
    features: Annotated[str | None, typer.Option(help="Folder made by avcues extract, for --delay auto.")] = None,
    tables: Annotated[str | None, typer.Option(help="Comma-separated tables of --features; default: all.")] = None,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Makes gold standards for --labels: one value per window from the ratings of several raters.

    Exit codes: 0 written, 2 nothing written because of the input or the settings.

    [bold]avcues annotations gold[/] ann --out gold
    """
    with OneLineErrors(debug):
        from dataclasses import replace

        from avcues.pipeline.annotations.gold_standards.gold import gold as make_gold
        from avcues.pipeline.annotations.gold_standards.gold import write_gold
        from avcues.pipeline.annotations.gold_standards.recipe import Smoothing
        from avcues.pipeline.annotations.ratings.exclusions import exclusion_notes
        from avcues.pipeline.annotations.ratings.files import read

        base = recipe_of(protocol)
        recipe = replace(
            base,
            method=method,
            weights=weights or base.weights,
            delay=parse_delay(delay),
            standardise=standardise == "rater",
            smooth=None if smooth is None else Smoothing.parse(smooth),
            align=None if align == "none" else align,
            longest_warp=longest_warp,
            windows=base.windows if windows is None else windows,
            shortest=shortest,
            keep_constant=keep_constant,
            step=parse_step(step),
            round=round_,
            dimensions=None if dimensions is None else tuple(parse_list(dimensions) or ()),
        )
        training = None if training_videos is None else read_ids(training_videos)
        if partition is not None:
            training = _training_part(partition, training)
        result = make_gold(read(folder), recipe, training_videos=training, features=_feature_values(features, tables))
        show_notes([*exclusion_notes(result.left_out), *result.notes])
        for path, table in zip(write_gold(result, out), result.tables.values(), strict=True):
            show_written(f"{path}: {table.num_rows} rows, {len(table['video_id'].unique())} videos")


def soft(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for one labels file per setup.")],
    dimensions: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated dimensions, either all rated over time or all rated once per clip; "
            "default: every dimension."
        ),
    ] = None,
    bins: Annotated[int, typer.Option(min=2, help="Bins of a dimension with more than 11 distinct values.")] = 5,
    round_: Round = None,
    shortest: Shortest = 0.9,
    keep_constant: KeepConstant = False,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Makes soft labels for --labels: the share of raters who gave each value or chose each label.

    Exit codes: 0 written, 2 nothing written because of the input or the settings.

    [bold]avcues annotations soft[/] ann --out soft --dimensions mood
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.gold_standards.gold import read_labels_metadata
        from avcues.pipeline.annotations.gold_standards.soft_labels import soft_labels
        from avcues.pipeline.annotations.ratings.files import read, write_tables

        tables = soft_labels(
            read(folder),
            parse_list(dimensions),
            bins=bins,
            step=parse_step(step),
            round_=round_,
            shortest=shortest,
            keep_constant=keep_constant,
        )
        metadata = next((read_labels_metadata(table) for table in tables.values()), None) or {}
        show_notes([f"left out: {count} {reason} series" for reason, count in metadata.get("left_out", {}).items()])
        files = {out / f"{setup}.parquet": table for setup, table in tables.items()}
        write_tables(files)
        for path, table in files.items():
            show_written(f"{path}: {table.num_rows} rows, {len(table['video_id'].unique())} videos")


def _training_part(partition: Path, training_videos: list[str] | None) -> list[str]:
    """Ids of the videos in the training part of a study's partition."""
    from avcues.pipeline.errors import InputError, SettingsError
    from avcues.pipeline.training.video_lists import read_partition

    if training_videos is not None:
        raise SettingsError("`training_videos` and `partition` exclude each other")
    names = [name for name, part in read_partition(partition).items() if part.strip().lower() in ("train", "training")]
    if not names:
        raise InputError(f"{partition}: has no video in the part train")
    return names


def _feature_values(features: str | None, tables: str | None) -> Any:
    """A mapping of video id to (windows, columns) values, read on demand."""
    if features is None:
        return None
    from avcues.pipeline.annotations.gold_standards.feature_values import FeatureValues
    from avcues.pipeline.dataset.opening import open_dataset

    return FeatureValues(open_dataset(features, tables=parse_list(tables)))
