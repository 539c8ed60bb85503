"""Tables of chosen labels, against counts of the choices themselves and the study's published totals."""

from __future__ import annotations

import pytest
from studies import muvi_folder, reference

from avcues import annotations
from avcues.pipeline.annotations import Bootstrap, NotShownError, Results, import_muvi, tables

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
    numbers = tables.label_groups_by_setup(grouped, "mood").numbers.to_pandas().query("setup == 'all'")
    chosen = dict(zip(zip(numbers["superfactor"], numbers["category"], strict=True), numbers["chosen"], strict=True))
    assert chosen["all moods", "all"] == chosen["all moods", "low"] + chosen["all moods", "high"] > 0


def test_labels_without_groups_have_no_table_of_groups() -> None:
    with pytest.raises(NotShownError, match="the labels of mood have no groups"):
        tables.label_groups_by_setup(EXAMPLE, "mood")


def test_the_published_totals_of_table_3() -> None:
    """18 rows whose series are not published are missing from the study's table, which dropped them: at most 2 %."""
    published = reference()["muvi_paper"]["table3_totals"]
    as_published = Results(annotations=import_muvi(muvi_folder(), static_rows="as-published"), bootstrap=PLAIN)
    table = tables.labels_by_setup(as_published, "gems")
    by_title = {row[0]: dict(zip(table.header[1:], row[1:], strict=True)) for row in table.rows[27:]}
    for setup in ("music", "visual", "audiovisual", "all"):
        assert 0 <= int(by_title["labels chosen"][setup]) - published[setup] < 0.02 * published[setup]
        unique = float(by_title["distinct labels per stimulus"][setup])
        assert unique == pytest.approx(published["unique_labels"][setup], abs=0.001)
