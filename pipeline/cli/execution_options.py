"""Values of the options that say who does the work, which several commands have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avcues.pipeline.runtime.inputs import Shard


def parse_workers(workers: str) -> int | None:
    """Number of workers; None for auto.

    Raises:
        SettingsError: It is neither.
    """
    from avcues.pipeline.errors import SettingsError

    if workers == "auto":
        return None
    if not (workers.isascii() and workers.isdigit()):
        raise SettingsError(f"--workers {workers}: expected a number of processes, 0, or auto")
    return int(workers)


def parse_shard(shard: str | None) -> Shard | None:
    """The part that "3/16" names.

    Raises:
        SettingsError: It names none.
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
    """Amounts by name; None if there are none.

    Raises:
        SettingsError: One cannot be understood.
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
