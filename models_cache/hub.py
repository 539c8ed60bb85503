"""From the name of a model of the Hugging Face hub, or a folder, to files on this machine, known by their hashes.

Files are found in this order: a folder that the caller names, the hub's own cache, the hub. Of a repository only the
weights in safetensors form and the texts that describe them are read, never code and never a pickle.
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
_TEXTS = frozenset((".json", ".txt", ".model"))
_CARD = "README.md"
_IDENTIFIER = re.compile(r"[\w.-]+/[\w.-]+")
_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*\n", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The files of one model.

    Args:
        source: "<owner>/<name>" on the hub, or the name of the folder.
        revision: Commit on the hub; None for a folder.
        folder: Where the files lie.
        files: SHA-256 of every file that decides values, by name.
        licence: What the model card states, None if nothing.
    """

    source: str
    revision: str | None
    folder: Path
    files: Mapping[str, str] = field(default_factory=dict)
    licence: str | None = None

    @property
    def citation(self) -> str:
        """The model as a line of a footer names it."""
        where = f"model {self.source}" + (f", revision {self.revision}" if self.revision else ", a folder")
        return f"{where}, licence: {self.licence or 'not stated'}"


def find_repository(
    source: str,
    revision: str | None = None,
    folders: Sequence[Path] = (),
    progress: Progress = lambda done, total: None,
    *,
    weights: str = SAFETENSORS,
) -> Repository:
    """The files of a model, downloaded if they are not on this machine.

    Args:
        source: "<owner>/<name>", "timm:<name>", or the path of a folder, which begins with "." or "/" or "~".
        revision: A branch, tag or commit of the hub; None: its main branch.
        folders: Searched before the hub's cache, for `<owner>/<name>`, `<owner>--<name>` and `<name>`.
        progress: Called before and after a download, with the bytes of the model that are there and those of all.
        weights: Suffix of the weights files that are read; they must be of a form that holds no code.

    Raises:
        WeightsError: There is no such model, it cannot be downloaded, or it has no weights in that form.
    """
    if source.startswith((".", "/", "~")):
        if revision is not None:
            raise WeightsError(f"{source} is a folder, which has no revision {revision}")
        folder = Path(source).expanduser()
        if not folder.is_dir():
            raise WeightsError(f"{source}: there is no such folder")
        return _described(folder.resolve().name, None, folder.resolve(), weights)
    library, colon, named = source.partition(":")
    if colon and library == "timm":
        source = f"timm/{named}"
    elif colon and library == "torchvision":
        raise WeightsError(
            f"{source}: torchvision's own weights are no safetensors; timm has many of them, such as "
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
                return _described(source, revision, candidate.resolve(), weights)
    folder = _snapshot(source, revision, progress, weights)
    return _described(source, folder.name, folder, weights)


def _snapshot(source: str, revision: str | None, progress: Progress, weights: str) -> Path:
    """The folder of the hub's cache that holds the model; its name is the commit."""
    try:
        from huggingface_hub import HfApi, snapshot_download
        from huggingface_hub import errors as hub
    except ImportError as error:
        raise WeightsError('models of the hub need more packages: pip install "avcues[hub]"') from error
    at = f"{source}@{revision}" if revision else source
    patterns = [f"*{weights}", *(f"*{suffix}" for suffix in sorted(_TEXTS)), _CARD]
    try:
        return Path(snapshot_download(source, revision=revision, allow_patterns=patterns, local_files_only=True))
    except hub.LocalEntryNotFoundError as error:
        if os.environ.get(OFFLINE_VARIABLE):
            raise WeightsError(
                f"{at} is not in the hub's cache, and nothing is downloaded because {OFFLINE_VARIABLE} is set: copy "
                f"its files into a folder DIR/{source} and name DIR as the folder of weights"
            ) from error
    try:
        info = HfApi().model_info(source, revision=revision, files_metadata=True)
        names = [sibling.rfilename for sibling in info.siblings or ()]
        if not any(name.endswith(weights) for name in names):
            raise _without_weights(at, names, weights)
        read = {*_TEXTS, weights}
        top_level = [name for name in names if "/" not in name and (name == _CARD or Path(name).suffix in read)]
        size = sum(sibling.size or 0 for sibling in info.siblings or () if sibling.rfilename in top_level)
        progress(0, size)
        with _without_bars():
            folder = Path(snapshot_download(source, revision=info.sha, allow_patterns=top_level))
        progress(size, size)
        return folder
    except hub.GatedRepoError as error:
        raise WeightsError(
            f"{at} is gated: accept its terms on its page, then log in with `hf auth login`, or set HF_TOKEN"
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
            f"{at} could not be downloaded ({reason[0] if reason else type(error).__name__}): copy its files into a "
            f"folder DIR/{source} and name DIR as the folder of weights"
        ) from error


@contextmanager
def _without_bars() -> Iterator[None]:
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
def _described(source: str, revision: str | None, folder: Path, weights: str) -> Repository:
    if not (folder / "config.json").is_file():
        raise WeightsError(f"{folder} has no config.json: it is not the folder of a model")
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    if not any(name.endswith(weights) for name in names):
        raise _without_weights(str(folder), names, weights)
    files = {name: sha256(folder / name) for name in names if Path(name).suffix in {*_TEXTS, weights}}
    return Repository(source=source, revision=revision, folder=folder, files=files, licence=_licence(folder / _CARD))


def _without_weights(at: str, names: Sequence[str], weights: str) -> WeightsError:
    if weights != SAFETENSORS:
        return WeightsError(f"{at} has no {weights} file: it holds weights of another form")
    unsafe = next((name for name in names if Path(name).suffix in {".bin", ".pt", ".pth", ".h5", ".msgpack"}), None)
    finding = f"has its weights as {unsafe}, which may hold code" if unsafe else "has no weights"
    return WeightsError(
        f"{at} {finding}; only safetensors are read: name a revision that has them, such as the hub's own conversion "
        "(revision=refs/pr/NUMBER), or save the model with save_pretrained into a folder and name that"
    )


def hub_name(text: str) -> tuple[str, str | None] | None:
    """Source and revision of "<owner>/<name>" or "<owner>/<name>@<revision>"; None where the text is neither."""
    source, at, revision = text.partition("@")
    return (source, revision if at else None) if _IDENTIFIER.fullmatch(source) and (revision or not at) else None


def own_place(value: str, finder: WeightsFinder, weights: str) -> Path:
    """Where weights lie that an option names itself: a file, a folder, or a model of the hub.

    Args:
        value: Path, or a model of the hub as in `hub_name`.
        finder: Its folder is searched before the hub's cache.
        weights: As for `find_repository`.

    Raises:
        WeightsError: As `find_repository`.
    """
    named = hub_name(value)
    if named is None or not weights or Path(value).exists():
        return Path(value)
    folders = () if finder.folder is None else (finder.folder,)
    return find_repository(*named, folders, weights=weights).folder


def _licence(card: Path) -> str | None:
    """The licence in a model card's front matter."""
    import yaml

    try:
        matter = _FRONT_MATTER.match(card.read_text("utf-8"))
        stated: Any = yaml.safe_load(matter[1]) if matter else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    if not isinstance(stated, dict) or not isinstance(stated.get("license"), str):
        return None
    licence = str(stated["license"])
    name = stated.get("license_name")
    return f"{licence} ({name})" if isinstance(name, str) else licence
