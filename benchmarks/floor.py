"""The least time of any program that makes these tables on this machine's processor: each unavoidable part alone.

    python benchmarks/floor.py VIDEO --yolo yolo11n.pt --windows 120 --faces 100 --clips 20

The parts are one decode of the file, openSMILE on its sound track, and each network at its best batch and number of
threads, on as many inputs as the video needs. Prints one JSON object: by part the seconds in fp32 and, where it
differs, in bf16 and int8; the processor seconds of decode and openSMILE; and the settings that were best.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch
from decoding import decode
from naive import RATE_HZ, decode_sound, weights

from avcues.extractors.actions import Actions, ActionsSettings
from avcues.extractors.compute import Compute, Precision
from avcues.extractors.emobase import Emobase
from avcues.extractors.expressions import ExpressionsSettings
from avcues.extractors.face_detectors import DETECTORS
from avcues.extractors.int8.processor import multiplies_exactly
from avcues.extractors.networks import fer, i3d_resnet, inception_i3d, places
from avcues.extractors.networks.yolo import Detector
from avcues.models_cache.cache import Weights
from avcues.models_cache.hashing import sha256

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
TIMED_S = 1.0
Call = Callable[[Any], Any]


@dataclass(frozen=True)
class Network:
    """A network to be timed.

    Args:
        load: Makes the network for device, precision and threads.
        batch: Makes an input with the given number of items.
        items: Number of items in the video.
        batches: Batch sizes to try.
        precisions: Precisions besides fp32.
        one_call: Whether it cannot be called from several threads at once.
        own_threads: Whether it has its own threads, so that each call uses one thread.
    """

    load: Callable[[Compute], Call]
    batch: Callable[[int], Any]
    items: int
    batches: tuple[int, ...] = (1, 4, 16)
    precisions: tuple[Precision, ...] = ()
    one_call: bool = False
    own_threads: bool = False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--yolo", type=Path, required=True)
    parser.add_argument("--windows", type=int, required=True, help="Half seconds, each with a frame")
    parser.add_argument("--faces", type=int, required=True)
    parser.add_argument("--clips", type=int, required=True, help="Clips of 64 frames over all shots")
    arguments = parser.parse_args()
    parts = {
        "decode": clocked(lambda: decode(arguments.video)),
        "openSMILE": clocked(opensmile_of(arguments.video, arguments.windows)),
    }
    for name, network in networks(arguments).items():
        parts[name] = {"fp32": best(network, "fp32")}
        parts[name] |= {precision: best(network, precision) for precision in network.precisions}
    print(json.dumps({"cores": CORES, "parts": parts}))


def opensmile_of(video: Path, windows: int) -> Callable[[], None]:
    """A single pass of openSMILE over the track, with the sound in memory."""
    samples = decode_sound(video)

    def run() -> None:
        stream = Emobase().start_audio(RATE_HZ, Fraction(1, 2), windows)
        for start in range(0, len(samples), RATE_HZ):
            stream.write(samples[start : start + RATE_HZ])
        stream.finish(windows)

    return run


def clocked(work: Callable[[], object]) -> dict[str, dict[str, float]]:
    """Wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    seconds, busy = time.perf_counter() - wall, time.process_time() - processor
    return {"fp32": {"seconds": round(seconds, 3), "processor_seconds": round(busy, 3)}}


def networks(arguments: argparse.Namespace) -> dict[str, Network]:
    """The networks that avcues uses with the weights that this machine has, by stage."""
    with av.open(str(arguments.video)) as container:
        stream = container.streams.video[0]
        scale = ExpressionsSettings.detector_side_px / max(stream.width, stream.height)
        width, height = (round(side * scale) for side in (stream.width, stream.height))
    scenes, scenes_path = weights("scenes/resnet50", "scenes/squeezenet11")
    faces, faces_path = weights("faces/yunet", "faces/centerface")
    expressions, expressions_path = weights("expressions/vgg19", "expressions/mini_xception")
    actions, actions_path = weights("actions/i3d_rgb_imagenet", "actions/i3d_rgb_scratch", "actions/i3d_r50")
    int8 = Actions(ActionsSettings(actions)).int8_table if multiplies_exactly() else None
    load_scenes = {"resnet50": places.load_resnet50, "squeezenet11": places.load_squeezenet}[scenes]
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)

    def load_expressions(compute: Compute) -> Call:
        if expressions == "vgg19":
            network = compute.prepare_for_inference(fer.load_vgg19(expressions_path), torch.zeros(2, 3, 44, 44))
            return lambda x: fer.classify_vgg19(network, x)
        network = compute.prepare_for_inference(fer.load_mini_xception(expressions_path), torch.zeros(2, 1, 64, 64))
        return lambda x: fer.classify_mini_xception(network, x)

    def load_actions(compute: Compute) -> Call:
        file = Weights(name=f"actions/{actions}", path=actions_path, sha256=sha256(actions_path))
        example = torch.zeros(2, 64, 224, 224, 3, dtype=torch.uint8)
        if actions == "i3d_r50":
            return compute.load_for_inference(i3d_resnet.load, file, example)
        head = inception_i3d.Head().requires_grad_(False)
        return compute.load_for_inference(inception_i3d.load, file, example, head, int8)

    def crops(size: int) -> Any:
        return torch.randint(0, 256, (size, 3, 224, 224), dtype=torch.uint8)

    def load_yolo(compute: Compute) -> Call:
        return Detector(arguments.yolo, compute, imgsz=640, conf=0.25, iou=0.7)._network

    side = 48 if expressions == "vgg19" else 64
    letterbox = (*(-(-edge // 32) * 32 for edge in (height, width)), 3)
    return {
        "face detector": Network(
            lambda compute: DETECTORS[faces](faces_path, 0.6, ExpressionsSettings.detector_side_px),
            lambda size: picture,
            arguments.windows,
            batches=(1,),
            one_call=True,
        ),
        "expressions": Network(
            load_expressions,
            lambda size: torch.randint(0, 256, (size, side, side), dtype=torch.uint8),
            arguments.faces,
            precisions=("bf16",) if expressions == "vgg19" else (),
            own_threads=True,
        ),
        "scenes": Network(
            lambda compute: compute.prepare_for_inference(load_scenes(scenes_path), crops(2)),
            crops,
            arguments.windows,
            precisions=("bf16",) if scenes == "resnet50" else (),
            own_threads=True,
        ),
        "objects": Network(
            load_yolo,
            lambda size: np.random.default_rng(0).integers(0, 256, (size, *letterbox), np.uint8),
            arguments.windows,
            batches=(1,),
            own_threads=True,
        ),
        "actions": Network(
            load_actions,
            lambda size: torch.randint(0, 256, (size, 64, 224, 224, 3), dtype=torch.uint8),
            arguments.clips,
            batches=(1,),
            precisions=("bf16", "int8") if int8 else ("bf16",),
            own_threads=True,
        ),
    }


def best(network: Network, precision: Precision) -> dict[str, Any]:
    """The least seconds for all items, with the batch size and numbers of calls and threads that gave them."""
    if not network.items:
        return {"seconds": 0.0}
    compute = Compute(device="cpu", precision=precision)
    tried = []
    for calls, threads in ways(network, precision):
        call = network.load(replace(compute, threads=calls))
        cv2.setNumThreads(threads)
        torch.set_num_threads(threads)
        for size in network.batches:
            seconds = throughput(call, network.batch(size), calls, compute) / size
            tried.append((seconds * network.items, size, calls, threads))
    seconds, size, calls, threads = min(tried)
    return {"seconds": round(seconds, 3), "batch": size, "calls_at_once": calls, "threads_each": threads}


def ways(network: Network, precision: str) -> Iterator[tuple[int, int]]:
    """Yields the number of simultaneous calls and the threads of each; both use all cores."""
    if not network.one_call:
        yield CORES, 1
    if CORES > 1 and not (network.own_threads and precision == "fp32"):
        yield 1, CORES


def throughput(call: Call, x: Any, calls: int, compute: Compute) -> float:
    """Seconds per call with `calls` calls at once."""

    def once(_: int) -> None:
        with compute.autocast():
            call(x)

    with ThreadPoolExecutor(calls) as pool:
        list(pool.map(once, range(calls)))
        started, rounds = time.perf_counter(), 0
        while rounds < 2 or time.perf_counter() - started < TIMED_S:
            list(pool.map(once, range(calls)))
            rounds += 1
        return (time.perf_counter() - started) / (rounds * calls)


if __name__ == "__main__":
    main()
