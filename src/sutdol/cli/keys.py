"""`sutdol keys`: make keys for programs, list them, revoke them."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cyclopts import App

from sutdol.cli.output import Count, Json, Names, note, opened, say, write_json
from sutdol.core.caller import UserRole
from sutdol.core.errors import BadInput, UsageError

if TYPE_CHECKING:
    from sutdol.app import Sutdol
    from sutdol.storage.keys import Key
    from sutdol.storage.users import User

UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}

app = App(
    name="keys",
    help="Make, list and revoke the keys that programs show.",
    help_format="plaintext",
    help_epilogue="",
)


@app.command
def create(
    name: str = "key",
    /,
    *,
    user: str | None = None,
    role: UserRole | None = None,
    scopes: Names | None = None,
    models: Names | None = None,
    rpm: Count | None = None,
    tpm: Count | None = None,
    daily_tokens: Count | None = None,
    expires: str | None = None,
    json: Json = None,
) -> None:
    """Make a key and print it, this once: only a hash of it is kept.

    In a home without users this makes the user admin. The first key of a home may do all that its
    user may, unless told otherwise.

    Example: sutdol keys create ci --scopes chat moderate --rpm 60 --expires 90d

    Parameters
    ----------
    name
        What the key is for.
    user
        Whose key it is; needed when there is more than one user.
    role
        What the key may do at most, and never more than its user: user unless given, for all but
        the first.
    scopes
        Limit it to chat, moderate, feedback, battles, models, usage, admin; * is all its role may.
    models
        Limit it to these models, such as 'javis*'.
    rpm
        Requests a minute.
    tpm
        Tokens a minute.
    daily_tokens
        Tokens a day.
    expires
        When it ends by itself, from now: 12h, 90d or 52w.
    """
    from sutdol.cli.users import ACTOR, told
    from sutdol.storage import access
    from sutdol.storage.keys import NewKey
    from sutdol.storage.secrets import pepper

    now = datetime.now(UTC)
    ends = None if expires is None else now + _span(expires)
    with opened() as sutdol:
        owner = _owner(sutdol, user, now)
        new = NewKey(
            user=owner.id,
            name=name,
            role=role or _role(sutdol, owner),
            scopes=tuple(scopes or ["*"]),
            models=tuple(models or []),
            rpm=rpm,
            tpm=tpm,
            daily_tokens=daily_tokens,
            expires_at=ends,
        )
        key, plain = access.new_key(sutdol.db, pepper(sutdol.db, now), new, actor=ACTOR, now=now)
    if json != "-":
        say(plain)  # before a file that may fail: it cannot be shown again
    note(f"A key of {owner.name} with role {key.role}, shown this once: keep it now.")
    note(f"Revoke it with `sutdol keys revoke {key.id}`.")
    with _for_owner_only():
        write_json({"key": plain, **told(key)}, json)


@app.command(name="list")
def list_(*, user: str | None = None, json: Json = None) -> None:
    """All keys, oldest first, without their secrets.

    Example: sutdol keys list --user anna --json -

    Parameters
    ----------
    user
        Only this user's.
    """
    from sutdol.cli.users import told
    from sutdol.storage import keys, users

    now = datetime.now(UTC)
    with opened() as sutdol, sutdol.db.read() as tx:
        found = keys.all(tx, None if user is None else users.by_name(tx, user).id)
    write_json([{**told(one), "state": one.state(now)} for one in found], json)
    if json == "-":
        return
    for one in found:
        say(_line(one, now))
    if not found:
        note("There is no key yet: `sutdol keys create` makes one.")


@app.command
def revoke(key: str, /, *, json: Json = None) -> None:
    """End a key for good, at once.

    Example: sutdol keys revoke 4f9a1c2e

    Parameters
    ----------
    key
        Its id: what stands between the first two underscores, and what `keys list` shows.
    """
    from sutdol.cli.users import ACTOR, told
    from sutdol.storage import access

    now = datetime.now(UTC)
    with opened() as sutdol:
        one = access.revoke_key(sutdol.db, key, actor=ACTOR, now=now)
    write_json({**told(one), "state": one.state(now)}, json)
    if json != "-":
        say(_line(one, now))


@contextmanager
def _for_owner_only() -> Iterator[None]:
    """Nobody else may read the files that are made within."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _owner(sutdol: "Sutdol", name: str | None, now: datetime) -> "User":
    """Whose the new key is."""
    from sutdol.cli.users import ACTOR
    from sutdol.storage import access, users

    with sutdol.db.read() as tx:
        known = users.all(tx)
        if known and name is not None:
            return users.by_name(tx, name)
    if len(known) > 1:
        names = ", ".join(one.name for one in known)
        raise UsageError(f"Say whose key it is with --user: {names}.")
    if known:
        return known[0]
    if name not in (None, "admin"):
        raise UsageError(f"There is no user yet: `sutdol users create {name}` makes the first.")
    made = access.new_user(sutdol.db, "admin", "admin", actor=ACTOR, now=now)
    note("This home had no users: made the user admin.")
    return made


def _role(sutdol: "Sutdol", owner: "User") -> UserRole:
    from sutdol.storage import keys

    with sutdol.db.read() as tx:
        return "user" if keys.all(tx) else owner.role


def _span(text: str) -> timedelta:
    form = re.fullmatch(r"([1-9][0-9]{0,4})([hdw])", text)
    if form is None:
        raise BadInput(f"--expires {text} is no time: write 12h, 90d or 52w.")
    return int(form[1]) * UNITS[form[2]]


def _line(one: "Key", now: datetime) -> str:
    used = f"{one.last_used_at:%Y-%m-%d %H:%M}" if one.last_used_at else "never"
    scopes = " ".join(one.scopes)
    whose = f"{one.id}  {one.user_name}  {one.name}"
    return f"{whose}  {one.role}  {scopes}  {one.state(now)}  used {used}"
