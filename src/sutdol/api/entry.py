"""The door of the server: who asks, whether they may, how often, how much and how slowly."""

import asyncio
from collections.abc import Collection
from hmac import compare_digest
from time import monotonic
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

from sutdol.api import access, errors
from sutdol.api.context import App, Message, Receive, Scope, Send
from sutdol.api.door import shown_key, shown_session
from sutdol.api.errors import TooLarge, TooSlow, Unauthorized
from sutdol.api.faces import Faces
from sutdol.api.hall import Ask, Hall
from sutdol.core.caller import LOCAL, Caller
from sutdol.core.errors import Refused, SutdolError

SAFE = ("GET", "HEAD", "OPTIONS")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
UPLOADS = "/v1/files"
SIGNING_IN = ("/api/v1/sessions", "/api/v1/first-admin")
CSRF = b"x-csrf-token"
PROGRESS = 64_000
"""Bytes of a body for which it may take as long again: a large one may, but must go on."""
AS_QUERY = "/v1alpha1/"
"""Perspective's clients send their key as `?key=`; nowhere else is that accepted, because addresses
end up in logs.
"""


class Entry:
    """ASGI middleware; `hall` is there once the server has started."""

    def __init__(self, app: App, hall: Hall, faces: Faces) -> None:
        self._app, self._hall, self._faces = app, hall, faces
        chosen = hall.sutdol.settings.server
        self._most = {True: chosen.upload + 1_000_000, False: chosen.body}
        self._patience = chosen.patience
        self._named = set(chosen.names)
        self._hosts = {*LOOPBACK, *chosen.names, hall.sutdol.settings.host}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ask: Ask = scope["sutdol"]
        _read_as_json(scope)
        began = _Began(send)
        try:
            await self._admit(scope, ask)
            body = _Body(receive, self._limit(scope), self._patience)
            await self._app(scope, body.receive, began.send)
        except SutdolError as error:
            if began.yes:
                raise
            page = self._faces.refused(Request(scope), error)
            told = page or errors.response(scope["path"], error)
            await told(scope, receive, send)

    async def _admit(self, scope: Scope, ask: Ask) -> None:
        """Set the caller, or raise what keeps the request out."""
        hall, headers = self._hall, scope["headers"]
        rule = access.rule(scope["method"], scope["path"])
        forwarded = _is_forwarded(headers)
        open_ = rule.open or (hall.local and scope["path"] == "/metrics" and not forwarded)
        if hall.is_open and forwarded:
            raise Refused(
                "This request comes through a proxy, and no key is asked for: whoever reaches the"
                " proxy could use this server. Set `auth: on` and make keys."
            )
        self._require_own_page(scope)
        ask.caller = LOCAL if hall.is_open else await self._known(scope, headers)
        if ask.caller is None:
            if not open_:
                raise Unauthorized(WANTED)
            return
        if not open_:
            _require_may(ask.caller, rule)
            ask.room = hall.quota.request(ask.caller)

    async def _known(self, scope: Scope, headers: list[tuple[bytes, bytes]]) -> Caller | None:
        key = _shown(scope)
        if key is not None:
            caller = await self._hall.door.by_key(key)
            if caller is None:
                raise Unauthorized("This key is not known, or no longer: ask for a new one.")
            return caller
        cookie = shown_session(headers)
        caller = await self._hall.door.by_session(cookie) if cookie else None
        if caller is not None and scope["method"] not in SAFE and not _signs_in(scope):
            _require_token(caller, headers)
        return caller

    def _require_own_page(self, scope: Scope) -> None:
        """Keep out pages of other sites that a browser of ours shows.

        Where no key is asked for, anything the user's browser visits could ask for him: so the name
        by which we are called must be ours (DNS rebinding), and so must the page that asks.
        """
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if self._hall.is_open and _name(host) not in self._hosts:
            raise Refused(
                f"This server does not answer to the name {_name(host)[:80]!r}: add it to"
                " server.hosts, or turn `auth` on."
            )
        origin = headers.get(b"origin", b"").decode("latin-1")
        # Any page may write a key into an address, which an open server does not look at.
        shown = shown_key(scope["headers"]) if self._hall.is_open else _shown(scope)
        if origin and shown is None and not _is_own(origin, host, self._named):
            raise Refused("A page of another site may not ask this server: send a key instead.")

    def _limit(self, scope: Scope) -> int:
        most = self._most[scope["path"] == UPLOADS and scope["method"] == "POST"]
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > most:
                raise TooLarge(f"The body is {int(value):,} bytes long; at most {most:,} may be.")
        return most


def _shown(scope: Scope) -> str | None:
    """The key that is shown, in a header or, where that is accepted, in the address."""
    key = shown_key(scope["headers"])
    if key is None and scope["path"].startswith(AS_QUERY):
        query = parse_qs(scope["query_string"].decode("latin-1"))
        key = query.get("key", [None])[0]
    return key


WANTED = "A key is needed: send `Authorization: Bearer sutdol_...`; `sutdol keys create` makes one."


class _Began:
    """Whether an answer has begun, after which no error can be told by a status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.yes = False

    async def send(self, message: Message) -> None:
        self.yes = True
        await self._send(message)


class _Body:
    """A body that may be only so long, and take only so long to come."""

    def __init__(self, receive: Receive, most: int, patience: float) -> None:
        self._receive, self._left, self._most = receive, most, most
        self._until = monotonic() + patience
        self._patience = patience
        self._progress = 0  # bytes since the end was put off last
        self._whole = False

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout(self._until - monotonic()):
                message = await self._receive()
        except TimeoutError:
            raise TooSlow(f"The body did not arrive within {self._patience:g} seconds.") from None
        self._whole = not message.get("more_body", False)
        size = len(message.get("body", b""))
        self._left -= size
        if self._left < 0:
            raise TooLarge(f"The body is longer than {self._most:,} bytes.")
        self._progress += size
        if self._progress >= PROGRESS:
            self._progress, self._until = 0, monotonic() + self._patience
        return message


def _read_as_json(scope: Scope) -> None:
    """Bodies of ours are JSON, also where a client such as `curl -d` does not say so.

    Pages of other sites cannot make use of it: see `_require_own_page`.
    """
    path = scope["path"]
    if not path.startswith("/api/v1/") or path in SIGNING_IN:
        return
    headers = [one for one in scope["headers"] if one[0] != b"content-type"]
    given = dict(scope["headers"]).get(b"content-type", FORM)
    if given.startswith(FORM):
        scope["headers"] = [*headers, (b"content-type", b"application/json")]


FORM = b"application/x-www-form-urlencoded"


def _require_may(caller: Caller, rule: access.Rule) -> None:
    if not caller.at_least(rule.role):
        raise Refused(f"This needs the role {rule.role}; {caller.name} has the role {caller.role}.")
    if rule.scope != "*" and not caller.within(rule.scope):
        raise Refused(f"This key lacks the scope '{rule.scope}'.")


def _signs_in(scope: Scope) -> bool:
    """A browser whose cookie is old has no token; a page of another site cannot send JSON."""
    return scope["method"] == "POST" and scope["path"] in SIGNING_IN


def _require_token(caller: Caller, headers: list[tuple[bytes, bytes]]) -> None:
    """A page of another site can make a browser send the cookie, but cannot read the token."""
    sent = dict(headers).get(CSRF, b"")
    if caller.csrf is None or not compare_digest(sent, caller.csrf.encode()):
        raise Refused("The form's token is missing or old: load the page again.")


def _is_forwarded(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name in FORWARDED for name, _ in headers)


FORWARDED = (b"x-forwarded-for", b"forwarded", b"x-real-ip")


def _name(host: str) -> str:
    """The host without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_own(origin: str, host: str, hosts: Collection[str]) -> bool:
    try:
        found = urlsplit(origin)
        name = found.hostname
    except ValueError:
        return False
    return found.netloc == host or name in hosts
