"""What `sutdol up` decides before anything runs: address, keys, the tables, the first guard."""

import ipaddress
import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sutdol.core.errors import NotReady, Refused, UsageError

if TYPE_CHECKING:
    from sutdol.core.settings import Settings
    from sutdol.storage.database import Database

ROLE = "guard"
FIRST = "first-guard"
"""The flow that trains the first guard of a home, and with -2 and so on what tries it again: one
for all who start at once.
"""


@dataclass(frozen=True, kw_only=True)
class UpPlan:
    """`told` are lines for the user."""

    settings: "Settings"
    listening: socket.socket
    is_open: bool
    local: bool
    told: Sequence[str]

    def serving(self) -> list[str]:
        command = [sys.executable, "-m", "sutdol.serve", "--parent", str(os.getpid())]
        command += ["--fd", str(self.listening.fileno()), "--host", self.settings.host]
        command += ["--open"] if self.is_open else []
        return command + (["--local"] if self.local else [])


def prepared(*, host: str | None, port: int | None, flows: bool) -> UpPlan:
    """Listen, bring the tables up to date, and see to a guard; `flows`: a worker will run here.

    All else of Sutdol is left to the processes that need it: to load it takes a second.
    """
    from sutdol.core.settings import Settings
    from sutdol.storage.database import Database

    settings = Settings.load(host=host, port=port)
    found = _addresses(settings.host)
    local = all(ipaddress.ip_address(one[4][0]).is_loopback for one in found)
    is_open = _is_open(settings.auth, settings.host, local=local)
    listening = _listen(found[0], settings)
    try:
        wait = settings.database_wait
        with Database.open(settings.database_url, settings.home, wait=wait) as db:
            told = [*_welcome(settings, listening, is_open=is_open), *_keys(db, is_open)]
            told += [] if is_open else _first_admin(db, _url(settings, listening))
            told += _guard(db, settings, flows=flows)
    except BaseException:
        listening.close()
        raise
    return UpPlan(settings=settings, listening=listening, is_open=is_open, local=local, told=told)


def _is_open(auth: str, host: str, *, local: bool) -> bool:
    """Whether no key is asked for; never where others can reach it."""
    if auth == "off" and not local:
        raise Refused(
            f"Without keys anybody who reaches {host} could use this server: remove `auth: off`,"
            " or listen at 127.0.0.1."
        )
    return auth == "off" or (auth == "auto" and local)


def _addresses(host: str) -> list[tuple[socket.AddressFamily, int, int, str, tuple[str, int]]]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise UsageError(
            f"There is no address {host!r}: give --host an address of this machine."
        ) from None
    return [(f[0], f[1], f[2], f[3], (str(f[4][0]), 0)) for f in found]


def _listen(
    address: tuple[socket.AddressFamily, int, int, str, tuple[str, int]], settings: "Settings"
) -> socket.socket:
    made = socket.socket(address[0], socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((address[4][0], settings.port))
        made.listen(2048)
    except OSError as error:
        made.close()
        raise NotReady(
            f"Cannot listen at {settings.host}:{settings.port} ({error.strerror}): stop what"
            " listens there, or take another --port."
        ) from None
    made.set_inheritable(True)
    return made


def _welcome(settings: "Settings", listening: socket.socket, *, is_open: bool) -> list[str]:
    asks = "no key is asked for on this machine" if is_open else "a key is asked for"
    return [f"Sutdol is at {_url(settings, listening)} ({asks}); stop it with Ctrl-C"]


def _url(settings: "Settings", listening: socket.socket) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listening.getsockname()[1]}"


def _first_admin(db: "Database", url: str) -> list[str]:
    """Where nobody could sign in who may let others in: a link that makes the first admin."""
    from sutdol.storage import first_admin, secrets, users

    now = datetime.now(UTC)
    with db.read() as tx:
        if users.admin_signs_in(tx):
            return []
    pepper = secrets.pepper(db, now)
    with db.write() as tx:
        token = first_admin.offer(tx, pepper, now)
    return [f"No admin can sign in yet: become the first one at {url}/welcome#{token}"]


def _keys(db: "Database", is_open: bool) -> list[str]:
    from sutdol.storage import keys

    with db.read() as tx:
        has = bool(keys.all(tx))
    return [] if has or is_open else ["There is no key yet: make one with `sutdol keys create`"]


def _guard(db: "Database", settings: "Settings", *, flows: bool) -> list[str]:
    """Where there is no guard: have the first one trained, unless that is not wanted."""
    from sutdol.storage import examples, versions

    with db.read() as tx:
        if versions.alias(tx, ROLE, "champion"):
            return []
        empty = examples.count(tx, ROLE) == 0
    if not settings.server.bundled_guard or not _has_it_trained(settings, empty=empty):
        return ["There is no guard yet: train one with `sutdol guard train --data FILE`"]
    if flows:
        return ["There is no guard yet: the first one is being trained on the bundled texts"]
    return ["There is no guard yet: a worker trains the first one; start one with `sutdol worker`"]


def _has_it_trained(settings: "Settings", *, empty: bool) -> bool:
    """Ask for the first guard, anew where that came to nothing; a home that has texts of its own,
    and never asked, is left to its user.
    """
    from sutdol.app import Sutdol
    from sutdol.flow.desk import Desk

    with Sutdol.open(settings) as sutdol, Desk(sutdol.place) as desk:
        known, number = desk.find(FIRST), 1
        if known is None and not empty:
            return False
        while known is not None and known.over:
            number += 1
            known = desk.find(f"{FIRST}-{number}")
        if known is None:
            flow = FIRST if number == 1 else f"{FIRST}-{number}"
            desk.ask("first", {"role": ROLE, "seed": 0}, flow=flow)
    return True
