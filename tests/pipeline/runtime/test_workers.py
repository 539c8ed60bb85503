"""How many workers a machine is given, of how many threads, and which GPUs there are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.runtime import gpus, machine
from avcues.pipeline.runtime.cluster import default_workers, threads_per_worker
from avcues.pipeline.runtime.machine import _core_quotas, _memory_limits, cores, memory_bytes, memory_limit
from avcues.pipeline.runtime.request import Workers

GIB = 1 << 30
MANY = 1000


def pretend(monkeypatch: pytest.MonkeyPatch, cores: int, memory_gib: int) -> None:
    """Lets the system report a machine of this size, without control groups."""
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(cores)))
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=memory_gib * GIB))
    monkeypatch.setattr(machine, "_CGROUP_FILE", Path("/no/such/file"))


@pytest.mark.parametrize(
    ("cores", "memory_gib", "workers", "threads"),
    [
        (1, 1, 1, 1),
        (2, 24, 2, 1),
        (8, 16, 4, 2),  # five workers of one thread would leave three cores idle
        (8, 15, 2, 4),
        (8, 64, 8, 1),
        (32, 64, 16, 2),
        (64, 512, 64, 1),
    ],
)
def test_no_core_is_idle_where_memory_allows(
    cores: int, memory_gib: int, workers: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, cores, memory_gib)
    assert default_workers(MANY, (), None) == workers
    assert threads_per_worker(workers) == threads


def test_features_without_networks_need_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, cores=8, memory_gib=8)
    assert default_workers(MANY, (), None, uses_networks=False) == 8
    assert default_workers(MANY, (), None) < 8


@pytest.mark.parametrize(
    ("memory_gib", "workers", "threads", "limit_gib"),
    [
        (24, 2, 1, 10.8),
        (8, 2, 1, 6),  # a share of 4 GiB would be too little for all networks on large frames
        (16, 16, 1, 6),
        (16, 2, 4, 9),  # each thread more needs memory of its own
        (4, 1, 1, 3.6),  # the machine has no more
    ],
)
def test_a_video_may_take_its_workers_share_and_never_too_little_for_ordinary_work(
    memory_gib: int, workers: int, threads: int, limit_gib: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, 1, memory_gib)
    assert memory_limit(memory_gib * GIB // workers, threads) / GIB == pytest.approx(limit_gib)


def test_a_batch_job_has_what_the_control_groups_around_it_allow(tmp_path: Path) -> None:
    membership, job = tmp_path / "cgroup", tmp_path / "fs" / "slurm" / "job_7"
    (job / "step_0").mkdir(parents=True)
    membership.write_text("0::/slurm/job_7/step_0\n")
    (job / "step_0" / "memory.max").write_text("max\n")
    (job / "step_0" / "cpu.max").write_text("max 100000\n")
    (job / "memory.max").write_text(f"{16 * GIB}\n")
    (job / "cpu.max").write_text("250000 100000\n")
    (job.parent / "memory.max").write_text(f"{128 * GIB}\n")
    assert list(_memory_limits(membership, tmp_path / "fs")) == [16 * GIB, 128 * GIB]
    assert list(_core_quotas(membership, tmp_path / "fs")) == [3]
    assert list(_memory_limits(tmp_path / "none", tmp_path / "fs")) == []


def test_a_container_of_an_older_system_has_a_tree_for_each_controller(tmp_path: Path) -> None:
    """The groups that the host names lie outside the container, which sees its own at the top."""
    membership = tmp_path / "cgroup"
    membership.write_text("9:cpu,cpuacct:/docker/4711\n4:memory:/docker/4711\n0::/\n")
    for name, content in {
        "memory/memory.limit_in_bytes": f"{2 * GIB}\n",
        "cpu/cpu.cfs_quota_us": "150000\n",
        "cpu/cpu.cfs_period_us": "100000\n",
    }.items():
        (tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fs" / name).write_text(content)
    assert list(_memory_limits(membership, tmp_path / "fs")) == [2 * GIB]
    assert list(_core_quotas(membership, tmp_path / "fs")) == [2]


def test_cores_and_memory_are_those_that_dask_counts() -> None:
    from dask.system import cpu_count
    from distributed.system import memory_limit as dask_memory_limit

    assert cores() == cpu_count()
    assert memory_bytes() <= dask_memory_limit()


def test_no_more_workers_than_videos_or_gpus_can_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, cores=32, memory_gib=256)
    assert default_workers(3, (), None) == 3
    assert default_workers(MANY, ("0", "1"), None) == 8
    assert default_workers(MANY, ("0", "1"), 2) == 4
    assert default_workers(3, ("0", "1"), 2) == 3


@pytest.mark.parametrize(
    "wrong",
    [{"count": -1}, {"per_gpu": 0}, {"resources": {"GPU": 1}}, {"scheduler": "tcp://h:1", "resources": {"GPU": 0}}],
)
def test_workers_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(SettingsError, match=r"`(workers|resources)"):
        Workers(**wrong)


@pytest.fixture
def two_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A driver's nvidia-smi that lists two cards."""
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\necho 'GPU 0: H100 (UUID: GPU-1)'\necho '  MIG 1g'\necho 'GPU 1: H100 (UUID: GPU-2)'\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    forget()
    yield
    forget()


def forget() -> None:
    gpus.visible_gpus.cache_clear()
    gpus._nvidia_smi.cache_clear()


@pytest.mark.parametrize(
    ("set_to", "visible"),
    [
        (None, ("0", "1")),
        ("1", ("1",)),
        ("1, 0", ("1", "0")),
        ("GPU-2", ("GPU-2",)),
        ("", ()),
        ("-1", ()),
    ],
)
def test_visible_gpus_are_the_cards_unless_the_variable_names_some(
    two_cards: None, set_to: str | None, visible: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    if set_to is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", set_to)
    assert gpus.visible_gpus() == visible


def test_without_a_driver_there_is_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    forget()
    assert gpus.visible_gpus() == ()
    forget()
