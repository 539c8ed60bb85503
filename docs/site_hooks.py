"""What the site has beside the pages in docs.

Pages made of other files of the repository (README, changes, benchmarks, the notebook), and pages made of the program:
the columns and options of every feature, and the commands. Links between files become links between pages.
"""

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Iterator
from dataclasses import fields
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

import griffe
import typer
from mkdocs.structure.files import File

import avcues
from avcues.extractors import registry
from avcues.extractors.protocol import Table
from avcues.pipeline.cli.app import app
from avcues.pipeline.store.timeline_table import TIMELINE

ROOT = Path(__file__).parents[1]
ELSEWHERE = {
    "README.md": "index.md",
    "docs/tour.ipynb": "tour.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks/index.md",
    **{
        f"benchmarks/results/{path.name}": f"benchmarks/{path.name}"
        for path in (ROOT / "benchmarks/results").glob("*.md")
    },
}
"""Files of the repository outside docs, with the page that each becomes."""

COLUMNS, COMMANDS = "reference/columns.md", "reference/commands.md"
_FOLDED = 100
"""Tables of more columns are folded."""
_SEARCHED = 1000
"""The search skips columns of larger tables, which would be most of its index."""
_LINK = re.compile(r"\[(?P<text>[^\[\]]*)\]\((?P<path>(?!\w+:|#)[^()#\s]+)(?P<anchor>#[^()\s]*)?\)")
_FENCE = re.compile(r"^```(?P<language>\w+) (?P<tag>\S+)$", re.MULTILINE)
_MARKUP = re.compile(r"\[/?(?:bold|cyan|dim|green)?\]")
_ROW = {"window": "window", "shot": "shot", "item": "face, box or word"}


def on_config(config: Any) -> None:
    """Lists the page of every feature below that of columns."""
    pages = [{"timeline": _feature_page("timeline")}, *({name: _feature_page(name)} for name in avcues.features())]
    look_up = next(section["Look up"] for section in config.nav if "Look up" in section)
    look_up[look_up.index(COLUMNS)] = {"Columns": [COLUMNS, *pages]}


def on_files(files: Any, config: Any) -> None:
    """Adds the pages that are made."""
    made = {page: _read(ROOT / source) for source, page in ELSEWHERE.items()}
    made[_feature_page("timeline")] = f"# timeline\n\n{_table(TIMELINE)}"
    made |= {_feature_page(name): _feature(name) for name in avcues.features()}
    for page, text in made.items():
        files.append(File.generated(config, page, content=text))


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Fills in what is made, and turns links between files into links between pages."""
    here = page.file.src_uri
    source = next((source for source, made in ELSEWHERE.items() if made == here), f"docs/{here}")
    if here == COLUMNS:
        markdown += "\n".join(_overview())
    if here == COMMANDS:
        markdown += "\n".join(_commands(typer.main.get_command(app), "avcues"))

    def rewritten(link: re.Match[str]) -> str:
        target = os.path.normpath(PurePosixPath(source).parent / link["path"])
        page_of_target = ELSEWHERE.get(target, target.removeprefix("docs/") if target.startswith("docs/") else None)
        if page_of_target:
            relative = os.path.relpath(page_of_target, PurePosixPath(here).parent)
            return f"[{link['text']}]({relative}{link['anchor'] or ''})"
        return link["text"] if (ROOT / target).exists() else link[0]  # a file that the site does not have; a dead link

    return _FENCE.sub(_fence, _LINK.sub(rewritten, markdown))


def on_post_build(config: Any) -> None:
    """Gives pages that are opened from the disk, which may not fetch, the index of the search as a script."""
    index = Path(config.site_dir) / "search" / "search_index.json"
    index.with_suffix(".js").write_text(f"var __index = {index.read_text()}")


def _fence(fence: re.Match[str]) -> str:
    """Without the word for tests; the name of a file becomes the title of its block."""
    title = "" if fence["tag"] == "run" else f' title="{fence["tag"]}"'
    return f"```{fence['language']}{title}"


def _read(path: Path) -> str:
    if path.suffix != ".ipynb":
        return path.read_text()
    cells = json.loads(path.read_text())["cells"]
    texts = [("".join(cell["source"]), cell["cell_type"] == "code") for cell in cells]
    return "\n\n".join(f"```python\n{text}\n```" if code else text for text, code in texts)


def _feature_page(name: str) -> str:
    return f"reference/columns/{name}.md"


def _overview() -> Iterator[str]:
    yield "\n| feature | tables | columns | source |\n|---|---|---|---|"
    for name, feature in avcues.features().items():
        tables = (*feature.tables, *feature.extra_tables)
        counts = ", ".join(f"{len(table.columns):,}" for table in tables)
        names = ", ".join(f"`{table.name}`" for table in tables)
        yield f"| [{name}](columns/{name}.md) | {names} | {counts} | {_cell(feature.citation)} |"


def _feature(name: str) -> str:
    feature, extractor = avcues.features()[name], registry.create(name)
    lines = [f"# {name}", "", inspect.cleandoc(type(extractor).__doc__ or ""), "", f"Source: {feature.citation}."]
    options = _options(extractor.Settings)
    if options:
        lines += [
            "",
            "## Options",
            "",
            f"As `--set {name}.OPTION=VALUE`, or in `options` of `avcues.extract`.",
            "",
            *options,
        ]
    lines += ["", *(_table(table) for table in feature.tables)]
    lines += [
        _table(table, "made only where `--features` names it, too. The columns are those of the preferred network")
        for table in feature.extra_tables
    ]
    return "\n".join(lines)


def _table(table: Table, note: str = "") -> str:
    head = f"## Table `{table.name}`\n\nOne row per {_ROW[table.row]}{'; ' + note if note else ''}.\n"
    rows = "".join(
        f"<tr><td><code>{escape(column.name)}</code></td><td>{escape(column.meaning)}</td><td>{escape(column.unit)}</td>"
        f"<td>{column.range_text}</td><td>{column.dtype}</td></tr>\n"
        for column in table.columns
    )
    titles = "".join(f"<th>{title}</th>" for title in ("column", "meaning", "unit", "range", "type"))
    columns = f'<div class="columns"><table><thead><tr>{titles}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n'
    count = len(table.columns)
    if count > _FOLDED:
        unsearched = " data-search-exclude" if count > _SEARCHED or table.name.endswith("_embedding") else ""
        columns = f"<details{unsearched}><summary>{count:,} columns</summary>\n{columns}</details>\n"
    return f"{head}\n{columns}"


def _options(settings: type) -> list[str]:
    meanings = _arguments(settings)
    rows = [
        f"| `{field.name}` | `{json.dumps(field.default, default=str)}` | {_cell(meanings[field.name])} |"
        for field in fields(settings)
    ]
    return ["| option | default | what |", "|---|---|---|", *rows] if rows else []


def _arguments(settings: type) -> dict[str, str]:
    """What the docstrings of a dataclass, and of those that it derives from, say of its fields."""
    sections = [
        section
        for base in reversed(settings.__mro__)
        for section in griffe.Docstring(inspect.cleandoc(base.__doc__ or "")).parse("google", warnings=False)
    ]
    parameters = [section.value for section in sections if section.kind is griffe.DocstringSectionKind.parameters]
    return {argument.name: argument.description for arguments in parameters for argument in arguments}


def _commands(command: Any, path: str) -> Iterator[str]:
    """A section per command: what it does, its arguments and options."""
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from _commands(child, f"{path} {name}")
        return
    yield f"\n## {path}\n\n{_help(command.help)}\n\n| argument or option | what | default |\n|---|---|---|"
    for parameter in command.params:
        if not parameter.hidden:
            yield f"| `{_name(parameter)}` | {_cell(parameter.help or '')} | {_default(parameter)} |"


def _help(text: str) -> str:
    """Paragraphs of help as Markdown; examples, which begin with a command in bold, are code."""
    examples: list[str] = []
    paragraphs: list[str] = []
    for paragraph in text.split("\n\n"):
        (examples if paragraph.startswith("[bold]") else paragraphs).append(_MARKUP.sub("", paragraph))
    code = ["```sh\n" + "\n".join(examples) + "\n```"] if examples else []
    return "\n\n".join([*(escape(paragraph, quote=False) for paragraph in paragraphs), *code])


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"{parameter.metavar or parameter.name.upper()}{' ...' if parameter.nargs == -1 else ''}"
    return ", ".join((*parameter.opts, *parameter.secondary_opts)) + (
        f" {parameter.metavar}" if parameter.metavar else ""
    )


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    value = getattr(parameter.default, "value", parameter.default)
    return "" if value is None or value is False or value == () or callable(value) else f"`{value}`"


def _cell(text: str) -> str:
    return escape(" ".join(text.split()), quote=False).replace("|", "\\|").replace("*", "\\*")
