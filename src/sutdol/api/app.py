"""The ASGI application of the REST faces: every router, every error, and the document of it all."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from sutdol import __version__
from sutdol.api import (
    access,
    attacks,
    battles,
    chats,
    conversations,
    doctor,
    errors,
    feedback,
    files,
    first,
    flows,
    health,
    keys,
    metrics,
    models,
    moderations,
    perspective,
    responses,
    sessions,
    settings,
    usage,
    users,
    verdicts,
    versions,
    withdrawn,
)
from sutdol.api.context import App, Context
from sutdol.api.door import COOKIE
from sutdol.api.entry import Entry
from sutdol.api.errors import NoPage
from sutdol.api.faces import Faces
from sutdol.api.hall import Hall
from sutdol.api.hot import Shortcut
from sutdol.api.schemas import ERRORS
from sutdol.core.errors import SutdolError

ROUTERS = (  # asked one after the other: those with the most to do come first
    chats.router,
    moderations.router,
    perspective.router,
    health.router,
    metrics.router,
    sessions.router,
    first.router,
    users.router,
    keys.router,
    usage.router,
    conversations.router,
    feedback.router,
    withdrawn.router,
    responses.router,
    files.router,
    battles.router,
    attacks.router,
    flows.router,
    models.router,
    verdicts.router,
    versions.router,
    doctor.router,
    settings.router,
)

CREDENTIALS = {
    "key": {"type": "http", "scheme": "bearer", "description": "What `sutdol keys create` shows."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "A signed-in user.",
    },
}
"""Either of them; none on a server that only its own machine reaches."""


class Documented(FastAPI):
    """FastAPI, with a document that says where a key is asked for: it does not see the entry."""

    def openapi(self) -> dict[str, Any]:
        found = super().openapi()
        found["components"]["securitySchemes"] = CREDENTIALS
        for path, operations in found["paths"].items():
            for method, operation in operations.items():
                is_open = access.rule(method.upper(), path).open
                operation["security"] = [] if is_open else [{name: []} for name in CREDENTIALS]
        return found


def routes(*more: APIRouter) -> FastAPI:
    """All routes, and more of them, without what stands before them."""
    app = Documented(
        title="Sutdol",
        version=__version__,
        summary="Self-hosted AI that sharpens itself, and proves it.",
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
        responses=ERRORS,
        redirect_slashes=False,
    )
    for router in (*ROUTERS, *more):
        app.include_router(router)
    app.add_exception_handler(SutdolError, errors.ours)
    app.add_exception_handler(RequestValidationError, errors.wrong_form)
    app.add_exception_handler(HTTPException, errors.http)
    app.add_exception_handler(ClientDisconnect, errors.left)
    app.add_exception_handler(Exception, errors.broken)
    return app


def build(hall: Hall, faces: Faces) -> App:
    """The application around what one process works with."""
    app = routes(faces.router)
    app.state.hall = hall
    app.add_exception_handler(HTTPException, _missing(faces))
    return Context(Entry(Shortcut(app, ROUTERS), hall, faces))


def _missing(faces: Faces) -> Callable[[Request, Exception], Awaitable[Response]]:
    """What is told where there is nothing: a page to people, JSON to programs."""

    async def told(request: Request, error: Exception) -> Response:
        found = faces.refused(request, NoPage(request.url.path)) if _is_404(error) else None
        return found or await errors.http(request, error)

    return told


def _is_404(error: Exception) -> bool:
    return isinstance(error, HTTPException) and error.status_code == 404
