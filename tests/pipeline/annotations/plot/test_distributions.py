"""The distribution of ratings by setup, against counts of the ratings themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.csv as pacsv

from avcues import annotations
from avcues.pipeline.annotations import Results, plot

EXAMPLE = Results(annotations=annotations.example({"a": 60, "b": 60}))


def test_shares_and_means_are_those_of_the_ratings() -> None:
    numbers = plot.rating_distribution(EXAMPLE, ["arousal"]).numbers.to_pandas()
    ratings = EXAMPLE.annotations.ratings.to_pandas().query("dimension == 'arousal' and setup == 'music'")
    music = numbers[numbers["setup"] == "music"]
    assert music["ratings"].sum() == len(ratings)
    edges = np.append(music["low"], music["high"].iloc[-1])
    assert music["ratings"].tolist() == np.histogram(ratings["value"], edges)[0].tolist()
    assert np.allclose(music["mean_of_setup"], ratings["value"].mean())


def test_a_scale_of_few_values_has_a_bar_for_each() -> None:
    numbers = plot.rating_distribution(EXAMPLE, ["liking"]).numbers.to_pandas()
    assert sorted({(row.low + row.high) / 2 for row in numbers.itertuples()}) == [1, 2, 3, 4, 5]


def test_a_figure_is_saved_in_every_format_with_its_numbers(tmp_path: Path) -> None:
    figure = plot.rating_distribution(EXAMPLE)
    paths = figure.save(tmp_path / "new")
    assert [path.name for path in paths] == [f"rating_distribution.{suffix}" for suffix in ("svg", "pdf", "png", "csv")]
    assert [path.read_bytes()[:4] for path in paths[1:3]] == [b"%PDF", b"\x89PNG"]
    assert "<svg" in paths[0].read_text()
    assert pacsv.read_csv(paths[3]).num_rows == figure.numbers.num_rows
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in plot.rating_distribution(EXAMPLE).save(tmp_path / "new")] == before
