"""Keys over REST: everybody makes, sees and revokes his own; an admin everybody's."""

from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from sutdol.api.fields import Body, Moment, Page, Told, Word
from sutdol.api.flows import Name
from sutdol.api.hall import Hall, caller, hall
from sutdol.core.caller import LOCAL, Caller, Scope, UserRole
from sutdol.core.errors import Refused, UnknownName, UsageError
from sutdol.storage import access, keys
from sutdol.storage.effects import Tx
from sutdol.storage.keys import Key, NewKey, State
from sutdol.storage.users import LONGEST
from sutdol.storage.wording import storable

router = APIRouter(tags=["Sutdol"])

Limited = Annotated[int, Field(ge=1, le=keys.MOST)] | None
Pattern = Annotated[
    str, Field(min_length=1, max_length=keys.LONGEST, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")
]
Scopes = Annotated[
    tuple[Literal["*"] | Scope, ...], Field(strict=False, min_length=1, max_length=32)
]
Patterns = Annotated[tuple[Pattern, ...], Field(strict=False, max_length=100)]


class CreateKey(Body):
    """`user` is an id, one's own unless given; no limit, no models and no end mean none."""

    name: Annotated[str, Field(min_length=1, max_length=4 * LONGEST)]
    user: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    role: UserRole = "user"
    scopes: Scopes = ("*",)
    models: Patterns = ()
    rpm: Limited = None
    tpm: Limited = None
    daily_tokens: Limited = None
    expires_at: Moment | None = None


class KeyTold(Told):
    """A key without its secret."""

    id: str
    user: str
    user_name: str
    name: str
    role: UserRole
    scopes: list[str]
    models: list[str]
    rpm: int | None
    tpm: int | None
    daily_tokens: int | None
    state: State
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime


class KeyMade(KeyTold):
    """`key` is what a program shows; nobody can be shown it again."""

    key: str


@router.get("/api/v1/keys")
def list_keys(request: Request, user: Word = None) -> Page[KeyTold]:
    """One's own keys, or those of a user by id; an admin sees all. Oldest first."""
    here, who = hall(request), caller(request)
    if not who.at_least("admin"):
        if user not in (None, who.user):
            raise Refused("The keys of others are an admin's business.")
        user = who.user
    with here.sutdol.db.read() as tx:
        found = keys.all(tx, None if user is None else storable(user))
    return Page(data=[_told(one, here.now()) for one in found])


@router.post("/api/v1/keys", status_code=201)
def create_key(request: Request, given: CreateKey) -> KeyMade:
    """Make a key, which is shown this once; it may do no more than who makes it."""
    here, who = hall(request), caller(request)
    made, plain = _made(here, who, given)
    return KeyMade(**dict(_told(made, here.now())), key=plain)


@router.get("/api/v1/keys/{id}")
def show_key(request: Request, id: Name) -> KeyTold:
    """One key, without its secret."""
    here = hall(request)
    with here.sutdol.db.read() as tx:
        return _told(_visible(tx, id, caller(request)), here.now())


@router.delete("/api/v1/keys/{id}")
async def revoke_key(request: Request, id: Name) -> KeyTold:
    """End a key for good: here at once, in other processes within a second."""
    here, who = hall(request), caller(request)
    done = await run_in_threadpool(_revoked, here, who, id)
    here.door.forget()
    return _told(done, here.now())


def _made(here: Hall, who: Caller, given: CreateKey) -> tuple[Key, str]:
    new = NewKey(**given.model_dump() | {"user": _owner(who, given.user)})
    require_no_wider(new, who, _end(here, who))
    return access.new_key(here.sutdol.db, here.pepper, new, actor=who.actor, now=here.now())


def _revoked(here: Hall, who: Caller, id_: str) -> Key:
    with here.sutdol.db.read() as tx:
        one = _visible(tx, id_, who)
    return access.revoke_key(here.sutdol.db, one.id, actor=who.actor, now=here.now())


def _owner(who: Caller, user: str | None) -> str:
    if user is None and who == LOCAL:
        raise UsageError("Say whose key it is: `user` is an id of /api/v1/users.")
    if user not in (None, who.user) and not who.at_least("admin"):
        raise Refused("Only an admin makes keys for others.")
    return who.user if user is None else storable(user)


def _end(here: Hall, who: Caller) -> datetime | None:
    """When the key ends by itself that is shown."""
    if who.key is None:
        return None
    with here.sutdol.db.read() as tx:
        return keys.get(tx, who.key).expires_at


def require_no_wider(new: NewKey, who: Caller, ends: datetime | None) -> None:
    """Refuse a key that may do more than the one that makes it, which ends then."""
    if who.rpm or who.tpm or who.daily_tokens:
        raise Refused("A key with limits makes no others, which would multiply them: ask an admin.")
    if not who.at_least(new.role):
        raise Refused(f"Your role is {who.role}: a key that you make may not be {new.role}.")
    within = {
        "scopes": all(who.within(one) for one in new.scopes),
        "models": _covers(who.models, new.models),
        "expires_at": ends is None or (new.expires_at is not None and new.expires_at <= ends),
    }
    wider = [name for name, fits in within.items() if not fits]
    if wider:
        raise Refused(f"A key may not make one that is wider than itself: limit {wider[0]} too.")


def _covers(own: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether each wanted pattern is one's own, or the name of one model that fits to one."""
    if not own:
        return True
    plain = [one for one in wanted if not set(one) & set("*?[")]
    return bool(wanted) and all(one in own or (one in plain and _fits(own, one)) for one in wanted)


def _fits(own: tuple[str, ...], model: str) -> bool:
    return any(fnmatchcase(model, each) for each in own)


def _visible(tx: Tx, id_: str, who: Caller) -> Key:
    """The key, if who asks may know of it: another's is as unknown as none."""
    with suppress(UnknownName):
        found = keys.get(tx, storable(id_))
        if found.user == who.user or who.at_least("admin"):
            return found
    raise UnknownName("key", id_, [])


def _told(one: Key, now: datetime) -> KeyTold:
    return KeyTold.model_validate(asdict(one) | {"state": one.state(now)})
