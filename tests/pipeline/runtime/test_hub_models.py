"""Models of the hub in runs: added, pinned, refused, resumed."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pieces
import pyarrow.parquet as pq
import pytest
import tiny_models
from command import avcues, start, tables, wait_until

pytest.importorskip("transformers", reason="the extra hub is not installed")

NAME, FIRST, SECOND = "lab/fer-vit", "1" * 40, "2" * 40


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hub's cache with two commits of a model, of which the main branch is the first."""
    home = tmp_path_factory.mktemp("hub")
    model = home / "hub" / "models--lab--fer-vit"
    for seed, commit in enumerate((FIRST, SECOND)):
        folder = tiny_models.save("vit", model / "snapshots" / commit, seed)
        (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n# A model\n")
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(FIRST)
    return home


@pytest.fixture
def environment(hub: Path) -> dict[str, str]:
    return {**os.environ, "AVCUES_OFFLINE": "1", "HF_HOME": str(hub)}


def test_the_first_commit_stays(media: Callable[[str], Path], hub, environment, tmp_path):
    """A model changes no byte of what is there, and keeps its commit when the branch moves on."""
    clip, out = media("tiny4.mp4"), tmp_path / "features"
    assert avcues("extract", clip, "--out", out, "--features", "color", "--workers", 0).returncode == 0
    tables_before = tables(out)
    run = ("extract", clip, "--out", out, "--features", "color", "--workers", 0, "--model", f"fer={NAME}")
    done = avcues(*run, environment=environment)
    assert done.returncode == 0, done.stderr
    assert f"fer: {NAME} at {FIRST[:12]} (image, 3 labels)" in done.stderr
    tables_after = tables(out)
    assert tables_before.items() <= tables_after.items()
    assert tables_after.keys() - tables_before.keys() == {"fer/tiny4.parquet"}
    ref = hub / "hub" / "models--lab--fer-vit" / "refs" / "main"
    ref.write_text(SECOND)
    try:
        (out / "fer" / "tiny4.parquet").unlink()
        second = avcues(*run, environment=environment)
        assert second.returncode == 0, second.stderr
        assert tables(out) == tables_after
    finally:
        ref.write_text(FIRST)
    other_revision = avcues(*run[:-1], f"fer={NAME},revision={SECOND}", environment=environment)
    assert other_revision.returncode == 2
    assert "was made with fer settings" in other_revision.stderr.replace("\n", " ")
    footer = pq.read_schema(out / "fer" / "tiny4.parquet").metadata[b"avcues"].decode()
    assert "licence: cc-by-nc-4.0" in footer


def test_a_model_that_learned_from_another_commit_is_refused(media: Callable[[str], Path], environment, tmp_path):
    pieces.cut(media("real60.mp4"), tmp_path / "clips", 4, seconds=3)
    for commit in (FIRST, SECOND):
        options = ("--features", "color", "--workers", 0, "--model", f"fer={NAME},revision={commit}")
        done = avcues("extract", tmp_path / "clips", "--out", tmp_path / commit, *options, environment=environment)
        assert done.returncode == 0, done.stderr
    names = sorted(path.stem for path in (tmp_path / "clips").iterdir())
    labels = tmp_path / "labels.csv"
    labels.write_text("video_id,liking\n" + "".join(f"{name},{i / 4}\n" for i, name in enumerate(names)))
    options = ("--labels", labels, "--model", "lasso", "--visual", "fer", "--folds", 2, "--out", tmp_path / "model")
    trained = avcues("train", tmp_path / FIRST, *options)
    assert trained.returncode == 0, trained.stderr
    predicted = tmp_path / "predicted.parquet"
    assert avcues("predict", tmp_path / "model", tmp_path / FIRST, "--out", predicted).returncode == 0
    refused = avcues("predict", tmp_path / "model", tmp_path / SECOND, "--out", tmp_path / "refused.parquet")
    assert refused.returncode == 2
    line = next(line for line in refused.stderr.splitlines() if FIRST in line)
    assert "fer settings" in line
    assert "the model was trained with" in line
    assert SECOND in line
    assert not (tmp_path / "refused.parquet").exists()


def test_killed_and_run_again_it_gives_the_same_bytes(media: Callable[[str], Path], environment, tmp_path):
    clips = [shutil.copy(media("tiny4.mp4"), tmp_path / f"{name}.mp4") for name in ("one", "two", "three")]
    model = tiny_models.save("wav2vec2", tmp_path / "model")
    run = ("extract", *clips, "--features", "color", "--workers", 1, "--model", f"sound={model}", "--out")
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert avcues(*run, undisturbed, environment=environment).returncode == 0
    running = start(*run, killed, environment=environment)
    wait_until(lambda: list(killed.glob("sound/*.parquet")))
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    assert 0 < len(list(killed.glob("sound/*.parquet"))) < 3
    assert avcues(*run, killed, environment=environment).returncode == 0
    assert tables(killed) == tables(undisturbed)


def test_chunks_of_sound_leave_no_trace(media: Callable[[str], Path], tmp_path):
    """States that depend on less sound than the context has are the same wherever chunks begin.

    The first layer's input is such: convolutions without normalisation over time. Later layers see the whole chunk.
    """
    from clips import extract

    from avcues.extractors.hub.options import HubOptions

    model = str(tiny_models.save("wavlm", tmp_path / "model"))
    tables = []
    for chunk_s in (20.0, 3.5):
        options = HubOptions(source=model, layer=0, chunk_s=chunk_s, context_s=2.0)
        out = tmp_path / f"out{chunk_s}"
        read = extract(media("vfr20.mp4"), out, features=("shots",), models={"m": options}).table("m")
        tables.append(np.stack([read[name].to_numpy() for name in read.column_names[4:]]))
    assert tables[0].std() > 0.1
    np.testing.assert_allclose(tables[0], tables[1], atol=1e-5)
