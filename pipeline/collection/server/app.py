"""The addresses of a study, and what answers there."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from avcues.pipeline.collection.records import Database, StorageError
from avcues.pipeline.collection.records.raters import UnknownRaterError
from avcues.pipeline.collection.records.traces import IncompleteError
from avcues.pipeline.collection.server import raters, researcher
from avcues.pipeline.collection.server.bodies import BadRequestError
from avcues.pipeline.collection.server.context import Context, OtherTabError
from avcues.pipeline.collection.server.limits import Bounded, TooLargeError
from avcues.pipeline.collection.study import Study

_ASSETS = "avcues.pipeline.collection"
_RESEARCHER = "study"
"""The script of the page that is not translated."""
_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def make_app(study: Study, database: Database, *, hosts: Collection[str] = (), root: str = "") -> ASGIApp:
    """The server of a study, as an ASGI application.

    Args:
        database: Closed when the server ends.
        hosts: Names by which it may be called; empty: any.
        root: Path under which a proxy shows it, such as "/ratings".
    """
    context = Context(study=study, database=database, root=root.rstrip("/"), page=_page)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        database.close()

    app = Starlette(
        routes=[
            Route("/", _nothing_here),
            Route("/assets/{name}", _asset),
            *raters.routes(),
            *researcher.routes(),
        ],
        lifespan=lifespan,
        exception_handlers={
            UnknownRaterError: _answer(404, lambda error: {"error": "unknown"}),
            BadRequestError: _answer(400, lambda error: {"error": "bad-request"}),
            OtherTabError: _answer(409, lambda error: {"error": "other-tab"}),
            IncompleteError: _answer(409, lambda error: {"error": "incomplete", "missing": error.missing}),
            TooLargeError: _answer(413, lambda error: {"error": "too-large"}),
            StorageError: _answer(507, lambda error: {"error": "full"}),
            sqlite3.IntegrityError: _answer(409, lambda error: {"error": "unknown"}),
            404: _not_found,
        },
    )
    app.state.context = context
    return Bounded(app, hosts)


def _answer(status: int, content: Callable[[Any], Mapping[str, Any]]) -> Callable[[Request, Exception], Response]:
    def answer(_: Request, error: Exception) -> Response:
        return JSONResponse(content(error), status)

    return answer


def _page(context: Context, script: str, data: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    design = context.study.design
    text = (
        _environment()
        .get_template("page.html")
        .render(
            title=design.title,
            language=design.language if script != _RESEARCHER else "en",
            direction=design.direction if script != _RESEARCHER else "ltr",
            root=context.root,
            script=script,
            data={"root": context.root, "title": design.title, "texts": design.texts.model_dump(), **data},
        )
    )
    return HTMLResponse(text, status)


async def _nothing_here(request: Request) -> Response:
    return _page(request.app.state.context, "message", {"message": "removed"}, 404)


async def _not_found(request: Request, _: Exception) -> Response:
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return _page(request.app.state.context, "message", {"message": "removed"}, 404)
    return JSONResponse({"error": "unknown"}, 404)


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    content = _assets().get(name)
    if content is None:
        return JSONResponse({"error": "unknown"}, 404)
    kind = _TYPES[name.rpartition(".")[2]]
    # Checked again with every page, so that a newer version is never mixed with an older one.
    return Response(content, media_type=kind, headers={"Cache-Control": "no-cache"})


@cache
def _assets() -> dict[str, bytes]:
    """The files that browsers may have, read once."""
    folder = files(_ASSETS).joinpath("assets")
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name.rpartition(".")[2] in _TYPES}


@cache
def _environment() -> Environment:
    environment = Environment(loader=PackageLoader(_ASSETS, "assets"), undefined=StrictUndefined, autoescape=True)
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": True}
    return environment
