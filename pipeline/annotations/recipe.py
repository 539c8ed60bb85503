"""How a gold standard is made: the options, and their description in its metadata."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

from pipeline.annotations.consensus import WEIGHTS, Weights
from pipeline.errors import SettingsError

Method = Literal["ewe", "mean", "median"]
METHODS: tuple[Method, ...] = get_args(Method)
LONGEST_DELAY_S = 60


@dataclass(frozen=True)
class Smoothing:
    """A Savitzky-Golay filter: a polynomial of `order` fitted to `windows` windows around each.

    Args:
        windows: Odd.
        order: Less than `windows`.
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
        """A filter by its name, such as "savgol:5:3".

        Raises:
            SettingsError: It is no such name.
        """
        kind, _, numbers = text.partition(":")
        try:
            windows, order = (int(number) for number in numbers.split(":"))
        except ValueError:
            kind = ""
        if kind != "savgol":
            raise SettingsError(f'"{text}" is no filter; expected savgol:WINDOWS:ORDER, such as savgol:5:3')
        return cls(windows, order)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a gold standard is made.

    Args:
        method: The evaluator weighted estimator, or the plain mean or median over raters.
        weights: Of the estimator: see `consensus.ewe`.
        delay: Seconds by which ratings over time are placed earlier, or "auto": each rater's own, estimated on training
            videos.
        standardise: Whether each rater's ratings are brought to the raters' common mean and spread.
        smooth: A filter over each series; None: none.
        windows: Only so many first windows count, and a series that has fewer is left out; None: all.
        together: A clip that a rater rated constantly, or too shortly, in one dimension is left out in all.
        step: Seconds per window.
        round: Whose ratings are used; needed where there are several rounds.
    """

    method: Method = "ewe"
    weights: Weights = "others"
    delay: float | Literal["auto"] = 0.0
    standardise: bool = False
    smooth: Smoothing | None = None
    windows: int | None = None
    together: bool = False
    step: Fraction = Fraction(1, 2)
    round: str | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise SettingsError(f'method "{self.method}" is unknown; expected {", ".join(METHODS)}')
        if self.weights not in WEIGHTS:
            raise SettingsError(f'weights "{self.weights}" are unknown; expected {", ".join(WEIGHTS)}')
        if self.delay != "auto" and not 0 <= self.delay <= LONGEST_DELAY_S:
            raise SettingsError(f"the delay is {self.delay} s; expected 0 to {LONGEST_DELAY_S} s, or auto")
        if self.windows is not None and self.windows < 2:
            raise SettingsError(f"windows = {self.windows}; expected at least 2")
        if self.step <= 0:
            raise SettingsError(f"the step is {self.step} s; expected more than 0 s")

    @classmethod
    def muvi(cls) -> Recipe:
        """That of the MuVi study's script: weights with the rater's own part, 118 windows, both dimensions or none."""
        return cls(weights="all", windows=118, together=True)

    def described(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "method": self.method,
            "weights": self.weights if self.method == "ewe" else None,
            "delay": self.delay,
            "standardise": self.standardise,
            "smooth": None if self.smooth is None else str(self.smooth),
            "windows": self.windows,
            "together": self.together,
            "step": str(self.step),
            "round": self.round,
        }
