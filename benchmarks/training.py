"""The cost of one epoch, and of predicting many videos: `python benchmarks/training.py FEATURES [VIDEOS]`.

FEATURES is a finished folder with tables of sound and picture of a video of about a minute. The epochs are those of the
study's networks on 7,296 random sequences. Videos to predict are copies, as in `align_memory.py`; the model is a late
fusion for two dimensions with untrained weights, which costs the same. Figures are processor seconds, which other
programs on the machine distort less than wall time; fitting a model, and predicting without workers, use one core each.
Wall time is given for two models fitted at once, as `train` does on two cores, and for `predict --workers 2`.
Prints the figures and writes them to `results/training.json`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from align_memory import multiply

from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.training import CLEAN, TrainingSettings, choose_tables
from avcues.pipeline.training.determinism import one_thread
from avcues.pipeline.training.fitting import FittedModel
from avcues.pipeline.training.models.gradient_descent import Windows, fit
from avcues.pipeline.training.models.lstm_network import Network
from avcues.pipeline.training.models.networks import LateFusion
from avcues.pipeline.training.samples import feature_matrix, model_columns
from avcues.pipeline.training.saved_model import save_model
from avcues.pipeline.training.scaling import fit_scaler

AVCUES = str(Path(sys.executable).with_name("avcues"))
VIDEOS, WINDOWS, EPOCHS = 64, 118, 4
NETWORKS = {"unimodal": {"audio": 988}, "late fusion": {"audio": 988, "visual": 900}}


def seconds_per_epoch(columns: dict[str, int], clock: Callable[[], float] = time.process_time) -> float:
    """Median time per epoch of one model on one thread, without the first epoch, which sets up the libraries."""
    random = np.random.default_rng(0)
    rows = np.concatenate([np.arange(i * WINDOWS + 4, (i + 1) * WINDOWS) for i in range(VIDEOS)])
    windows = Windows(
        inputs={
            n: torch.from_numpy(random.normal(size=(VIDEOS * WINDOWS, c)).astype("f4")) for n, c in columns.items()
        },
        rows=torch.from_numpy(rows),
        history=(4, 1),
        labels=torch.rand(len(rows), 1) - 0.5,
    )
    ends = [clock()]
    with one_thread():
        network = Network(columns, 1, CLEAN)
        fit(
            network,
            windows,
            None,
            (0,),
            replace(CLEAN, epochs=EPOCHS),
            seed=0,
            on_epoch=lambda _: ends.append(clock()),
        )
    return statistics.median(np.diff(ends)[1:].tolist())


def seconds_per_epoch_of_two(columns: dict[str, int]) -> float:
    """Wall time per epoch when two processes fit a model each, divided by two."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        fits = [pool.submit(seconds_per_epoch, columns, time.perf_counter) for _ in range(2)]
        return max(fit_.result() for fit_ in fits) / 2


def save_untrained(folder: Path, features: Path) -> None:
    """A late fusion of all tables for two dimensions, scaled to the features of one video."""
    audio, visual = choose_tables(str(features), "late", None, None)
    settings = TrainingSettings(
        model="late", audio=audio, visual=visual, dimensions=("arousal", "valence"), label_range=(-1, 1), unit="window"
    )
    data = open_dataset(str(features), tables=list(settings.tables))
    table = data.read(data.videos[0])
    columns = {block: model_columns(data, tables) for block, tables in settings.blocks.items()}
    rows = np.arange(table.num_rows)
    scalers = {
        block: fit_scaler(feature_matrix(table, names), rows, names, "standard") for block, names in columns.items()
    }
    inputs = {block: len(scaler.columns) for block, scaler in scalers.items()}
    models = {
        name: FittedModel(
            scalers=scalers, estimator=LateFusion(Network(inputs, 1, CLEAN).eval(), settings.history), history=(4, 1)
        )
        for name in settings.dimensions
    }
    about = data.metadata()
    document = {"avcues": "0", "step": about["step"], "tables": about["tables"], "unconverged": 0, "folds": []}
    document |= {"labels": {"main": {"name": "none", "sha256": "", "videos": 0, "about": {}}}}
    document |= {name: {} for name in ("videos", "groups", "epochs", "human", "versions")}
    document |= {name: [] for name in ("constant", "leaks", "notes")}
    folder.mkdir()
    save_model(folder, models, columns, settings, document)


def seconds_of_reading(features: Path) -> float:
    """Processor seconds to read every video's tables as `predict` does."""
    data = open_dataset(str(features))
    started = time.process_time()
    for video_id in data.videos:
        data.read(video_id)
    return time.process_time() - started


def predict(model: Path, features: Path, out: Path, *options: str) -> tuple[float, float, float]:
    """Seconds of processor time, seconds by the clock and peak MB of the command."""
    command = [AVCUES, "predict", str(model), str(features), "--out", str(out), *options]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, command
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss * 1024 / 1e6


def main(source: Path, videos: int) -> None:
    """Prints and writes every figure."""
    results: dict[str, object] = {}
    for title, measure in (
        ("s of one core", seconds_per_epoch),
        ("s by the clock, two models at once", seconds_per_epoch_of_two),
    ):
        results[f"an epoch of 7,296 sequences, {title}"] = {n: round(measure(c), 2) for n, c in NETWORKS.items()}
    with tempfile.TemporaryDirectory(dir=source.resolve().parent) as place:
        folder = Path(place)
        for count in (videos // 10, videos):
            features = folder / f"features{count}"
            features.mkdir()
            multiply(source, features, count)
            if count < videos:
                save_untrained(folder / "model", features)
            reading = seconds_of_reading(features)
            seconds, _, memory = predict(folder / "model", features, folder / "predictions.parquet")
            _, clock, _ = predict(folder / "model", features, folder / "predictions.parquet", "--workers", "2")
            results[f"predicting {count} videos"] = {
                "s of one core": round(seconds, 1),
                "of which reading": round(reading, 1),
                "s by the clock, two workers": round(clock, 1),
                "peak MB": round(memory),
            }
    text = json.dumps(results, indent=1)
    print(text)
    (Path(__file__).parent / "results" / "training.json").write_text(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
