"""The commands `avcues collect ...`, which collect ratings of videos from raters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from avcues.pipeline.cli.annotations_options import Debug, Step, parse_step, show_notes, show_written
from avcues.pipeline.cli.errors import OneLineErrors, complain
from avcues.pipeline.cli.visible_text import print_visible

commands = typer.Typer(no_args_is_help=True, help="Collect ratings: show clips to raters and record their ratings.")

Study = Annotated[Path, typer.Argument(metavar="STUDY", help="Folder with study.toml.")]


@commands.command()
def init(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="Folder to make.")],
    videos: Annotated[Path, typer.Option(help="Folder of the videos.")],
    preset: Annotated[
        Literal["minimal", "muvi", "perspectives"],
        typer.Option(
            help="minimal: every clip in the plane of valence and arousal; muvi, perspectives: as in those studies."
        ),
    ] = "minimal",
    debug: Debug = False,
) -> None:
    """Writes study.toml, which can then be edited.

    [bold]avcues collect init[/] study --videos clips/ --preset muvi
    """
    with OneLineErrors(debug):
        from avcues.pipeline.collection.presets import init as write_study

        _, notes = write_study(study, videos, preset)
        show_notes(notes)
        show_written(study / "study.toml")


@commands.command()
def prepare(study: Study, debug: Debug = False) -> None:
    """Checks the design and makes the stimuli: one file per video and setup, with only what the setup shows.

    Exit codes: 0 ready, 2 the design or a video cannot be used.
    """
    with OneLineErrors(debug):
        ready = _checked_study(study)
        clips = len(ready.stimuli.clips)
        show_written(f"{study / 'stimuli'}: {clips} clips in {len(ready.setups)} setups, each starting at t = 0")


@commands.command()
def serve(
    study: Study,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0: all addresses of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 8765,
    base_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Address of the server in raters' browsers, if it is behind a proxy."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Shows the study to raters until it is interrupted; acknowledged ratings are on disk.

    [bold]avcues collect serve[/] study
    """
    with OneLineErrors(debug):
        _require_packages("uvicorn", "starlette")
        from avcues.pipeline.collection.server.serve import Links
        from avcues.pipeline.collection.server.serve import serve as run_server

        def ready(links: Links) -> None:
            show_notes(links.changes)
            if not links.local:
                complain(f"other machines can reach this server at {host}; only the links below give access")
                if base_url is None or not base_url.startswith("https://"):
                    complain(
                        "ratings are sent without encryption; put a TLS proxy before the server, see docs/collecting.md"
                    )
            print_visible(f"for raters:         {links.raters}")
            if links.joint is not None:
                print_visible(f"for raters jointly: {links.joint}")
            print_visible(f"for the researcher: {links.researcher}")

        run_server(_checked_study(study), host=host, port=port, base_url=base_url, ready=ready)


@commands.command()
def status(
    study: Study,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Reports filled cells, raters who are at work or left, and quality flags."""
    with OneLineErrors(debug):
        import json

        from avcues.pipeline.collection.export.status import status as read_status

        report = read_status(_prepared_study(study))
        if as_json:
            print(json.dumps(report, indent=1))
        else:
            _show_status(report)


@commands.command()
def export(
    study: Study,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for ratings, raters, exposures, traces, comments.")],
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Writes the ratings so far as a folder for avcues annotations, and the raw traces; possible at any time.

    [bold]avcues collect export[/] study --out ann
    """
    with OneLineErrors(debug):
        from avcues.pipeline.collection.export.write import export as write_export

        written = write_export(_prepared_study(study), out, parse_step(step))
        show_notes(written.notes)
        annotations = written.annotations
        show_written(
            f"{out}: {len(annotations.ratings)} ratings of {len(annotations.videos)} videos by "
            f"{len(annotations.rater_ids)} raters"
        )


@commands.command()
def forget(
    study: Study,
    rater: Annotated[str, typer.Argument(metavar="RATER", help="Id of the rater, as status shows it, such as r007.")],
    debug: Debug = False,
) -> None:
    """Removes all data of a rater, also from exports."""
    with OneLineErrors(debug):
        from avcues.pipeline.collection.export.forget import forget as remove

        removal = remove(_prepared_study(study), rater)
        show_written(*(f"{folder}: without {rater}" for folder in removal.rewritten_exports))
        notes = [f"{folder}: removed, because nobody else has rated" for folder in removal.removed_exports]
        notes += [
            f"{folder}: this export no longer exists there; remove its copies" for folder in removal.missing_exports
        ]
        show_notes(notes)
        print_visible(f"{rater}: removed, {removal.clips} clips")


def _checked_study(study: Path) -> Any:
    """Checks a study and makes its stimuli."""
    from avcues.pipeline.collection.design import read_design
    from avcues.pipeline.collection.stimuli import prepare as make_stimuli
    from avcues.pipeline.collection.study import Study as ReadyStudy

    design = read_design(study)
    ready = ReadyStudy(study, design, make_stimuli(study, design, lambda line: show_written(line)))
    ready.check()
    return ready


def _prepared_study(study: Path) -> Any:
    """Opens a prepared study."""
    from avcues.pipeline.collection.design import read_design
    from avcues.pipeline.collection.stimuli import read_index
    from avcues.pipeline.collection.study import Study as KnownStudy

    return KnownStudy(study, read_design(study), read_index(study))


def _require_packages(*packages: str) -> None:
    from importlib.util import find_spec

    from avcues.pipeline.errors import SettingsError

    if missing := [name for name in packages if find_spec(name) is None]:
        raise SettingsError(f"{' and '.join(missing)} not installed; run: pip install 'avcues[collect]'")


def _show_status(report: dict[str, Any]) -> None:
    from rich.table import Table

    from avcues.pipeline.cli.console import Console

    console = Console()
    for round_status in report["rounds"]:
        cells = len(round_status["cells"])
        closed = "" if round_status["open"] else ", not open yet"
        console.print(
            f"{round_status['round']}: {round_status['ratings']} ratings, "
            f"{round_status['full']} of {cells} cells full{closed}",
            highlight=False,
        )
    states = ", ".join(f"{count} {state}" for state, count in report["states"].items())
    console.print(f"raters: {states}", highlight=False)
    if report["raters"]:
        table = Table("rater", "state", "clips", "flags", box=None, pad_edge=False)
        for rater in report["raters"]:
            table.add_row(rater["rater"], rater["state"], str(rater["clips"]), "; ".join(rater["flags"]))
        console.print(table)
