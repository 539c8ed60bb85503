"""What the picture stage changes and costs: the same minute in forms that players turn into the same picture.

    python benchmarks/picture.py VIDEO WEIGHTS_DIR [--seconds 60]

For each form: agreement of scenes (same top 1), number of faces, total variation of expressions (0 to 1) and
difference of saturation against the plain video, with `picture="coded"` and as displayed, and processor time beside
that of the plain video.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

import avcues

BEST = ("-c:v", "libx264", "-preset", "veryfast", "-qp", "8")
BT709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
BT2020 = ("-colorspace", "bt2020nc", "-color_primaries", "bt2020")
LINEAR = "zscale=t=linear:npl=203,format=gbrpf32le,"
WIDE = "zscale=p=bt2020:t={}:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"
FIELDS = ("-flags", "+ildct+ilme", "-x264opts", "tff=1")
# name: (filters and options of the form, the same of the plain video that it is compared with)
FORMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "anamorphic PAL 16:9": (("-vf", "scale=720:576,setsar=64/45", *BT709), ("-vf", "scale=1024:576,setsar=1", *BT709)),
    "HDR10": (("-vf", LINEAR + WIDE.format("smpte2084"), *BT2020, "-color_trc", "smpte2084"), BT709),
    "BT.2020 SDR": (
        ("-vf", (LINEAR + WIDE.format("bt709")).replace(":npl=203", ""), *BT2020, "-color_trc", "bt709"),
        BT709,
    ),
    "letterbox 2.39": (("-vf", "crop=1280:536,pad=1280:720:0:92", *BT709), ("-vf", "crop=1280:536", *BT709)),
    "pillarbox 4:3": (("-vf", "crop=960:720,pad=1280:720:160:0", *BT709), ("-vf", "crop=960:720", *BT709)),
    "9:16 in 16:9": (("-vf", "crop=404:720,pad=1280:720:438:0", *BT709), ("-vf", "crop=404:720", *BT709)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("weights_dir", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    print("| source | picture | scenes, same top 1 | faces (plain) | expressions | saturation | seconds (plain) |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for speed in (8, 32):
            _compare(
                f"interlaced pan, {speed} px a field",
                *_pan(options.video, Path(folder), speed, options.seconds),
                options,
            )
        for name, (form, plain) in FORMS.items():
            source = ("-t", str(options.seconds), "-i", str(options.video), "-an")
            clip = _ffmpeg(*source, *BEST, *form, out=Path(folder) / "form.mkv")
            reference = _ffmpeg(*source, *BEST, *plain, out=Path(folder) / "plain.mkv")
            _compare(name, clip, reference, options)


def _pan(video: Path, folder: Path, speed: int, seconds: float) -> tuple[Path, Path]:
    """A window that moves over the picture, as fields of two times and as frames of one."""
    window = f"fps=50,crop=960:720:'abs(mod(n*{speed},640)-320)':0,scale=768:576,setsar=1"
    source = ("-t", str(seconds), "-i", str(video), "-an", *BEST)
    woven = _ffmpeg(*source, *FIELDS, "-vf", f"{window},interlace=scan=tff:lowpass=0", out=folder / "fields.mkv")
    return woven, _ffmpeg(*source, "-vf", f"{window},framestep=2", out=folder / "frames.mkv")


def _compare(name: str, clip: Path, reference: Path, options: argparse.Namespace) -> None:
    plain, plain_s = _tables(reference, options.weights_dir, avcues.Reading())
    readings = {"coded": avcues.Reading(picture="coded"), "display": avcues.Reading()}
    if "box" in name or "9:16" in name:
        readings = {"bars kept": avcues.Reading(), "bars cropped": avcues.Reading(bars="crop")}
    for label, reading in readings.items():
        tables, seconds = _tables(clip, options.weights_dir, replace(reading))
        print(f"| {name} | {label} | {_agreement(tables, plain)} | {seconds:.1f} ({plain_s:.1f}) |", flush=True)


def _agreement(tables: dict[str, pa.Table], plain: dict[str, pa.Table]) -> str:
    rows = min(tables["scenes"].num_rows, plain["scenes"].num_rows)
    tops = [t["scenes"]["top1"].to_pylist()[:rows] for t in (tables, plain)]
    same = np.mean([a == b for a, b in zip(*tops, strict=True)])
    faces = [t["expressions"]["faces"].to_numpy()[:rows].sum() for t in (tables, plain)]
    moods = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    odds = [np.stack([t["expressions"][m].to_numpy()[:rows] for m in moods], axis=1) for t in (tables, plain)]
    variation = np.nanmean(np.abs(odds[0] - odds[1]).sum(axis=1) / 2)
    saturation = [t["color"]["saturation_mean"].to_numpy()[:rows] for t in (tables, plain)]
    shift = saturation[0] - saturation[1]
    return f"{same:.2f} | {faces[0]} ({faces[1]}) | {variation:.2f} | {np.mean(shift):+.3f} ± {np.std(shift):.3f}"


def _tables(path: Path, weights_dir: Path, reading: avcues.Reading) -> tuple[dict[str, pa.Table], float]:
    import time

    before = time.process_time()
    features = ["color", "scenes", "expressions"]
    return dict(
        avcues.extract(path, features=features, weights_dir=weights_dir, reading=reading)
    ), time.process_time() - before


def _ffmpeg(*arguments: str, out: Path) -> Path:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, str(out)], check=True)
    return out


if __name__ == "__main__":
    main()
