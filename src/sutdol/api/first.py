"""The first admin, who comes by the link that `sutdol up` prints."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from sutdol.api.fields import Body
from sutdol.api.hall import Hall, hall
from sutdol.api.passwords import HASHING
from sutdol.api.sessions import NewName, NewWord, Opened, SignedIn, opened, set_cookie
from sutdol.storage import access, first_admin

router = APIRouter(tags=["Sutdol"])


class FirstAdmin(Body):
    """`token` is what stands behind the # of the link."""

    token: Annotated[str, Field(max_length=100)]
    name: NewName
    password: NewWord


@router.post("/api/v1/first-admin", status_code=201)
async def become_first_admin(request: Request, response: Response, given: FirstAdmin) -> SignedIn:
    """Become the first admin who can sign in, and be signed in; the link works once."""
    here = hall(request)
    await run_in_threadpool(_require_good, here, given.token)  # before the slow work of a password
    made = await HASHING.do(lambda: _made(here, given))
    here.door.forget()
    set_cookie(here, response, made.cookie)
    return made.told


def _require_good(here: Hall, token: str) -> None:
    with here.sutdol.db.read() as tx:
        first_admin.require(tx, here.pepper, token, here.now())


def _made(here: Hall, given: FirstAdmin) -> Opened:
    user = access.first_admin(
        here.sutdol.db,
        here.pepper,
        given.token,
        given.name,
        given.password,
        now=here.now(),
    )
    with here.sutdol.db.write() as tx:
        return opened(tx, here, user)
