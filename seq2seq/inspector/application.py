"""The inspector as a web application: which address is answered by what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute

from seq2seq.inspector import schemas
from seq2seq.inspector.api_page import STYLE, api_page
from seq2seq.inspector.guards import Guards
from seq2seq.inspector.limits import Limits
from seq2seq.inspector.model_thread import ModelThread
from seq2seq.inspector.page_files import PageFile, read_page_files
from seq2seq.inspector.problems import ApiError, answer_errors
from seq2seq.inspector.questions import Questions
from seq2seq.inspector.served_model import ServedModel
from seq2seq.inspector.warm_up import warm_up_work
from seq2seq.inspector.work_queue import WorkQueue

_DESCRIPTION = (
    "Translations with the attention that produced them, and questions about both. Word numbers count from "
    "0; the number behind the last word is the end of the sentence. Offsets count Unicode code points."
)
# Of every address. What has no address, or not with this method, is answered with 404 or 405.
_ERRORS = {421: "This server was not told to answer to that host", 500: "The model failed"}
_ERRORS_OF_QUESTIONS = {
    400: "The body is not JSON",
    404: "No such model or checkpoint",
    408: "The body did not arrive in time",
    413: "The body is too large",
    415: "The body is not announced as application/json",
    422: "The request is not as described, or beyond a limit",
    503: "Too much to do; try again",
    **_ERRORS,
}

router = APIRouter()


def create_application(
    models: Sequence[ServedModel],
    limits: Limits | None = None,
    hosts: Collection[str] = (),
    *,
    warm_up: bool = False,
) -> FastAPI:
    """Make the application; its model thread runs while the application does.

    Args:
        models: at least one, of different names; the first is the default.
        limits: of a request.
        hosts: see `Guards`.
        warm_up: build the graphs of the usual questions as soon as it runs, so that nobody waits for them.
    """
    limits = limits or Limits()
    queue = WorkQueue(limits.waiting)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        thread = ModelThread(queue)
        thread.start()
        if warm_up:
            queue.submit(warm_up_work(models, limits.beam_size))
        yield
        thread.stop()

    app = FastAPI(
        title="Attention inspector",
        version="1",
        description=_DESCRIPTION,
        lifespan=lifespan,
        # FastAPI's own pages load their scripts from another host.
        docs_url=None,
        redoc_url=None,
    )
    app.state.questions = Questions(models, queue, limits)
    app.state.descriptions = [model.describe(limits.beam_size) for model in models]
    app.state.page = read_page_files()
    app.include_router(router)
    app.add_middleware(
        Guards,
        questions=_addresses_of_questions(),
        hosts=hosts,
        body_bytes=limits.body_bytes,
        body_seconds=limits.body_seconds,
    )
    answer_errors(app)
    return app


def _answers(model: type, errors: Mapping[int, str] = _ERRORS_OF_QUESTIONS) -> dict[int | str, Any]:
    """What FastAPI is told of an address' answers."""
    answers: dict[int | str, Any] = {200: {"model": model, "description": "The answer"}}
    for status in sorted(errors):
        answers[status] = {"model": schemas.ErrorAnswer, "description": errors[status]}
    return answers


def _addresses_of_questions() -> list[str]:
    routes = [each for each in router.routes if isinstance(each, APIRoute)]
    return [route.path for route in routes if "POST" in (route.methods or ())]


def _questions(request: Request) -> Questions:
    return request.app.state.questions


async def _answered(request: Request, answer: Awaitable[dict[str, Any]]) -> Response:
    content = await _questions(request).written(await answer)
    return Response(content, media_type="application/json")


@router.get("/", include_in_schema=False)
@router.head("/", include_in_schema=False)
async def page(request: Request) -> Response:
    return _file(request, "index.html")


@router.get("/page/{name:path}", include_in_schema=False)
@router.head("/page/{name:path}", include_in_schema=False)
async def page_file(name: str, request: Request) -> Response:
    return _file(request, name)


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    return Response(api_page(request.app.openapi()), media_type="text/html")


@router.get("/docs.css", include_in_schema=False)
async def docs_style() -> Response:
    return Response(STYLE, media_type="text/css")


@router.head("/health", include_in_schema=False)
@router.get("/health", summary="Is the server there?", responses=_answers(schemas.HealthAnswer, _ERRORS))
async def health(request: Request) -> Response:
    questions = _questions(request)
    return JSONResponse({"status": "ok", "models": list(questions.models), "waiting": len(questions.queue)})


@router.head("/api/models", include_in_schema=False)
@router.get(
    "/api/models",
    summary="What is served, and its limits",
    responses=_answers(schemas.ModelsAnswer, _ERRORS),
)
async def models(request: Request) -> Response:
    limits = _questions(request).limits
    return JSONResponse({"models": request.app.state.descriptions, "limits": limits.to_json()})


@router.post("/api/translate", summary="Translate", responses=_answers(schemas.TranslateAnswer))
async def translate(asked: schemas.TranslateRequest, request: Request) -> Response:
    """Translate one or many sentences, or go on from a prefix of one."""
    return await _answered(request, _questions(request).translate(asked, request.is_disconnected))


@router.post("/api/score", summary="Score given translations", responses=_answers(schemas.ScoreAnswer))
async def score(asked: schemas.ScoreRequest, request: Request) -> Response:
    """Probabilities and attention of translations that are given (forced decoding)."""
    return await _answered(request, _questions(request).score(asked, request.is_disconnected))


@router.post(
    "/api/alternatives", summary="The likeliest next pieces", responses=_answers(schemas.AlternativesAnswer)
)
async def alternatives(asked: schemas.AlternativesRequest, request: Request) -> Response:
    """What the model would write after a prefix, likeliest first."""
    return await _answered(request, _questions(request).alternatives(asked, request.is_disconnected))


@router.post("/api/pin", summary="Prescribe attention", responses=_answers(schemas.PinAnswer))
async def pin(asked: schemas.PinRequest, request: Request) -> Response:
    """Force the attention of target words onto source words, and see what becomes of the translation."""
    return await _answered(request, _questions(request).pin(asked, request.is_disconnected))


@router.post("/api/why", summary="What a translation depends on", responses=_answers(schemas.WhyAnswer))
async def why(asked: schemas.WhyRequest, request: Request) -> Response:
    """Leave each source word out, differentiate by it, and compare with attention."""
    return await _answered(request, _questions(request).why(asked, request.is_disconnected))


@router.post("/api/beam", summary="A beam search as a tree", responses=_answers(schemas.BeamAnswer))
async def beam(asked: schemas.BeamRequest, request: Request) -> Response:
    """Every hypothesis that the search followed, and the next in line that it did not."""
    return await _answered(request, _questions(request).beam(asked, request.is_disconnected))


def _file(request: Request, name: str) -> Response:
    file: PageFile | None = request.app.state.page.get(name)
    if file is None:
        raise ApiError(404, "not_found", "The page has no such file.")
    return Response(file.content, headers={"Content-Type": file.media_type})
