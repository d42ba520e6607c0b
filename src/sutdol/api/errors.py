"""Errors as clients read them: OpenAI's envelope on every path, Google's where Perspective was."""

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match

from sutdol.chat.asked import Bad, wrong, wrong_at
from sutdol.chat.log import GONE
from sutdol.chat.pool import NoUpstream
from sutdol.chat.shield import Blocked
from sutdol.core.errors import Busy, LimitReached, SutdolError, Unavailable, UnknownName

KINDS: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
GOOGLE: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    409: "FAILED_PRECONDITION",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
BROKEN = "Something broke in this server: the operator finds it in the log by the request id."


class Unauthorized(SutdolError):
    """No key, or one that does not count."""

    status = 401


class SignInFailed(Unauthorized):
    """Name and password do not belong together."""


class NoPage(SutdolError):
    """For people; programs are told in their own form."""

    status = 404

    def __init__(self, path: str) -> None:
        super().__init__(f"There is nothing at {path[:200]}.")


class TooLarge(SutdolError):
    status = 413


class TooSlow(SutdolError):
    status = 408


CODES: Mapping[type[SutdolError], str] = {
    Blocked: "content_filter",
    LimitReached: "rate_limit_exceeded",
    NoUpstream: "no_upstream",
    SignInFailed: "sign_in_failed",
    Unauthorized: "invalid_api_key",
}


def body(
    path: str, status: int, message: str, *, code: str | None = None, param: str | None = None
) -> bytes:
    """The JSON of an error."""
    if path.startswith("/v1alpha1/"):
        word = GOOGLE.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
        return orjson.dumps({"error": {"code": status, "message": message, "status": word}})
    kind = KINDS.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})


def response(path: str, error: SutdolError) -> Response:
    """What a client gets for an error of ours."""
    content = body(
        path, error.status, str(error), code=code(error), param=getattr(error, "param", None)
    )
    return Response(content, error.status, headers(error), "application/json")


def headers(error: SutdolError) -> dict[str, str]:
    """When to come again, how to say who one is, what the guard said."""
    if isinstance(error, Blocked):
        return {"x-sutdol-guard": error.told}
    if isinstance(error, Unauthorized):
        return {"www-authenticate": "Bearer"}
    retry = getattr(error, "retry", 1.0 if isinstance(error, Unavailable | Busy) else None)
    if retry is None:
        return {}
    seconds, thousandths = max(1, math.ceil(retry)), math.ceil(1000 * retry)
    return {"retry-after": str(seconds), "retry-after-ms": str(thousandths)}


def code(error: SutdolError) -> str:
    """One word that programs can look at."""
    if isinstance(error, UnknownName):
        return f"{error.kind.replace(' ', '_')}_not_found"
    return next((word for kind, word in CODES.items() if isinstance(error, kind)), error.word)


async def ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, SutdolError)
    return response(request.url.path, error)


async def wrong_form(request: Request, error: Exception) -> Response:
    """A parameter or body that is not what the OpenAPI document says; never repeats it."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return response(request.url.path, Bad("The body is no JSON."))
    told = _explained(found, error.body)
    content = body(request.url.path, 422, str(told), code="invalid_value", param=told.param)
    return Response(content, 422, media_type="application/json")


def _explained(found: Sequence[ErrorDetails], sent: object) -> Bad:
    where = found[0]["loc"]
    if where[0] != "body":
        return wrong_at(where, found[0])
    inside = [one | {"loc": one["loc"][1:]} for one in found if one["loc"][0] == "body"]
    return wrong(inside, sent)


async def http(request: Request, error: Exception) -> Response:
    """What the framework refuses, such as an unknown path or method.

    What stops a body on its way is wrapped by it, and is told as what it is.
    """
    assert isinstance(error, HTTPException)
    cause = error.__cause__
    if isinstance(cause, SutdolError):
        return await ours(request, cause)
    if isinstance(cause, ClientDisconnect):
        return gone()
    path, status = request.url.path, error.status_code
    said = {404: f"There is nothing at {path}.", 405: f"{request.method} is not for {path}."}
    message = said.get(status) or error.detail or HTTPStatus(status).phrase
    content = body(path, status, message[:500])
    headers = {"allow": _allowed(request)} if status == 405 else error.headers
    return Response(content, status, headers, "application/json")


def _allowed(request: Request) -> str:
    """All methods of a path; the framework tells those of one route alone."""
    scopes = [{**request.scope, "method": method} for method in METHODS]
    found = [
        str(scope["method"])
        for scope in scopes
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
    ]
    return ", ".join(found)


async def left(request: Request, error: Exception) -> Response:
    """The client went away while it sent its body."""
    return gone()


def gone() -> Response:
    """For a client that did not wait: nobody reads it."""
    return Response(status_code=GONE)


async def broken(request: Request, error: Exception) -> Response:
    return Response(body(request.url.path, 500, BROKEN), 500, media_type="application/json")
