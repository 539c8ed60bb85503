"""Options of a gold standard, as its metadata records them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

from avcues.pipeline.annotations.gold_standards.warping import ALIGNMENTS, Alignment
from avcues.pipeline.annotations.ratings.exclusions import SHORTEST
from avcues.pipeline.annotations.statistics.consensus import WEIGHTS, Weights
from avcues.pipeline.errors import SettingsError

Method = Literal["ewe", "mean", "median"]
METHODS: tuple[Method, ...] = get_args(Method)
LONGEST_DELAY_S = 60


@dataclass(frozen=True)
class Smoothing:
    """A Savitzky-Golay filter: each value is that of a polynomial fitted to the windows around it.

    Args:
        windows: Length of the filter; odd, at least 3.
        order: Order of the polynomial; less than `windows`.

    Raises:
        SettingsError: `windows` or `order` is out of range.
    """

    windows: int = 5
    order: int = 3

    def __post_init__(self) -> None:
        if self.windows < 3 or self.windows % 2 == 0 or not 0 <= self.order < self.windows:
            raise SettingsError(f"{self}: expected savgol:WINDOWS:ORDER, an odd number and a smaller one")

    def __str__(self) -> str:
        return f"savgol:{self.windows}:{self.order}"

    @classmethod
    def parse(cls, text: str) -> Smoothing:
        """Parses the text of a filter, such as "savgol:5:3".

        Raises:
            SettingsError: The text does not describe a filter.
        """
        kind, _, numbers = text.partition(":")
        try:
            windows, order = (int(number) for number in numbers.split(":"))
        except ValueError:
            kind = ""
        if kind != "savgol":
            raise SettingsError(f'"{text}" is not a filter; expected savgol:WINDOWS:ORDER, such as savgol:5:3')
        return cls(windows, order)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a gold standard is made.

    Args:
        method: "ewe", the evaluator weighted estimator, or the plain "mean" or "median" over raters.
        weights: Weights of the estimator: "others", "all" or "pairwise-ccc"; see `ewe`.
        delay: Seconds by which ratings over time are moved earlier, or "auto": each rater's lag, estimated on training
            videos.
        standardise: Whether all raters are brought to their common mean and spread.
        smooth: Filter applied to each series; None: none.
        align: "dba" or "raaw": raters over time are aligned moment by moment, which makes labels depend on later
            ratings; see `gold_standards.warping`. None: no alignment.
        longest_warp: Most seconds by which alignment may move a rating.
        windows: Number of windows to use from the start of each series; shorter series are left out. None: use all
            windows, and leave out short series by `shortest`.
        whole_clips: Leave out all of a rater's series of a clip if one of them is constant or too short.
        shortest: Series are left out that are shorter than this share of the median length over the series of the same
            video, setup and dimension.
        keep_constant: Keep series that do not vary.
        step: Seconds per window.
        round: Name of the round to use; required if there are several.
        dimensions: Names of the dimensions to combine; None: all that are rated in numbers.
        delay_tables: Names of the feature tables that lags are estimated from with the delay "auto"; None: any.

    Raises:
        SettingsError: A value is unknown or out of range.
    """

    method: Method = "ewe"
    weights: Weights = "others"
    delay: float | Literal["auto"] = 0.0
    standardise: bool = False
    smooth: Smoothing | None = None
    align: Alignment | None = None
    longest_warp: float = 4.0
    windows: int | None = None
    whole_clips: bool = False
    shortest: float = SHORTEST
    keep_constant: bool = False
    step: Fraction = Fraction(1, 2)
    round: str | None = None
    dimensions: tuple[str, ...] | None = None
    delay_tables: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise SettingsError(f'method "{self.method}" is unknown; expected {", ".join(METHODS)}')
        if self.weights not in WEIGHTS:
            raise SettingsError(f'weights "{self.weights}" are unknown; expected {", ".join(WEIGHTS)}')
        if self.delay != "auto" and not 0 <= self.delay <= LONGEST_DELAY_S:
            raise SettingsError(f"the delay is {self.delay} s; expected 0 to {LONGEST_DELAY_S} s, or auto")
        if not 0 <= self.shortest <= 1:
            raise SettingsError(f"`shortest={self.shortest:g}`: expected a share, 0 to 1")
        if self.align is not None and self.align not in ALIGNMENTS:
            raise SettingsError(f'`align="{self.align}"`: expected one of {", ".join(ALIGNMENTS)}')
        if self.longest_warp <= 0:
            raise SettingsError(f"`longest_warp={self.longest_warp:g}`: expected seconds, more than 0")
        if self.windows is not None and self.windows < 2:
            raise SettingsError(f"windows = {self.windows}; expected at least 2")
        if self.step <= 0:
            raise SettingsError(f"the step is {self.step} s; expected more than 0 s")

    @classmethod
    def muvi(cls) -> Recipe:
        """The recipe of the MuVi study's script: weights "all", 118 windows, both dimensions of a clip or neither."""
        return cls(weights="all", windows=118, whole_clips=True)

    @property
    def exclusions(self) -> dict[str, Any]:
        """The fields that decide which series are left out, as arguments of `drop_unusable`."""
        return {
            "windows": self.windows,
            "whole_clips": self.whole_clips,
            "shortest": self.shortest,
            "keep_constant": self.keep_constant,
        }

    def described(self) -> dict[str, Any]:
        """The recipe as JSON values."""
        return {
            "method": self.method,
            "weights": self.weights if self.method == "ewe" else None,
            "delay": self.delay,
            "standardise": self.standardise,
            "smooth": None if self.smooth is None else str(self.smooth),
            **({} if self.align is None else {"align": self.align, "longest_warp": self.longest_warp}),
            "windows": self.windows,
            "whole_clips": self.whole_clips,
            "shortest": self.shortest,
            "keep_constant": self.keep_constant,
            "step": str(self.step),
            "round": self.round,
            "dimensions": None if self.dimensions is None else list(self.dimensions),
            "delay_tables": None if self.delay_tables is None else list(self.delay_tables),
        }

    @classmethod
    def from_described(cls, described: Mapping[str, Any]) -> Recipe:
        """The recipe that a gold standard's metadata describes.

        Raises:
            SettingsError: It has an unknown entry, or one with an impossible value.
        """
        try:
            values = dict(described)
            for name in ("dimensions", "delay_tables"):
                values[name] = None if values.get(name) is None else tuple(values[name])
            values["weights"] = values.get("weights") or "others"
            values["smooth"] = None if values.get("smooth") is None else Smoothing.parse(values["smooth"])
            values["step"] = Fraction(values.get("step", cls.step))
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise SettingsError(f"the recipe of a gold standard cannot be read ({error}); make it again") from error
