"""What `motion` costs beside decoding, on one core.

    python benchmarks/motion.py ../shared/media/real60.mp4

Processor seconds of each stage, without and with `motion`, in turns; the least of three. The shot detector is part of
every run.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from avcues.pipeline.extraction.decode_pass import DecodePass
from avcues.pipeline.extraction.stopwatch import Stopwatch
from avcues.pipeline.media.container import Media
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.timeline import Grid

_REPETITIONS = 3


def seconds(path: Path, features: tuple[str, ...]) -> dict[str, float]:
    """Processor seconds by stage."""
    settings = Settings(features=features)
    extractors = settings.create_extractors()
    stopwatch = Stopwatch(time.thread_time)
    with Media.open(path) as media:
        decoded = DecodePass(media, Grid(settings.step), extractors, extractors, settings.compute, stopwatch)
        decoded.decode(lambda *_: None)
        list(decoded.rows())
        decoded.close()
    return dict(stopwatch.seconds)


def main() -> None:
    path = Path(sys.argv[1])
    runs = [(seconds(path, ("shots",)), seconds(path, ("motion",))) for _ in range(_REPETITIONS)]
    without, with_motion = ({name: min(run[i][name] for run in runs) for name in runs[0][i]} for i in (0, 1))
    decoding = without["decode"]
    total = with_motion.get("scale", 0) + with_motion["motion"]
    print(f"decoding {decoding:.2f} s, shots {without['shots']:.2f} s")
    print(f"motion {with_motion['motion']:.2f} s, scaling for it {with_motion.get('scale', 0):.2f} s")
    print(f"motion / decoding: {total / decoding:.2f}")


if __name__ == "__main__":
    main()
