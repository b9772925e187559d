"""Errors of the service: a status and one sentence, always in the form {"error": "..."}."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ..diagnostics import log


class Problem(Exception):
    """Error of a client, or a reason to wait."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.headers = status, sentence, headers


class ProblemBody(BaseModel):
    """Response body of an error."""

    error: str


def answer_problems(app: FastAPI) -> None:
    """Make `app` report all errors as one sentence."""

    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> JSONResponse:
        return _response(error.status, error.sentence, error.headers)

    @app.exception_handler(ClientDisconnect)
    async def left(request: Request, error: ClientDisconnect) -> JSONResponse:
        log.event("client left", path=request.url.path)
        return _response(400, "The body is not complete.")  # nobody reads it

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return _response(422, f"The parameter {first['loc'][-1]} is invalid: {first['msg']}.")

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        sentence = {
            404: "There is nothing at this address: see /docs.",
            405: "This address takes another method: see /docs.",
        }
        return _response(
            error.status_code, sentence.get(error.status_code, f"{error.detail}."), dict(error.headers or {})
        )

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        return _response(500, "An unexpected error occurred: see the log of the service.")


def _response(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": sentence}, status, headers)
