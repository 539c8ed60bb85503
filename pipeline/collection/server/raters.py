"""What raters' pages ask."""

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
from avcues.pipeline.collection.records.items import finish_item, has_place, items_for_new_rater
from avcues.pipeline.collection.records.raters import (
    UnknownRaterError,
    add_rater,
    by_outside_id,
    by_token,
    joint_rater,
    note_activity,
    save_answers,
)
from avcues.pipeline.collection.records.traces import begin_attempt, check_complete, save_batch
from avcues.pipeline.collection.records.visit import FOLLOW, SOUND, next_step, page_by_key, tones
from avcues.pipeline.collection.server.bodies import Answers, BadRequestError, Batch, Done, Join, Visit, body
from avcues.pipeline.collection.server.context import OtherTabError, context_of, stimulus
from avcues.pipeline.collection.server.tones import tones_wav
from avcues.pipeline.collection.study import Study, token


def routes() -> list[Route]:
    """The addresses."""
    return [
        Route("/join/{token}", _join_page, methods=["GET"]),
        Route("/join/{token}", _join, methods=["POST"]),
        Route("/r/{token}", _rate_page, methods=["GET"]),
        Route("/r/{token}/next", _next, methods=["POST"]),
        Route("/r/{token}/answers", _answers, methods=["POST"]),
        Route("/r/{token}/batch", _batch, methods=["POST"]),
        Route("/r/{token}/done", _done, methods=["POST"]),
        Route("/r/{token}/clip/{item:int}", _clip, methods=["GET"]),
        Route("/r/{token}/page/{key}", _page_clip, methods=["GET"]),
        Route("/r/{token}/tones.wav", _tones, methods=["GET"]),
    ]


async def _join_page(request: Request) -> Response:
    context = context_of(request)
    await context.database.run(lambda connection: _kind_of_link(connection, request.path_params["token"]))
    names = context.study.design.links.outside_id
    outside = next((value for name in names if (value := request.query_params.get(name))), "")
    return context.page(context, "join", {"outside": outside[:128], "study": request.path_params["token"][:12]})


async def _join(request: Request) -> Response:
    context = context_of(request)
    joined: Join = await body(request, Join)
    study, link = context.study, request.path_params["token"]

    def job(connection: sqlite3.Connection) -> str | None:
        joint = _kind_of_link(connection, link) == "joint"
        outside = joined.outside or None
        rater = joint_rater(connection) if joint else by_outside_id(connection, outside) if outside else None
        if rater is not None:
            return str(rater["token"])
        if not joint and not has_place(connection, study):
            return None
        items = None if joint else items_for_new_rater(connection, study)
        return str(add_rater(connection, joint=joint, outside=outside, items=items)["token"])

    rater = await context.database.run(job)
    return JSONResponse({"error": "no-place"}, 409) if rater is None else JSONResponse({"rater": rater})


async def _rate_page(request: Request) -> Response:
    context, rater = context_of(request), request.path_params["token"]
    await context.database.run(lambda connection: by_token(connection, rater))
    checks = context.study.design.checks
    return context.page(context, "rate", {"rater": rater, "checks": checks.model_dump(mode="json")})


async def _next(request: Request) -> Response:
    context = context_of(request)
    visit: Visit = await body(request, Visit)

    def job(connection: sqlite3.Connection) -> dict[str, Any]:
        rater = by_token(connection, request.path_params["token"])
        if visit.device is not None:  # sent once, when a page is opened: the newest tab counts
            device = json.dumps(visit.device.model_dump())
            connection.execute("UPDATE raters SET tab = ?, device = ? WHERE id = ?", (visit.tab, device, rater["id"]))
        elif rater["tab"] != visit.tab:
            raise OtherTabError
        note_activity(connection, rater["id"])
        return next_step(connection, context.study, by_token(connection, rater["token"]))

    return JSONResponse(await context.database.run(job))


async def _answers(request: Request) -> Response:
    context = context_of(request)
    sent: Answers = await body(request, Answers)

    def job(connection: sqlite3.Connection) -> dict[str, Any]:
        rater = _rater_in_tab(connection, request, sent.tab)
        answers = _checked_answers(connection, context.study, rater, sent)
        if answers is None:
            return {"right": False}
        save_answers(connection, rater["id"], sent.key, answers)
        note_activity(connection, rater["id"])
        return {"right": True}

    return JSONResponse(await context.database.run(job))


async def _batch(request: Request) -> Response:
    context = context_of(request)
    batch: Batch = await body(request, Batch)
    events = json.dumps(batch.events, separators=(",", ":"))

    def job(connection: sqlite3.Connection) -> dict[str, Any]:
        rater = by_token(connection, request.path_params["token"])
        if batch.item is not None:
            _own_item(connection, rater, batch.item)
        if not begin_attempt(connection, rater["id"], batch.item, batch.attempt):
            raise UnknownRaterError
        save_batch(connection, rater["id"], batch.attempt, batch.number, events)
        return {"saved": batch.number, "current": rater["tab"] == batch.tab}

    return JSONResponse(await context.database.run(job))


async def _done(request: Request) -> Response:
    context = context_of(request)
    done: Done = await body(request, Done)

    def job(connection: sqlite3.Connection) -> dict[str, Any]:
        rater = _rater_in_tab(connection, request, done.tab)
        item = _own_item(connection, rater, done.item)
        setup = context.study.design.setup(item["setup"])
        answers = _checked(context.study.design.asked_after(setup.name), done.answers)
        if setup.plays:
            if done.attempt is None or done.batches < 1:
                raise BadRequestError("a clip was not played")
            _own_attempt(connection, rater, item["id"], done.attempt)
            check_complete(connection, done.attempt, done.batches)
        finish_item(connection, item["id"], done.attempt if setup.plays else None, answers)
        note_activity(connection, rater["id"])
        return {"saved": True}

    return JSONResponse(await context.database.run(job))


async def _clip(request: Request) -> Response:
    context = context_of(request)

    def job(connection: sqlite3.Connection) -> sqlite3.Row:
        rater = by_token(connection, request.path_params["token"])
        return _own_item(connection, rater, request.path_params["item"])

    item = await context.database.run(job)
    clip = context.study.clip(item["video"], practice=item["kind"] == "practice")
    file = clip.file(context.study.design.setup(item["setup"]))
    if file is None:
        raise UnknownRaterError
    return stimulus(context, file)


async def _page_clip(request: Request) -> Response:
    context = context_of(request)
    await context.database.run(lambda connection: by_token(connection, request.path_params["token"]))
    page = page_by_key(context.study, request.path_params["key"])
    if page is None or not page.clip:
        raise UnknownRaterError
    return stimulus(context, max(context.study.stimuli.others[page.clip].files.values(), key=lambda file: file.bytes))


async def _tones(request: Request) -> Response:
    context = context_of(request)
    rater = await context.database.run(lambda connection: by_token(connection, request.path_params["token"]))
    return Response(tones_wav(tones(context.study, rater["id"])), media_type="audio/wav")


def _kind_of_link(connection: sqlite3.Connection, link: str) -> str:
    """ "raters" or "joint"."""
    for name in ("raters", "joint"):
        if secrets.compare_digest(token(connection, name).encode(), link.encode()):
            return name
    raise UnknownRaterError


def _rater_in_tab(connection: sqlite3.Connection, request: Request, tab: str) -> sqlite3.Row:
    rater = by_token(connection, request.path_params["token"])
    if rater["tab"] != tab:
        raise OtherTabError
    return rater


def _own_item(connection: sqlite3.Connection, rater: sqlite3.Row, item: int) -> sqlite3.Row:
    row = connection.execute("SELECT * FROM items WHERE id = ? AND rater = ?", (item, rater["id"])).fetchone()
    if row is None:
        raise UnknownRaterError
    return row


def _own_attempt(connection: sqlite3.Connection, rater: sqlite3.Row, item: int | None, attempt: str) -> None:
    row = connection.execute(
        "SELECT 1 FROM attempts WHERE id = ? AND rater = ? AND item IS ?", (attempt, rater["id"], item)
    ).fetchone()
    if row is None:
        raise BadRequestError("an attempt is not of this clip")


def _checked_answers(
    connection: sqlite3.Connection, study: Study, rater: sqlite3.Row, sent: Answers
) -> dict[str, Any] | None:
    """The answers of a page; None: they do not let the rater go on."""
    if sent.key == SOUND:
        tries = sent.answers.get("tries")
        counted = sent.answers.get("tones")
        if not isinstance(counted, int) or not isinstance(tries, int) or not 0 < tries < 100:
            raise BadRequestError("tones are not counted")
        right = counted == tones(study, rater["id"])
        return {"right": right, "tries": tries} if right or tries >= study.design.checks.sound_tries else None
    if sent.key == FOLLOW:
        if sent.attempt is None:
            raise BadRequestError("the point was not followed")
        _own_attempt(connection, rater, None, sent.attempt)
        check_complete(connection, sent.attempt, sent.batches)
        return {"attempt": sent.attempt}
    page = page_by_key(study, sent.key)
    step = next_step(connection, study, rater)
    if page is None:
        raise BadRequestError("there is no such page")
    if step.get("key") != sent.key:
        # Sent again after its answer was lost, or a page that does not come now.
        row = connection.execute("SELECT 1 FROM answers WHERE rater = ? AND page = ?", (rater["id"], sent.key))
        if row.fetchone() is None:
            raise BadRequestError("this page does not come now")
    if page.consent and sent.answers.get("consent") is not True:
        raise BadRequestError("the rater did not agree")
    answers = {name: answer for name, answer in sent.answers.items() if name != "consent"}
    checked = _checked(page.questions, answers)
    return checked | ({"consent": True} if page.consent else {})


def _checked(questions: Iterable[Question], answers: dict[str, Any]) -> dict[str, Any]:
    by_name = {question.name: question for question in questions}
    if foreign := next((name for name in answers if name not in by_name), None):
        raise BadRequestError(f"{foreign[:40]}: is not asked here")
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
