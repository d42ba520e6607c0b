"""What is around every page: its language and colours, who looks at it, where one can go."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from secrets import token_bytes
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sutdol import __version__
from sutdol.core.caller import LOCAL, Caller, UserRole
from sutdol.web import assets, words

THEMES = ("light", "dark")
THEME = "sutdol_theme"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Nothing from elsewhere, nothing written into a page, and no text that becomes markup."""
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "vary": "cookie, accept-language",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A page in the list of pages; `role` is the least that may see it."""

    path: str
    title: str
    icon: str
    role: UserRole = "user"


PLACES = (
    Place(path="/", title="Overview", icon="overview"),
    Place(path="/arena", title="Arena", icon="arena"),
    Place(path="/models", title="Models", icon="models"),
    Place(path="/feedback", title="Feedback", icon="feedback", role="reviewer"),
    Place(path="/chat", title="Chat", icon="chat"),
    Place(path="/keys", title="Keys and usage", icon="keys"),
    Place(path="/settings", title="Settings", icon="settings"),
)


def caller(request: Request) -> Caller | None:
    """Who looks at it, as the entry of the server found."""
    found = request.scope["sutdol"].caller
    assert found is None or isinstance(found, Caller)
    return found


def page(
    request: Request, template: str, *, status: int = 200, values: Mapping[str, Any] | None = None
) -> Response:
    """A page out of its template."""
    language = words.wanted(
        request.cookies.get(words.COOKIE), request.headers.get("accept-language", "")
    )
    theme = request.cookies.get(THEME, "")
    who = caller(request)
    text = (
        _environment()
        .get_template(template)
        .render(
            lang=language,
            theme=theme if theme in THEMES else "auto",
            who=who,
            is_open=who is not None and who.user == LOCAL.user,
            places=[one for one in PLACES if who is not None and who.at_least(one.role)],
            path=request.url.path,
            _=partial(words.say, language),
            **(values or {}),
        )
    )
    return HTMLResponse(text, status, HEADERS)


def masked(token: str) -> str:
    """A token in hex as another text each time: pages are packed, and how long a packed page is
    could otherwise tell those who listen and try (BREACH) what stands in it.
    """
    secret = bytes.fromhex(token)
    mask = token_bytes(len(secret))
    return mask.hex() + bytes(a ^ b for a, b in zip(mask, secret, strict=True)).hex()


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("sutdol.web", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.globals |= {
        "asset": assets.url,
        "masked": masked,
        "needed": assets.needed,
        "version": __version__,
        "languages": words.NAMES,
    }
    return made
