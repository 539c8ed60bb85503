"""Reports as Markdown, with all numbers as JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.annotations.agreement import Agreement
from pipeline.annotations.coefficients import Coefficient
from pipeline.annotations.exclusions import in_words
from pipeline.annotations.perspectives import Perspectives
from pipeline.annotations.schema import Annotations
from pipeline.annotations.setup_agreement import NUMERIC
from pipeline.errors import SettingsError
from pipeline.store.files import write_atomically
from pipeline.store.provenance import avcues_version

_TITLES = {
    "loo_ccc": "leave-one-out CCC",
    "pairwise_ccc": "pairwise CCC",
    "alpha_interval": "α interval",
    "alpha_ordinal": "α ordinal",
    "alpha_nominal": "α nominal",
    "fleiss_kappa": "Fleiss' κ",
    "alpha_labels": "mean α of single labels",
}
_OF_LABELS = ("alpha_labels", "alpha_nominal", "fleiss_kappa")


def write_agreement(found: Agreement, annotations: Annotations, out: Path) -> tuple[Path, Path]:
    """Writes the report and its numbers.

    Args:
        out: The Markdown file; the JSON file has its name.

    Raises:
        SettingsError: `out` is no Markdown file.
        OutputError: It cannot be written.
    """
    kinds = list(dict.fromkeys(row.kind for row in found.by_setup))
    text = _render(
        "agreement.md",
        found=found,
        about=_about(annotations),
        notes=in_words(found.left_out),
        rounds=annotations.rounds,
        by_kind=[(kind, [row for row in found.by_setup if row.kind == kind]) for kind in kinds],
        names={kind: _OF_LABELS if kind == "labels" else NUMERIC for kind in kinds},
        titles=_TITLES,
        distributions=[row for row in found.by_setup if row.distribution is not None and row.clips == "all"],
        reasons=_reasons(asdict(found)),
    )
    return write_report(text, asdict(found), annotations, out)


def write_perspectives(found: Perspectives, annotations: Annotations, out: Path) -> tuple[Path, Path]:
    """Writes the report and its numbers.

    Args:
        out: The Markdown file; the JSON file has its name.

    Raises:
        SettingsError: `out` is no Markdown file.
        OutputError: It cannot be written.
    """
    numbers = asdict(found)
    rounds = [part for part in found.rounds if part.round is not None]
    common = [part for part in rounds if part.clips == "common"] or rounds
    text = _render(
        "perspectives.md",
        found=found,
        compared=common if len(common) > 1 else [],
        names=NUMERIC,
        titles=_TITLES,
        reasons=_reasons(numbers),
    )
    return write_report(text, numbers, annotations, out)


def write_report(text: str, numbers: Mapping[str, Any], annotations: Annotations, out: Path) -> tuple[Path, Path]:
    """Writes a Markdown file, and beside it a JSON file of the numbers and of where they come from.

    Raises:
        SettingsError: `out` is no Markdown file.
        OutputError: It cannot be written.
    """
    check_report(out)
    described = {"avcues": avcues_version(), "ratings": dict(annotations.origin)} | dict(numbers)
    as_json = json.dumps(described, indent=1, allow_nan=False) + "\n"
    beside = out.with_suffix(".json")
    write_atomically(beside, lambda file: file.write(as_json.encode()))
    write_atomically(out, lambda file: file.write(text.encode()))
    return out, beside


def check_report(out: Path) -> None:
    """Makes sure that a report may be written there.

    Raises:
        SettingsError: It is no Markdown file.
    """
    if out.suffix.lower() != ".md" or out.is_dir():
        raise SettingsError(f"--out {out}: expected NAME.md; the numbers go to NAME.json beside it")


def _render(template: str, **values: Any) -> str:
    environment = Environment(
        loader=PackageLoader("pipeline.annotations", "assets"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters |= {"number": _number, "short": _short, "p": _p, "coefficient": _coefficient, "cell": _cell}
    return environment.get_template(template).render(**values)


def _about(annotations: Annotations) -> dict[str, int]:
    return {
        "ratings": len(annotations.ratings),
        "videos": len(annotations.videos),
        "raters": len(annotations.rater_ids),
    }


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, int):
        return str(value)
    return f"{value:.{1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3}f}"


def _short(value: float) -> str:
    return f"{value:g}"


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def _coefficient(one: Coefficient) -> str:
    if one.value is None:
        return "–"
    text = f"{one.value:.3f}"
    if one.sd is not None:
        text += f" ± {one.sd:.3f}"
    if one.low is not None and one.high is not None:
        text += f" [{one.low:.3f}, {one.high:.3f}]"
    return text


def _cell(text: object) -> str:
    """Words of a user's, that must not end a table's cell or row."""
    return str(text).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _reasons(numbers: Any, at: Sequence[str] = ()) -> list[str]:
    """Every reason for a missing value or interval, with the rows that it holds for."""
    found: dict[str, list[str]] = {}
    for place, reason in _each_reason(numbers, tuple(at)):
        found.setdefault(reason, [])
        if place and place not in found[reason]:
            found[reason].append(place)
    return [f"{reason}: {', '.join(places)}" if places else reason for reason, places in found.items()]


def _each_reason(numbers: Any, at: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(numbers, Mapping):
        where = tuple(str(numbers[key]) for key in ("setup", "dimension", "by") if numbers.get(key) is not None)
        at = where or at
        if isinstance(numbers.get("reason"), str):
            yield " ".join(at), numbers["reason"]
        for key, value in numbers.items():
            if key in _TITLES and isinstance(value, Mapping) and isinstance(value.get("reason"), str):
                yield " ".join((*at, _TITLES[key])), value["reason"]
            else:
                yield from _each_reason(value, at)
    elif isinstance(numbers, list | tuple):
        for value in numbers:
            yield from _each_reason(value, at)
