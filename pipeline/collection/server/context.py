"""What every answer needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from avcues.pipeline.collection.records import Database
from avcues.pipeline.collection.stimuli.index import STIMULI, File
from avcues.pipeline.collection.study import Study


class OtherTabError(Exception):
    """The rater went on in another tab."""


@dataclass(frozen=True)
class Context:
    """A running study.

    Args:
        root: Path under which a proxy shows it.
        page: Makes a page from the name of its script and its data.
    """

    study: Study
    database: Database
    root: str
    page: Callable[..., HTMLResponse]


def context_of(request: Request) -> Context:
    """The running study that a request is for."""
    context: Context = request.app.state.context
    return context


def stimulus(context: Context, file: File) -> Response:
    """A prepared file, in ranges where the browser wants them."""
    path = context.study.folder / STIMULI / file.name
    return FileResponse(path, media_type=file.kind, headers={"Cache-Control": "private, max-age=3600"})
