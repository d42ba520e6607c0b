"""Wording: whatever comes in can be kept, found again and shown without tricks."""

from unicodedata import combining, normalize

import pytest

from sutdol.storage.server_tables import request
from sutdol.storage.wording import fitted, fold, shortened, storable, storable_body, visible

FAMILY = "👨\u200d👩\u200d👧"
KOREA = "🇰🇷"


def test_what_no_database_keeps_is_replaced() -> None:
    assert storable("a\x00b\ud800c😀") == "a\ufffdb\ufffdc😀"
    assert storable("한국어", 2) == "한국"


def test_a_body_is_made_storable_to_its_last_leaf() -> None:
    body = {"a\x00": [{"b": "\udfff"}, ("c\x00", 1.5, None, True)], "n": float("nan")}
    assert storable_body(body) == {
        "a\ufffd": [{"b": "\ufffd"}, ["c\ufffd", 1.5, None, True]],
        "n": None,
    }


def test_text_is_cut_to_the_length_of_its_column() -> None:
    values = {"model": "m" * 999, "status": 200, "user": None, "route": "\x00"}
    assert fitted(request, values) == values | {"model": "m" * 200, "route": "\ufffd"}


@pytest.mark.parametrize("text", ["한국어 Straße", "ÀÉ ǰ İ", "ΣΊΣΥΦΟΣ", ""])
def test_folding_ignores_case_and_form_and_ends(text: str) -> None:
    decomposed = normalize("NFD", text)
    assert fold(text) == fold(decomposed) == fold(fold(text)) == normalize("NFC", fold(text))
    assert fold(text.upper()) == fold(text)


def test_only_what_a_reader_sees_stays() -> None:
    assert visible(" a\u202egpj.exe\u2069\t\x07b\u2028c\ufeff ") == "agpj.exe b c"
    assert visible(FAMILY) == FAMILY
    assert visible("e\u200b\u0301") == "é"


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("short", 9, "short"),
        ("abcdef", 3, "abc"),
        ("ab cdef", 3, "ab"),
        ("abx\u0323\u0301c", 3, "ab"),
        ("abx\u0323\u0301c", 4, "ab"),
        ("abx\u0323\u0301c", 5, "abx\u0323\u0301"),
        (f"a{FAMILY}", 3, "a"),
        ("a👍🏽", 2, "a"),
        (f"{KOREA}{KOREA}{KOREA}", 3, KOREA),
        (f"{KOREA}{KOREA}{KOREA}", 4, KOREA + KOREA),
        (normalize("NFD", "가각"), 4, normalize("NFD", "가")),
    ],
)
def test_a_cut_falls_between_what_a_reader_sees(text: str, most: int, expected: str) -> None:
    assert shortened(text, most) == expected


def test_a_letter_with_marks_without_end_is_cut_all_the_same() -> None:
    cut = shortened("z" + "\u0301" * 500, 80)
    assert len(cut) == 80
    assert not combining(cut[0])
