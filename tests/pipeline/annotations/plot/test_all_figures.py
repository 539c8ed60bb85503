"""Every figure of a made-up study: that it is drawn, readable, and says what it leaves out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib.text import Text
from studies import tidy

from avcues import annotations
from avcues.pipeline.annotations import Bootstrap, Results, import_tidy, plot
from avcues.pipeline.annotations.shown import NotShown
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.paper.figure import PaperFigure
from avcues.pipeline.paper.style import in_style

EXAMPLE = Results(annotations=annotations.example({"a": 40, "b": 40, "c": 40}), bootstrap=Bootstrap(0))
SMALLEST_POINTS, WIDEST_INCHES = 6.5, 7.2


@pytest.fixture(scope="module")
def figures() -> list[PaperFigure]:
    drawn = list(plot.all_figures(EXAMPLE))
    assert all(isinstance(one, PaperFigure) for one in drawn)
    return [one for one in drawn if isinstance(one, PaperFigure)]


def texts(figure: PaperFigure) -> Iterator[tuple[Text, np.ndarray]]:
    """The visible texts of a figure, each with its corners in pixels."""
    with in_style():
        figure.figure.draw_without_rendering()
        for text in figure.figure.findobj(Text):
            if text.get_visible() and text.get_text().strip():
                yield text, text.get_window_extent().get_points()


def test_every_kind_is_drawn(figures: list[PaperFigure]) -> None:
    for kind in plot.FIGURES:
        start = "labels_by_" if kind == "labels_by_group" else kind
        assert any(one.name.startswith(start) for one in figures), kind
    assert len({one.name for one in figures}) == len(figures)


def test_type_is_large_enough_for_print_and_no_text_is_cut(figures: list[PaperFigure]) -> None:
    for figure in figures:
        width, height = figure.figure.get_size_inches()
        assert width <= WIDEST_INCHES
        edge = np.array([width, height]) * figure.figure.dpi
        for text, corners in texts(figure):
            assert text.get_fontsize() >= SMALLEST_POINTS, (figure.name, text.get_text())
            if not text.get_clip_on() and text.get_window_extent().width:
                inside = (corners >= -1).all() and (corners <= edge + 1).all()
                assert inside or _beyond_limits(text), (figure.name, text.get_text(), corners, edge)


def test_texts_do_not_overlap(figures: list[PaperFigure]) -> None:
    for figure in figures:
        boxes = [(text, corners) for text, corners in texts(figure) if not _beyond_limits(text)]
        for i, (one, a) in enumerate(boxes):
            for other, b in boxes[i + 1 :]:
                shared = np.minimum(a[1], b[1]) - np.maximum(a[0], b[0])
                assert (shared < 1).any(), (figure.name, one.get_text(), other.get_text())


def _beyond_limits(text: Text) -> bool:
    """Whether a text is the label of a tick outside of what its axis shows."""
    for axes in text.figure.axes if text.figure else []:
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            for tick in axis.get_major_ticks():
                if text in (tick.label1, tick.label2):
                    return not min(limits) <= tick.get_loc() <= max(limits)
    return False


def test_every_figure_has_numbers_and_a_caption(figures: list[PaperFigure]) -> None:
    for figure in figures:
        assert figure.numbers.num_rows > 0, figure.name
        assert figure.caption.endswith("."), figure.name


def test_what_a_study_lacks_is_left_out_with_the_reason() -> None:
    ratings = tidy(rater=["r1", "r2", "r1", "r2"], video_id=["a", "a", "b", "b"], value=[0.1, 0.3, 0.2, 0.5])
    shown = list(plot.all_figures(Results(annotations=import_tidy(ratings), bootstrap=Bootstrap(0))))
    reasons = {one.name: one.reason for one in shown if isinstance(one, NotShown)}
    assert reasons == {
        "label_correlations": "nothing is rated in labels",
        "labels_by_group": "nothing is rated in labels",
        "difference_matrices": "there is one setup only",
        "inconsistency": "there is one setup only",
        "clip_series": "nothing is rated over time",
        "ratings_by_clip": "there is one setup only",
    }
    assert [one.name for one in shown if isinstance(one, PaperFigure)] == [
        "rating_distribution",
        "clip_ratings_valence_a",
    ]


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(SettingsError, match=r"`only=pie`: expected rating_distribution, label_correlations"):
        list(plot.all_figures(EXAMPLE, only=["pie"]))


def test_names_of_users_are_no_formulas_and_no_paths() -> None:
    """A dollar sign begins no formula, and a name of a video makes no folder."""
    ratings = tidy(rater=["r1", "r2"], video_id="../a$b$", value=[0.1, 0.3], dimension="x/y$_$")
    results = Results(annotations=import_tidy(ratings), bootstrap=Bootstrap(0))
    figure = plot.clip_ratings(results, "x/y$_$")
    assert "/" not in figure.name
    assert any("$_$" in text.get_text() for text, _ in texts(figure))
