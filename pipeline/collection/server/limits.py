"""Limits of requests, and headers of all responses."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 512 * 1024
"""Largest body of a request in bytes."""
REQUESTS_PER_S, REQUEST_BURST = 25, 150
"""Requests of one rater, sustained and in a burst; a page sends many batches when it is online again."""
JOINS_PER_S, JOIN_BURST = 5, 100
_MAX_BUCKETS = 10_000

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
        per_second: Tokens that a bucket gains per second.
        capacity: Tokens that a bucket holds at most.
    """

    def __init__(self, per_second: float, capacity: float) -> None:
        self._per_second, self._capacity = per_second, capacity
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> bool:
        """Takes a token of a key; False if none is left."""
        now = time.monotonic()
        level, last = self._levels.pop(key, (self._capacity, now))
        level = min(self._capacity, level + (now - last) * self._per_second)
        allowed = level >= 1
        self._levels[key] = (level - allowed, now)
        while len(self._levels) > _MAX_BUCKETS:
            self._levels.popitem(last=False)
        return allowed


class LimitedApp:
    """Refuses foreign hosts, too large bodies and too many requests per link; sets the headers of responses.

    Args:
        app: The application to protect.
        hosts: Host names that requests may use. They prevent DNS rebinding: another site could have its name resolve to
            this machine.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)
        self._requests = Buckets(REQUESTS_PER_S, REQUEST_BURST)
        self._joins = Buckets(JOINS_PER_S, JOIN_BURST)

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
                if size > MAX_BODY_BYTES:
                    raise TooLargeError
            return message

        await self._app(scope, bounded, with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
        if self._hosts and host.strip("[]").lower() not in self._hosts:
            return _refusal_response(421, "wrong-host")
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            return _refusal_response(400, "bad-length", close=True)
        if int(length) > MAX_BODY_BYTES:
            return _refusal_response(413, "too-large", close=True)
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return _refusal_response(405, "method")
        parts = scope["path"].split("/")
        key = "/".join(parts[1:3]) if len(parts) > 2 else ""
        joining = scope["method"] == "POST" and parts[1:2] == ["join"]
        if parts[1:2] != ["assets"] and not (self._joins if joining else self._requests).take(key):
            return _refusal_response(429, "too-many")
        if scope["method"] == "POST" and headers.get("content-type", "").partition(";")[0] != "application/json":
            return _refusal_response(415, "type", close=True)
        return None


class TooLargeError(Exception):
    """The body of a request is too large."""


def _refusal_response(status: int, code: str, *, close: bool = False) -> JSONResponse:
    headers = {"Connection": "close"} if close else {}
    if status == 429:
        headers["Retry-After"] = "1"
    return JSONResponse({"error": code}, status, headers)
