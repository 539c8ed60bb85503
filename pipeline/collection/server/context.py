"""The state that every request handler needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from avcues.pipeline.collection.records import Database
from avcues.pipeline.collection.stimuli.index import STIMULI, StimulusFile
from avcues.pipeline.collection.study import Study


class OtherTabError(Exception):
    """The rater continued in another tab."""


@dataclass(frozen=True)
class Context:
    """A running study.

    Args:
        study: The study.
        database: Its database.
        root: Path under which a proxy serves the study.
        page: Makes a page from the name of its script and its data.
    """

    study: Study
    database: Database
    root: str
    page: Callable[..., HTMLResponse]


def context_of(request: Request) -> Context:
    """The running study of a request."""
    context: Context = request.app.state.context
    return context


def stimulus_response(context: Context, file: StimulusFile) -> Response:
    """The response with a stimulus, or with a range of it if the browser requests one."""
    folder = (context.study.folder / STIMULI).resolve()
    path = (folder / file.name).resolve()
    # Whoever made the folder may have linked to other files of this machine.
    if not (path.is_relative_to(folder) and path.is_file()):
        raise HTTPException(404)
    return FileResponse(path, media_type=file.kind, headers={"Cache-Control": "private, max-age=3600"})
