"""Bounds of requests, and the headers of every answer."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 512 * 1024
"""Bytes of a request at most."""
REQUESTS_PER_S, BURST = 25, 150
"""Of one rater, sustained and at once; a page that comes back after a broken line sends many batches."""
JOINS_PER_S, JOINS_AT_ONCE = 5, 100
_MOST_BUCKETS = 10_000

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self' blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Buckets:
    """Token buckets, one per key.

    Args:
        per_second: Tokens that a bucket gains.
        most: Tokens that it holds.
    """

    def __init__(self, per_second: float, most: float) -> None:
        self._per_second, self._most = per_second, most
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> bool:
        """Takes a token; False: there is none left."""
        now = time.monotonic()
        level, last = self._levels.pop(key, (self._most, now))
        level = min(self._most, level + (now - last) * self._per_second)
        allowed = level >= 1
        self._levels[key] = (level - allowed, now)
        while len(self._levels) > _MOST_BUCKETS:
            self._levels.popitem(last=False)
        return allowed


class Bounded:
    """Refuses requests for a foreign host, with too large a body, or too many of one link; sets the headers of answers.

    Args:
        app: What is protected.
        hosts: Names by which the server may be called; without this a page elsewhere could have its own name resolve to
            this machine.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)
        self._requests = Buckets(REQUESTS_PER_S, BURST)
        self._joins = Buckets(JOINS_PER_S, JOINS_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    answer[name] = value
                answer.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, with_headers)
            return
        size = 0

        async def bounded() -> Message:
            nonlocal size
            message = await receive()
            if message["type"] == "http.request":
                size += len(message.get("body", b""))
                if size > LARGEST_BODY:
                    raise TooLargeError
            return message

        await self._app(scope, bounded, with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
        if self._hosts and host.strip("[]").lower() not in self._hosts:
            return _refused(421, "wrong-host")
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            return _refused(400, "bad-length", close=True)
        if int(length) > LARGEST_BODY:
            return _refused(413, "too-large", close=True)
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return _refused(405, "method")
        parts = scope["path"].split("/")
        key = "/".join(parts[1:3]) if len(parts) > 2 else ""
        joining = scope["method"] == "POST" and parts[1:2] == ["join"]
        if parts[1:2] != ["assets"] and not (self._joins if joining else self._requests).take(key):
            return _refused(429, "too-many")
        if scope["method"] == "POST" and headers.get("content-type", "").partition(";")[0] != "application/json":
            return _refused(415, "type", close=True)
        return None


class TooLargeError(Exception):
    """The body of a request is too large."""


def _refused(status: int, code: str, *, close: bool = False) -> JSONResponse:
    headers = {"Connection": "close"} if close else {}
    if status == 429:
        headers["Retry-After"] = "1"
    return JSONResponse({"error": code}, status, headers)
