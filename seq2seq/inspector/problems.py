"""Everything that can be wrong with a request, as the one form of JSON that errors have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from data.errors import UserError


class ApiError(Exception):
    """A request that cannot be answered.

    Args:
        status: of HTTP.
        code: for programs, one of `schemas.ErrorBody.code`.
        message: for people: what was wrong, what was expected; without the names of fields.
        field: what of the request it is about, such as `pairs.0.source`.
        headers: of HTTP.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        field: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.field = field
        self.headers = headers

    def response(self) -> JSONResponse:
        problems = [] if self.field is None else [{"field": self.field, "message": str(self)}]
        return error_response(self.status, self.code, str(self), problems, self.headers)


def failed() -> ApiError:
    """What is answered to a request on which the program itself failed."""
    return ApiError(500, "model_failed", "The server failed on this request; its log says why.")


_TEXTS = {
    "source": "The source",
    "source_words": "The source",
    "target": "The translation",
    "target_pieces": "The translation",
    "target_word": "The translation",
    "prefix": "The beginning of the translation",
}


def text_of(field: str) -> str:
    """What people call the text that a field is about: `pairs.1.source` is "The source of pair 2"."""
    first, *rest = field.split(".")
    if first == "sentences":
        return f"Sentence {int(rest[0]) + 1}"
    text = _TEXTS[(rest or [first])[-1]]
    return f"{text} of pair {int(rest[0]) + 1}" if first == "pairs" else text


class ClientGone(Exception):
    """Whoever asked has closed the connection: there is nobody to answer."""


def error_response(
    status: int,
    code: str,
    message: str,
    problems: Sequence[dict[str, Any]] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """See `schemas.ErrorAnswer`."""
    written = [{name: _writable(text) for name, text in problem.items()} for problem in problems]
    body = {"code": code, "message": _writable(message), "problems": written}
    return JSONResponse({"error": body}, status, headers)


def _writable(text: str | None) -> str | None:
    """Names that a client made up may hold lone surrogates, which UTF-8 has not."""
    return None if text is None else text.encode("utf-8", "replace").decode()


def answer_errors(app: FastAPI) -> None:
    """Let every exception that an endpoint may well raise become an answer of this form."""

    @app.exception_handler(ApiError)
    async def _(_: Request, error: ApiError) -> JSONResponse:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def _(_: Request, error: RequestValidationError) -> JSONResponse:
        return _invalid(error.errors())

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> JSONResponse:
        return _plain(request, error)

    @app.exception_handler(UserError)
    async def _(_: Request, error: UserError) -> JSONResponse:
        return error_response(500, "model_failed", str(error))

    @app.exception_handler(ClientGone)
    async def _(_: Request, error: ClientGone) -> JSONResponse:
        return error_response(499, "busy", "The client went away.")


def _invalid(errors: Sequence[Any]) -> JSONResponse:
    problems = []
    for error in errors:
        if error["type"] == "json_invalid":
            reason = error.get("ctx", {}).get("error", "")
            return error_response(400, "invalid_json", f"The request's body is not JSON: {reason}.")
        if error["type"] == "missing" and tuple(error["loc"]) == ("body",):
            return error_response(400, "invalid_json", "The request has no body: send a JSON object.")
        # The first part says that it is the body; the rest is the way to the field.
        field = ".".join(str(part) for part in error["loc"][1:]) or None
        problems.append({"field": field, "message": error["msg"].removeprefix("Value error, ")})
    message = "; ".join(
        problem["message"] if problem["field"] is None else f"{problem['field']}: {problem['message']}"
        for problem in problems[:3]
    )
    more = f" (and {len(problems) - 3} problems more)" if len(problems) > 3 else ""
    return error_response(422, "invalid_request", f"{message}{more}.", problems[:20])


def _plain(request: Request, error: HTTPException) -> JSONResponse:
    path = request.url.path[:200]
    messages = {
        404: ("not_found", f"There is nothing at {path}. /docs lists what there is."),
        405: ("method_not_allowed", f"{path} does not answer {request.method}. /docs lists what does."),
        400: ("invalid_json", "The request's body cannot be read as JSON."),
    }
    code, message = messages.get(error.status_code, ("invalid_request", str(error.detail)))
    headers = dict(error.headers) if error.headers else None
    return error_response(error.status_code, code, message, headers=headers)
