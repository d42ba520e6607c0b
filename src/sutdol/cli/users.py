"""`sutdol users`: who may sign in or hold keys, and as what."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from getpass import getpass
from typing import TYPE_CHECKING, Any

from cyclopts import App

from sutdol.cli.output import Json, note, opened, say, write_json
from sutdol.core.caller import UserRole
from sutdol.core.errors import BadInput, UsageError

if TYPE_CHECKING:
    from sutdol.storage.access import UserChange
    from sutdol.storage.keys import Key
    from sutdol.storage.users import User

ACTOR = "cli"

app = App(
    name="users",
    help="Let users in, change what they may do, shut them out.",
    help_format="plaintext",
    help_epilogue="",
)


@app.command
def create(
    name: str, /, *, role: UserRole | None = None, password: bool = False, json: Json = None
) -> None:
    """Let a user in; by key only, unless there is a password.

    Example: sutdol users create anna --role operator --password

    Parameters
    ----------
    role
        What the user may do: ask, also judge feedback, also change models, or all. The first user
        is an admin unless given, others are users.
    password
        Ask for a password twice; without a terminal, read it from the first line of standard input.
    """
    from sutdol.storage import access, users

    plain = _password() if password else None
    with opened() as sutdol:
        with sutdol.db.read() as tx:
            first = not users.all(tx)
        one = access.new_user(
            sutdol.db,
            name,
            role or ("admin" if first else "user"),
            password=plain,
            actor=ACTOR,
            now=datetime.now(UTC),
        )
    _show(one, json)
    if not one.has_password:
        note(f"{one.name} has no password: `sutdol keys create --user {one.name}` makes a key.")


@app.command(name="list")
def list_(*, json: Json = None) -> None:
    """All users, oldest first.

    Example: sutdol users list --json -
    """
    from sutdol.storage import users

    with opened() as sutdol, sutdol.db.read() as tx:
        found = users.all(tx)
    write_json([told(one) for one in found], json)
    if json == "-":
        return
    for one in found:
        say(_line(one))
    if not found:
        note("There is no user yet: `sutdol keys create` makes an admin.")


@app.command
def disable(name: str, /, *, json: Json = None) -> None:
    """Shut a user out at once, with every key and session; `enable` takes it back.

    Example: sutdol users disable anna
    """
    from sutdol.storage.access import UserChange

    _show(_changed(name, UserChange(enabled=False)), json)


@app.command
def enable(name: str, /, *, json: Json = None) -> None:
    """Let a disabled user in again; keys that were not revoked work again.

    Example: sutdol users enable anna
    """
    from sutdol.storage.access import UserChange

    _show(_changed(name, UserChange(enabled=True)), json)


@app.command(name="role")
def role_(name: str, role: UserRole, /, *, json: Json = None) -> None:
    """Change what a user may do; the user has to sign in again, and keys may do no more than that.

    Example: sutdol users role anna reviewer
    """
    from sutdol.storage.access import UserChange

    _show(_changed(name, UserChange(role=role)), json)


@app.command
def password(name: str, /, *, json: Json = None) -> None:
    """Set a password, asked for twice; without a terminal, the first line of standard input.

    Whoever is signed in as the user has to sign in again.

    Example: sutdol users password anna
    """
    from sutdol.storage.access import UserChange

    _show(_changed(name, UserChange(password=_password())), json)


def told(one: "User | Key") -> dict[str, Any]:
    """As JSON says it."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(one).items()
    }


def _changed(name: str, change: "UserChange") -> "User":
    from sutdol.storage import access, users

    with opened() as sutdol:
        with sutdol.db.read() as tx:
            one = users.by_name(tx, name)
        return access.change_user(sutdol.db, one.id, change, actor=ACTOR, now=datetime.now(UTC))


def _show(one: "User", json: str | None) -> None:
    write_json(told(one), json)
    if json != "-":
        say(_line(one))


def _line(one: "User") -> str:
    state = "disabled" if one.disabled_at else "enabled"
    way = "password" if one.has_password else "keys only"
    return f"{one.name}  {one.role}  {state}  {way}"


def _password() -> str:
    if sys.stdin.isatty():
        try:
            first, second = getpass("Password: "), getpass("Once more: ")
        except EOFError:  # Ctrl-D
            raise UsageError("No password was given.") from None
        if second != first:
            raise UsageError("The two passwords differ: try again.")
        return first
    try:
        return sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise BadInput("The password is no Unicode text: send it in UTF-8.") from None
