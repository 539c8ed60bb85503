"""Routes and handlers of the raters' pages."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from avcues.pipeline.collection.design.questions import Question
from avcues.pipeline.collection.records.items import finish_item, items_for_new_rater, needs_rater
from avcues.pipeline.collection.records.raters import (
    UnknownRaterError,
    add_rater,
    joint_rater,
    note_activity,
    rater_by_outside_id,
    rater_by_token,
    save_answers,
)
from avcues.pipeline.collection.records.traces import begin_attempt, check_complete, save_batch
from avcues.pipeline.collection.records.visit import FOLLOW, SOUND, next_step, page_by_key, tones
from avcues.pipeline.collection.server.bodies import (
    Answers,
    BadRequestError,
    Batch,
    CompletedItem,
    JoinRequest,
    StepRequest,
    read_body,
)
from avcues.pipeline.collection.server.context import OtherTabError, context_of, stimulus_response
from avcues.pipeline.collection.server.tones import tones_wav
from avcues.pipeline.collection.study import Study, secret_token


def routes() -> list[Route]:
    """The routes of the raters' pages."""
    return [
        Route("/join/{token}", _join_page, methods=["GET"]),
        Route("/join/{token}", _join, methods=["POST"]),
        Route("/r/{token}", _rate_page, methods=["GET"]),
        Route("/r/{token}/next", _next_step, methods=["POST"]),
        Route("/r/{token}/answers", _answers, methods=["POST"]),
        Route("/r/{token}/batch", _batch, methods=["POST"]),
        Route("/r/{token}/done", _complete_item, methods=["POST"]),
        Route("/r/{token}/clip/{item:int}", _clip, methods=["GET"]),
        Route("/r/{token}/page/{key}", _page_clip, methods=["GET"]),
        Route("/r/{token}/tones.wav", _tones, methods=["GET"]),
    ]


async def _join_page(request: Request) -> Response:
    context = context_of(request)
    await context.database.run(lambda connection: _link_kind(connection, request.path_params["token"]))
    names = context.study.design.links.outside_id
    outside_id = next((value for name in names if (value := request.query_params.get(name))), "")
    return context.page(context, "join", {"outside_id": outside_id[:128], "study": request.path_params["token"][:12]})


async def _join(request: Request) -> Response:
    context = context_of(request)
    join_request: JoinRequest = await read_body(request, JoinRequest)
    study, link = context.study, request.path_params["token"]

    def job(connection: sqlite3.Connection) -> str | None:
        joint = _link_kind(connection, link) == "joint"
        outside_id = join_request.outside_id or None
        rater = (
            joint_rater(connection) if joint else rater_by_outside_id(connection, outside_id) if outside_id else None
        )
        if rater is not None:
            return str(rater["token"])
        if not joint and not needs_rater(connection, study):
            return None
        items = None if joint else items_for_new_rater(connection, study)
        return str(add_rater(connection, joint=joint, outside_id=outside_id, items=items)["token"])

    rater = await context.database.run(job)
    return JSONResponse({"error": "no-place"}, 409) if rater is None else JSONResponse({"rater": rater})


async def _rate_page(request: Request) -> Response:
    context, rater = context_of(request), request.path_params["token"]
    await context.database.run(lambda connection: rater_by_token(connection, rater))
    checks = context.study.design.checks
    return context.page(context, "rate", {"rater": rater, "checks": checks.model_dump(mode="json")})


async def _next_step(request: Request) -> Response:
    context = context_of(request)
    step_request: StepRequest = await read_body(request, StepRequest)

    def job(connection: sqlite3.Connection) -> dict[str, Any]:
        rater = rater_by_token(connection, request.path_params["token"])
        if step_request.device is not None:  # sent once, when a page is opened: the newest tab is the current one
            device = json.dumps(step_request.device.model_dump())
            connection.execute(
                "UPDATE raters SET tab = ?, device = ? WHERE id = ?", (step_request.tab, device, rater["id"])
            )
        elif rater["tab"] != step_request.tab:
            raise OtherTabError
        note_activity(connection, rater["id"])
        return next_step(connection, context.study, rater_by_token(connection, rater["token"]))

    return JSONResponse(await context.database.run(job))


async def _answers(request: Request) -> Response:
    context = context_of(request)
    page_answers: Answers = await read_body(request, Answers)

    def job(connection: sqlite3.Connection) -> dict[str, Any]:
        rater = _rater_in_tab(connection, request, page_answers.tab)
        answers = _checked_answers(connection, context.study, rater, page_answers)
        if answers is None:
            return {"right": False}
        save_answers(connection, rater["id"], page_answers.key, answers)
        note_activity(connection, rater["id"])
        return {"right": True}

    return JSONResponse(await context.database.run(job))


async def _batch(request: Request) -> Response:
    context = context_of(request)
    batch: Batch = await read_body(request, Batch)
    events = json.dumps(batch.events, separators=(",", ":"))

    def job(connection: sqlite3.Connection) -> dict[str, Any]:
        rater = rater_by_token(connection, request.path_params["token"])
        if batch.item is not None:
            _item_of_rater(connection, rater, batch.item)
        if not begin_attempt(connection, rater["id"], batch.item, batch.attempt):
            raise UnknownRaterError
        save_batch(connection, rater["id"], batch.attempt, batch.number, events)
        return {"saved": batch.number, "current": rater["tab"] == batch.tab}

    return JSONResponse(await context.database.run(job))


async def _complete_item(request: Request) -> Response:
    context = context_of(request)
    completed: CompletedItem = await read_body(request, CompletedItem)

    def job(connection: sqlite3.Connection) -> dict[str, Any]:
        rater = _rater_in_tab(connection, request, completed.tab)
        item = _item_of_rater(connection, rater, completed.item)
        setup = context.study.design.setup(item["setup"])
        answers = _checked_questions(context.study.design.questions_after(setup.name), completed.answers)
        if setup.plays:
            if completed.attempt is None or completed.batches < 1:
                raise BadRequestError("the clip was not played")
            _check_attempt(connection, rater, item["id"], completed.attempt)
            check_complete(connection, completed.attempt, completed.batches)
        finish_item(connection, item["id"], completed.attempt if setup.plays else None, answers)
        note_activity(connection, rater["id"])
        return {"saved": True}

    return JSONResponse(await context.database.run(job))


async def _clip(request: Request) -> Response:
    context = context_of(request)

    def job(connection: sqlite3.Connection) -> sqlite3.Row:
        rater = rater_by_token(connection, request.path_params["token"])
        return _item_of_rater(connection, rater, request.path_params["item"])

    item = await context.database.run(job)
    clip = context.study.clip(item["video"], practice=item["kind"] == "practice")
    file = clip.file(context.study.design.setup(item["setup"]))
    if file is None:
        raise UnknownRaterError
    return stimulus_response(context, file)


async def _page_clip(request: Request) -> Response:
    context = context_of(request)
    await context.database.run(lambda connection: rater_by_token(connection, request.path_params["token"]))
    page = page_by_key(context.study, request.path_params["key"])
    if page is None or not page.clip:
        raise UnknownRaterError
    return stimulus_response(
        context, max(context.study.stimuli.others[page.clip].files.values(), key=lambda file: file.bytes)
    )


async def _tones(request: Request) -> Response:
    context = context_of(request)
    rater = await context.database.run(lambda connection: rater_by_token(connection, request.path_params["token"]))
    return Response(tones_wav(tones(context.study, rater["id"])), media_type="audio/wav")


def _link_kind(connection: sqlite3.Connection, link: str) -> str:
    """The kind of a link, "raters" or "joint"."""
    for name in ("raters", "joint"):
        if secrets.compare_digest(secret_token(connection, name).encode(), link.encode()):
            return name
    raise UnknownRaterError


def _rater_in_tab(connection: sqlite3.Connection, request: Request, tab: str) -> sqlite3.Row:
    rater = rater_by_token(connection, request.path_params["token"])
    if rater["tab"] != tab:
        raise OtherTabError
    return rater


def _item_of_rater(connection: sqlite3.Connection, rater: sqlite3.Row, item: int) -> sqlite3.Row:
    row = connection.execute("SELECT * FROM items WHERE id = ? AND rater = ?", (item, rater["id"])).fetchone()
    if row is None:
        raise UnknownRaterError
    return row


def _check_attempt(connection: sqlite3.Connection, rater: sqlite3.Row, item: int | None, attempt: str) -> None:
    row = connection.execute(
        "SELECT 1 FROM attempts WHERE id = ? AND rater = ? AND item IS ?", (attempt, rater["id"], item)
    ).fetchone()
    if row is None:
        raise BadRequestError("the attempt does not belong to this clip")


def _checked_answers(
    connection: sqlite3.Connection, study: Study, rater: sqlite3.Row, page_answers: Answers
) -> dict[str, Any] | None:
    """Checks the answers of a page; None if the rater must try again."""
    if page_answers.key == SOUND:
        tries = page_answers.answers.get("tries")
        counted_tones = page_answers.answers.get("tones")
        if not isinstance(counted_tones, int) or not isinstance(tries, int) or not 0 < tries < 100:
            raise BadRequestError("the number of tones or tries is missing")
        is_right = counted_tones == tones(study, rater["id"])
        return {"right": is_right, "tries": tries} if is_right or tries >= study.design.checks.sound_tries else None
    if page_answers.key == FOLLOW:
        if page_answers.attempt is None:
            raise BadRequestError("the point was not followed")
        _check_attempt(connection, rater, None, page_answers.attempt)
        check_complete(connection, page_answers.attempt, page_answers.batches)
        return {"attempt": page_answers.attempt}
    page = page_by_key(study, page_answers.key)
    step = next_step(connection, study, rater)
    if page is None:
        raise BadRequestError("there is no such page")
    if step.get("key") != page_answers.key:
        # The page was sent again because its response was lost, or it is not due now.
        row = connection.execute("SELECT 1 FROM answers WHERE rater = ? AND page = ?", (rater["id"], page_answers.key))
        if row.fetchone() is None:
            raise BadRequestError("this page is not due now")
    if page.consent and page_answers.answers.get("consent") is not True:
        raise BadRequestError("consent is missing")
    answers = {name: answer for name, answer in page_answers.answers.items() if name != "consent"}
    checked = _checked_questions(page.questions, answers)
    return checked | ({"consent": True} if page.consent else {})


def _checked_questions(questions: Iterable[Question], answers: dict[str, Any]) -> dict[str, Any]:
    by_name = {question.name: question for question in questions}
    if foreign := next((name for name in answers if name not in by_name), None):
        raise BadRequestError(f"{foreign[:40]}: is not a question of this page")
    checked = {}
    for name, question in by_name.items():
        answer = answers.get(name)
        if answer is None:
            if question.required:
                raise BadRequestError(f"{name}: is missing")
            continue
        try:
            checked[name] = question.check(answer)
        except (ValueError, TypeError, OverflowError) as error:
            raise BadRequestError(str(error)) from error
    return checked
