"""Passwords: slow to guess, one text however it is typed, and nothing told about who has none."""

import time
from unicodedata import normalize

import pytest
from argon2 import PasswordHasher

from sutdol.core.errors import BadInput, Corrupted
from sutdol.storage import passwords

PLAIN = "비밀번호는 길게 쓴다"


def test_only_the_password_is_the_password() -> None:
    stored = passwords.hash(PLAIN)

    assert stored.startswith("$argon2id$")
    assert len(stored) <= 256  # what the column holds
    assert passwords.verify(stored, PLAIN)
    assert not passwords.verify(stored, PLAIN + "x")


def test_it_is_the_same_however_it_is_typed() -> None:
    assert passwords.verify(passwords.hash(PLAIN), normalize("NFD", PLAIN))


def test_the_same_password_is_kept_differently_each_time() -> None:
    assert passwords.hash(PLAIN) != passwords.hash(PLAIN)


@pytest.mark.parametrize(
    "plain",
    [PLAIN, "", "\udcff" * 12, "\x00" * 12, "x" * 1_000_000],
    ids=["good", "empty", "surrogate", "nul", "long"],
)
def test_nobody_has_no_password(plain: str) -> None:
    assert not passwords.verify(None, plain)


def cpu(stored: str | None) -> float:
    """CPU seconds of one answer, the best of three."""
    spent = []
    for _ in range(3):
        before = time.process_time()
        passwords.verify(stored, PLAIN)
        spent.append(time.process_time() - before)
    return min(spent)


def test_for_a_user_without_a_password_the_answer_takes_as_long() -> None:
    stored = passwords.hash(PLAIN)

    assert cpu(None) > 0.5 * cpu(stored)


@pytest.mark.parametrize(
    ("plain", "why"),
    [
        ("", "shorter than 10"),
        ("x" * 9, "shorter than 10"),
        (normalize("NFD", "비밀번호"), "shorter than 10"),  # twelve code points, four characters
        ("x" * 1_025, "at most 1,024"),
        ("x" * 1_000_000, "at most 1,024"),
        ("\ufdfa" * 100, "at most 1,024"),  # one character that stands for eighteen
        ("\udcff" * 12, "no text"),
        ("Annabella1", "user's name"),
        ("ａnnabella1", "user's name"),
    ],
    ids=("empty", "nine", "four", "long", "longer", "expands", "surrogate", "name", "wide"),
)
def test_what_makes_no_password_is_refused(plain: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        passwords.require(plain, user="annabella1")


def test_what_is_too_short_is_never_hashed() -> None:
    with pytest.raises(BadInput, match="shorter than 10"):
        passwords.hash("x" * 9)


@pytest.mark.parametrize(
    "plain",
    ["x" * 10, "x" * 1_024, normalize("NFD", "숫" * 1_024)],
    ids=["shortest", "longest", "decomposed"],
)
def test_from_ten_to_1024_characters_may_be_chosen(plain: str) -> None:
    passwords.require(plain, user="anna")


def test_a_hash_of_lower_costs_is_outdated() -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PLAIN)

    assert passwords.verify(old, PLAIN)
    assert passwords.outdated(old)
    assert not passwords.outdated(passwords.hash(PLAIN))


def test_a_damaged_hash_says_so() -> None:
    with pytest.raises(Corrupted, match="set a new one"):
        passwords.verify("plain text", PLAIN)
