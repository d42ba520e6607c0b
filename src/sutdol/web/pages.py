"""Every page by its path, the files they load, and what a browser is told instead of an error."""

from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sutdol.core.errors import SutdolError
from sutdol.web import assets, shell

router = APIRouter(include_in_schema=False)

FOR_PROGRAMS = ("/api/", "/v1/", "/v1alpha1/", "/static/", "/openapi.json", "/metrics")
FOR_GOOD = "public, max-age=31536000, immutable"
WRONG = {403: "This is not for you", 404: "There is nothing here"}


@router.get("/")
def overview(request: Request) -> Response:
    return shell.page(request, "overview.html")


@router.get("/arena")
def arena(request: Request) -> Response:
    return shell.page(request, "arena.html")


@router.get("/arena/{battle}")
def battle(request: Request, battle: str) -> Response:
    return shell.page(request, "battle.html", values={"battle": battle})


@router.get("/models")
def models(request: Request) -> Response:
    return shell.page(request, "models.html")


@router.get("/models/{role}/verdicts/{verdict}")
def verdict(request: Request, role: str, verdict: str) -> Response:
    return shell.page(request, "verdict.html", values={"role": role, "verdict": verdict})


@router.get("/models/{role}/compare")
def compare(request: Request, role: str) -> Response:
    return shell.page(request, "compare.html", values={"role": role})


@router.get("/models/{role}/{version}")
def version(request: Request, role: str, version: str) -> Response:
    return shell.page(request, "version.html", values={"role": role, "version_id": version})


@router.get("/feedback")
def feedback(request: Request) -> Response:
    return shell.page(request, "feedback.html")


@router.get("/chat")
def chat(request: Request) -> Response:
    return shell.page(request, "chat.html", values={"conversation": ""})


@router.get("/chat/{conversation}")
def conversation(request: Request, conversation: str) -> Response:
    return shell.page(request, "chat.html", values={"conversation": conversation})


@router.get("/keys")
def keys(request: Request) -> Response:
    return shell.page(request, "keys.html")


@router.get("/settings")
def settings(request: Request) -> Response:
    return shell.page(request, "settings.html")


@router.get("/style")
def style(request: Request) -> Response:
    return shell.page(request, "style.html")


@router.get("/sign-in")
def sign_in(request: Request) -> Response:
    """The form; who needs none, or has signed in, goes on."""
    if shell.caller(request) is not None:
        return RedirectResponse(_inside(request.query_params.get("next", "/")), 303)
    return shell.page(request, "sign-in.html")


@router.get("/welcome")
def welcome(request: Request) -> Response:
    """Where the link leads that `sutdol up` prints for the first admin."""
    return shell.page(request, "welcome.html")


@router.get("/static/{version}/{name:path}")
def file(request: Request, version: str, name: str) -> Response:
    """A file that pages load; under the address of another release it must not be kept."""
    found = assets.all().get(name)
    if found is None:
        return Response(status_code=404)
    head = {"cache-control": FOR_GOOD if version == assets.version() else "no-cache"}
    head |= {"vary": "accept-encoding", "cross-origin-resource-policy": "same-origin"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(
            found.packed, headers=head | {"content-encoding": "gzip"}, media_type=found.kind
        )
    return Response(found.body, headers=head, media_type=found.kind)


@router.get("/favicon.ico")
def icon() -> Response:
    """For browsers that ask without being told where it is."""
    return RedirectResponse(assets.url("icon.svg"), 308)


def refused(request: Request, error: SutdolError) -> Response | None:
    """What a person is shown for an error instead of JSON; None for whoever is no browser."""
    if not _is_browser(request):
        return None
    if error.status == 401:
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(path)}", 303)
    if shell.caller(request) is None and error.status == 404:
        return RedirectResponse("/sign-in", 303)
    title = WRONG.get(error.status, "This did not work")
    values = {"title": title, "message": str(error)}
    return shell.page(request, "wrong.html", status=error.status, values=values)


def _is_browser(request: Request) -> bool:
    wants_page = "text/html" in request.headers.get("accept", "")
    return wants_page and request.method == "GET" and not request.url.path.startswith(FOR_PROGRAMS)


def _inside(path: str) -> str:
    """A path of ours: what leads elsewhere leads home."""
    local = path.startswith("/") and "//" not in path.partition("?")[0] and "\\" not in path
    return path if local else "/"
