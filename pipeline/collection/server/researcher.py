"""Routes and handlers of the researcher's page."""

from __future__ import annotations

import io
import secrets
import sqlite3
import tempfile
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from avcues.pipeline.collection.export.status import status_of
from avcues.pipeline.collection.export.trace import read_trace
from avcues.pipeline.collection.export.write import export, open_records
from avcues.pipeline.collection.records.continuity import has_clip
from avcues.pipeline.collection.records.raters import UnknownRaterError
from avcues.pipeline.collection.records.visit import open_round
from avcues.pipeline.collection.server.bodies import BadRequestError, OpenRequest, read_body
from avcues.pipeline.collection.server.context import Context, context_of, stimulus_response
from avcues.pipeline.collection.study import Study, secret_token
from avcues.pipeline.errors import InputError

_POINTS_PER_S = 25


def routes() -> list[Route]:
    """The routes of the researcher's page."""
    return [
        Route("/study/{token}", _study_page, methods=["GET"]),
        Route("/study/{token}/status", _status, methods=["GET"]),
        Route("/study/{token}/trace/{item:int}", _trace, methods=["GET"]),
        Route("/study/{token}/clip/{item:int}", _clip, methods=["GET"]),
        Route("/study/{token}/open", _open, methods=["POST"]),
        Route("/study/{token}/export.zip", _export, methods=["GET"]),
    ]


async def _authorised_context(request: Request) -> Context:
    context = context_of(request)
    expected = await context.database.run(lambda connection: secret_token(connection, "researcher"))
    if not secrets.compare_digest(expected.encode(), request.path_params["token"].encode()):
        raise UnknownRaterError
    return context


async def _study_page(request: Request) -> Response:
    context = await _authorised_context(request)
    return context.page(context, "study", {"researcher": request.path_params["token"]})


async def _status(request: Request) -> Response:
    context = await _authorised_context(request)
    # Read in another thread than the writing one, so that ratings do not wait.
    return JSONResponse(await run_in_threadpool(_read_status, context.study))


def _read_status(study: Study) -> dict[str, Any]:
    with open_records(study.folder) as connection:
        return status_of(connection, study)


async def _trace(request: Request) -> Response:
    context = await _authorised_context(request)
    return JSONResponse(await run_in_threadpool(_read_trace, context.study, request.path_params["item"]))


def _read_trace(study: Study, item: int) -> dict[str, Any]:
    """The position of the pointer and other events, by the time of the clip."""
    with open_records(study.folder) as connection:
        row = _item(connection, study, item)
        file = study.clip(row["video"], practice=row["kind"] == "practice").file(study.design.setup(row["setup"]))
        if file is None or row["attempt"] is None:
            return {"clip": None, "points": [], "events": [], "axes": [], "answers": row["answers"]}
        trace = read_trace(connection, row["attempt"])
    times = np.arange(0, file.duration_s, 1 / _POINTS_PER_S)
    positions = trace.position(trace.page_ms(times))
    return {
        "clip": f"clip/{item}",
        "points": [
            [round(time, 3), None if np.isnan(x) else float(x), None if np.isnan(y) else float(y)]
            for time, (x, y) in zip(times.tolist(), positions.tolist(), strict=True)
        ],
        "events": [
            {"seconds": event.seconds, "name": event.name, "note": event.note}
            for event in trace.events
            if event.name not in ("origin", "size", "frames")
        ],
        "axes": [] if study.design.rating is None else [axis.model_dump() for axis in study.design.rating.axes],
        "answers": row["answers"],
    }


async def _clip(request: Request) -> Response:
    context = await _authorised_context(request)
    item = await context.database.run(lambda connection: _item(connection, context.study, request.path_params["item"]))
    clip = context.study.clip(item["video"], practice=item["kind"] == "practice")
    file = clip.file(context.study.design.setup(item["setup"]))
    if file is None:
        raise UnknownRaterError
    return stimulus_response(context, file)


async def _open(request: Request) -> Response:
    context = await _authorised_context(request)
    open_request: OpenRequest = await read_body(request, OpenRequest)
    if open_request.round not in {round_design.name for round_design in context.study.design.all_rounds}:
        raise BadRequestError("there is no such round")
    await context.database.run(lambda connection: open_round(connection, open_request.round))
    return JSONResponse({"open": open_request.round})


async def _export(request: Request) -> Response:
    context = await _authorised_context(request)
    try:
        content = await run_in_threadpool(_zip_export, context.study)
    except InputError:
        return JSONResponse({"error": "no-ratings"}, 404)
    headers = {"Content-Disposition": 'attachment; filename="ratings.zip"'}
    return Response(content, media_type="application/zip", headers=headers)


def _zip_export(study: Study) -> bytes:
    file = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(file, "w") as archive:
        for path in export(study, Path(folder), Fraction(1, 2), remember_folder=False).files:
            archive.write(path, path.name)
    return file.getvalue()


def _item(connection: sqlite3.Connection, study: Study, item: int) -> sqlite3.Row:
    row = connection.execute("SELECT * FROM items WHERE id = ? AND done IS NOT NULL", (item,)).fetchone()
    if row is None or not has_clip(study, row):
        raise UnknownRaterError
    return row
