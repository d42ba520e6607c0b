"""Passwords, kept as argon2id hashes: slow by design, so call it outside of any transaction."""

from base64 import b64encode
from functools import cache
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from sutdol.core.errors import BadInput, Corrupted

SHORTEST, LONGEST = 10, 1_024
RAW = 4 * LONGEST  # a Korean syllable may come as three letters


def require(plain: str, *, user: str) -> None:
    """Refuse what makes no password for the user of that name."""
    if _sound(plain).casefold() == normalize("NFKC", user).casefold():
        raise BadInput("The password is the user's name: choose another.")


def hash(plain: str) -> str:
    """What is kept of a password; refuses one that is too short or too long."""
    return _hasher().hash(_sound(plain))


def verify(stored: str | None, plain: str) -> bool:
    """Whether it is the password; for a user without one the answer takes as long, and is no."""
    normal = _normal(plain)
    if normal is None:
        return False  # nobody has such a password: this tells nothing about the user
    try:
        return _hasher().verify(stored or _nobodys(), normal)
    except VerifyMismatchError:
        return False
    except InvalidHashError:
        raise Corrupted("The stored password is damaged: set a new one.") from None


def outdated(stored: str) -> bool:
    """Whether to hash the password anew when it is known next: the library's costs have risen."""
    return _hasher().check_needs_rehash(stored)


def _sound(plain: str) -> str:
    normal = _normal(plain)
    if normal is None:
        raise BadInput(f"The password is no text of at most {LONGEST:,} characters: choose one.")
    if len(normal) < SHORTEST:
        raise BadInput(f"The password is shorter than {SHORTEST} characters: choose a longer one.")
    return normal


def _normal(plain: str) -> str | None:
    """One form for the many in which input methods send the same text; None for no password."""
    if len(plain) > RAW:
        return None
    normal = normalize("NFKC", plain)
    try:
        normal.encode()
    except UnicodeEncodeError:  # half a character
        return None
    return normal if len(normal) <= LONGEST else None


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


def _nobodys() -> str:
    """A hash that no password has, at today's costs."""
    costs = f"m={_hasher().memory_cost},t={_hasher().time_cost},p={_hasher().parallelism}"
    salt, rest = (b64encode(bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19${costs}${salt}${rest}"
