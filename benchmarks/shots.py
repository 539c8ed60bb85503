"""How many transitions each shot detector finds, and how long it takes.

    python benchmarks/shots.py ../shared/media/real60.mp4

Sixty transitions of each kind join pieces of the test minute on which no threshold was chosen; tests/support/joins.py
has the truth. A hit is a shot that begins within two frames of the transition. Results: benchmarks/results/shots.md.
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from joins import KINDS, UNSEEN, join, match, minute

from avcues.extractors.compute import Compute
from avcues.extractors.shots import Shots, ShotsSettings

RESULTS = Path(__file__).parent / "results" / "shots.md"
DETECTORS = ("adaptive", "combined", "transnetv2")
SEEDS = (7, 8, 9)


def measure(frames: Any, detector: Any) -> dict[str, Any]:
    """Hits and false shots by kind, and processor milliseconds a frame."""
    shots = Shots(ShotsSettings(detector=detector))
    compute = Compute(device="cpu")
    shots.setup(compute)
    compute.configure_libraries()
    by_kind, hits, joins_in_all, false_in_all, right_kind, seconds, frames_seen = {}, 0, 0, 0, 0, 0.0, 0
    for kind in KINDS:
        correct, false = 0, 0
        for seed in SEEDS:
            images, joins = join(frames, UNSEEN, kind, 20, seed)
            start = time.process_time()
            stream = shots.start_shots(Fraction(1, 25), Fraction(25))
            cuts = [cut for pts, image in enumerate(images) for cut in stream.write(image, pts)]
            cuts += stream.finish()
            seconds += time.process_time() - start
            frames_seen += len(images)
            pairs, wrong = match(joins, cuts)
            correct, false = correct + len(pairs), false + wrong
            right_kind += sum(expected.kind == cut.kind for expected, cut in pairs)
            joins_in_all += len(joins)
        by_kind[kind] = f"{correct}/{false}"
        hits, false_in_all = hits + correct, false_in_all + false
    return by_kind | {
        "precision": f"{hits / (hits + false_in_all):.2f}",
        "recall": f"{hits / joins_in_all:.2f}",
        "kind right": f"{right_kind / hits:.2f}",
        "ms a frame": f"{1000 * seconds / frames_seen:.2f}",
    }


def main() -> None:
    frames = minute(Path(sys.argv[1]))
    results = {detector: measure(frames, detector) for detector in DETECTORS}
    lines = [
        f"Hits/false, {20 * len(SEEDS)} transitions of each kind, on pieces that were not tuned on.",
        "",
        f"| | {' | '.join(f'`{detector}`' for detector in DETECTORS)} |",
        f"|---|{'---|' * len(DETECTORS)}",
        *(f"| {row} | {' | '.join(results[d][row] for d in DETECTORS)} |" for row in results["adaptive"]),
    ]
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
