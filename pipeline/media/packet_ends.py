"""Records how far a file was read, to find the file or stream that follows."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

# A time stamp that jumps back by more than this begins a new file.
_FALLS_BACK_S = Fraction(1, 2)


class PacketEnds:
    """How far a file was read, in bytes from the beginning of its part.

    Attributes:
        last_byte_of: End of the last packet, by stream index.
        next_file: First byte of the next file, if files were joined and the container's reader read on into the next
            one; else None.
    """

    def __init__(self) -> None:
        self.next_file: int | None = None
        self.last_byte_of: dict[int, int] = {}
        self._last_dts: dict[int, int] = {}

    @property
    def last_byte(self) -> int:
        """End of the last packet."""
        return max(self.last_byte_of.values(), default=0)

    def falls_back(self, packet: Any) -> bool:
        """Whether the packet's time lies long before that of its stream's last one."""
        last = self._last_dts.get(packet.stream.index)
        if packet.dts is None or last is None or packet.pos is None:
            return False
        return bool((last - packet.dts) * packet.time_base > _FALLS_BACK_S)

    def add(self, packet: Any) -> None:
        """Takes a packet that was read."""
        if packet.dts is not None:
            self._last_dts[packet.stream.index] = packet.dts
        if packet.pos is not None and packet.size:
            end = packet.pos + packet.size
            self.last_byte_of[packet.stream.index] = max(end, self.last_byte_of.get(packet.stream.index, 0))
