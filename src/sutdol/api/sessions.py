"""Sign in with name and password, sign out, and learn who one is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from sutdol.api.door import COOKIE, shown_session
from sutdol.api.errors import SignInFailed, Unauthorized
from sutdol.api.fields import Body, Told
from sutdol.api.hall import Hall, ask, caller, hall
from sutdol.api.passwords import WRONG, PasswordWrong, Tries, proven, tried
from sutdol.core.caller import Caller, UserRole
from sutdol.core.errors import Refused
from sutdol.storage import access, passwords, sessions, users
from sutdol.storage.access import UserChange
from sutdol.storage.effects import Tx
from sutdol.storage.users import User

router = APIRouter(tags=["Sutdol"])

NOBODY = "Nobody is signed in here: send a name and a password."

Name = Annotated[str, Field(max_length=4 * users.LONGEST)]
NewName = Annotated[Name, Field(min_length=1)]
Password = Annotated[str, Field(max_length=passwords.RAW)]
NewWord = Annotated[Password, Field(min_length=passwords.SHORTEST)]


class SignIn(Body):
    name: Name
    password: Password


class NewPassword(Body):
    current: Password
    password: NewWord


class SignedIn(Told):
    """A form or a page sends `csrf` as the header `x-csrf-token` with all that changes anything."""

    user: str
    name: str
    role: UserRole
    csrf: str
    expires_at: datetime


class Who(Told):
    """Who asks, by which key, and what that key is kept to; `csrf` is a session's."""

    user: str
    name: str
    role: UserRole
    key: str | None
    scopes: list[str]
    models: list[str]
    rpm: int | None
    tpm: int | None
    daily_tokens: int | None
    csrf: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A session: the cookie that its browser gets, and what its user is told."""

    cookie: str
    told: SignedIn


def opened(tx: Tx, here: Hall, user: User) -> Opened:
    """A new session of a user."""
    now, lasts = here.now(), timedelta(seconds=here.sutdol.settings.server.session)
    cookie, token = sessions.open(tx, here.pepper, user.id, now, lasts=lasts)
    told = SignedIn(
        user=user.id, name=user.name, role=user.role, csrf=token, expires_at=now + lasts
    )
    return Opened(cookie=cookie, told=told)


def set_cookie(here: Hall, response: Response, cookie: str) -> None:
    """Give it to the browser; over plain HTTP none keeps it, unless that was asked for."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(here.sutdol.settings.server.session),
        httponly=True,
        samesite="lax",
        secure=_secure(here),
    )


@router.post("/api/v1/sessions", status_code=201)
async def sign_in(request: Request, response: Response, given: SignIn) -> SignedIn:
    """Sign in: the answer sets a cookie that is new each time, and ends the one that was sent."""
    here, old = hall(request), shown_session(request.scope["headers"])
    tries = Tries(here.limits, request, given.name)
    made, ended = await tried(tries, lambda: _signed_in(here, given, old))
    if ended:
        here.door.forget()
    set_cookie(here, response, made.cookie)
    return made.told


@router.get("/api/v1/sessions")
async def session(request: Request) -> Who:
    """Who is signed in, and the token for forms; 401 where nobody is."""
    return _who(_somebody(request))


@router.delete("/api/v1/sessions", status_code=204)
async def sign_out(request: Request) -> Response:
    """Sign out: the cookie is worth nothing any more."""
    _somebody(request)
    here, cookie = hall(request), shown_session(request.scope["headers"])
    if cookie is not None:
        await run_in_threadpool(_close, here, cookie)
        here.door.forget()
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=_secure(here))
    return response


@router.get("/api/v1/me")
async def me(request: Request) -> Who:
    """Who asks, and what this key may do."""
    return _who(caller(request))


@router.patch("/api/v1/me", status_code=204)
async def change_password(request: Request, given: NewPassword) -> Response:
    """Change one's own password, which ends all of one's sessions: sign in again."""
    here, who = hall(request), caller(request)
    tries = Tries(here.limits, request, who.name)
    await tried(tries, lambda: _change_password(here, who, given))
    here.door.forget()
    return Response(status_code=204)


def _somebody(request: Request) -> Caller:
    found = ask(request).caller
    if found is None:
        raise Unauthorized(NOBODY)
    return found


def _who(found: Caller) -> Who:
    return Who.model_validate(found)


def _secure(here: Hall) -> bool:
    return not here.local and not here.sutdol.settings.server.plain_http


def _signed_in(here: Hall, given: SignIn, old: str | None) -> tuple[Opened, bool]:
    """A new session, if the password is right, and whether another was ended for it.

    The hash is made anew where costs have risen.
    """
    user, stored = proven(here, given.name, given.password)
    anew = passwords.hash(given.password) if passwords.outdated(stored) else None
    with here.sutdol.db.write() as tx:
        again = users.password(tx, given.name)
        if again is None or again[1] != stored:  # it was changed while we were counting
            raise SignInFailed(WRONG)
        if anew is not None:
            users.rehash(tx, user.id, anew)
        ended = old is not None and _ended(tx, here, old)
        return opened(tx, here, again[0]), ended


def _ended(tx: Tx, here: Hall, cookie: str) -> bool:
    """End the session of the cookie, if it is one."""
    known = sessions.find(tx, here.pepper, cookie, here.now())
    sessions.close(tx, here.pepper, cookie)
    return known is not None


def _close(here: Hall, cookie: str) -> None:
    with here.sutdol.db.write() as tx:
        sessions.close(tx, here.pepper, cookie)


def _change_password(here: Hall, who: Caller, given: NewPassword) -> None:
    try:
        user, _ = proven(here, who.name, given.current)
    except SignInFailed:  # it is known who asks
        raise PasswordWrong("The current password is wrong.") from None
    if user.id != who.user:
        raise Refused("Nobody is signed in here whose password this could be.")
    change = UserChange(password=given.password)
    access.change_user(here.sutdol.db, user.id, change, actor=who.actor, now=here.now())
