"""A finished folder of many videos whose features hold what raters felt, and the ratings.

Rows are those of one real video, so that units, gaps and constant columns are real. Raters feel the sound's latent when
they only hear, the picture's when they only see, and half of both when they do both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from clips import CHEAP, start_dataset
from planted import latents

from avcues.pipeline.annotations import Recipe, gold, import_tidy, write, write_gold
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store.parquet import METADATA_KEY, write_table

AUDIO, VISUAL = ("emobase", "rhythm"), ("color", "lighting")
DIMENSIONS = ("arousal", "valence")


def plant(source: Path, video_id: str, out: Path, lengths: Mapping[str, int], seed: int = 0) -> Path:
    """Makes the folders `features` (of videos cut from one of `source`), `ann` and `gold` in `out`; returns that."""
    random = np.random.default_rng(seed)
    (out / "features").mkdir(parents=True)
    start_dataset(out / "features", Settings(features=CHEAP))
    felt = {}
    for name, windows in lengths.items():
        # (2 modalities, 2 dimensions, windows)
        felt[name] = latents(random, 4, windows).reshape(2, 2, windows)
        begin = int(random.integers(0, 120))
        for path in sorted(source.glob(f"[!_]*/{video_id}.parquet")):
            copy_rows(path, out / "features" / path.parent.name / f"{name}.parquet", begin, felt[name], random)
    ratings = rated(felt, random)
    write(ratings, out / "ann")
    write_gold(gold(ratings, Recipe()), out / "gold")
    return out


def copy_rows(path: Path, copy: Path, begin: int, felt: np.ndarray, random: np.random.Generator) -> None:
    """Writes a table of a new video: rows of another from `begin` on, with the latents added."""
    table, about = pq.read_table(path), json.loads(pq.read_metadata(path).metadata[METADATA_KEY])
    about["source"] |= {"fingerprint": f"{copy.stem:0>64}", "name": f"{copy.stem}.mp4"}
    columns = {name: table[name] for name in table.column_names}
    if "window" in columns:
        windows = felt.shape[2]
        rows = pa.array((begin + np.arange(windows)) % table.num_rows)
        columns = {name: column.take(rows) for name, column in columns.items()}
        columns |= {name: table[name].slice(0, windows) for name in ("window", "start", "end")}
        modality = AUDIO if path.parent.name in AUDIO else VISUAL if path.parent.name in VISUAL else ()
        for i, name in enumerate(list(columns)[4:] if modality else ()):
            values = columns[name].to_numpy()
            if values.dtype.kind == "f" and np.nanstd(values) > 0:
                moved = felt[int(modality == VISUAL), i % 2] * (-1) ** (i // 2) * np.nanstd(values)
                values = (values + moved + 0.3 * np.nanstd(values) * random.normal(size=windows)).astype(np.float32)
                columns[name] = pa.array(values, mask=np.isnan(values))
    columns["video_id"] = pa.array([copy.stem] * len(columns["video_id"]), pa.string())
    copy.parent.mkdir(exist_ok=True)
    write_table(pa.table(columns).replace_schema_metadata({METADATA_KEY: json.dumps(about)}), copy)


def rated(felt: Mapping[str, np.ndarray], random: np.random.Generator, raters: int = 4) -> Annotations:
    """Ratings over time by raters with noise of their own, between -1 and 1."""
    rows: dict[str, list[np.ndarray]] = {
        name: [] for name in ("rater", "video_id", "setup", "dimension", "time", "value")
    }
    for video_id, (audio, visual) in felt.items():
        for setup, both in (("music", audio), ("visual", visual), ("audiovisual", (audio + visual) / 2)):
            for rater in range(raters):
                noise = np.cumsum(random.normal(0, 0.05 * (1 + rater), both.shape), axis=1)
                values = np.tanh((both + noise - noise.mean(axis=1, keepdims=True)) / 2)
                for dimension, series in zip(DIMENSIONS, values, strict=True):
                    keys = (f"r{rater}", video_id, setup, dimension)
                    for name, key in zip(rows, keys, strict=False):
                        rows[name].append(np.full(len(series), key))
                    rows["time"].append(np.arange(len(series)) * 0.5)
                    rows["value"].append(series)
    return import_tidy(pa.table({name: np.concatenate(values) for name, values in rows.items()}), range_=(-1, 1))
