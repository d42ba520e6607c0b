"""What the guard reads: the three views, example by example."""

import re
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sutdol.core.text import views
from sutdol.core.text.carrier import Plain
from sutdol.core.text.hangul import decompose
from sutdol.core.text.lexicon import EMPTY
from sutdol.core.text.views import VERSION, consonants, folded, normalised, opened, skeleton

AROUND = "please bring {} to the garden party"  # long enough that no decoder is tempted
KOREAN = "내일 아침에 {} 꼭 가져와 주세요"


def normal(text: str) -> str:
    return normalised(opened(Plain(text)), EMPTY).text


def within(around: str, word: str) -> str:
    """What becomes of a word inside a sentence."""
    before, after = around.split("{}")
    found = normal(around.format(word))
    start, end = normal(before), normal(after)
    assert found.startswith(start)
    assert found.endswith(end)
    return found[len(start) : len(found) - len(end)]


def bones(text: str) -> str:
    return skeleton(Plain(text)).text


def test_views_have_a_version() -> None:
    assert VERSION >= 1


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("h3ll0", "hello"),
        ("b4n4n4", "banana"),
        ("c@ke", "cake"),
        ("|<ettle", "kettle"),
        ("/\\pple", "apple"),
        ("()range", "orange"),
        ("k€ttle", "kettle"),
        ("s_h_o_p", "shop"),
        ("h e l l o", "hello"),
        ("h.e.l.l.o", "hello"),
        ("lem~on~ade", "lemonade"),
        ("le🍋mon", "lemon"),
        ("soooooup", "soup"),
        ("𝔩𝔢𝔪𝔬𝔫", "lemon"),
        ("le\u200bm\u00adon", "lemon"),
    ],
)
def test_a_disguised_word_is_read(word: str, read: str) -> None:
    assert within(AROUND, word) == read


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("ㅅㅜㅅ돌을", "숫돌을"),
        ("㉦ㅜ㉦㉢ㅗ㉣을", "숫돌을"),
        (normalize("NFD", "숫돌을"), "숫돌을"),
        ("숫.돌.을", "숫돌을"),
        ("숫\u200b돌을", "숫돌을"),
        ("숫도오오올", "숫돌"),
        ("人ㅜㅅㄷㅗ己", "숫돌"),
        ("ㅁ1ㄴㅏ리", "미나리"),
    ],
)
def test_a_disguised_korean_word_is_read(word: str, read: str) -> None:
    assert within(KOREAN, word) == decompose(read)


@pytest.mark.parametrize("number", ["42", "12:30", "3.14", "1,000", "2026-01-02"])
def test_numbers_stay(number: str) -> None:
    assert within(AROUND, number) == number
    assert within(KOREAN, number) == number


@pytest.mark.parametrize("word", ["well, maybe", "soup. Then", "(tea)", "soup!"])
def test_marks_between_words_stay(word: str) -> None:
    assert within(AROUND, word) == word.lower()


@pytest.mark.parametrize("space", ["  ", "\n", "\t\r\n", "\u2028", "\u3000", " \x00 "])
def test_white_space_is_one_space(space: str) -> None:
    assert folded(Plain(f"one{space}two")).text == "one two"


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("\u202eaet neerg\u202c please", "green tea please"),
        ("\u202eaet neerg", "green tea"),
        ("\u2067aet neerg\u2069 please", "green tea please"),
        ("\u202eenil eno\n\u202eerom eno", "one line one more"),
        ("\u202dgreen tea\u202c", "green tea"),
        ("\u202e\u202c\u2067", ""),
    ],
)
def test_marks_of_direction_are_obeyed(stored: str, shown: str) -> None:
    assert folded(Plain(stored)).text == shown


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("h, e l-l o!", "hello"),
        ("coffee", "cofe"),
        ("zoo quick cave", "soo kuik kaue"),
        (decompose("꼬마"), decompose("고마")),
        (decompose("코"), decompose("고")),
        (decompose("게"), decompose("개")),
        (decompose("아이"), "ㅏㅣ"),
        ("砥石 42 %", ""),
    ],
)
def test_the_skeleton_keeps_letters_and_merges_sounds(one: str, other: str) -> None:
    assert bones(one) == bones(other)


def test_the_skeleton_of_a_skeleton_is_itself() -> None:
    for text in ("the quick brown fox", decompose("다람쥐 헌 쳇바퀴에 타고파")):
        assert bones(bones(text)) == bones(text)


def test_a_skeleton_has_letters_only() -> None:
    everything = "".join(map(chr, range(0x20, 0x3400)))
    assert re.fullmatch("[a-zㄱ-ㅣ]*", bones(everything))


@given(st.text(st.sampled_from("abelor ㄱㅏㅇ0123479@$|+()!/#£%.\n"), max_size=12))
@settings(max_examples=1_000, deadline=None)
def test_a_quick_look_finds_just_what_the_thorough_pattern_finds(text: str) -> None:
    for quick, thorough in (
        (views._LEET_BESIDE, views._LEET),
        (views._JAMO_LEET_BESIDE, views._JAMO_LEET),
        (views._STRETCHES, views._STRETCHED),
    ):
        assert bool(quick.search(text)) == bool(thorough.search(text))


@given(st.text(st.sampled_from("ab31|()[]_\\/-<> "), max_size=10))
@settings(max_examples=1_000, deadline=None)
def test_marks_are_looked_for_wherever_they_may_be_letters(text: str) -> None:
    if views._DIGRAPH.search(text):
        assert any(marks in text for marks in views._DIGRAPHIC)
    if views._ONE_AS_L.search(text):
        assert "1" in text or "|" in text


@given(st.text(st.sampled_from("a \t\n\u3000\x1c"), max_size=8))
def test_all_white_space_is_lone_plain_spaces(text: str) -> None:
    assert views._SPACES.sub(" ", text) == re.sub(r"\s+", " ", text)


def test_consonants_do_without_latin_vowels() -> None:
    assert consonants(Plain("helothere")).text == "hlthr"


def test_consonants_do_without_korean_finals() -> None:
    plain, fake = (bones(decompose(word)) for word in ("나무 하나", "낭뭄 핰나"))
    assert plain != fake
    assert consonants(Plain(plain)).text == consonants(Plain(fake)).text
