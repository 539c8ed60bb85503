"""How many copies under another name the guard finds, and how many unlike pairs it takes for copies.

    python benchmarks/copies.py ../shared/media FOLDER

Two sets of clips are made from different footage: thresholds are chosen on the first and judged on the second. Every
set has montages of real footage in various crops and speeds, clips of one studio (the same background, different
speakers), clips that share black and silent stretches or a title, and moving patterns. Each clip has five copies: a
remux, two encodings at lower rates and sizes, and two trimmed versions. Results: benchmarks/results/copies.md.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from clips import extract, start_dataset

from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.training.copies import MAX_DISTANCE, Traces, find_copies, probes_of, read_traces

RESULTS = Path(__file__).parent / "results" / "copies.md"
FEATURES = ("emobase", "color")
LENGTH_S = 16
THRESHOLDS = tuple(i / 100 for i in range(20, 96, 5))
# Seconds of the test minute, by set: no shot is in both.
FOOTAGE = {
    "chosen on": ((6.2, 15.8), (16.2, 25.8), (43.2, 48.8)),
    "judged on": ((28.5, 33.4), (33.8, 39.8), (49.2, 52.6), (56.2, 59.8)),
}
PATTERNS = {
    "chosen on": (
        "mandelbrot=s=640x360:r=25",
        "life=s=160x90:r=25:mold=10:life_color=green,scale=640:360",
        "testsrc2=s=640x360:r=25",
    ),
    "judged on": (
        "cellauto=s=160x90:r=25:rule=110,scale=640:360",
        "gradients=s=640x360:r=25:speed=0.05",
        "sierpinski=s=640x360:r=25",
    ),
}
VARIANTS = {
    "remuxed": ("-c", "copy"),
    "half the size": ("-vf", "scale=320:-2", "-crf", "32", "-c:a", "aac", "-b:a", "64k"),
    "half the frames": (
        "-vf",
        "fps=12.5,scale=480:-2",
        "-crf",
        "30",
        "-c:a",
        "libmp3lame",
        "-b:a",
        "96k",
        "-ar",
        "44100",
    ),
    "without 3.3 s at the start": ("-ss", "3.3", "-vf", "scale=426:-2", "-crf", "28", "-c:a", "aac", "-b:a", "96k"),
    "without 2.1 s at both ends": (
        "-ss",
        "2.1",
        "-t",
        str(LENGTH_S - 4.2),
        "-crf",
        "28",
        "-af",
        "volume=0.7",
        "-c:a",
        "aac",
    ),
}


RAW = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-c:a", "pcm_s16le", "-ac", "1", "-ar", "48000")
PUBLISHED = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-c:a", "aac", "-b:a", "160k")


def ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-nostdin", "-threads", "1", *map(str, arguments)], check=True)


def footage(media: Path, name: str, out: Path, length: float, rng: random.Random) -> Path:
    """A few seconds of the set's footage, with random crop, speed and pitch."""
    spans = FOOTAGE[name]
    begin, end = rng.choice(spans)
    speed = rng.uniform(0.7, 1.4)
    duration = min(length * speed, end - begin)
    start = rng.uniform(begin, end - duration)
    zoom, across, down = rng.uniform(1.3, 2.2), rng.random(), rng.random()
    picture = (
        f"crop=iw/{zoom:.2f}:ih/{zoom:.2f}:(iw-ow)*{across:.2f}:(ih-oh)*{down:.2f},scale=640:360,setpts=PTS/{speed:.2f}"
        f"{',hflip' if rng.random() < 0.5 else ''},hue=h={rng.uniform(-40, 40):.0f},fps=25,setsar=1,"
        f"tpad=stop_mode=clone:stop_duration={length}"
    )
    sound = f"asetrate=48000*{speed:.2f},aresample=48000,apad"
    source = media / "real60.mp4"
    cut = ("-ss", f"{start:.2f}", "-t", f"{duration:.2f}", "-i", source)
    ffmpeg(*cut, "-vf", picture, "-af", sound, "-t", length, *RAW, out)
    return out


def joined(parts: list[Path], out: Path) -> Path:
    playlist = out.with_suffix(".txt")
    playlist.write_text("".join(f"file '{part}'\n" for part in parts))
    source = ("-f", "concat", "-safe", "0", "-i", playlist, "-t", LENGTH_S)
    ffmpeg(*source, "-vf", "scale=640:360,setsar=1", *PUBLISHED, out)
    return out


def black(out: Path, length: float) -> Path:
    picture, sound = f"color=black:s=640x360:r=25:d={length}", "anullsrc=r=48000:cl=mono"
    ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-t", length, *RAW, out)
    return out


def pattern(source: str, out: Path, length: float, rng: random.Random) -> Path:
    """A moving pattern with random tones and noise."""
    base, depth, rate, beat = rng.uniform(150, 500), rng.uniform(20, 120), rng.uniform(0.1, 0.6), rng.uniform(0.2, 1.1)
    tone = f"0.4*sin(2*PI*t*({base:.0f}+{depth:.0f}*sin(2*PI*t*{rate:.2f})))"
    sound = f"aevalsrc='{tone}*(0.6+0.4*sin(2*PI*t*{beat:.2f}))+0.05*random(0)':s=48000"
    hue = f"hue=h={rng.uniform(-180, 180):.0f}"
    ffmpeg("-f", "lavfi", "-i", source, "-f", "lavfi", "-i", sound, "-t", length, "-vf", hue, *RAW, out)
    return out


def studio(media: Path, name: str, out: Path, rng: random.Random) -> Path:
    """The background of all studio clips, with a small moving picture of a speaker and the speaker's voice."""
    still = FOOTAGE[name][-1][0] + 0.5
    speaker = footage(media, name, out.with_suffix(".speaker.mkv"), LENGTH_S, rng)
    place = f"{rng.uniform(0, 400):.0f}:{rng.uniform(0, 200):.0f}"
    background = "[0:v]scale=640:360,trim=end_frame=1,loop=-1:1,fps=25,setpts=N/25/TB[b]"
    filters = f"{background};[1:v]scale=200:-2[s];[b][s]overlay={place}:shortest=1"
    inputs = ("-ss", still, "-i", media / "real60.mp4", "-i", speaker)
    ffmpeg(*inputs, "-filter_complex", filters, "-map", "1:a", "-t", LENGTH_S, *PUBLISHED, out)
    return out


def originals(media: Path, name: str, place: Path) -> Iterator[Path]:
    """22 clips, which share at most a title or a black stretch."""
    rng = random.Random(name)
    parts = place / "parts"
    parts.mkdir(parents=True, exist_ok=True)

    def shots(i: str, lengths: tuple[float, ...]) -> list[Path]:
        return [footage(media, name, parts / f"{i}_{j}.mkv", length, rng) for j, length in enumerate(lengths)]

    for i in range(8):
        yield joined(shots(f"montage{i}", (4, 3, 5, 4)), place / f"montage{i}.mp4")
    for i in range(4):
        yield studio(media, name, place / f"studio{i}.mp4", rng)
    for i, source in enumerate(PATTERNS[name]):
        yield joined([pattern(source, parts / f"pattern{i}.mkv", LENGTH_S, rng)], place / f"pattern{i}.mp4")
    dark = black(parts / "black.mkv", 7)
    for i in range(3):
        yield joined([dark, *shots(f"dark{i}", (5, 4))], place / f"dark{i}.mp4")
    title = footage(media, name, parts / "title.mkv", 3, rng)
    for i in range(3):
        yield joined([title, *shots(f"titled{i}", (5, 4, 4))], place / f"titled{i}.mp4")
    yield joined([black(parts / "night.mkv", LENGTH_S)], place / "night.mp4")


def traces_of(media: Path, name: str, place: Path) -> Traces:
    """The traces of a set's clips and of their copies, which are named ORIGINAL+VARIANT."""
    features = place / "features"
    if not features.is_dir():
        clips = list(originals(media, name, place))
        files = list(clips)
        copies = place / "copies"
        copies.mkdir(exist_ok=True)
        for clip in clips:
            if clip.stem == "night":
                continue
            for number, (variant, options) in enumerate(VARIANTS.items()):
                out = copies / f"{clip.stem}+{number}.{'mkv' if variant == 'remuxed' else 'mp4'}"
                ffmpeg("-i", clip, *options, out)
                files.append(out)
        start_dataset(features, Settings(features=FEATURES))
        for clip in files:
            extract(clip, features, features=FEATURES)
    return read_traces(open_dataset(str(features)))


def judge(traces: Traces, near: Mapping[str, float]) -> dict[str, str]:
    """Detected copies by variant, and false alarms: unlike pairs taken for copies."""
    ids = sorted(set().union(*traces.values()))
    originals_ = [name for name in ids if "+" not in name]
    copies = find_copies(probes_of(traces), traces, near)
    flagged = {frozenset(pair[:2]) for pair in (*copies.exact, *copies.similar)}
    equal = {frozenset(pair[:2]) for pair in copies.exact}
    row: dict[str, str] = {}
    total = detected = 0
    for number, variant in enumerate(VARIANTS):
        pairs = [frozenset((name, f"{name}+{number}")) for name in originals_ if f"{name}+{number}" in ids]
        hits = len(flagged.intersection(pairs))
        row[variant] = f"{hits} of {len(pairs)}"
        total, detected = total + len(pairs), detected + hits
    unlike = {frozenset(pair) for pair in combinations(ids, 2) if pair[0].split("+")[0] != pair[1].split("+")[0]}
    pairs_of_originals = {frozenset(pair) for pair in combinations(originals_, 2)}
    remuxes = [frozenset((name, f"{name}+0")) for name in originals_ if f"{name}+0" in ids]
    return row | {
        "copies found": f"{detected} of {total}",
        "remuxes that are an error": f"{len(equal.intersection(remuxes))} of {len(remuxes)}",
        "false alarms among originals": f"{len(pairs_of_originals & flagged)} of {len(pairs_of_originals)}",
        "false alarms, with all copies": f"{len(unlike & flagged)} of {len(unlike)}",
        "taken for copies": ", ".join(sorted(" and ".join(sorted(pair)) for pair in unlike & flagged)[:6]),
    }


def table(rows: Mapping[str, Mapping[str, str]]) -> list[str]:
    names = list(next(iter(rows.values())))
    return [
        f"| | {' | '.join(rows)} |",
        f"|---|{'---|' * len(rows)}",
        *(f"| {name} | {' | '.join(row[name] for row in rows.values())} |" for name in names),
    ]


def main() -> None:
    media, place = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    sets = {name: traces_of(media, name, place / name.replace(" ", "_")) for name in FOOTAGE}
    if "--choose" in sys.argv:
        for modality in ("picture", "sound"):
            for near in THRESHOLDS:
                row = judge({modality: sets["chosen on"][modality]}, {modality: near})
                print(
                    modality, near, row["copies found"], row["false alarms, with all copies"], row["taken for copies"]
                )
        return
    parts: list[str] = []
    for title, modalities in (
        ("Picture and sound", ("picture", "sound")),
        ("Picture alone", ("picture",)),
        ("Sound alone", ("sound",)),
    ):
        rows = {name: judge({m: traces[m] for m in modalities}, MAX_DISTANCE) for name, traces in sets.items()}
        for row in rows.values():
            del row["taken for copies"]
        parts += ["", f"## {title}", "", *table(rows)]
    thresholds = ", ".join(f"{name} {near:g}" for name, near in MAX_DISTANCE.items())
    head = [
        f"Thresholds, chosen on the clips of the first column: {thresholds}.",
        "Those of the second have footage of their own.",
        "",
        "Unlike pairs have different originals: other cuts, crops and speeds of the same footage, one studio, black",
        "and silent stretches, a title in common.",
    ]
    RESULTS.write_text("\n".join([*head, *parts]) + "\n")


if __name__ == "__main__":
    main()
