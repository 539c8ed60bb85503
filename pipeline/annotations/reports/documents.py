"""Reports as Markdown, with all numbers as JSON beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from avcues.pipeline.annotations.across_setups.model_reliance import reliances
from avcues.pipeline.annotations.across_setups.perspectives import Perspectives
from avcues.pipeline.annotations.ratings.exclusions import exclusion_notes
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.wording import listed
from avcues.pipeline.annotations.reliability.agreement import Agreement
from avcues.pipeline.annotations.reliability.model_agreement import ModelAgreement
from avcues.pipeline.annotations.reliability.planning import NUMBERS
from avcues.pipeline.annotations.reliability.setup_agreement import NUMERIC, SetupAgreement
from avcues.pipeline.annotations.statistics.coefficients import Coefficient
from avcues.pipeline.annotations.statistics.intraclass import INTRACLASS, INTRACLASS_TITLES
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.store.exchange import replaced_files
from avcues.version import __version__

_TITLES = {
    "loo_ccc": "leave-one-out CCC",
    "pairwise_ccc": "pairwise CCC",
    "alpha_interval": "α interval",
    "alpha_ordinal": "α ordinal",
    "alpha_nominal": "α nominal",
    "fleiss_kappa": "Fleiss' κ",
    "alpha_labels": "mean α of single labels",
    **INTRACLASS_TITLES,
}
_CONSENSUS = {
    "others": "the correlation with the mean of the others",
    "all": "the correlation with the mean of all",
    "pairwise-ccc": "the mean CCC with each other rater",
}
_OF_LABELS = ("alpha_labels", "alpha_nominal", "fleiss_kappa")


def write_agreement(
    measured: Agreement, annotations: Annotations, out: Path, models: Sequence[ModelAgreement] = ()
) -> tuple[Path, Path]:
    """Writes the report, and all its numbers as JSON beside it.

    Args:
        annotations: The ratings that `measured` was made from.
        models: A model judged as one more rater.
        out: The Markdown file, NAME.md; the JSON file is NAME.json.

    Returns:
        The paths of both files.

    Raises:
        SettingsError: `out` is not a Markdown file.
        OutputError: A file cannot be written.
    """
    kinds = list(dict.fromkeys(row.kind for row in measured.by_setup))
    text = _render(
        "agreement.md",
        measured=measured,
        about=_counts(annotations),
        notes=[*exclusion_notes(measured.left_out), *measured.notes],
        models=models,
        numbers_of_raters=NUMBERS,
        rounds=annotations.rounds,
        by_kind=[(kind, [row for row in measured.by_setup if row.kind == kind]) for kind in kinds],
        names={kind: _coefficient_names(kind) for kind in kinds},
        titles=_TITLES,
        distributions=[row for row in measured.by_setup if row.distribution is not None and row.clips == "all"],
        intraclass=[row for row in measured.by_setup if row.kind != "labels" and row.clips == "all"],
        intraclass_names=INTRACLASS,
        consensus=_CONSENSUS[measured.weights],
        undefined=undefined_coefficients(measured),
    )
    numbers = asdict(measured) | ({"models": [asdict(agreement) for agreement in models]} if models else {})
    return write_report(text, numbers, annotations, out)


def write_perspectives(
    measured: Perspectives, annotations: Annotations, out: Path, lost: Mapping[str, float] | None = None
) -> tuple[Path, Path]:
    """Writes the report, and all its numbers as JSON beside it.

    Args:
        annotations: The ratings that `measured` was made from.
        lost: By modality, the loss of a trained model without it, reported next to the raters' regression.
        out: The Markdown file, NAME.md; the JSON file is NAME.json.

    Returns:
        The paths of both files.

    Raises:
        SettingsError: `out` is not a Markdown file.
        OutputError: A file cannot be written.
    """
    regression = measured.rounds[0].regression if measured.rounds else None
    model = reliances(lost, measured.setups, regression) if lost else ()
    numbers = asdict(measured) | ({"model": [asdict(reliance) for reliance in model]} if model else {})
    rounds = [part for part in measured.rounds if part.round is not None]
    common = [part for part in rounds if part.clips == "common"] or rounds
    text = _render(
        "perspectives.md",
        measured=measured,
        model=model,
        compared=common if len(common) > 1 else [],
        names=NUMERIC,
        titles=_TITLES,
        undefined=_undefined(_perspective_coefficients(measured)),
    )
    return write_report(text, numbers, annotations, out)


def write_report(text: str, numbers: Mapping[str, Any], annotations: Annotations, out: Path) -> tuple[Path, Path]:
    """Writes a Markdown file, and a JSON file with the numbers and the origin of the ratings beside it.

    Raises:
        SettingsError: `out` is not a Markdown file.
        OutputError: A file cannot be written.
    """
    require_markdown(out)
    described = {"avcues": __version__, "ratings": dict(annotations.origin)} | dict(numbers)
    as_json = json.dumps(described, indent=1, allow_nan=False) + "\n"
    json_file = out.with_suffix(".json")
    with replaced_files() as write:
        write(json_file, lambda file: file.write(as_json.encode()))
        write(out, lambda file: file.write(text.encode()))
    return out, json_file


def require_markdown(out: Path) -> None:
    """Makes sure that `out` is a Markdown file.

    Raises:
        SettingsError: `out` is not a Markdown file.
    """
    if out.suffix.lower() != ".md" or out.is_dir():
        raise SettingsError(f"`out={out}`: expected NAME.md; the numbers go to NAME.json beside it")


def _render(template: str, **values: Any) -> str:
    environment = Environment(
        loader=PackageLoader("avcues.pipeline.annotations.reports", "assets"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters |= {"number": _number, "short": _short, "p": _p, "coefficient": _coefficient, "cell": _cell}
    # Parts that are left out leave blank lines behind.
    return re.sub(r"\n{3,}", "\n\n", environment.get_template(template).render(**values))


def _counts(annotations: Annotations) -> dict[str, int]:
    return {
        "ratings": len(annotations.ratings),
        "videos": len(annotations.videos),
        "raters": len(annotations.rater_ids),
    }


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if abs(value) >= 1 and value == round(value):
        return f"{value:.0f}"
    text = f"{value:.{2 if abs(value) >= 10 else 3}f}"
    return "0.000" if text == "-0.000" else text


def _short(value: float) -> str:
    return f"{value:g}"


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def _coefficient(coefficient: Coefficient) -> str:
    if coefficient.value is None:
        return "– (see α)" if coefficient.reason is not None and "see alpha" in coefficient.reason else "–"
    text = f"{coefficient.value:.3f}"
    if coefficient.sd is not None:
        text += f" ± {coefficient.sd:.3f}"
    if coefficient.low is not None and coefficient.high is not None:
        text += f" [{coefficient.low:.3f}, {coefficient.high:.3f}]"
    return text


def _cell(text: object) -> str:
    """Text of a user, escaped so that it cannot end a table's cell or row."""
    return str(text).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def undefined_coefficients(measured: Agreement) -> list[str]:
    """One line per reason for a missing value or interval, with the coefficients and places that it concerns."""
    return _undefined(_agreement_coefficients(measured))


def _undefined(coefficients: Iterable[tuple[str, str, Coefficient]]) -> list[str]:
    """One line per reason for a missing value; coefficients come as title, place and coefficient."""
    places_by_reason: dict[str, dict[str, list[str]]] = {}
    for title, place, coefficient in coefficients:
        if coefficient.reason is not None:
            places = places_by_reason.setdefault(coefficient.reason, {}).setdefault(title, [])
            if place not in places:
                places.append(place)
    lines = []
    for reason, by_title in places_by_reason.items():
        by_places: dict[tuple[str, ...], list[str]] = {}
        for title, places in by_title.items():
            by_places.setdefault(tuple(places), []).append(title)
        parts = [f"{', '.join(titles)} ({listed(places)})" for places, titles in by_places.items()]
        lines.append(f"{'; '.join(parts)}: {reason}")
    return lines


def _setup_coefficients(rows: Iterable[SetupAgreement]) -> Iterator[tuple[str, str, Coefficient]]:
    for row in rows:
        for name in (*_coefficient_names(row.kind), *(INTRACLASS if row.kind != "labels" else ())):
            yield _TITLES[name], f"{row.setup} {row.dimension}", row.coefficients[name]


def _agreement_coefficients(measured: Agreement) -> Iterator[tuple[str, str, Coefficient]]:
    yield from _setup_coefficients(measured.by_setup)
    for between in measured.between_setups:
        yield "Pearson's r", f"{between.dimension} {' and '.join(between.setups)}", between.correlation
    for test in measured.medians:
        for pair in test.pairs:
            yield "superiority", f"{test.dimension} by {test.by}", pair.superiority


def _perspective_coefficients(measured: Perspectives) -> Iterator[tuple[str, str, Coefficient]]:
    for part in measured.rounds:
        yield from _setup_coefficients(part.agreement)
        for difference in part.differences:
            setups = " and ".join(difference.setups)
            yield "mean difference score", setups, difference.mean
            for rater, score in difference.raters.items():
                yield f"difference score of {rater}", setups, score


def _coefficient_names(kind: str) -> Sequence[str]:
    """The coefficients that the report has for a kind of rating."""
    return _OF_LABELS if kind == "labels" else NUMERIC
