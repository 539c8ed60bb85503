"""Finds the files of a model of the Hugging Face hub, or of a folder, and their hashes.

Searches folders that the caller names, then the hub's cache, then the hub. Of a repository, only safetensors weights
and the text files that describe them are read, never code and never a pickle.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avcues.models_cache.cache import OFFLINE_VARIABLE, WeightsFinder
from avcues.models_cache.errors import WeightsError
from avcues.models_cache.hashing import sha256

if TYPE_CHECKING:
    from avcues.models_cache.download import Progress

SAFETENSORS = ".safetensors"
_TEXT_SUFFIXES = frozenset((".json", ".txt", ".model"))
_CARD_FILE = "README.md"
_IDENTIFIER = re.compile(r"[\w.-]+/[\w.-]+")
_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*\n", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The files of one model.

    Args:
        source: "<owner>/<name>" on the hub, or the name of the folder.
        revision: Commit on the hub; None for a folder.
        folder: Folder of the files.
        files: SHA-256 of every file that decides values, by name.
        licence: Licence that the model card states; None if it states none.
    """

    source: str
    revision: str | None
    folder: Path
    files: Mapping[str, str] = field(default_factory=dict)
    licence: str | None = None

    @property
    def citation(self) -> str:
        """The model, its revision and its licence in one line, for the footers of tables."""
        model = f"model {self.source}" + (f", revision {self.revision}" if self.revision else ", a folder")
        return f"{model}, licence: {self.licence or 'not stated'}"


def find_repository(
    source: str,
    revision: str | None = None,
    folders: Sequence[Path] = (),
    progress: Progress = lambda done, total: None,
    *,
    weights_suffix: str = SAFETENSORS,
) -> Repository:
    """The files of a model, downloaded if they are not on this machine.

    Args:
        source: "<owner>/<name>", "timm:<name>", or the path of a folder, which begins with "." or "/" or "~".
        revision: A branch, tag or commit on the hub; None for its main branch.
        folders: Folders that are searched before the hub's cache, for `<owner>/<name>`, `<owner>--<name>` and `<name>`.
        progress: Called before and after a download, with the number of bytes received and the total.
        weights_suffix: Suffix of the weights files, whose format must not hold code.

    Raises:
        WeightsError: The model does not exist, cannot be downloaded, or has no weights in that format.
    """
    if source.startswith((".", "/", "~")):
        if revision is not None:
            raise WeightsError(f"{source} is a folder, which has no revision {revision}")
        folder = Path(source).expanduser()
        if not folder.is_dir():
            raise WeightsError(f"{source}: there is no such folder")
        return _read_folder(folder.resolve().name, None, folder.resolve(), weights_suffix)
    library, colon, model_name = source.partition(":")
    if colon and library == "timm":
        source = f"timm/{model_name}"
    elif colon and library == "torchvision":
        raise WeightsError(
            f"{source}: torchvision's own weights are not safetensors files; timm has many of them, such as "
            "timm:tv_resnet50.tv_in1k"
        )
    if not _IDENTIFIER.fullmatch(source):
        raise WeightsError(
            f'"{source}" is neither "<owner>/<name>", as the hub names models, nor the path of a folder, which begins '
            'with "./" or "/"'
        )
    owner, _, name = source.partition("/")
    for folder in folders:
        for candidate in (folder / owner / name, folder / f"{owner}--{name}", folder / name):
            if (candidate / "config.json").is_file():
                return _read_folder(source, revision, candidate.resolve(), weights_suffix)
    folder = _snapshot(source, revision, progress, weights_suffix)
    return _read_folder(source, folder.name, folder, weights_suffix)


def _snapshot(source: str, revision: str | None, progress: Progress, weights_suffix: str) -> Path:
    """The folder of the model in the hub's cache, downloaded if necessary; its name is the commit."""
    try:
        from huggingface_hub import HfApi, snapshot_download
        from huggingface_hub import errors as hub
    except ImportError as error:
        raise WeightsError('models of the hub need more packages: pip install "avcues[hub]"') from error
    label = f"{source}@{revision}" if revision else source
    patterns = [f"*{weights_suffix}", *(f"*{suffix}" for suffix in sorted(_TEXT_SUFFIXES)), _CARD_FILE]
    try:
        return Path(snapshot_download(source, revision=revision, allow_patterns=patterns, local_files_only=True))
    except hub.LocalEntryNotFoundError as error:
        if os.environ.get(OFFLINE_VARIABLE):
            raise WeightsError(
                f"{label} is not in the hub's cache, and nothing is downloaded because {OFFLINE_VARIABLE} is set: copy "
                f"its files into a folder DIR/{source} and name DIR as the folder of weights"
            ) from error
    try:
        model = HfApi().model_info(source, revision=revision, files_metadata=True)
        files = model.siblings or ()
        names = [file.rfilename for file in files]
        if not any(name.endswith(weights_suffix) for name in names):
            raise _no_weights_error(label, names, weights_suffix)
        suffixes = {*_TEXT_SUFFIXES, weights_suffix}
        top_level = [
            name for name in names if "/" not in name and (name == _CARD_FILE or Path(name).suffix in suffixes)
        ]
        size = sum(file.size or 0 for file in files if file.rfilename in top_level)
        progress(0, size)
        with _without_progress_bars():
            folder = Path(snapshot_download(source, revision=model.sha, allow_patterns=top_level))
        progress(size, size)
        return folder
    except hub.GatedRepoError as error:
        raise WeightsError(
            f"{label} is gated: accept its terms on its page, then log in with `hf auth login`, or set HF_TOKEN"
        ) from error
    except hub.RevisionNotFoundError as error:
        raise WeightsError(f"{source} has no revision {revision}") from error
    except hub.RepositoryNotFoundError as error:
        raise WeightsError(
            f"the hub has no model {source}, or it is private: check the name, or log in with `hf auth login`"
        ) from error
    except (hub.HfHubHTTPError, hub.LocalEntryNotFoundError, hub.OfflineModeIsEnabled, OSError) as error:
        reason = str(error).strip().splitlines()
        raise WeightsError(
            f"{label} could not be downloaded ({reason[0] if reason else type(error).__name__}): copy its files into a "
            f"folder DIR/{source} and name DIR as the folder of weights"
        ) from error


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    """Keeps the hub's library from printing."""
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    were_disabled = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not were_disabled:
            enable_progress_bars()


@lru_cache
def _read_folder(source: str, revision: str | None, folder: Path, weights_suffix: str) -> Repository:
    if not (folder / "config.json").is_file():
        raise WeightsError(f"{folder} has no config.json: it is not the folder of a model")
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    if not any(name.endswith(weights_suffix) for name in names):
        raise _no_weights_error(str(folder), names, weights_suffix)
    files = {name: sha256(folder / name) for name in names if Path(name).suffix in {*_TEXT_SUFFIXES, weights_suffix}}
    return Repository(
        source=source, revision=revision, folder=folder, files=files, licence=_licence(folder / _CARD_FILE)
    )


def _no_weights_error(label: str, names: Sequence[str], weights_suffix: str) -> WeightsError:
    if weights_suffix != SAFETENSORS:
        return WeightsError(f"{label} has no {weights_suffix} file: it holds weights in another format")
    unsafe = next((name for name in names if Path(name).suffix in {".bin", ".pt", ".pth", ".h5", ".msgpack"}), None)
    problem = f"has its weights as {unsafe}, which may hold code" if unsafe else "has no weights"
    return WeightsError(
        f"{label} {problem}; only safetensors are read: name a revision that has them, such as the hub's conversion "
        "(revision=refs/pr/NUMBER), or save the model with save_pretrained into a folder and name that"
    )


def parse_hub_name(text: str) -> tuple[str, str | None] | None:
    """Source and revision of "<owner>/<name>" or "<owner>/<name>@<revision>"; None for any other text."""
    source, separator, revision = text.partition("@")
    return (
        (source, revision if separator else None)
        if _IDENTIFIER.fullmatch(source) and (revision or not separator)
        else None
    )


def user_weights_path(value: str, finder: WeightsFinder, weights_suffix: str) -> Path:
    """The path of weights that the user names in an option: a file, a folder, or a model of the hub.

    Args:
        value: Value of the option: a path, or a model of the hub as in `parse_hub_name`.
        finder: Finder whose folder is searched before the hub's cache.
        weights_suffix: Suffix of the weights files; empty: models of the hub cannot be named.

    Raises:
        WeightsError: See `find_repository`.
    """
    source_and_revision = parse_hub_name(value)
    if source_and_revision is None or not weights_suffix or Path(value).exists():
        return Path(value)
    folders = () if finder.folder is None else (finder.folder,)
    return find_repository(*source_and_revision, folders, weights_suffix=weights_suffix).folder


def _licence(card: Path) -> str | None:
    """The licence in a model card's front matter."""
    import yaml

    try:
        front_matter = _FRONT_MATTER.match(card.read_text("utf-8"))
        fields: Any = yaml.safe_load(front_matter[1]) if front_matter else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    if not isinstance(fields, dict) or not isinstance(fields.get("license"), str):
        return None
    licence = str(fields["license"])
    name = fields.get("license_name")
    return f"{licence} ({name})" if isinstance(name, str) else licence
