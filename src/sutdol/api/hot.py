"""The paths that are asked all the time go straight to their functions, past the framework."""

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request

from sutdol.api import errors
from sutdol.api.context import Receive, Scope, Send
from sutdol.core.errors import SutdolError

PATHS = (
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/moderations",
    "/v1/responses",
    "/v1alpha1/comments:analyze",
)
"""Their functions take the request and nothing else, so that nothing is looked up for them."""
AS_IT_IS = ("/v1", "/static/")
WORTH_IT = 1_000
"""What is never packed on its way, while all else is for those who take it, from so many bytes on.

Answers of models stand beside what somebody else may have asked; files are packed already.
"""


class Shortcut:
    """ASGI: POST to one of `PATHS` is answered by its function, all else by the application.

    The routes are the application's own, so its document knows them; its errors hold here too.
    """

    def __init__(self, app: FastAPI, routers: Iterable[APIRouter]) -> None:
        self._app = app
        self._packed = GZipMiddleware(app, minimum_size=WORTH_IT)
        found = [route for router in routers for route in router.routes]
        self._routes = {one.path: one for one in found if isinstance(one, APIRoute) and _hot(one)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hot = scope["type"] == "http" and scope["method"] == "POST"
        route = self._routes.get(scope["path"]) if hot else None
        if route is None:
            packs = scope["type"] == "http" and not scope["path"].startswith(AS_IT_IS)
            await (self._packed if packs else self._app)(scope, receive, send)
            return
        scope["app"], scope["route"] = self._app, route
        request = Request(scope, receive)
        try:
            response = await route.endpoint(request)
        except SutdolError as error:
            response = await errors.ours(request, error)
        except ClientDisconnect as error:
            response = await errors.left(request, error)
        await response(scope, receive, send)


def _hot(route: APIRoute) -> bool:
    return route.path in PATHS and "POST" in (route.methods or ())
