"""Ask for passwords with care: few at a time, because each costs 64 MiB, and few tries."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv6Address, ip_address, ip_network
from threading import BoundedSemaphore
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from sutdol.api.errors import SignInFailed
from sutdol.api.hall import Hall
from sutdol.chat.quota import OverLimit
from sutdol.core.errors import Refused, SutdolError, Unavailable
from sutdol.storage import passwords, users
from sutdol.storage.limits import Limit, Limits
from sutdol.storage.users import User

T = TypeVar("T")

BY_NAME, BY_ADDRESS = (Limit(name="requests", most=most, seconds=300.0) for most in (10, 30))
"""Tries in five minutes."""
AT_ONCE, WAITING = 2, 20
WRONG = "The name or the password is wrong."


class PasswordWrong(Refused):
    """Who asks is known, but not by this password."""


class Few:
    """Does slow work a few at a time; who would wait behind too many is sent away."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, "passwords")
        self._places = BoundedSemaphore(at_once + waiting)

    async def do(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise Unavailable("Too many passwords are being checked: try again in a moment.")
        try:
            begun = self._threads.submit(work)
        except BaseException:
            self._places.release()
            raise
        begun.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(begun)


HASHING = Few(AT_ONCE, WAITING)
"""Of this process: whatever hashes a password goes through it."""


class Tries:
    """What one client may still try for one user; every spelling of a name is the same name."""

    def __init__(self, limits: Limits, request: Request, name: str) -> None:
        self._limits = limits
        self._buckets = {
            f"password from {_network(request)}": BY_ADDRESS,
            f"password of {users.folded(name)}": BY_NAME,
        }

    def count(self) -> None:
        """Count one, or refuse it."""
        for who, limit in self._buckets.items():
            room = self._limits.take(who, limit)
            if room.retry:
                raise OverLimit(
                    f"Too many passwords were tried: wait {room.retry:.0f} seconds.", room.retry
                )

    def give_back(self) -> None:
        """Count it no more: it was no wrong password."""
        for who, limit in self._buckets.items():
            self._limits.settle(who, limit, -1)


async def tried(tries: Tries, work: Callable[[], T]) -> T:
    """Do what a password is needed for; only a wrong one uses up a try."""
    await run_in_threadpool(tries.count)
    try:
        done = await HASHING.do(work)
    except (SignInFailed, PasswordWrong):
        raise
    except SutdolError:
        await run_in_threadpool(tries.give_back)
        raise
    await run_in_threadpool(tries.give_back)
    return done


def proven(hall: Hall, name: str, plain: str) -> tuple[User, str]:
    """The user with the hash of the password, if it is the user's.

    Nobody, somebody who is disabled and a wrong password get the same answer after the same time.
    """
    with hall.sutdol.db.read() as tx:
        found = users.password(tx, name)
    user, stored = found or (None, None)
    right = passwords.verify(stored, plain)
    if user is None or stored is None or not right:
        raise SignInFailed(WRONG)
    return user, stored


def _network(request: Request) -> str:
    """The address; of IPv6 the network, of which one client has all addresses."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((int(address), 64), strict=False))
