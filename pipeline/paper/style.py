"""One style for all figures: print sizes, type of 7 to 8 points, colours that colour-blind readers can tell apart.

The colours are those of Okabe and Ito (2008, jfly.uni-koeln.de/color); colour maps are Blues and PuOr. Every
distinction by colour is also made by position, markers or dashes, so that figures can be read in grey.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN_INCHES, PAGE_INCHES = 3.5, 7.2
"""Width of a figure in one column of a journal, and over the whole page."""

DPI = 300
BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK, GREY = (
    *("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000"),
    "#6F6F6F",
)
COLORS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK)
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")

_SETUPS = {
    **dict.fromkeys(("music", "audio"), BLUE),
    **dict.fromkeys(("visual", "video"), VERMILION),
    **dict.fromkeys(("audiovisual", "all"), GREEN),
    "text": PURPLE,
}
# The font that comes with Matplotlib, and fonts for scripts that it lacks, if they are installed.
_FACES = ("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans Arabic", "Noto Sans Devanagari")
_LONGEST_LABEL = 28


def setup_colors(setups: Sequence[str]) -> dict[str, str]:
    """A colour for each setup; setups with well-known names have the same colour in every figure."""
    free = [color for color in COLORS if color not in {_SETUPS[name] for name in setups if name in _SETUPS}]
    others = [name for name in setups if name not in _SETUPS]
    return {name: _SETUPS[name] if name in _SETUPS else free[others.index(name) % len(free)] for name in setups}


def shortened(text: str, longest: int = _LONGEST_LABEL) -> str:
    """The text, cut to `longest` characters with an ellipsis at the end."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


@contextmanager
def in_style() -> Iterator[None]:
    """Applies the style to figures that are made or drawn within the `with` block."""
    from matplotlib import font_manager, rc_context

    installed = set(font_manager.get_font_names())
    with rc_context(
        {
            "font.family": [name for name in _FACES if name in installed],
            "font.size": 8,
            "axes.titlesize": 8,
            "axes.labelsize": 8,
            "xtick.labelsize": 7,
            "ytick.labelsize": 7,
            "legend.fontsize": 7,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": 0.6,
            "xtick.major.width": 0.6,
            "ytick.major.width": 0.6,
            "grid.linewidth": 0.5,
            "grid.color": "#D9D9D9",
            "axes.axisbelow": True,
            "lines.linewidth": 1.2,
            "lines.markersize": 4,
            # Names of videos and labels may contain dollar signs.
            "text.parse_math": False,
            "axes.unicode_minus": True,
            "savefig.dpi": DPI,
            "svg.fonttype": "none",
            "svg.hashsalt": "avcues",
            "pdf.fonttype": 42,
        }
    ):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, sized in inches, whose layout leaves room for labels; it is not registered with pyplot."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")
