"""Parses the values of options that several commands have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avcues.pipeline.runtime.inputs import Shard


def parse_list(names: str | None) -> list[str] | None:
    """The parts of a comma-separated list; None stays None."""
    return None if names is None else [name.strip() for name in names.split(",") if name.strip()]


def parse_range(text: str, option: str = "--range") -> tuple[float, float]:
    """Two numbers from LOW,HIGH.

    Args:
        option: Name of the option, for messages.

    Raises:
        SettingsError: The text is not two numbers.
    """
    from avcues.pipeline.errors import SettingsError

    try:
        low, high = map(float, text.split(","))
    except ValueError as error:
        raise SettingsError(f"{option} {text}: expected LOW,HIGH, such as -1,1") from error
    return low, high


def parse_workers(workers: str) -> int | None:
    """The number of workers; None for "auto".

    Raises:
        SettingsError: The text is neither a number nor "auto".
    """
    from avcues.pipeline.errors import SettingsError

    if workers == "auto":
        return None
    if not (workers.isascii() and workers.isdigit()):
        raise SettingsError(f"--workers {workers}: expected a number of processes, 0, or auto")
    return int(workers)


def parse_shard(shard: str | None) -> Shard | None:
    """The part of the videos that a text such as "3/16" names.

    Raises:
        SettingsError: The text does not have this form.
    """
    from avcues.pipeline.errors import SettingsError
    from avcues.pipeline.runtime.inputs import Shard

    if shard is None:
        return None
    number, _, count = shard.partition("/")
    if not (number.isdecimal() and count.isdecimal()):
        raise SettingsError(f"`shard={shard}`: expected I/N with I from 1 to N, such as 3/16")
    return Shard(int(number), int(count))


def parse_resources(assignments: list[str]) -> dict[str, float] | None:
    """Amounts of Dask resources by name, from NAME=AMOUNT; None if there are none.

    Raises:
        SettingsError: An assignment does not have this form.
    """
    from avcues.pipeline.errors import SettingsError

    amounts = {}
    for assignment in assignments:
        name, _, amount = assignment.partition("=")
        try:
            amounts[name] = float(amount)
        except ValueError as error:
            raise SettingsError(f"--resources {assignment}: expected NAME=AMOUNT, such as GPU=1") from error
    return amounts or None
