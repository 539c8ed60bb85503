"""Which GPU a worker is given."""

from __future__ import annotations

from contextlib import closing

from avcues.pipeline.runtime.gpus import GpuSlot


def test_a_seat_is_the_lowest_number_that_nobody_has() -> None:
    with closing(GpuSlot(("0", "1"))) as first, closing(GpuSlot(("0", "1"))) as second:
        assert (first.number, second.number) == (0, 1)
        first.close()
        with closing(GpuSlot(("0", "1"))) as joins_later, closing(GpuSlot(("0", "1"))) as last:
            assert (joins_later.number, last.number) == (0, 2)


def test_those_that_share_other_gpus_take_no_seat_away() -> None:
    with closing(GpuSlot(("0", "1"))) as first, closing(GpuSlot(("1", "0"))) as rotated:
        assert (first.number, rotated.number) == (0, 0)
