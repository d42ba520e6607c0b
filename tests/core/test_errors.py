"""Errors: one tree, each with its exit code and status, each a sentence that helps."""

import pytest

from sutdol.core import errors
from sutdol.core.errors import MissingExtra, NotReady, SutdolError, UnknownName, UsageError

EXIT_CODES = {1, 2, 3, 4}  # 130 is the shell's, for an interruption
ALL = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, SutdolError) and one is not SutdolError
]

every_error = pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)


@every_error
def test_the_tree_on_top_of_the_file_tells_the_truth(error: type[SutdolError]) -> None:
    (line,) = [
        line for line in (errors.__doc__ or "").splitlines() if f" {error.__name__} " in line
    ]
    assert f"{error.code} / {error.status}" in line
    parents = [one.__name__ for one in error.__mro__[1:-2] if issubclass(one, SutdolError)]
    assert line.startswith("│   " if parents[0] != "SutdolError" else ("├", "└"))


@every_error
def test_codes_and_statuses_are_those_of_the_contract(error: type[SutdolError]) -> None:
    assert error.code in EXIT_CODES
    assert 400 <= error.status <= 599


def test_a_mistake_of_the_caller_is_never_a_fault_of_the_server() -> None:
    for error in ALL:
        assert (error.code == 2) == issubclass(error, UsageError)
        assert error.status < 500 or not issubclass(error, UsageError)


def test_an_unknown_name_suggests_the_nearest() -> None:
    error = UnknownName("attack", "homoglif", ["leet_digit", "homoglyph"])
    assert str(error) == "No attack named 'homoglif'. Did you mean 'homoglyph'?"
    assert (error.kind, error.name) == ("attack", "homoglif")


def test_a_name_like_no_other_lists_what_is_known_in_order() -> None:
    error = UnknownName("role", "xyzzy", ["retriever", "guard"])
    assert str(error) == "No role named 'xyzzy'. Known: guard, retriever."


def test_where_nothing_is_known_it_says_so() -> None:
    assert str(UnknownName("battle", "3", [])) == "No battle named '3'. Known: none."


def test_a_missing_extra_says_what_to_install() -> None:
    error = MissingExtra("The qdrant store", extra="qdrant")
    assert str(error) == "The qdrant store needs an extra: pip install 'sutdol[qdrant]'"
    assert isinstance(error, NotReady)
