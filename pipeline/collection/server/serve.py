"""Runs the server of a study."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import uvicorn
from filelock import FileLock, Timeout

from avcues.pipeline.collection.records import DATABASE, Database
from avcues.pipeline.collection.records.continuity import begin
from avcues.pipeline.collection.server.app import make_app
from avcues.pipeline.collection.study import Study, secret_token
from avcues.pipeline.errors import SettingsError

_GRACE_S = 5


@dataclass(frozen=True)
class Links:
    """Links to a study.

    Args:
        raters: Link for raters.
        joint: Link for the joint rater; None if no round is joint.
        researcher: Link for the researcher.
        local: Whether only this machine can use the links.
        changes: Changes that raters who began earlier will notice.
    """

    raters: str
    joint: str | None
    researcher: str
    local: bool
    changes: tuple[str, ...]


def serve(study: Study, *, host: str, port: int, base_url: str | None, ready: Callable[[Links], None]) -> None:
    """Runs the server until it is interrupted.

    Args:
        study: The study.
        host: Name or address to listen on.
        port: Port to listen on; 0: any free port.
        base_url: Address of the server behind a proxy, such as "https://ratings.example.org"; None: host and port.
        ready: Called with the links when the server accepts requests.

    Raises:
        SettingsError: The server cannot listen on the address, another server runs the study, `base_url` is not an
            address, or the study has changed in a way that would alter the meaning of existing ratings.
        StorageError: The database cannot be opened.
    """
    base_parts = None if base_url is None else _parsed(base_url)
    lock = FileLock(study.folder / ".serve.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise SettingsError(f"{study.folder}: another server runs this study; stop it first") from error
    try:
        server_socket = _listen(host, port)
        port = server_socket.getsockname()[1]
        url_host = f"[{host}]" if ":" in host else host
        base = f"http://{url_host}:{port}" if base_url is None else base_url.rstrip("/")
        local = is_loopback(host)
        hosts = {"localhost", "127.0.0.1", "::1", host.lower()} if local else set()
        if base_parts is not None and base_parts.hostname and local:
            hosts.add(base_parts.hostname.lower())
        database = Database(study.folder / DATABASE)
        try:
            changes = database.submit(lambda connection: begin(connection, study)).result()
        except SettingsError:
            database.close()
            raise
        links = database.submit(
            lambda connection: Links(
                raters=f"{base}/join/{secret_token(connection, 'raters')}",
                joint=f"{base}/join/{secret_token(connection, 'joint')}" if study.rounds(joint=True) else None,
                researcher=f"{base}/study/{secret_token(connection, 'researcher')}",
                local=local,
                changes=changes,
            )
        ).result()
        app = make_app(study, database, hosts=hosts, root="" if base_parts is None else base_parts.path)
        config = uvicorn.Config(
            app,
            access_log=False,
            log_level="warning",
            server_header=False,
            limit_concurrency=2000,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=_GRACE_S,
            h11_max_incomplete_event_size=32 * 1024,
        )
        ready(links)
        uvicorn.Server(config).run(sockets=[server_socket])
    finally:
        lock.release()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=512, reuse_port=False
        )
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"{host}:{port}: cannot be used ({reason}); choose another port or host") from error


def _parsed(base_url: str) -> SplitResult:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"{base_url}: is not a base address; expected one such as https://ratings.example.org")
    return parts
