"""Makes a long video by repeating a clip, without decoding it: `python benchmarks/loop.py CLIP OUT MINUTES`."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import av


def loop(clip: Path, out: Path, minutes: float) -> None:
    """Repeats the packets of a clip until the given length is reached."""
    with av.open(str(clip)) as source, av.open(str(out), "w") as target:
        # A little apart, because the first audio packet of a clip starts before its zero.
        length_s = math.ceil(source.duration / av.time_base * 10 + 1) / 10
        streams = {s.index: target.add_stream_from_template(s) for s in (*source.streams.video, *source.streams.audio)}
        for repetition in range(round(minutes * 60 / length_s)):
            source.seek(0)
            for packet in source.demux(*(source.streams[i] for i in streams)):
                if packet.dts is None:
                    continue
                shift = round(repetition * length_s / packet.time_base)
                packet.pts += shift
                packet.dts += shift
                packet.stream = streams[packet.stream_index]
                target.mux(packet)


if __name__ == "__main__":
    loop(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
