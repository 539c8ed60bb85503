"""Tables of chosen labels, against counts of the choices themselves."""

from __future__ import annotations

from pathlib import Path

import pyarrow.csv as pacsv
import pytest
from studies import tidy

from avcues import annotations
from avcues.pipeline.annotations import Bootstrap, NotShownError, Results, import_tidy, tables
from avcues.pipeline.annotations.label_order import read_label_groups
from avcues.pipeline.errors import InputError

PLAIN = Bootstrap(0)
EXAMPLE = Results(annotations=annotations.example({"a": 60, "b": 60}), bootstrap=PLAIN)
GROUPS = {"sad": ("low", "all moods"), "happy": ("high", "all moods")}


def test_counts_and_shares_are_those_of_the_choices() -> None:
    numbers = tables.labels_by_setup(EXAMPLE, "mood").numbers.to_pandas()
    chosen = EXAMPLE.annotations.ratings.to_pandas().query("dimension == 'mood'")
    for (label, setup), count in chosen.groupby(["label", "setup"], observed=True).size().items():
        row = numbers[(numbers["label"] == label) & (numbers["setup"] == setup)].iloc[0]
        assert row["chosen"] == count
        assert row["share"] == pytest.approx(count / (chosen["setup"] == setup).sum())


def test_groups_of_labels_add_up() -> None:
    grouped = Results(annotations=EXAMPLE.annotations, bootstrap=PLAIN, label_groups=GROUPS)
    by_label = tables.labels_by_setup(grouped, "mood")
    heads = [("all moods", "low", "sad"), ("all moods", "high", "happy"), ("", "", "tense")]
    assert [row[:3] for row in by_label.rows[:3]] == heads
    numbers = tables.label_groups_by_setup(grouped, "mood").numbers.to_pandas().query("setup == 'all setups'")
    chosen = dict(zip(zip(numbers["superfactor"], numbers["category"], strict=True), numbers["chosen"], strict=True))
    assert chosen["all moods", "all"] == chosen["all moods", "low"] + chosen["all moods", "high"] > 0


def test_labels_without_groups_have_no_table_of_groups() -> None:
    with pytest.raises(NotShownError, match="the labels of mood have no groups"):
        tables.label_groups_by_setup(EXAMPLE, "mood")


def test_a_setup_may_be_named_all() -> None:
    """The setup in which everything is shown often is; it is not the sum over setups."""
    frame = tidy(
        rater=["r1", "r1", "r2"], setup=["text", "all", "all"], dimension="mood", value=[None] * 3, label=["bored"] * 3
    )
    table = tables.labels_by_setup(Results(annotations=import_tidy(frame), bootstrap=PLAIN), "mood")
    assert table.header == ("label", "text", "all", "all setups")
    assert table.rows[0] == ("bored", "1 (100.0 %)", "2 (100.0 %)", "3 (100.0 %)")


def test_cells_survive_every_format(tmp_path: Path) -> None:
    """What users wrote ends neither cells nor rows nor commands."""
    frame = tidy(rater=["r1", "r2"], dimension="mood", value=[None] * 2, label=["a|b & c_d", "50 % \\x"])
    table = tables.labels_by_setup(Results(annotations=import_tidy(frame), bootstrap=PLAIN), "mood")
    table.save(tmp_path)
    text = (tmp_path / "labels_by_setup_mood.md").read_text()
    assert "a\\|b & c_d" in text
    latex = (tmp_path / "labels_by_setup_mood.tex").read_text()
    assert r"a\textbar{}b \& c\_d" in latex
    assert r"50 \% \textbackslash{}x" in latex
    labels = pacsv.read_csv(tmp_path / "labels_by_setup_mood.csv")["label"].to_pylist()
    assert set(labels) == {"a|b & c_d", "50 % \\x"}


def test_groups_of_labels_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "groups.csv"
    path.write_text("label,category\nsad,low\nhappy,high\n")
    assert read_label_groups(path) == {"sad": ("low",), "happy": ("high",)}
    path.write_text("label,category\nsad,low\nsad,high\n")
    with pytest.raises(InputError, match="row 2: expected a label that no other row has, not 'sad'"):
        read_label_groups(path)
