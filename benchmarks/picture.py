"""What the picture stage changes and costs: the same seconds in forms that players turn into the same picture.

    python benchmarks/picture.py VIDEO WEIGHTS_DIR [--seconds 30]

For each form: agreement of scenes (same top 1; also where the first leads the second by 0.02), number of faces, total
variation of expressions (0 to 1) and difference of saturation against the plain video, with `picture="coded"` and as
displayed, and the processor time of decoding and of the whole extraction as multiples of those of the plain video. The
first row is the plain video coded once more with a fine quantiser: what any encoder changes. Where ffmpeg has
libplacebo, which is the renderer of mpv, HLG is also compared with what that shows. Prints the first table of
benchmarks/results/picture.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from hlg import hlg_of
from oriented import with_matrix

import avcues
from avcues.pipeline.media.container import Media

LOSSLESS = ("-an", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0")
BT709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
BT2020 = ("-colorspace", "bt2020nc", "-color_primaries", "bt2020")
TO_2020 = "zscale=t=linear{npl},format=gbrpf32le,zscale=p=bt2020:t={transfer}:m=bt2020nc:r=tv{npl},format=yuv420p10le"
FIELDS = ("-flags", "+ildct+ilme", "-x264opts", "tff=1")
MPV = (
    "format=yuv420p10le,hwupload,libplacebo=tonemapping=bt.2390:tonemapping_param={knee}:peak_detect=0:colorspace=bt709:"
    "color_primaries=bt709:color_trc=bt709:range=tv:format=yuv444p16le,hwdownload,format=yuv444p16le,format=yuv444p"
)
MOODS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
LEAD = 0.02
ROUNDS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("weights_dir", type=Path)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--only", help="forms whose names begin so")
    options = parser.parse_args()
    columns = ("source", "picture", "scenes", "scenes, lead over .02", "faces (plain)", "expressions", "saturation")
    print(f"| {' | '.join(columns)} | decoding | extraction |")
    print("|---" * (len(columns) + 2) + "|")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options.video, options.weights_dir, options.seconds, Path(folder))
        for name, pair in bench.forms():
            if name.startswith(options.only or ""):
                bench.compare(name, *pair())


@dataclass
class Bench:
    """Makes the clips and compares them."""

    video: Path
    weights_dir: Path
    seconds: float
    folder: Path
    measured: dict[Path, tuple[dict[str, pa.Table], tuple[float, float]]] = field(default_factory=dict)

    def forms(self) -> list:
        """Name of each form, and what makes its clip and the plain clip."""
        shapes = {
            "plain, coded with -qp 8": (("-qp", "8"), ()),
            "anamorphic PAL 16:9": (("-vf", "scale=720:576,setsar=64/45"), ("-vf", "scale=1024:576,setsar=1")),
            "interlaced pan, 8 px a field": (self._pan(8, fields=True), self._pan(8, fields=False)),
            "interlaced pan, 32 px a field": (self._pan(32, fields=True), self._pan(32, fields=False)),
            "letterbox 2.39": (("-vf", "crop=1280:536,pad=1280:720:0:92"), ("-vf", "crop=1280:536")),
            "pillarbox 4:3": (("-vf", "crop=960:720,pad=1280:720:160:0"), ("-vf", "crop=960:720")),
            "9:16 in 16:9": (("-vf", "crop=404:720,pad=1280:720:438:0"), ("-vf", "crop=404:720")),
            "HDR10": (
                ("-vf", TO_2020.format(npl=":npl=203", transfer="smpte2084"), *BT2020, "-color_trc", "smpte2084"),
                (),
            ),
            "BT.2020 SDR": (("-vf", TO_2020.format(npl="", transfer="bt709"), *BT2020, "-color_trc", "bt709"), ()),
        }
        return [
            *((name, partial(self._clips, form, plain)) for name, (form, plain) in shapes.items()),
            ("HLG", self._hlg),
            ("HLG, against mpv's renderer", lambda: self._against_mpv(self._hlg()[0], "1.0")),
            ("HLG, against mpv's renderer with the knee of BT.2390", lambda: self._against_mpv(self._hlg()[0], "0.5")),
            ("rotated by 90 degrees", lambda: self._turned(("-vf", "transpose=clock"), 90, hflip=False)),
            ("mirrored", lambda: self._turned(("-vf", "hflip"), 0, hflip=True)),
        ]

    def compare(self, name: str, clip: Path, plain: Path) -> None:
        """Prints the rows of a form."""
        coded, displayed = avcues.Reading(picture="coded"), avcues.Reading()
        readings = {"coded": coded, "display": displayed}
        if "box" in name or "9:16" in name:
            readings = {"bars kept": displayed, "bars cropped": avcues.Reading(bars="crop")}
        if plain not in self.measured:
            self.measured[plain] = self._tables(plain, displayed)
        reference, plain_seconds = self.measured[plain]
        for label, reading in readings.items():
            tables, seconds = self._tables(clip, reading)
            ratios = [f"{a / b:.2f}" for a, b in zip(seconds, plain_seconds, strict=True)]
            print(f"| {name} | {label} | {agreement(tables, reference)} | {' | '.join(ratios)} |", flush=True)

    def _tables(self, path: Path, reading: avcues.Reading) -> tuple[dict[str, pa.Table], tuple[float, float]]:
        """Tables, and the least processor seconds of decoding alone and of the whole extraction."""
        seconds: list[tuple[float, float]] = []
        for _ in range(ROUNDS):
            start = time.process_time()
            with Media.open(path, reading) as media:
                for _frame in media.decode(video=True, audio=False):
                    pass
            decoded = time.process_time()
            tables = dict(
                avcues.extract(
                    path, features=["color", "scenes", "expressions"], weights_dir=self.weights_dir, reading=reading
                )
            )
            seconds.append((decoded - start, time.process_time() - decoded))
        return tables, (min(s[0] for s in seconds), min(s[1] for s in seconds))

    def _clips(self, form: tuple[str, ...], plain: tuple[str, ...]) -> tuple[Path, Path]:
        return self._clip(*form), self._clip(*plain)

    def _clip(self, *options: str) -> Path:
        colours = () if "-color_trc" in options else BT709
        out = self.folder / f"{abs(hash(options))}.mkv"
        source = ("-t", str(self.seconds), "-i", str(self.video))
        return out if out.exists() else _ffmpeg(*source, *LOSSLESS, *options, *colours, out=out)

    def _pan(self, speed: int, *, fields: bool) -> tuple[str, ...]:
        """A window that moves over the picture, as fields of two times or as frames of one."""
        window = f"fps=50,crop=960:720:'abs(mod(n*{speed},640)-320)':0,scale=768:576,setsar=1"
        if fields:
            return ("-vf", f"{window},interlace=scan=tff:lowpass=0", *FIELDS)
        return ("-vf", f"{window},framestep=2")

    def _hlg(self) -> tuple[Path, Path]:
        out = self.folder / "hlg.mkv"
        return out if out.exists() else hlg_of(self._clip(), out, quantiser=0), self._clip()

    def _turned(self, coded: tuple[str, ...], degrees: int, *, hflip: bool) -> tuple[Path, Path]:
        return with_matrix(self._clip(*coded), self.folder / f"{degrees}.mp4", degrees, hflip=hflip), self._clip()

    def _against_mpv(self, clip: Path, knee: str) -> tuple[Path, Path]:
        """The clip, and what libplacebo makes of it, on the processor."""
        device = ("-init_hw_device", "vulkan=v:0", "-filter_hw_device", "v")
        os.environ.setdefault("VK_ICD_FILENAMES", "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json")
        out = self.folder / f"mpv{knee}.mkv"
        return clip, _ffmpeg(*device, "-i", str(clip), "-vf", MPV.format(knee=knee), *LOSSLESS, *BT709, out=out)


def agreement(tables: Mapping[str, pa.Table], plain: Mapping[str, pa.Table]) -> str:
    """The columns of a row."""
    rows = min(tables["scenes"].num_rows, plain["scenes"].num_rows)
    scenes = [_scenes(t["scenes"])[:rows] for t in (tables, plain)]
    same_top1 = scenes[0].argmax(axis=1) == scenes[1].argmax(axis=1)
    second, first = np.sort(scenes[1], axis=1)[:, -2:].T
    faces = [t["expressions"]["faces"].to_numpy()[:rows].sum() for t in (tables, plain)]
    odds = [np.stack([t["expressions"][m].to_numpy()[:rows] for m in MOODS], axis=1) for t in (tables, plain)]
    variation = np.nanmean(np.abs(odds[0] - odds[1]).sum(axis=1) / 2)
    saturation = [t["color"]["saturation_mean"].to_numpy()[:rows] for t in (tables, plain)]
    shift = saturation[0] - saturation[1]
    return (
        f"{same_top1.mean():.2f} | {same_top1[first - second > LEAD].mean():.2f} | {faces[0]} ({faces[1]}) | "
        f"{variation:.2f} | "
        f"{np.mean(shift):+.3f} ± {np.std(shift):.3f}"
    )


def _scenes(table: pa.Table) -> np.ndarray:
    """(N, 365)."""
    names = [c for c in table.column_names if c not in ("video_id", "window", "start", "end", "top1", "indoor")]
    return np.stack([table[name].to_numpy() for name in names], axis=1)


def _ffmpeg(*arguments: str, out: Path) -> Path:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, str(out)], check=True)
    return out


if __name__ == "__main__":
    main()
