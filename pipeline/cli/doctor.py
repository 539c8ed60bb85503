"""Examines what this machine has, what runs on it and what does not, with a remedy for each problem."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avcues.errors import AvcuesError
from avcues.extractors import registry
from avcues.extractors.compute import Compute
from avcues.models_cache.cache import OFFLINE_VARIABLE, cache_dir, find, how_to_supply, lacks_package
from avcues.models_cache.manifest import asset
from avcues.version import __version__

State = Literal["ok", "note", "optional", "absent", "problem"]
_MIN_PYTHON = (3, 11)
_EXTRAS = {
    "collect": ("starlette", "avcues collect, the server that collects ratings"),
    "dashboard": ("bokeh", "Dask's dashboard of a run, whose address is printed"),
    "excel": ("openpyxl", "labels and ratings in Excel workbooks"),
    "hub": ("transformers", "models of the Hugging Face hub, or of a folder, as features"),
    "pandas": ("pandas", "datasets, results and labels as pandas DataFrames"),
    "polars": ("polars", "datasets as polars DataFrames"),
    "pytorchvideo": ("pytorchvideo", "the variant actions=i3d_r50"),
    "sentences": ("tokenizers", "the table text_embedding"),
    "speech": ("faster_whisper", "the words of videos by speech recognition"),
    "train": ("statsmodels", "the regression of avcues annotations perspectives"),
    "warping": ("tslearn", "raters aligned moment by moment, avcues annotations gold --align"),
}
"""By name of the extra, a package that shows whether it is installed, and its purpose."""
_ENOUGH_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the report.

    Args:
        subject: What was examined.
        state: "problem": avcues does not run; "absent": a feature cannot be extracted; "optional": an extra is not
            installed; "note": a limit of this machine; "ok".
        details: The result.
        remedy: How to change it; empty if nothing needs to be done.
    """

    subject: str
    state: State
    details: str
    remedy: str = ""


def examine(out: Path | None = None) -> Iterator[Finding]:
    """Examines everything that a run depends on.

    Args:
        out: An output folder to test for writing.
    """
    for subject, examination in _EXAMINATIONS.items():
        yield _finding_or_problem(subject, examination)
    yield _writing("temporary folder", Path(tempfile.gettempdir()), "set TMPDIR to a folder with free space")
    yield _writing("weights folder", cache_dir(), "set AVCUES_MODELS_DIR to a writable folder", required=False)
    if out is not None:
        yield _writing(f"--out {out}", out, "name a writable folder")
    for name in registry.names():
        yield _feature(name)
    for name, (package, purpose) in _EXTRAS.items():
        yield _extra(name, package, purpose)


def _finding_or_problem(subject: str, examination: Callable[[], Finding]) -> Finding:
    try:
        return examination()
    except Exception as error:
        return Finding(subject=subject, state="problem", details=f"{type(error).__name__}: {error}", remedy=_REINSTALL)


_REINSTALL = "install avcues again, with its constraints file"


def _python() -> Finding:
    details = f"avcues {__version__}, Python {platform.python_version()}, {platform.platform(terse=True)}"
    if sys.version_info < _MIN_PYTHON:
        return Finding(subject="Python", state="problem", details=details, remedy="use Python 3.11 or newer")
    return Finding(subject="Python", state="ok", details=details)


def _machine() -> Finding:
    from avcues.pipeline.runtime.cluster import default_workers
    from avcues.pipeline.runtime.gpus import visible_gpus
    from avcues.pipeline.runtime.machine import cores, memory_bytes

    workers = default_workers(1_000_000, visible_gpus(), None)
    memory = memory_bytes() / 2**30
    details = f"{cores()} cores and {memory:.1f} GiB for this process; --workers auto starts {workers}"
    if memory < 4:
        return Finding(
            subject="cores, memory",
            state="note",
            details=details,
            remedy="all features together need about 3 GiB per worker",
        )
    return Finding(subject="cores, memory", state="ok", details=details)


def _device() -> Finding:
    import torch

    device = Compute().resolved().device
    build = (
        f"torch {torch.__version__} ({f'CUDA {torch.version.cuda}' if torch.version.cuda else 'built without CUDA'})"
    )
    if device == "cuda":
        cards = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        names = ", ".join(f"{card.name} ({card.total_memory / 2**30:.0f} GiB)" for card in cards)
        return Finding(subject="networks run on", state="ok", details=f"{names}; {build}, driver {_driver() or '?'}")
    if _driver():
        return Finding(
            subject="networks run on",
            state="problem",
            details=f"{device}, though there is an NVIDIA driver {_driver()}; {build}",
            remedy="install a torch built for the CUDA version of this driver",
        )
    return Finding(subject="networks run on", state="ok", details=f"{device}; {build}")


def _torchvision() -> Finding:
    import torch

    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return Finding(subject="torchvision", state="problem", details="not installed", remedy=_REINSTALL)
    # Importing torchvision would fail at a mismatch.
    version_line = re.search(r"__version__ = '([^']+)'", Path(spec.origin).with_name("version.py").read_text())
    version = version_line[1] if version_line else importlib.metadata.version("torchvision")
    if version.partition("+")[2].startswith("cu") and not torch.version.cuda:
        return Finding(
            subject="torchvision",
            state="note",
            details=f"{version}, built for CUDA, beside a torch built without: avcues accepts that, others may not",
            remedy="install torch and torchvision from the same index",
        )
    return Finding(subject="torchvision", state="ok", details=version)


def _driver() -> str:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return finished.stdout.strip().partition("\n")[0] if finished.returncode == 0 else ""


def _decoder() -> Finding:
    import av

    versions = ".".join(map(str, av.library_versions["libavcodec"]))
    codecs = ("h264", "hevc", "vp9", "av1", "mpeg4", "aac", "mp3", "opus", "flac")
    missing_codecs = [name for name in codecs if name not in av.codecs_available]
    details = f"PyAV {av.__version__} (libavcodec {versions}), on the CPU; NVDEC is not used"
    if missing_codecs:
        return Finding(
            subject="decoder",
            state="problem",
            details=f"{details}; cannot decode {', '.join(missing_codecs)}",
            remedy=_REINSTALL,
        )
    return Finding(subject="decoder", state="ok", details=details)


def _dask() -> Finding:
    from avcues.pipeline.runtime.cluster import local_cluster

    with local_cluster(1, debug=False) as client:
        client.submit(int).result(timeout=60)
    version = importlib.metadata.version("distributed")
    return Finding(subject="Dask", state="ok", details=f"{version}; a worker started and answered")


_EXAMINATIONS: dict[str, Callable[[], Finding]] = {
    "Python": _python,
    "cores, memory": _machine,
    "networks run on": _device,
    "torchvision": _torchvision,
    "decoder": _decoder,
    "Dask": _dask,
}


def _writing(subject: str, folder: Path, remedy: str, *, required: bool = True) -> Finding:
    failure_state: State = "problem" if required else "note"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(
            subject=subject,
            state=failure_state,
            details=f"{folder}: cannot be written ({error.strerror or error})",
            remedy=remedy,
        )
    details = f"{folder}: {free / 2**30:.1f} GiB free"
    if free < _ENOUGH_BYTES:
        return Finding(subject=subject, state="note", details=details, remedy=remedy)
    return Finding(subject=subject, state="ok", details=details)


def _feature(name: str) -> Finding:
    """Examines whether a feature can be extracted: code can be imported, weights are present or can be downloaded."""
    subject = f"feature {name}"
    try:
        extractor = registry.create(name)
    except AvcuesError as error:
        return Finding(subject=subject, state="problem", details=str(error), remedy="repair or uninstall that package")
    state: State = "ok"
    details, remedies = [], []
    for asset_names in extractor.weights_in_use.values():
        candidates = [name for name in asset_names if not lacks_package(asset(name))] or asset_names
        available = next((name for name in candidates if find(name)), None)
        preferred = next((name for name in candidates if name == available or _can_be_downloaded(name)), None)
        if preferred is None:
            state = "absent"
            details.append(f"no {candidates[0].partition('/')[0]} weights found")
            remedies.append(how_to_supply(asset(candidates[0])))
        elif preferred == available:
            details.append(preferred)
        else:
            fallback = f" (if that fails, {available})" if available else ""
            details.append(f"{preferred}, downloaded once, on first use: {asset(preferred).size_text}{fallback}")
    return Finding(
        subject=subject, state=state, details=", ".join(details) or "needs no weights", remedy="; and ".join(remedies)
    )


def _extra(name: str, package: str, purpose: str) -> Finding:
    """Examines whether the packages of an extra are installed."""
    subject = f"extra {name}"
    if importlib.util.find_spec(package) is None:
        return Finding(
            subject=subject,
            state="optional",
            details=f"not installed; for {purpose}",
            remedy=f"if you need it: pip install 'avcues[{name}]'",
        )
    return Finding(
        subject=subject, state="ok", details=f"{package} {importlib.metadata.version(package)}; for {purpose}"
    )


def _can_be_downloaded(name: str) -> bool:
    """Whether a run would try to download a file; its source may still not answer."""
    return bool(asset(name).sources) and not os.environ.get(OFFLINE_VARIABLE)
