"""What each character stands for once it is undressed."""

from unicodedata import category, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutdol.arena.attacks.diacritic import ABOVE, ACCENTED, BELOW
from sutdol.arena.attacks.invisible import JOINERS, SELECTORS, TAGS
from sutdol.arena.attacks.lookalike import CIRCLED, FULLWIDTH, HOMOGLYPHS, INDICATORS, MATH
from sutdol.core.text.fold import FOLD, Fold
from sutdol.core.text.hangul import LETTERS

ANY = st.one_of(
    st.characters(),
    st.characters(categories=["Cs"]),
    st.characters(min_codepoint=0x1100, max_codepoint=0x11FF),
    st.characters(min_codepoint=0x10000),
)


def fold(text: str) -> str:
    return text.translate(FOLD)


@pytest.mark.parametrize(
    ("dressed", "plain"),
    [
        ("Whetstone 42!", "whetstone 42!"),
        ("Ｗｈｅｔ", "whet"),
        ("𝔴𝖍𝙚𝓽", "whet"),
        ("ⓦⒽ⒠🅣", "whet"),
        ("🇼🇭🇪🇹", "whet"),
        ("wһеτ", "whet"),  # Cyrillic and Greek
        ("ẅħéţ", "whet"),
        ("ᴡʜᴇᴛ", "whet"),
        ("ﬁﬂ ß ı", "fifl ss i"),
        ("½ ² ㎏", "1⁄2 2 kg"),
        ("숫돌", "ㅅㅜㅅㄷㅗㄹ"),
        ("닭 값", "ㄷㅏㄹㄱ ㄱㅏㅂㅅ"),
        ("ᆪ ㄳ", "ㄱㅅ ㄱㅅ"),
        ("ﾡￂ ㉠", "ㄱㅏ ㄱ"),
        ("砥石 हिन्दी", "砥石 हनद"),
    ],
)
def test_examples(dressed: str, plain: str) -> None:
    assert fold(dressed) == plain


def test_every_lookalike_that_attacks_write_is_undressed() -> None:
    for letter, others in HOMOGLYPHS.items():
        # a palochka is a small l as much as a capital i
        assert {fold(other) for other in others if other != "ӏ"} == {letter.lower()}
    for alphabet in (FULLWIDTH, *MATH, *CIRCLED):
        assert all(fold(other) == chr(code).lower() for code, other in alphabet.items())
    assert all(fold(other) == letter.lower() for letter, other in INDICATORS.items())
    for letter, accented in ACCENTED.items():
        assert {fold(other) for other in accented} <= {letter.lower()}


@pytest.mark.parametrize("unseen", [*JOINERS, *SELECTORS, *TAGS, *ABOVE, *BELOW, *"\xad\u180e"])
def test_what_nobody_sees_is_gone(unseen: str) -> None:
    assert fold(f"a{unseen}b") == "ab"


@pytest.mark.parametrize("blank", "\u115f\u1160\u3164\uffa0\u2800")
def test_letters_that_show_as_nothing_are_gone(blank: str) -> None:
    assert fold(f"숫{blank}돌") == fold("숫돌")


@pytest.mark.parametrize("space", "\t\n\x0b\x85\xa0\u2003\u2028\u3000\x00")
def test_every_white_space_and_control_is_a_space(space: str) -> None:
    assert fold(f"a{space}b") == "a b"


def test_half_of_a_surrogate_pair_says_nothing() -> None:
    assert fold("a\ud800b\udfff") == "ab"


@pytest.mark.parametrize("pair", ["Бб", "Гг", "Дд", "Γγ", "Δδ", "Єє", "Ґґ", "Өө", "Ո\u0578"])
def test_a_capital_that_looks_like_a_latin_letter_folds_as_its_small_one(pair: str) -> None:
    capital, small = fold(pair)
    assert capital == small
    assert "a" <= small <= "z"


def test_korean_folds_alike_in_every_normal_form() -> None:
    syllables = "".join(LETTERS)
    assert fold(normalize("NFD", syllables)) == fold(syllables)
    assert set(fold(syllables)) <= {chr(code) for code in range(ord("ㄱ"), ord("ㅣ") + 1)}


@given(ANY)
def test_nothing_is_left_to_undress(character: str) -> None:
    folded = fold(character)
    assert not any(category(part) in ("Mn", "Me", "Mc", "Cf", "Cs", "Cc") for part in folded)
    assert not any("A" <= part <= "Z" for part in folded)
    assert len(folded) <= 18  # U+FDFA, the longest of all
    assert folded == Fold()[ord(character)]  # however full the table is
