"""Processor time of words, next to decoding and two other features, measured in turn in one process.

    python benchmarks/words.py VIDEO

A copy of the video gets a subtitle file with a sentence every three seconds. Figures are processor seconds, user and
system, of all threads, per minute of video, in one thread: medians over the repeats, after a first round that is not
counted. Writes words.md into --out.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from decoding import decode
from run import machine

HERE = Path(__file__).parent
SENTENCES = ("I am very happy about that!", "The weather was terrible today.", "Please open the window before you go.")
RUNS = {
    "shots and timeline, which every run makes": ((), {}),
    "color, beside these": (("color",), {}),
    "emobase, beside these": (("emobase",), {}),
    "text from a subtitle file, beside these": (("text",), {}),
    "text and text_embedding from a subtitle file": (("text", "text_embedding"), {}),
    "text by speech recognition (Whisper tiny)": (("text",), {"words": {"sources": "speech"}}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        video = Path(shutil.copy(arguments.video, folder))
        minutes = measure(video, RUNS["shots and timeline, which every run makes"])() / 60
        video.with_suffix(".en.srt").write_text(subtitles(round(minutes * 20)))
        programs: dict[str, Callable[[], object]] = {"decoding alone": lambda: decode(video)}
        programs |= {name: measure(video, run_) for name, run_ in RUNS.items()}
        seconds: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(arguments.repeat + 1):
            for name, program in programs.items():
                began = time.process_time()
                program()
                seconds[name].append((time.process_time() - began) / minutes)
    figures = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    floor, usual = (figures[name] for name in ("decoding alone", "shots and timeline, which every run makes"))
    lines = [f"Processor seconds per minute of video, {machine()['processor']}, one thread.", ""]
    lines += ["| what | seconds | times decoding | beside the shots, times decoding |", "|---|---|---|---|"]
    for name, value in figures.items():
        beside = f"{(value - usual) / floor:.2f}" if value > usual else ""
        lines.append(f"| {name} | {value:.2f} | {value / floor:.2f} | {beside} |")
    (arguments.out / "words.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def subtitles(count: int) -> str:
    """A sentence every three seconds, two seconds long."""

    def clock(second: int) -> str:
        return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02},000"

    return "\n".join(
        f"{i + 1}\n{clock(3 * i)} --> {clock(3 * i + 2)}\n{SENTENCES[i % len(SENTENCES)]}\n" for i in range(count)
    )


def measure(video: Path, selection: tuple[tuple[str, ...], dict[str, dict[str, str]]]) -> Callable[[], float]:
    """A program that measures the video and returns its length in seconds; networks stay loaded from call to call."""
    from avcues.extractors.compute import Compute
    from avcues.pipeline.extraction.measurements import Measurements
    from avcues.pipeline.extraction.video import measure_video
    from avcues.pipeline.runtime.settings import Settings
    from avcues.pipeline.runtime.weights import resolve_weights
    from avcues.pipeline.store.video_input import VideoInput

    features, options = selection
    settings, _ = resolve_weights(
        Settings(features=features or ("shots",), options=options, compute=Compute(device="cpu")), None, lambda *_: None
    )
    measured = Measurements(extractors=settings.create_extractors(), step=settings.step, compute=settings.compute)

    def run() -> float:
        tables = measure_video(VideoInput("video", str(video)), measured)
        return tables["timeline"].num_rows * float(settings.step)

    return run


if __name__ == "__main__":
    main()
