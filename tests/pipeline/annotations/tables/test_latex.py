"""Tables in LaTeX, compiled where pdflatex is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pyarrow as pa
import pytest

from avcues import annotations
from avcues.pipeline.annotations.results import Results
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap
from avcues.pipeline.annotations.tables import all_tables
from avcues.pipeline.paper.latex import escaped
from avcues.pipeline.paper.table import PaperTable

NAMES = (
    "50%_of #1",
    r"a\b & {c}$",
    "x~y^z <b>",
    "müller Łódź – “q”",
    "Ωα² ≥ −0.5",
    "long_name_without_blanks_" * 4,
    "[none]",
    "*other",
    "",
)


def table(rows: int = 2, columns: int = 3) -> PaperTable:
    header = ("name_of_a_rater", "in words", *(f"mean of setup & clip {i}" for i in range(columns)))
    cells = tuple((NAMES[i % len(NAMES)], f"{i}|é", *["−0.123 ± 0.456"] * columns) for i in range(rows))
    return PaperTable(
        name="mean_α_50", caption="50 % of r_1, α ± 1 & <x>", header=header, rows=cells, numbers=pa.table({"n": [1]}),
        texts=2,
    )  # fmt: skip


def test_letters_with_a_meaning_in_latex_are_escaped() -> None:
    assert escaped("50 % & r_1 #2 {x} $3") == r"50 \% \& r\_1 \#2 \{x\} \$3"
    assert (
        escaped("a~b^c\\d <e>") == r"a\textasciitilde{}b\textasciicircum{}c\textbackslash{}d \textless{}e\textgreater{}"
    )
    assert escaped("$α² = −0.5") == r"\$$\alpha ^2$ = $-$0.5"
    assert escaped("Ω Α\nλ") == r"$\Omega$ $\mathrm{A}$ $\lambda$"


def test_every_row_has_a_cell_per_column() -> None:
    lines = table(rows=7).latex().splitlines()
    rows = [line for line in lines if line.endswith(r"\tabularnewline")]
    assert len(rows) == 8
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {4}


def test_long_tables_break_over_pages_and_wide_ones_are_shrunk() -> None:
    assert r"\begin{longtable}" in table(rows=41).latex()
    assert r"\resizebox" in table(rows=40).latex()


def test_letters_that_pdflatex_lacks_are_said() -> None:
    text = PaperTable(name="t", caption="李", header=("a",), rows=(("б",),), numbers=pa.table({"n": [1]})).latex()
    assert "% pdfLaTeX does not print б 李: use XeLaTeX or LuaLaTeX" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_every_table_compiles_and_fits_the_line(tmp_path: Path) -> None:
    study = annotations.example({f"clip_{i}": 30 for i in range(5)})
    shown = [
        one for one in all_tables(Results(annotations=study, bootstrap=Bootstrap(0))) if isinstance(one, PaperTable)
    ]
    assert len(shown) > 25
    log = compiled(
        [*shown, table(rows=len(NAMES)), table(rows=120, columns=1), table(columns=12), table(len(NAMES), 0)], tmp_path
    )
    assert not re.findall(r"^!.*|Overfull \\hbox \(\d{2,}.*", log, re.M)


def compiled(tables: list[PaperTable], folder: Path) -> str:
    """The log of a document with these tables."""
    packages = r"\usepackage[utf8]{inputenc}\usepackage[T1]{fontenc}\usepackage{booktabs,graphicx,longtable}"
    body = "\\clearpage\n".join(one.latex() for one in tables)
    text = f"\\documentclass{{article}}{packages}\\begin{{document}}{body}\\end{{document}}"
    (folder / "tables.tex").write_text(text)
    command = ["pdflatex", "-interaction=nonstopmode", "tables.tex"]
    subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
    return (folder / "tables.log").read_text("latin-1")
