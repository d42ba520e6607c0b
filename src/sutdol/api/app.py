"""The ASGI application of the REST faces: every router, every error, and the document of it all."""

from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from sutdol import __version__
from sutdol.api import (
    access,
    battles,
    chats,
    conversations,
    errors,
    feedback,
    files,
    flows,
    health,
    keys,
    metrics,
    models,
    moderations,
    perspective,
    responses,
    sessions,
    usage,
    users,
    verdicts,
    versions,
)
from sutdol.api.context import App, Context
from sutdol.api.door import COOKIE
from sutdol.api.entry import Entry
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
    users.router,
    keys.router,
    usage.router,
    conversations.router,
    feedback.router,
    responses.router,
    files.router,
    battles.router,
    flows.router,
    models.router,
    verdicts.router,
    versions.router,
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


def routes() -> FastAPI:
    """All routes, without what stands before them."""
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
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(SutdolError, errors.ours)
    app.add_exception_handler(RequestValidationError, errors.wrong_form)
    app.add_exception_handler(HTTPException, errors.http)
    app.add_exception_handler(ClientDisconnect, errors.left)
    app.add_exception_handler(Exception, errors.broken)
    return app


def build(hall: Hall) -> App:
    """The application around what one process works with."""
    app = routes()
    app.state.hall = hall
    return Context(Entry(Shortcut(app, ROUTERS), hall))
