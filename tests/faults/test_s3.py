"""A run from and to S3, against a server that speaks its protocol; skipped where moto and s3fs are not installed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command import avcues, tables

moto_server = pytest.importorskip("moto.server", reason="moto is not installed")
pytest.importorskip("s3fs", reason="s3fs is not installed")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of an empty bucket; the environment says where it is."""
    server = moto_server.ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    import s3fs

    s3fs.S3FileSystem().mkdir("bucket")
    yield "s3://bucket"
    server.stop()


def test_a_batch_from_s3_to_s3(s3: str, media: Callable[[str], Path], tmp_path: Path) -> None:
    import s3fs

    store = s3fs.S3FileSystem()
    for name in ("tiny4.mp4", "vfr20.mp4", "truncated_nomoov.mp4"):
        store.put_file(str(media(name)), f"bucket/videos/{name}")
    command = ("--features", "emobase,color", "--workers", 2)
    environment = dict(os.environ)
    done = avcues("extract", f"{s3}/videos", "-o", f"{s3}/features", *command, environment=environment)
    assert done.returncode == 1, done.stderr
    assert "2 of 3 videos done, 1 failed" in done.stderr
    second = avcues("extract", f"{s3}/videos/*.mp4", "-o", f"{s3}/features", *command, environment=environment)
    assert second.stderr.count("was done") == 2, second.stderr
    status = avcues("status", f"{s3}/features", environment=environment)
    assert "2 videos done" in status.stdout, status.stderr

    store.get(f"{s3}/features", str(tmp_path / "remote"), recursive=True)
    assert avcues("validate", tmp_path / "remote").returncode == 0
    clips = [media("tiny4.mp4"), media("vfr20.mp4")]
    assert avcues("extract", *clips, "-o", tmp_path / "local", *command).returncode == 0
    assert tables(tmp_path / "local").keys() == tables(tmp_path / "remote").keys()
