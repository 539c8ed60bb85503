"""Runs on a Dask cluster that somebody else started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import deadly_model
import pieces
import pyarrow.parquet as pq
import pytest
from command import avcues, start, tables, wait_until
from distributed import Client
from installed import install

from avcues.models_cache import WeightsError
from avcues.models_cache.cache import resolve

DASK = str(Path(sys.executable).with_name("dask"))
FEATURES = ("--features", "emobase,color")


@dataclass
class Cluster:
    """`dask scheduler` and `dask worker`, as processes."""

    address: str
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def scheduler(self) -> subprocess.Popen[bytes]:
        return self.start("scheduler", "--port", self.address.rpartition(":")[2], "--no-dashboard")

    def worker(self, *options: str, threads: int = 1, **environment: str) -> subprocess.Popen[bytes]:
        command = ("worker", self.address, "--nthreads", str(threads), "--no-dashboard")
        return self.start(*command, "--local-directory", str(self.folder), *options, **environment)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{arguments[0]}{len(self.processes)}.log").open("wb")
        environment = {**os.environ, "AVCUES_OFFLINE": "1"} | environment
        # Elsewhere than where the user stands.
        process = subprocess.Popen(
            [DASK, *arguments], stdout=log, stderr=log, cwd=self.folder, start_new_session=True, env=environment
        )
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = Cluster(f"tcp://127.0.0.1:{port}", tmp_path_factory.mktemp("cluster"))
    yield found
    found.end()


@pytest.fixture(scope="module")
def clips(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    pieces.cut(media("real60.mp4"), folder, 6, seconds=2)
    return folder


def test_an_existing_cluster_makes_the_same_bytes(
    cluster: Cluster, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.scheduler()
    cluster.worker()
    cluster.worker()
    monkeypatch.chdir(tmp_path)
    stored = avcues("extract", clips, "-o", "there", *FEATURES, "--scheduler", cluster.address)
    assert stored.returncode == 0, stored.stderr
    assert "6 of 6 videos done" in stored.stderr
    here = avcues("extract", clips, "-o", "here", *FEATURES, "--workers", 0)
    assert here.returncode == 0, here.stderr
    assert tables(tmp_path / "there") == tables(tmp_path / "here")


@pytest.fixture(scope="module")
def model(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LASSO on the planted videos."""
    out = tmp_path_factory.mktemp("trained") / "model"
    labels = ("--labels", planted / "gold" / "audiovisual.parquet", "--dimensions", "valence")
    trained = avcues("train", planted / "features", *labels, "--model", "lasso", "--folds", 2, "--out", out)
    assert trained.returncode == 0, trained.stderr
    return out


def test_predictions_wait_for_workers_as_long_as_they_are_told(
    cluster: Cluster, planted: Path, model: Path, tmp_path: Path
) -> None:
    cluster.scheduler()
    out = tmp_path / "nothing.parquet"
    done = avcues("predict", model, planted / "features", "--scheduler", cluster.address, "--wait", 1, "--out", out)
    assert done.returncode == 2, done.stderr
    assert f"waiting for workers at {cluster.address}, none yet" in done.stderr
    assert "no worker was connected" in done.stderr
    assert "(--wait 1)" in done.stderr
    assert not out.exists()


def test_an_existing_cluster_predicts_the_same(
    cluster: Cluster, planted: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(planted)
    cluster.scheduler()
    cluster.worker()
    for place, options in (("here", ()), ("there", ("--scheduler", cluster.address))):
        done = avcues("predict", model, "features", "--out", tmp_path / f"{place}.parquet", *options)
        assert done.returncode == 0, done.stderr
    stored = tmp_path / "there.parquet"
    assert stored.read_bytes() == (tmp_path / "here.parquet").read_bytes()

    # A worker that comes late is waited for, and a scheduler that is gone is one line.
    for process in cluster.processes[1:]:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    late = (
        "predict",
        model,
        "features",
        "--scheduler",
        cluster.address,
        "--out",
        tmp_path / "late.parquet",
    )
    waiting = start(*late)
    wait_for_tasks(cluster.address)
    cluster.worker()
    assert waiting.wait(120) == 0
    assert (tmp_path / "late.parquet").read_bytes() == stored.read_bytes()
    os.killpg(cluster.processes[-1].pid, signal.SIGKILL)
    lost = start(*late[:-1], tmp_path / "lost.parquet")
    wait_for_tasks(cluster.address)
    os.killpg(cluster.processes[0].pid, signal.SIGKILL)
    _, error_output = lost.communicate(timeout=120)
    assert lost.returncode == 2
    assert "the connection to the scheduler is lost" in error_output
    assert "unexpected error" not in error_output
    assert not (tmp_path / "lost.parquet").exists()


def test_a_video_that_kills_its_process_costs_no_other_its_prediction(
    cluster: Cluster, planted: Path, tmp_path: Path
) -> None:
    """On this machine and on a cluster, whose worker lives on; the model kills what predicts the shortest video."""
    environment = install(tmp_path / "site", "deadly_model", "Deadly", group="avcues.models")
    environment["PYTHONPATH"] += f"{os.pathsep}{Path(deadly_model.__file__).parent}"  # for the class it derives from
    cluster.scheduler()
    worker = cluster.worker("--no-nanny", PYTHONPATH=environment["PYTHONPATH"])
    labels = ("--labels", planted / "gold" / "audiovisual.parquet", "--dimensions", "valence")
    options = ("--model", "deadly_model", "--audio", "rhythm", "--visual", "color", "--folds", 2, "--workers", 1)
    features, model = planted / "features", tmp_path / "model"
    trained = avcues(
        "train", features, *labels, *options, "--out", model, environment=environment | {deadly_model.SPARE: "1"}
    )
    assert trained.returncode == 0, trained.stderr
    outs = {}
    for who, where in {"here": ("--workers", 2), "there": ("--scheduler", cluster.address)}.items():
        outs[who] = tmp_path / f"{who}.parquet"
        done = avcues("predict", model, features, "--out", outs[who], *where, environment=environment)
        assert done.returncode == 1, done.stderr
        died = "failed   short: the process died while working on it: killed from outside, most likely by the system"
        assert f"{died} for want of memory; use fewer --workers" in done.stderr
        assert done.stderr.count("failed") == 1
        assert sorted(set(pq.read_table(outs[who])["video_id"].to_pylist())) == [f"clip{i:02}" for i in range(9)]
    assert outs["here"].read_bytes() == outs["there"].read_bytes()
    assert worker.poll() is None


def wait_for_tasks(address: str) -> None:
    """Waits until the scheduler has work that no worker does."""
    with Client(address) as client:
        wait_until(lambda: client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)), timeout=100)


def test_every_worker_gets_a_gpu_of_its_own(cluster: Cluster, tmp_path: Path, yolo_checkpoint: Path) -> None:
    """Two GPUs as nvidia-smi would show them, unless CUDA_VISIBLE_DEVICES says otherwise."""
    driver = tmp_path / "driver" / "nvidia-smi"
    driver.parent.mkdir()
    driver.write_text("#!/bin/sh\necho 'GPU 0: H100 (UUID: GPU-1)'\necho 'GPU 1: H100 (UUID: GPU-2)'\n")
    driver.chmod(0o755)
    environment = install(tmp_path / "site", "gpu_probe", "GpuProbe")
    stored = {"PYTHONPATH": environment["PYTHONPATH"], "PATH": f"{driver.parent}:{os.environ['PATH']}"}
    cluster.scheduler()
    plain = [cluster.worker("--no-nanny", **stored), cluster.worker("--no-nanny", threads=2, **stored)]
    of_slurm = cluster.worker("--no-nanny", **stored, CUDA_VISIBLE_DEVICES="7")
    of_dask_cuda = cluster.worker("--no-nanny", **stored, CUDA_VISIBLE_DEVICES="4,3")
    with Client(cluster.address) as client:
        client.wait_for_workers(4)
    videos = [pieces.plain(tmp_path / f"{number}.mp4", (9 * number, 20, 30)) for number in range(10)]
    command = ("extract", *videos, "-o", tmp_path / "out", "--features", "gpu_probe", "--scheduler", cluster.address)

    done = avcues(*command, "--weights-dir", yolo_checkpoint.parent, environment=environment)

    assert done.returncode == 0, done.stderr
    seen = pq.read_table(tmp_path / "out" / "gpu_probe").to_pandas()
    gpus = {worker: sorted(g.drop_duplicates("process")["gpu"]) for worker, g in seen.groupby("worker")}
    of_plain = [gpu for worker in plain for gpu in gpus.pop(worker.pid, [])]
    assert abs(of_plain.count(0) - of_plain.count(1)) <= 1
    assert len(of_plain) == 3
    assert gpus == {of_slurm.pid: [7], of_dask_cuda.pid: [4]}


def test_a_folder_of_weights_is_used_by_workers_that_know_of_no_other(
    cluster: Cluster, clips: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    try:
        for name in ("expressions/mini_xception", "faces/centerface"):
            path = resolve(name).path
            (own / path.name).symlink_to(path)
    except WeightsError as error:
        pytest.skip(str(error))
    bare = {"AVCUES_MODELS_DIR": str(tmp_path / "cache"), "AVCUES_WEIGHTS_DIR": ""}
    cluster.scheduler()
    cluster.worker(**bare)
    clip = min(clips.iterdir())
    done = avcues(
        *("extract", clip, "-o", tmp_path / "out", "--features", "expressions", "--scheduler", cluster.address),
        *("--weights-dir", own),
        environment={**os.environ, "AVCUES_OFFLINE": "1"} | bare,
    )
    assert done.returncode == 0, done.stderr
    assert pq.read_table(tmp_path / "out" / "expressions")["faces"].null_count == 0
    assert not list((tmp_path / "cache").glob("*.onnx"))


def test_only_workers_that_offer_the_resources_get_videos(cluster: Cluster, clips: Path, tmp_path: Path) -> None:
    cluster.scheduler()
    cluster.worker()
    command = ("extract", clips, "-o", tmp_path, "--features", "color", "--scheduler", cluster.address)
    run = start(*command, "--resources", "GPU=1")
    wait_until((tmp_path / "_status" / ".inputs").exists)
    time.sleep(6)
    assert not list(tmp_path.glob("color/*.parquet"))
    cluster.worker("--resources", "GPU=1")
    _, error_output = run.communicate(timeout=180)
    assert run.returncode == 0, error_output
    assert len(list(tmp_path.glob("color/*.parquet"))) == 6


def test_tls_without_certificates_is_one_line(clips: Path, tmp_path: Path) -> None:
    done = avcues("extract", clips, "-o", tmp_path, "--scheduler", "tls://127.0.0.1:9", *FEATURES)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "--scheduler tls://127.0.0.1:9: no TLS certificates are configured" in line


def test_a_scheduler_behind_tls_is_used_with_dasks_own_configuration(
    cluster: Cluster, clips: Path, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=avcues"]
    try:
        subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    tls = {"DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(certificate)}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        tls |= {
            f"DASK_DISTRIBUTED__COMM__TLS__{role}__CERT": str(certificate),
            f"DASK_DISTRIBUTED__COMM__TLS__{role}__KEY": str(key),
        }
    secret = Cluster(cluster.address.replace("tcp:", "tls:"), cluster.folder, cluster.processes)
    secret.start("scheduler", "--protocol", "tls", "--port", secret.address.rpartition(":")[2], "--no-dashboard", **tls)
    secret.worker("--protocol", "tls", **tls)
    done = avcues(
        *("extract", clips, "-o", tmp_path / "out", "--features", "color", "--scheduler", secret.address),
        environment={**os.environ, "AVCUES_OFFLINE": "1"} | tls,
    )
    assert done.returncode == 0, done.stderr
    assert "6 of 6 videos done" in done.stderr


def test_a_worker_that_is_lost_costs_no_video(cluster: Cluster, clips: Path, tmp_path: Path) -> None:
    cluster.scheduler()
    first = cluster.worker("--no-nanny")
    cluster.worker()
    run = start("extract", clips, "-o", tmp_path, *FEATURES, "--scheduler", cluster.address)
    wait_until(lambda: list(tmp_path.glob("timeline/*.parquet")))
    os.killpg(first.pid, signal.SIGKILL)
    _, error_output = run.communicate(timeout=180)
    assert run.returncode == 0, error_output
    assert len(list(tmp_path.glob("color/*.parquet"))) == 6


def test_a_scheduler_that_is_lost_ends_the_run_in_one_line(cluster: Cluster, clips: Path, tmp_path: Path) -> None:
    scheduler = cluster.scheduler()
    cluster.worker()
    run = start("extract", clips, "-o", tmp_path, *FEATURES, "--scheduler", cluster.address)
    wait_until(lambda: list(tmp_path.glob("timeline/*.parquet")))
    os.killpg(scheduler.pid, signal.SIGKILL)
    _, error_output = run.communicate(timeout=180)
    assert run.returncode == 1, error_output
    assert "stopped the connection to the scheduler is lost; run the same command again to continue" in error_output
    assert "Traceback" not in error_output, error_output
    assert avcues("extract", clips, "-o", tmp_path, *FEATURES, "--workers", 2).returncode == 0


def test_a_scheduler_that_is_not_there_is_one_line(clips: Path, tmp_path: Path) -> None:
    nowhere = ("--scheduler", "tcp://127.0.0.1:9", "--wait", "1")
    started = time.monotonic()
    done = avcues("extract", clips, "-o", tmp_path, *nowhere, *FEATURES)
    assert time.monotonic() - started < 20  # Dask's own limit is 30 s
    assert done.returncode == 2
    assert "--scheduler tcp://127.0.0.1:9: no connection" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_workers_do_not_see_is_refused(cluster: Cluster, clips: Path, tmp_path: Path) -> None:
    """A worker in a mount namespace of its own has another /tmp, like another machine."""
    if os.getuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("mount namespaces cannot be made here")
    cluster.scheduler()
    hidden = f"mount -t tmpfs tmpfs {tmp_path} && exec {DASK} worker {cluster.address} --nthreads 1 --no-dashboard"
    log = (cluster.folder / "hidden.log").open("wb")
    cluster.processes.append(
        subprocess.Popen(
            ["unshare", "-m", "sh", "-c", hidden], stdout=log, stderr=log, cwd=cluster.folder, start_new_session=True
        )
    )
    for _ in range(60):
        done = avcues("extract", clips, "-o", tmp_path / "out", "--scheduler", cluster.address, *FEATURES)
        if done.returncode == 2:
            break
    assert f"does not see {tmp_path / 'out'}: it must be on storage that all share" in done.stderr
