"""Embeddings: tables that are made only where they are asked for, in the pass that makes the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import avcues

import avcues as api
from avcues.extractors import registry
from avcues.pipeline.dataset.dataset import open_dataset


@pytest.fixture(scope="module")
def faces(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds with a face on most frames."""
    path = tmp_path_factory.mktemp("media") / "faces.mp4"
    with av.open(str(media("real60.mp4"))) as source, av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", 25, width=640, height=360, pix_fmt="yuv420p")
        for i, frame in enumerate(source.decode(video=0)):
            if i == 75:
                break
            target.mux(stream.encode(frame.reformat(640, 360)))
        target.mux(stream.encode())
    return path


def test_they_are_added_to_a_finished_folder(faces: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    small = ("--variant", "expressions=mini_xception", "--workers", 0)
    done = avcues("extract", faces, "-o", out, "--features", "scenes,expressions", *small)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir() if path.suffix == "") == [
        "_status",
        "expressions",
        "faces",
        "scenes",
        "shots",
        "timeline",
    ]
    before = {name: (out / name / "faces.parquet").read_bytes() for name in ("scenes", "expressions", "faces")}
    asked = "scenes,scenes_embedding,expressions_embedding,faces_embedding"
    plan = avcues("extract", faces, "-o", out, "--features", asked, *small, "--dry-run")
    assert "compute  faces: scenes, expressions" in plan.stdout, plan.stdout
    done = avcues("extract", faces, "-o", out, "--features", asked, *small)
    assert done.returncode == 0, done.stderr
    assert before == {name: (out / name / "faces.parquet").read_bytes() for name in before}
    tables = json.loads((out / "dataset.json").read_text())["tables"]
    assert {name: tables[name] for name in registry.extra_tables() if name in tables} == {
        "scenes_embedding": "scenes",
        "expressions_embedding": "expressions",
        "faces_embedding": "expressions",
    }
    assert "kept     faces: up to date" in avcues(
        "extract", faces, "-o", out, "--features", asked, *small, "--dry-run"
    ).stdout  # fmt: skip

    of_scenes, of_largest, of_faces = (
        pq.read_table(out / f"{name}_embedding" / "faces.parquet") for name in ("scenes", "expressions", "faces")
    )
    assert (of_scenes.num_rows, of_largest.num_rows) == (6, 6)
    assert of_scenes.schema.types[-512:] == [pa.float32()] * 512
    assert of_faces.num_columns - of_faces.column_names.index("e0000") == 128
    found = pq.read_table(out / "faces" / "faces.parquet")
    assert of_faces["window"].equals(found["window"])
    counts = pq.read_table(out / "expressions" / "faces.parquet")["faces"].to_numpy()
    assert counts.max() > 0
    assert ((of_largest["e0000"].is_null().to_numpy()) == (counts == 0)).all()
    alone = np.flatnonzero(counts == 1)[0]  # the largest of one face is that face
    place = of_faces["window"].to_pylist().index(alone)
    assert of_faces["e0017"][place] == of_largest["e0017"][int(alone)]

    data = open_dataset(str(out))
    assert "scenes_embedding.e0511" in data.columns
    assert "expressions_embedding.e0127" in data.columns
    assert avcues("validate", out).returncode == 0
    assert avcues("align", out, "--out", tmp_path / "train.parquet").returncode == 0
    assert "scenes_embedding__e0511" in pq.read_schema(tmp_path / "train.parquet").names


def test_a_shots_embedding_is_the_mean_over_its_clips(faces: Path) -> None:
    tables = api.extract(faces, features=["actions_embedding"], options={"actions": {"variant": "i3d_rgb_scratch"}})
    table = tables["actions_embedding"]
    assert {"shots", "actions", "actions_embedding", "timeline"} == set(tables)
    assert table.schema.names[-1] == "e1023"
    assert table.num_rows == tables["actions"].num_rows == tables["shots"].num_rows > 0
    values = np.array([table[f"e{i:04d}"].to_numpy() for i in range(1024)])
    assert values.min() >= 0  # after a ReLU
    assert values.std() > 0.01


def test_all_and_more(tmp_path: Path, faces: Path) -> None:
    done = avcues("extract", faces, "-o", tmp_path, "--features", "all,egemaps,scenes_embedding", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "egemaps" in done.stdout
    assert "lighting" in done.stdout
    done = avcues("extract", faces, "-o", tmp_path, "--features", "scene_embedding", "--dry-run")
    assert done.returncode == 2
    assert 'did you mean "scenes_embedding"' in done.stderr


def test_they_are_documented() -> None:
    known = api.features()
    for name, extractor in registry.extra_tables().items():
        (table,) = (table for table in known[extractor].extra_tables if table.name == name)
        assert all(column.meaning and column.unit == "1" and column.dtype == "float32" for column in table.columns)
        assert name not in {table.name for table in known[extractor].tables}
