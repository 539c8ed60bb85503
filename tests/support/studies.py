"""Ratings to test with: the MuVi study's where it is at hand, and small ones with known properties."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from avcues.pipeline.annotations.importing.formats.tidy import import_tidy
from avcues.pipeline.annotations.ratings.schema import Annotations

SHARED = Path(__file__).resolve().parents[3] / "shared"
GEMS = ("calm", "joyful", "sad", "tense")


def muvi_folder() -> Path:
    """The study's published files; skips where they are not at hand."""
    folder = SHARED / "muvi"
    if not (folder / "media_data.csv").is_file():
        pytest.skip("the MuVi study's annotations are not at hand")
    return folder


def reference() -> dict[str, Any]:
    """Published figures of both studies and worked examples; skips where they are not at hand."""
    import json

    return dict(json.loads((muvi_folder() / "reference.json").read_text()))


def tidy(**columns: Any) -> pa.Table:
    """A tidy table; a single value holds for all rows."""
    rows = max(len(value) for value in columns.values() if isinstance(value, list))
    defaults = {"rater": "r1", "video_id": "v1", "setup": "music", "dimension": "valence", "value": 0.0}
    columns = defaults | columns
    return pa.table({name: v if isinstance(v, list) else [v] * rows for name, v in columns.items() if v is not ...})


def latent(rng: np.random.Generator, windows: int, sd: float = 0.5, memory: float = 0.9) -> np.ndarray:
    """(windows,) a slowly moving series with the given standard deviation."""
    noise = rng.normal(size=windows + 50)
    series = np.zeros(windows + 50)
    for k in range(1, len(series)):
        series[k] = memory * series[k - 1] + noise[k]
    series = series[50:] - series[50:].mean()
    return np.asarray(series / series.std() * sd)


def of_matrix(ratings: np.ndarray, step: float = 0.5, **keys: str) -> pa.Table:
    """(raters, windows) as tidy rows of one clip; NaN is no row."""
    rater, window = np.nonzero(np.isfinite(ratings))
    columns = {
        "rater": [f"r{j}" for j in rater],
        "time": (window * step).tolist(),
        "value": ratings[rater, window].tolist(),
    }
    return tidy(**columns, **keys)


def like_muvi(folder: Path, videos: int = 6, raters: int = 5, seed: int = 0) -> Path:
    """Files of exactly the study's form, `av_data.csv` among them, with labels in the rows where they belong.

    Values are multiples of 1/115, samples about twice a second with jittered time stamps, 120 or 119 per series.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    ids = [f"vid{i:02d}_{i}x" if i % 3 == 0 else f"vid{i:02d}" for i in range(videos)]
    pd.DataFrame({"video_id": ids}).to_csv(folder / "video_urls.csv", index=False)
    profile = {"participant_id": range(raters), "age": 20, "gender": ["Male", "Female"] * raters}
    pd.DataFrame({k: v[:raters] if isinstance(v, list) else v for k, v in profile.items()}).to_csv(
        folder / "participant_data.csv", index=False
    )
    truth = {(v, d): latent(rng, 120, sd=0.4) for v in range(videos) for d in ("arousal", "valence")}
    likely = rng.random((videos, len(GEMS)))
    media, series = [], []
    for rater in range(raters):
        for video in rng.permutation(videos):
            setup = ["music", "muted_video", "video"][(rater + video) % 3]
            keys = {"participant_id": rater, "media_id": ids[video].split("_")[0], "media_modality": setup}
            overlay = "irrelevant" if setup == "music" else str(rater % 2)
            chosen = {name: int(rng.random() < likely[video, i]) for i, name in enumerate(GEMS)}
            media.append({**keys, "seen_previously": bool(video % 2), **chosen, "overlay_type": overlay})
            samples = 119 if (rater, video) == (0, 0) else 120
            rated = {
                d: np.clip(np.round((truth[video, d] + rng.normal(0, 0.1, 120)) * 115) / 115, -1, 1)[:samples]
                for d in ("arousal", "valence")
            }
            stamps = np.round(np.arange(samples) * 0.5 + rng.choice([0, 0.1, 0.2], samples), 1)
            overlay_text = {"irrelevant": "irrelevant", "0": "false", "1": "true"}[overlay]
            series.append(
                pd.DataFrame(
                    {**keys, **rated, "timestamp": stamps, "overlay_type": overlay_text, "seq": range(samples)}
                )
            )
    pd.DataFrame(media).to_csv(folder / "media_data.csv", index=False)
    pd.concat(series).to_csv(folder / "av_data.csv", index=False)
    return folder


def copy_of_muvi(folder: Path) -> Path:
    """The study's published files, to be changed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("media_data.csv", "participant_data.csv", "video_urls.csv"):
        shutil.copyfile(muvi_folder() / name, folder / name)
    return folder


class Watched(Mapping[str, np.ndarray]):
    """Features that note which videos' are read."""

    def __init__(self, values: dict[str, np.ndarray]) -> None:
        self.values_, self.read = values, set[str]()

    def __getitem__(self, video_id: str) -> np.ndarray:
        self.read.add(video_id)
        return self.values_[video_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def delayed(lags: list[int], noise: float, videos: int = 6, seed: int = 0) -> tuple[Annotations, Watched]:
    """Raters who follow features with a lag each, and the features: the truth hidden in twenty mixed columns."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(3, 20))
    tables, features = [], {}
    for video in range(videos):
        truth = np.convolve(latent(rng, 150), np.ones(2) / 2, "same")
        sources = np.column_stack([truth, latent(rng, 150), latent(rng, 150)])
        features[f"v{video}"] = (sources @ mixing + rng.normal(0, 0.05, (150, 20)))[20:140]
        ratings = np.stack([truth[20 - lag : 140 - lag] for lag in lags]) + rng.normal(0, noise, (len(lags), 120))
        tables.append(of_matrix(ratings, video_id=f"v{video}").to_pandas())
    return import_tidy(pd.concat(tables)), Watched(features)


def changes(rng: np.random.Generator, videos: int = 4, windows: int = 120) -> tuple[pa.Table, dict[str, np.ndarray]]:
    """Logs of sliders that write when they are moved by enough, and the position of each, (raters, windows) by video.

    Lively raters move for every 0.05, calm ones for every 0.4.
    """
    tables, positions = [], {}
    for video in range(videos):
        truth = latent(rng, windows * 5, sd=0.4, memory=0.99)
        position = np.zeros((4, windows * 5))
        for rater, sensitivity in enumerate((0.05, 0.05, 0.4, 0.5)):
            wish = truth + rng.normal(0, 0.05) + latent(rng, windows * 5, sd=0.1, memory=0.99)
            held, times, values = wish[0], [0.0], [wish[0]]
            for sample in range(windows * 5):
                if abs(wish[sample] - held) > sensitivity:
                    held = wish[sample]
                    times.append(sample / 10)
                    values.append(held)
                position[rater, sample] = held
            keys = {"rater": f"r{rater}", "video_id": f"v{video}"}
            tables.append(tidy(time=times, value=values, **keys))
        positions[f"v{video}"] = position.reshape(4, windows, 5).mean(2)
    return pa.concat_tables(tables), positions
