"""Users over REST: an admin lets them in, changes what they may do, and shuts them out."""

from datetime import datetime

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from sutdol.api.fields import Body, Kept, Page, Told
from sutdol.api.flows import Name
from sutdol.api.hall import caller, hall
from sutdol.api.passwords import HASHING
from sutdol.api.sessions import NewName, NewWord
from sutdol.core.caller import Caller, UserRole
from sutdol.core.errors import Refused
from sutdol.storage import access, users
from sutdol.storage.access import UserChange
from sutdol.storage.wording import storable

router = APIRouter(tags=["Sutdol"])


class CreateUser(Body):
    name: NewName
    role: UserRole = "user"
    password: NewWord | None = None


class ChangeUser(Body):
    """What is left out stays as it is."""

    role: Kept[UserRole]
    enabled: Kept[bool]
    password: Kept[NewWord]


class UserTold(Told):
    id: str
    name: str
    role: UserRole
    has_password: bool
    disabled_at: datetime | None
    created_at: datetime


@router.get("/api/v1/users")
def list_users(request: Request) -> Page[UserTold]:
    """Every user, oldest first."""
    with hall(request).sutdol.db.read() as tx:
        return Page(data=[UserTold.model_validate(one) for one in users.all(tx)])


@router.post("/api/v1/users", status_code=201)
async def create_user(request: Request, given: CreateUser) -> UserTold:
    """Let a user in; without a password by key only."""
    _require_whole(caller(request))
    here, actor = hall(request), caller(request).actor

    def made() -> users.User:
        return access.new_user(
            here.sutdol.db,
            given.name,
            given.role,
            password=given.password,
            actor=actor,
            now=here.now(),
        )

    one = await (run_in_threadpool(made) if given.password is None else HASHING.do(made))
    return UserTold.model_validate(one)


@router.get("/api/v1/users/{id}")
def show_user(request: Request, id: Name) -> UserTold:
    """One user."""
    with hall(request).sutdol.db.read() as tx:
        return UserTold.model_validate(users.get(tx, storable(id)))


@router.patch("/api/v1/users/{id}")
async def change_user(request: Request, id: Name, given: ChangeUser) -> UserTold:
    """Change a user, who has to sign in again; there is always an admin."""
    _require_whole(caller(request))
    here, actor = hall(request), caller(request).actor
    change = UserChange(role=given.role, enabled=given.enabled, password=given.password)

    def changed() -> users.User:
        return access.change_user(here.sutdol.db, storable(id), change, actor=actor, now=here.now())

    one = await (run_in_threadpool(changed) if given.password is None else HASHING.do(changed))
    here.door.forget()
    return UserTold.model_validate(one)


def _require_whole(who: Caller) -> None:
    """A key with limits must not let somebody in, or become somebody, who has none."""
    limited = who.models or who.rpm or who.tpm or who.daily_tokens or who.scopes != ("*",)
    if who.key is not None and (limited or who.until is not None):
        raise Refused("A limited key cannot change users: sign in, or use a key without limits.")
