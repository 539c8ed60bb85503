"""The script that people usually write: one pass over the video per tool, each tool called as its README shows.

    python benchmarks/naive.py VIDEO --out DIR --yolo yolo11n.pt
    python benchmarks/naive.py VIDEO --out DIR --tables emobase,rhythm,color,shots

The networks and weights are those that avcues uses, run by torch in fp32 with its default threads. Writes one CSV per
tool and prints one JSON object: the seconds of each stage, imports and loading of weights included.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

STEP_S = 0.5
RATE_HZ = 48000
CLIP_FRAMES, CLIP_RATE_HZ, SHORT_SIDE_PX, CROP_PX = 64, 25, 256, 224
EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@dataclass
class Job:
    """The input of the tools.

    Args:
        yolo: Checkpoint of Ultralytics YOLO.
        seek: Seek every sampled frame instead of reading the video through.
    """

    video: Path
    yolo: Path | None
    seek: bool
    samples: np.ndarray | None = None
    shots: list[tuple[int, int]] | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tables", default=",".join(STAGES), help="Comma-separated: %(default)s")
    parser.add_argument("--yolo", type=Path, help="Checkpoint of Ultralytics YOLO, for objects")
    parser.add_argument("--seek", action="store_true", help="Seek every sampled frame instead of reading through")
    arguments = parser.parse_args()
    tables = arguments.tables.split(",")
    if unknown := set(tables) - set(STAGES):
        parser.error(f"--tables: {', '.join(sorted(unknown))}: expected some of {', '.join(STAGES)}")
    if "objects" in tables and arguments.yolo is None:
        parser.error("--yolo is needed for objects")
    arguments.out.mkdir(parents=True, exist_ok=True)
    job = Job(arguments.video, arguments.yolo, arguments.seek)
    seconds = {}
    if {"emobase", "rhythm"} & set(tables):
        started = time.perf_counter()
        job.samples = decode_sound(job.video)
        seconds["sound"] = round(time.perf_counter() - started, 3)
    if "actions" in tables and "shots" not in tables:
        tables.append("shots")
    for name, stage in STAGES.items():
        if name in tables:
            started = time.perf_counter()
            stage(job).to_csv(arguments.out / f"{name}.csv", index=False)
            seconds[name] = round(time.perf_counter() - started, 3)
    print(json.dumps({"seconds": seconds, "total": round(sum(seconds.values()), 3)}))


def decode_sound(video: Path) -> np.ndarray:
    """The whole sound track at 48 kHz as mono float32."""
    import av

    with av.open(str(video)) as container:
        resampler = av.AudioResampler(format="fltp", rate=RATE_HZ)
        frames = (block for frame in container.decode(audio=0) for block in resampler.resample(frame))
        blocks = [frame.to_ndarray().mean(axis=0) for frame in frames]
    return np.concatenate(blocks)


def emobase(job: Job) -> pd.DataFrame:
    """openSMILE once per half second, as if every window were a file."""
    import opensmile

    smile = opensmile.Smile(opensmile.FeatureSet.emobase, opensmile.FeatureLevel.Functionals)
    window = round(STEP_S * RATE_HZ)
    return pd.concat(
        [smile.process_signal(job.samples[i : i + window], RATE_HZ) for i in range(0, len(job.samples), window)],
        ignore_index=True,
    )


def rhythm(job: Job) -> pd.DataFrame:
    """librosa's descriptors of the whole track, averaged by half second."""
    import librosa

    rate, hop = 22050, 441
    frames = round(STEP_S * rate / hop)
    y = librosa.resample(job.samples, orig_sr=RATE_HZ, target_sr=rate)
    timing = {"sr": rate, "hop_length": hop}
    envelope = librosa.onset.onset_strength(y=y, **timing)
    tempogram = librosa.feature.tempogram(onset_envelope=envelope, **timing)
    chroma = librosa.feature.chroma_stft(y=y, tuning=0.0, **timing)
    _, beats = librosa.beat.beat_track(onset_envelope=envelope, **timing)
    onsets = librosa.onset.onset_detect(onset_envelope=envelope, **timing)
    by_frame = {
        "rms": librosa.feature.rms(y=y, hop_length=hop),
        "onset_strength": envelope[None],
        "tempo": librosa.feature.tempo(onset_envelope=envelope, aggregate=None, **timing)[None],
        "pulse_clarity": tempogram[8:100].max(axis=0, keepdims=True),
        "chroma": chroma,
        "tonnetz": librosa.feature.tonnetz(chroma=chroma, sr=rate),
        "centroid": librosa.feature.spectral_centroid(y=y, **timing),
        "rolloff": librosa.feature.spectral_rolloff(y=y, **timing),
        "flatness": librosa.feature.spectral_flatness(y=y, hop_length=hop),
        "contrast": librosa.feature.spectral_contrast(y=y, **timing),
    }
    table = pd.DataFrame({f"{k}_{i}": row for k, rows in by_frame.items() for i, row in enumerate(rows)})
    table["onsets"] = np.isin(table.index, onsets)
    table["beats"] = np.isin(table.index, beats)
    windows = table.groupby(table.index // frames).agg(["mean", "std", "max", "sum"])
    return windows.set_axis(["_".join(pair) for pair in windows.columns], axis=1)


def sampled_frames(job: Job) -> Iterator[np.ndarray]:
    """A pass of OpenCV over the video: the BGR frame at every half second."""
    import cv2

    capture = cv2.VideoCapture(str(job.video))
    if job.seek:
        for k in range(round(capture.get(cv2.CAP_PROP_FRAME_COUNT) / capture.get(cv2.CAP_PROP_FPS) / STEP_S)):
            capture.set(cv2.CAP_PROP_POS_MSEC, 1000 * k * STEP_S)
            is_read, frame = capture.read()
            if is_read:
                yield frame
        return
    frames_per_step = capture.get(cv2.CAP_PROP_FPS) * STEP_S
    frame_number, k = 0, 0
    while capture.grab():
        if frame_number == int(k * frames_per_step):
            yield capture.retrieve()[1]
            k += 1
        frame_number += 1


def color(job: Job) -> pd.DataFrame:
    """Hue and saturation histograms, colourfulness and the lighting key."""
    import cv2

    rows = []
    for frame in sampled_frames(job):
        hsv = cv2.cvtColor(frame, cv2.COLOR_BGR2HSV)
        hue = cv2.calcHist([hsv], [0], None, [36], [0, 180])[:, 0] / hsv[..., 0].size
        saturation = cv2.calcHist([hsv], [1], None, [32], [0, 256])[:, 0] / hsv[..., 0].size
        value = hsv[..., 2] / 255
        mean_hue = np.average(np.exp(2j * np.deg2rad(hsv[..., 0])), weights=hsv[..., 1] + 1e-9)
        blue, green, red = cv2.split(frame.astype(np.float32))
        red_green, yellow_blue = red - green, (red + green) / 2 - blue
        rows.append(
            {
                **{f"hue_{i}": x for i, x in enumerate(hue)},
                **{f"saturation_{i}": x for i, x in enumerate(saturation)},
                "hue_mean": np.rad2deg(np.angle(mean_hue)) % 360,
                "hue_concentration": abs(mean_hue),
                "saturation_mean": hsv[..., 1].mean() / 255,
                "saturation_std": hsv[..., 1].std() / 255,
                "value_mean": value.mean(),
                "value_std": value.std(),
                "colourfulness": np.hypot(red_green.std(), yellow_blue.std())
                + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()),
                "lighting_key": value.mean() * value.std(),
                "median_brightness": np.median(value),
                "shadow_proportion": (cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) / 255 < 0.18).mean(),
            }
        )
    return pd.DataFrame(rows)


def shots(job: Job) -> pd.DataFrame:
    """PySceneDetect in a pass of its own, with its default downscaling and avcues' minimum length of shots."""
    from scenedetect import AdaptiveDetector, detect

    scenes = detect(str(job.video), AdaptiveDetector(min_scene_len=0.25), start_in_scene=True)
    job.shots = [(start.frame_num, end.frame_num) for start, end in scenes]
    return pd.DataFrame([(start.seconds, end.seconds) for start, end in scenes], columns=["start", "end"])


def scenes(job: Job) -> pd.DataFrame:
    """A Places365 network, one frame at a time through PIL and torchvision, as in the published demo."""
    import cv2
    import torch
    from PIL import Image

    from avcues.extractors.networks import places
    from avcues.extractors.scenes import NAMES
    from avcues.extractors.torchvision_import import torchvision

    variant, path = weights("scenes/resnet50", "scenes/squeezenet11")
    network = {"resnet50": places.load_resnet50, "squeezenet11": places.load_squeezenet}[variant](path)
    transforms = torchvision().transforms
    # The networks include the normalisation.
    prepare = transforms.Compose([transforms.Resize((256, 256)), transforms.CenterCrop(224), transforms.PILToTensor()])
    rows = []
    for frame in sampled_frames(job):
        image = Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        with torch.no_grad():
            rows.append(network(prepare(image)[None])[0].softmax(dim=1)[0].numpy())
    return pd.DataFrame(rows, columns=NAMES)


def by_opencv(weights: Path, outputs: Sequence[str]) -> Callable[[Any], Any]:
    """A network as OpenCV runs it."""
    import cv2

    network = cv2.dnn.readNetFromONNX(str(weights))

    def run(images: Any) -> Any:
        network.setInput(images)
        return network.forward(outputs)

    return run


def expressions(job: Job) -> pd.DataFrame:
    """A face detector on every sampled frame, then the expression network on one face after the other."""
    import cv2
    import torch

    from avcues.extractors.expressions import fer_package_crop, square_crop
    from avcues.extractors.face_detectors import DETECTORS
    from avcues.extractors.networks import fer

    variant, path = weights("expressions/vgg19", "expressions/mini_xception")
    if variant == "vgg19":
        network, crop, classify = fer.load_vgg19(path), square_crop, fer.classify_vgg19
    else:
        network, crop, classify = fer.load_mini_xception(path), fer_package_crop, fer.classify_mini_xception
    kind, path = weights("faces/yunet", "faces/centerface")
    detector = DETECTORS[kind](path, 0.6, 640)
    detector._network = by_opencv(path, detector.OUTPUTS)
    rows = []
    for k, frame in enumerate(sampled_frames(job)):
        gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        for box in detector(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)):
            if min(box[2:4]) >= 20:
                with torch.no_grad():
                    face = torch.from_numpy(crop(gray, box)[None])
                    rows.append((k * STEP_S, *box, *classify(network, face)[0].softmax(dim=1)[0].tolist()))
    return pd.DataFrame(rows, columns=["time", "x", "y", "width", "height", "score", *EXPRESSIONS])


def actions(job: Job) -> pd.DataFrame:
    """I3D per shot: seek to it, read it, and average over its clips of 64 frames."""
    import torch

    from avcues.extractors.actions import NAMES

    variant, path = weights("actions/i3d_rgb_imagenet", "actions/i3d_rgb_scratch", "actions/i3d_r50")
    if variant == "i3d_r50":
        from avcues.extractors.networks.i3d_resnet import load
    else:
        from avcues.extractors.networks.inception_i3d import load
    network = load(path)
    rows = []
    for start, end in job.shots:
        probabilities = []
        for clip in clips_of_shot(job.video, start, end):
            with torch.no_grad():
                probabilities.append(network(torch.from_numpy(clip)[None])[0].softmax(dim=1)[0].numpy())
        rows.append([len(probabilities), *np.mean(probabilities, axis=0)])
    return pd.DataFrame(rows, columns=["clips", *NAMES])


def clips_of_shot(video: Path, start: int, end: int) -> Iterator[np.ndarray]:
    """(64, 224, 224, 3) RGB clips at 25 Hz: whole ones, then the shot's last 64 frames if half a clip is left over."""
    import cv2

    capture = cv2.VideoCapture(str(video))
    rate = capture.get(cv2.CAP_PROP_FPS)
    capture.set(cv2.CAP_PROP_POS_FRAMES, start)
    clip, samples = [], 0
    for frame_number in range(end - start):
        is_read, frame = capture.read()
        if not is_read:
            break
        image = None
        while samples * rate / CLIP_RATE_HZ < frame_number + 1:
            image = centre_crop(frame) if image is None else image
            clip = [*clip[1 - CLIP_FRAMES :], image]
            samples += 1
            if samples % CLIP_FRAMES == 0:
                yield np.stack(clip)
    if 0 < samples < CLIP_FRAMES:
        yield np.stack([clip[i % samples] for i in range(CLIP_FRAMES)])
    elif samples % CLIP_FRAMES >= CLIP_FRAMES // 2:
        yield np.stack(clip)


def centre_crop(frame: np.ndarray) -> np.ndarray:
    """(224, 224, 3) RGB centre of the frame with its short side at 256 pixels."""
    import cv2

    scale = SHORT_SIDE_PX / min(frame.shape[:2])
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    top, left = (small.shape[0] - CROP_PX) // 2, (small.shape[1] - CROP_PX) // 2
    return cv2.cvtColor(small[top : top + CROP_PX, left : left + CROP_PX], cv2.COLOR_BGR2RGB)


def objects(job: Job) -> pd.DataFrame:
    """YOLO on one frame after the other. It comes last, because Ultralytics changes torch's number of threads."""
    from avcues.extractors.torchvision_import import torchvision

    torchvision()
    from ultralytics import YOLO

    model = YOLO(str(job.yolo))
    rows = []
    for k, frame in enumerate(sampled_frames(job)):
        boxes = model.predict(frame, verbose=False)[0].boxes.data.tolist()
        rows += [(k * STEP_S, *box[:5], model.names[int(box[5])]) for box in boxes]
    return pd.DataFrame(rows, columns=["time", "x1", "y1", "x2", "y2", "score", "class"])


def weights(*names: str) -> tuple[str, Path]:
    """Variant and file of the first of the assets that this machine has, as avcues chooses it."""
    from avcues.models_cache.cache import find

    for name in names:
        if asset := find(name):
            return name.partition("/")[2], asset.path
    raise SystemExit(f"this machine has none of {', '.join(names)}; fetch one with: avcues models fetch {names[-1]}")


STAGES: dict[str, Callable[[Any], pd.DataFrame]] = {
    "emobase": emobase,
    "rhythm": rhythm,
    "color": color,
    "shots": shots,
    "scenes": scenes,
    "expressions": expressions,
    "actions": actions,
    "objects": objects,
}
"""Stages by name; color also measures the lighting key."""


if __name__ == "__main__":
    main()
