"""A feature of another package has everything that built-in ones have: pinned weights, extra tables, all commands."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tiny_models
import toned
from command import avcues
from installed import install


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    content, manifest = toned.weights()
    (tmp_path / "own.npy").write_bytes(content)
    cache = {"AVCUES_MODELS_DIR": str(tmp_path / "cache"), "AVCUES_WEIGHTS_DIR": ""}
    return install(tmp_path / "packages", "toned", "Toned", manifest) | cache


def test_its_weights_are_listed_imported_and_named_in_its_tables(
    environment: dict[str, str], media: Callable[[str], Path], tmp_path: Path
) -> None:
    command = ("extract", media("tiny4.mp4"), "--out", tmp_path / "out", "--features", "toned")
    lacking = avcues(*command, environment=environment)
    assert (lacking.returncode, "avcues models import warm-tones.npy" in lacking.stderr) == (2, True), lacking.stderr
    assert "tones/warm" in avcues("models", "list", environment=environment).stdout
    brought = avcues("models", "import", tmp_path / "own.npy", environment=environment)
    assert brought.stdout.strip().endswith("is tones/warm"), brought.stderr

    done = avcues(*command, "--workers", 2, environment=environment)
    assert done.returncode == 0, done.stderr
    table = tmp_path / "out" / "toned" / "tiny4.parquet"
    recipe = json.loads(pq.read_metadata(table).metadata[b"avcues"])["recipe"]
    assert recipe["weights"] == {"tones/warm": hashlib.sha256(toned.weights()[0]).hexdigest()}
    assert not (tmp_path / "out" / "toned_channels").exists()


def test_its_extra_table_can_be_requested_by_name(
    environment: dict[str, str], media: Callable[[str], Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ("extract", media("tiny4.mp4"), "--out", out, "--weights-dir", tmp_path, "--workers", 1)
    (tmp_path / "own.npy").rename(tmp_path / "warm-tones.npy")
    wrong = avcues(*command, "--features", "toned_chanels", environment=environment)
    assert 'did you mean "toned_channels"?' in wrong.stderr
    done = avcues(*command, "--features", "toned_channels", environment=environment)
    assert done.returncode == 0, done.stderr
    tone = pq.read_table(out / "toned" / "tiny4.parquet")["tone"].to_numpy()
    channels = pq.read_table(out / "toned_channels" / "tiny4.parquet").select(toned.CHANNELS).to_pandas()
    np.testing.assert_allclose(tone, channels.to_numpy() @ [0.5, 0.3, 0.2], rtol=1e-5)
    assert avcues("validate", out, environment=environment).returncode == 0


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda text: text.replace("sha256", "git_sha1"), "has no sha256"),
        (lambda text: text.replace("[tones.warm]", "[scenes.resnet50]"), "both have weights scenes/resnet50"),
        (lambda text: text.replace("warm-tones.npy", "i3d-kinetics-400.ckpt"), "a file i3d-kinetics-400.ckpt"),
        (lambda text: "not toml", "cannot be read"),
    ],
)
def test_a_manifest_that_cannot_be_trusted_is_refused_in_one_line(
    tmp_path: Path, wrong: Callable[[str], str], reason: str
) -> None:
    environment = install(tmp_path / "packages", "toned", "Toned", wrong(toned.weights()[1]))
    done = avcues("models", "verify", environment=environment)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert reason in done.stderr
    assert "avcues-toned" in done.stderr


def test_a_pinned_model_is_a_feature_and_one_that_is_missing_stops_nothing_else(
    media: Callable[[str], Path], tmp_path: Path
) -> None:
    pytest.importorskip("transformers", reason="the extra hub is not installed")
    folder = tiny_models.save("vit", tmp_path / "fer-vit")
    environment = install(tmp_path / "packages", "lab_fer", "LabFer") | {"LAB_FER": str(folder)}
    ask = "import avcues; f = avcues.features()['lab_fer']; print([t.name for t in f.tables], f.problem)"
    listed = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, env=environment, check=True)
    assert listed.stdout.strip() == "['lab_fer', 'lab_fer_faces']"

    gone = environment | {"LAB_FER": str(tmp_path / "gone")}
    listed = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, env=gone, check=True)
    assert listed.stdout.startswith("[] "), listed.stdout
    assert "gone" in listed.stdout
    done = avcues("doctor", "--json", environment=gone)
    (finding,) = (entry for entry in json.loads(done.stdout) if entry["subject"] == "feature lab_fer")
    assert finding["state"] == "problem"
    command = ("extract", media("tiny4.mp4"), "--out", tmp_path / "out", "--workers", 0)
    named = avcues(*command, "--features", "color,lab_fer", environment=gone)
    assert named.returncode == 2
    assert len(named.stderr.strip().splitlines()) == 1, named.stderr
