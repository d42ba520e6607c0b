"""What was asked of the server and what it cost: sums, and request by request."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request

from sutdol.api.fields import USUAL, Before, Moment, Page, PerPage, Told, Word, page
from sutdol.api.flows import Name
from sutdol.api.hall import caller, hall, up_to_date
from sutdol.core.caller import Caller
from sutdol.core.errors import BadInput, Refused, UnknownName
from sutdol.storage import decisions, keys, requests, users
from sutdol.storage.decisions import Side
from sutdol.storage.effects import Tx
from sutdol.storage.requests import By

router = APIRouter(tags=["Sutdol"])

USUALLY = timedelta(days=30)


class UsageTold(Told):
    """Sums; `id` is what they are of, `name` what people call it."""

    id: str
    name: str
    requests: int
    errors: int
    blocked: int
    prompt_tokens: int
    completion_tokens: int
    cost: float


class UsagePage(Page[UsageTold]):
    by: By
    since: datetime
    until: datetime


class RequestTold(Told):
    id: str
    user: str | None
    key: str | None
    route: str
    model: str | None
    upstream: str | None
    status: int
    error: str | None
    stream: bool
    prompt_tokens: int | None
    completion_tokens: int | None
    estimated: bool
    cost: float | None
    milliseconds: float
    first_milliseconds: float | None
    created_at: datetime


class DecisionTold(Told):
    id: str
    side: Side
    version: str
    flagged: bool
    blocked: bool
    score: float
    categories: dict[str, float]
    created_at: datetime


class RequestShown(RequestTold):
    """With what the guard said of its texts."""

    decisions: list[DecisionTold]


@router.get("/api/v1/usage")
def usage(
    request: Request,
    by: By = "day",
    since: Annotated[Moment | None, Query()] = None,
    until: Annotated[Moment | None, Query()] = None,
    user: Word = None,
    key: Word = None,
) -> UsagePage:
    """Sums from `since` on and before `until`, of the last 30 days unless given.

    One's own; an operator sees everybody's, or those of a user or key by id.
    """
    until = until or hall(request).now()
    since = since or _earlier(until)
    if since >= until:
        raise BadInput("`since` must lie before `until`.")
    with up_to_date(request).sutdol.db.read() as tx:
        found = requests.usage(
            tx, since=since, until=until, by=by, user=_whose(caller(request), user), key=key
        )
        names = _names(tx, by)
    data = [_sums(one, names) for one in found]
    return UsagePage(data=data, by=by, since=since, until=until)


@router.get("/api/v1/requests")
def list_requests(
    request: Request, user: Word = None, limit: PerPage = USUAL, before: Before = None
) -> Page[RequestTold]:
    """One's own requests, newest first; an operator sees everybody's, or those of a user by id."""
    with up_to_date(request).sutdol.db.read() as tx:
        found = requests.newest(
            tx, user=_whose(caller(request), user), limit=limit + 1, before=before
        )
    return page(found, limit, RequestTold.model_validate)


@router.get("/api/v1/requests/{id}")
def show_request(request: Request, id: Name) -> RequestShown:
    """One request, with what the guard decided; another user's is as unknown as none."""
    who = caller(request)
    with up_to_date(request).sutdol.db.read() as tx:
        one = requests.get(tx, id)
        if one.user != who.user and not who.at_least("operator"):
            raise UnknownName("request", id, [])
        decided = decisions.of_request(tx, one.id)
    told = dict(RequestTold.model_validate(one))
    return RequestShown(**told, decisions=[DecisionTold.model_validate(each) for each in decided])


def _whose(who: Caller, user: str | None) -> str | None:
    """The user whose requests are wanted; None is everybody."""
    if who.at_least("operator"):
        return user
    if user not in (None, who.user):
        raise Refused("What others asked for is an operator's business.")
    return who.user


def _earlier(until: datetime) -> datetime:
    try:
        return until - USUALLY
    except OverflowError:
        raise BadInput("`until` lies before all time: give a later one.") from None


def _names(tx: Tx, by: By) -> Mapping[str, str]:
    """What people call users and keys."""
    if by == "user":
        return {one.id: one.name for one in users.all(tx)}
    return {one.id: one.name for one in keys.all(tx)} if by == "key" else {}


def _sums(one: requests.Usage, names: Mapping[str, str]) -> UsageTold:
    values = {name: getattr(one, name) for name in UsageTold.model_fields if name != "id"}
    return UsageTold(**values | {"id": one.name, "name": names.get(one.name, one.name)})
