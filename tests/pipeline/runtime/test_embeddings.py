"""Embeddings: tables that are made only where they are asked for, in the pass that makes the others."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from command import avcues
from PIL import Image

import avcues as api
from avcues.extractors import registry
from avcues.extractors.actions import Actions
from avcues.extractors.networks.inception_i3d import load
from avcues.extractors.protocol import ClipBatch
from avcues.models_cache.cache import resolve
from avcues.pipeline.dataset.opening import open_dataset


@pytest.fixture(scope="module")
def faces(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of a woman with a smaller man on her left, in one shot; then one second of black."""
    path = tmp_path_factory.mktemp("media") / "faces.mp4"
    with av.open(str(media("real60.mp4"))) as source, av.open(str(path), "w") as target:
        pictures = [frame.to_image() for frame in itertools.islice(source.decode(video=0), 663)]
        stream = target.add_stream("libx264", 25, width=960, height=360, pix_fmt="yuv420p")
        for i in range(150):
            image = Image.new("RGB", (960, 360))
            if i < 125:
                image.paste(pictures[i // 2].resize((640, 360)), (320, 0))
                image.paste(pictures[-1].resize((320, 180)), (0, 90))
            target.mux(stream.encode(av.VideoFrame.from_image(image)))
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
    contents_before = {name: (out / name / "faces.parquet").read_bytes() for name in ("scenes", "expressions", "faces")}
    features = "scenes,scenes_embedding,expressions_embedding,faces_embedding"
    plan = avcues("extract", faces, "-o", out, "--features", features, *small, "--dry-run")
    assert "compute  faces: scenes, expressions" in plan.stdout, plan.stdout
    done = avcues("extract", faces, "-o", out, "--features", features, *small)
    assert done.returncode == 0, done.stderr
    assert contents_before == {name: (out / name / "faces.parquet").read_bytes() for name in contents_before}
    tables = json.loads((out / "dataset.json").read_text())["tables"]
    assert {name: tables[name] for name in registry.extra_tables() if name in tables} == {
        "scenes_embedding": "scenes",
        "expressions_embedding": "expressions",
        "faces_embedding": "expressions",
    }
    assert "kept     faces: up to date" in avcues(
        "extract", faces, "-o", out, "--features", features, *small, "--dry-run"
    ).stdout  # fmt: skip

    of_scenes, of_largest, of_faces = (
        pq.read_table(out / f"{name}_embedding" / "faces.parquet") for name in ("scenes", "expressions", "faces")
    )
    assert (of_scenes.num_rows, of_largest.num_rows) == (12, 12)
    assert of_scenes.schema.types[-512:] == [pa.float32()] * 512
    assert of_faces.num_columns - of_faces.column_names.index("e0000") == 128
    boxes = pq.read_table(out / "faces" / "faces.parquet").to_pandas()
    assert of_faces["window"].to_pylist() == boxes["window"].to_list()
    counts = pq.read_table(out / "expressions" / "faces.parquet")["faces"].to_numpy()
    assert list(counts[-2:]) == [0, 0]
    assert (of_largest["e0000"].is_null().to_numpy() == (counts == 0)).all()
    two = np.flatnonzero(counts == 2)
    assert len(two) > 5
    each = of_faces.select([f"e{i:04d}" for i in range(128)]).to_pandas().to_numpy()
    largest = of_largest.select([f"e{i:04d}" for i in range(128)]).to_pandas().to_numpy()
    for window in two:
        of_window = np.flatnonzero(boxes["window"] == window)
        area = (boxes["width"] * boxes["height"]).to_numpy()[of_window]
        large, small = of_window[area.argmax()], of_window[area.argmin()]
        np.testing.assert_array_equal(largest[window], each[large])
        assert np.abs(each[large] - each[small]).max() > 0.1

    data = open_dataset(str(out))
    assert "scenes_embedding.e0511" in data.columns
    assert "expressions_embedding.e0127" in data.columns
    assert avcues("validate", out).returncode == 0
    assert avcues("align", out, "--out", tmp_path / "train.parquet").returncode == 0
    assert "scenes_embedding__e0511" in pq.read_schema(tmp_path / "train.parquet").names


def test_a_shots_embedding_is_the_mean_over_its_clips(faces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_clips: list[np.ndarray] = []
    process_clips = Actions.process_clips

    def watched(extractor: Actions, batch: ClipBatch) -> np.ndarray:
        of_clips.extend(process_clips(extractor, batch))
        return np.array(of_clips[-len(batch) :])

    monkeypatch.setattr(Actions, "process_clips", watched)
    monkeypatch.setattr(Actions, "thread_safe", False)  # one clip after the other
    tables = api.extract(faces, features=["actions_embedding"], options={"actions": {"variant": "i3d_rgb_scratch"}})
    assert {"shots", "actions", "actions_embedding", "timeline"} == set(tables)
    table = tables["actions_embedding"].select([f"e{i:04d}" for i in range(1024)]).to_pandas().to_numpy()
    ends = np.cumsum(tables["actions"]["clips"].to_numpy())
    assert ends[0] > 1
    assert ends[-1] == len(of_clips)
    probabilities, embeddings = np.split(np.array(of_clips), [400], axis=1)
    means = [of_shot.mean(axis=0) for of_shot in np.split(embeddings, ends[:-1])]
    np.testing.assert_allclose(table, means, rtol=1e-5, atol=1e-6)
    # It is what the classifier sees: its weights turn it into the probabilities.
    head = load(resolve("actions/i3d_rgb_scratch").path).head.logits
    logits = torch.from_numpy(embeddings) @ head.weight[:, :, 0, 0, 0].detach().T + head.bias.detach()
    np.testing.assert_allclose(logits.softmax(dim=1).numpy(), probabilities, atol=2e-4)


def test_all_and_more(tmp_path: Path, faces: Path) -> None:
    done = avcues("extract", faces, "-o", tmp_path, "--features", "all,egemaps,scenes_embedding", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "egemaps" in done.stdout
    assert "lighting" in done.stdout
    done = avcues("extract", faces, "-o", tmp_path, "--features", "scene_embedding", "--dry-run")
    assert done.returncode == 2
    assert 'did you mean "scenes_embedding"' in done.stderr


def test_they_are_documented() -> None:
    known_features = api.features()
    for name, extractor in registry.extra_tables().items():
        (table,) = (table for table in known_features[extractor].extra_tables if table.name == name)
        assert all(column.meaning and column.unit == "1" and column.dtype == "float32" for column in table.columns)
        assert name not in {table.name for table in known_features[extractor].tables}
