"""Errors as values: each survives the way through JSON with its kind, its sentence and its code."""

import inspect
import json
from collections.abc import Mapping
from typing import Any

import pytest

from sutdol.core import errors
from sutdol.core.errors import BadInput, FlowFailed, MissingExtra, SutdolError, UnknownName
from sutdol.flow.failure import packed, unpacked
from sutdol.flow.hand import Broken

ALL = [
    one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, SutdolError)
]
MADE = {
    UnknownName: lambda: UnknownName("attack", "homoglif", ["homoglyph", "leet_digit"]),
    MissingExtra: lambda: MissingExtra("The qdrant store", extra="qdrant"),
}


def through_json(error: Exception) -> SutdolError:
    return unpacked(json.loads(json.dumps(packed(error))))


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_survives(kind: type[SutdolError]) -> None:
    error = MADE.get(kind, lambda: kind("한 문장이면 돼요: say `what` to do."))()
    found = through_json(error)

    assert type(found) is kind
    assert str(found) == str(error)
    assert (found.code, found.status) == (error.code, error.status)


def test_an_error_survives_any_number_of_journeys() -> None:
    error = MADE[UnknownName]()
    assert str(through_json(through_json(error))) == str(error)
    assert str(error) == "No attack named 'homoglif'. Did you mean 'homoglyph'?"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ValueError("out of range"), "ValueError: out of range"),
        (KeyError("champion"), "KeyError: 'champion'"),
        (RuntimeError(), "RuntimeError: "),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "UnicodeDecodeError: 'utf-8' codec"),
    ],
)
def test_a_mistake_of_ours_is_a_flow_that_failed_and_keeps_its_name(
    error: Exception, sentence: str
) -> None:
    found = through_json(error)

    assert type(found) is FlowFailed
    assert str(found).startswith(sentence)


def test_a_sentence_with_half_a_letter_survives() -> None:
    error = BadInput("bad-name-\udcff.jsonl cannot be read.")
    assert str(through_json(error)) == str(error)


def test_a_kind_that_stands_elsewhere_becomes_a_flow_that_failed() -> None:
    found = through_json(Broken("The process that did step 'train' died (SIGKILL)."))

    assert type(found) is FlowFailed
    assert str(found) == "The process that did step 'train' died (SIGKILL)."


@pytest.mark.parametrize("kind", ["NoSuchError", "get_close_matches", "Iterable", "__doc__", ""])
def test_a_name_that_is_no_error_of_this_release_becomes_a_flow_that_failed(kind: str) -> None:
    failure: Mapping[str, Any] = {"kind": kind, "message": "as it was told then"}
    found = unpacked(failure)

    assert type(found) is FlowFailed
    assert str(found) == "as it was told then"
