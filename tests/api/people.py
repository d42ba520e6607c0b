"""Users of a server under test: made with a password, signed in as a browser is."""

from collections.abc import Mapping
from datetime import UTC, datetime

from tests.api.site import Answer, Site

from sutdol.app import Sutdol
from sutdol.core.caller import UserRole
from sutdol.storage import access
from sutdol.storage.users import User

PASSWORD = "correct horse battery"
SESSIONS = "/api/v1/sessions"


def new_user(site: Site, name: str, role: UserRole = "user", password: str = PASSWORD) -> User:
    with Sutdol.open(site.settings) as sutdol:
        now = datetime.now(UTC)
        return access.new_user(sutdol.db, name, role, password=password, actor="test", now=now)


def signs_in(
    site: Site,
    name: str,
    password: str = PASSWORD,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    return site.post(SESSIONS, {"name": name, "password": password}, key="", headers=headers)


def cookie(answer: Answer) -> str:
    """What a browser sends from now on."""
    return answer.headers["set-cookie"].partition(";")[0]


def browser(answer: Answer) -> dict[str, str]:
    """The headers of a page of ours after that sign-in."""
    return {"cookie": cookie(answer), "x-csrf-token": answer.json["csrf"]}
