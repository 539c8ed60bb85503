"""The web application of a study: routes, pages and error responses."""

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
from avcues.pipeline.collection.server.limits import LimitedApp, TooLargeError
from avcues.pipeline.collection.study import Study

_ASSETS = "avcues.pipeline.collection"
_RESEARCHER_SCRIPT = "study"
"""The script of the researcher's page, which is not translated."""
_MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def make_app(study: Study, database: Database, *, hosts: Collection[str] = (), root: str = "") -> ASGIApp:
    """Makes the ASGI application of a study.

    Args:
        database: The database; closed when the server ends.
        hosts: Host names that requests may use; empty: any.
        root: Path under which a proxy serves the study, such as "/ratings".
    """
    context = Context(study=study, database=database, root=root.rstrip("/"), page=_page)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        database.close()

    app = Starlette(
        routes=[
            Route("/", _root_page),
            Route("/assets/{name}", _asset),
            *raters.routes(),
            *researcher.routes(),
        ],
        lifespan=lifespan,
        exception_handlers={
            UnknownRaterError: _error_handler(404, lambda error: {"error": "unknown"}),
            BadRequestError: _error_handler(400, lambda error: {"error": "bad-request"}),
            OtherTabError: _error_handler(409, lambda error: {"error": "other-tab"}),
            IncompleteError: _error_handler(409, lambda error: {"error": "incomplete", "missing": error.missing}),
            TooLargeError: _error_handler(413, lambda error: {"error": "too-large"}),
            StorageError: _error_handler(507, lambda error: {"error": "full"}),
            sqlite3.IntegrityError: _error_handler(409, lambda error: {"error": "unknown"}),
            404: _not_found,
        },
    )
    app.state.context = context
    return LimitedApp(app, hosts)


def _error_handler(
    status: int, content: Callable[[Any], Mapping[str, Any]]
) -> Callable[[Request, Exception], Response]:
    def handle_error(_: Request, error: Exception) -> Response:
        return JSONResponse(content(error), status)

    return handle_error


def _page(context: Context, script: str, data: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    design = context.study.design
    text = (
        _environment()
        .get_template("page.html")
        .render(
            title=design.title,
            language=design.language if script != _RESEARCHER_SCRIPT else "en",
            direction=design.direction if script != _RESEARCHER_SCRIPT else "ltr",
            root=context.root,
            script=script,
            data={"root": context.root, "title": design.title, "texts": design.texts.model_dump(), **data},
        )
    )
    return HTMLResponse(text, status)


async def _root_page(request: Request) -> Response:
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
    kind = _MEDIA_TYPES[name.rpartition(".")[2]]
    # Browsers revalidate assets with every page, so that versions are never mixed.
    return Response(content, media_type=kind, headers={"Cache-Control": "no-cache"})


@cache
def _assets() -> dict[str, bytes]:
    """The files that browsers may request, read once."""
    folder = files(_ASSETS).joinpath("assets")
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name.rpartition(".")[2] in _MEDIA_TYPES}


@cache
def _environment() -> Environment:
    environment = Environment(loader=PackageLoader(_ASSETS, "assets"), undefined=StrictUndefined, autoescape=True)
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": True}
    return environment
