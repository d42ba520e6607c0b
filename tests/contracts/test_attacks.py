"""What every attack owes the arena, whoever wrote it."""

from random import Random
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sutdol.arena.attack import ATTACKS, Attack
from sutdol.arena.disguise import disguise

FAMILIES = {
    "invisible": {"zero_width", "soft_hyphen", "variation_selector", "tag_chars"},
    "lookalike": {"homoglyph", "fullwidth", "math_alnum", "circled", "regional_indicator"},
    "leet": {"leet_digit", "leet_symbol"},
    "segment": {
        "space_out", "punct_insert", "emoji_insert", "newline_split", "word_split", "word_merge",
    },
    "typo": {"swap", "drop", "dup", "keyboard"},
    "stretch": {"stretch"},
    "case": {"case"},
    "diacritic": {"diacritic", "zalgo"},
    "bidi": {"bidi_rlo", "reverse"},
    "mask": {"mask", "vowel_drop"},
    "upside_down": {"upside_down"},
    "padding": {"benign_prefix", "benign_suffix", "quote_wrap", "markdown_split"},
    "encoding": {"base64", "hex", "rot13", "html_entity", "url_encode"},
}  # fmt: skip
KOREAN_FAMILIES = {
    "jamo": {"jamo_split", "nfd", "circled_jamo", "jamo_lookalike"},
    "choseong": {"choseong"},
    "yaminjeongeum": {"yaminjeongeum"},
    "phonetic": {"liaison", "tense", "vowel_swap"},
    "fake_final": {"fake_final"},
    "keyboard_qwerty": {"keyboard_qwerty"},
    "romanised": {"romanised"},
    "syllable_swap": {"syllable_swap"},
}

MESSAGES = {
    "en": "Please remember to bring the old whetstone tomorrow morning!",
    "ko": "안녕하세요 내일 아침에 숫돌 가져와, 비가 오네요! 귀여운 고양이도",
}
TWINS = {
    "en": "Thank you for the wonderful apple cake, grandmother.",
    "ko": "할머니 맛있는 사과 케이크 정말 고마워요 대구에서 만나요",
}
ODD = {
    "nothing": "",
    "white space": " \t\n\u3000 ",
    "emoji": "👨‍👩‍👧 ❤️ 🇰🇷 👍🏽",
    "5,000 syllables": "숫돌을갈아요" * 834,
    "5,000 letters": "whetstone" * 556,
    "combining marks": "\u0301\u0308 \u20e3\ufe0f\u0301",
    "jamo alone": "ㅋㅋㅋ ㅏㅏ \u1100 \u1161 \u11a8\u11a8",
    "invisible": "\u200b\u202e\u2066\u00ad \u202c",
    "both languages": "오늘 whetstone을 샀어요 iPhone으로 100원",
    "other scripts": "Привет мир 砥石 שלום नमस्ते ﬁﬂ ǅ ß İ",
}

BUILT_IN = FAMILIES | KOREAN_FAMILIES
# Those that ask a language model have a suite of their own: they need an endpoint.
RULES = [attack for attack in ATTACKS.values() if attack.group != "llm_generated"]
WORD_RULES = [attack for attack in RULES if attack.scope == "word"]

every_attack = pytest.mark.parametrize("attack", RULES, ids=lambda attack: attack.name)
every_word_attack = pytest.mark.parametrize("attack", WORD_RULES, ids=lambda attack: attack.name)


def attacked(attack: Attack, text: str, seed: int = 7) -> str:
    return disguise(attack, text, Random(seed))


def test_the_promised_attacks_are_registered() -> None:
    promised = {name for names in BUILT_IN.values() for name in names}
    assert {attack.name for attack in RULES} == promised


@pytest.mark.parametrize("family", BUILT_IN)
def test_attacks_say_family_and_group(family: str) -> None:
    group = "korean_evasion" if family in KOREAN_FAMILIES else "unicode_evasion"
    for name in BUILT_IN[family]:
        assert (ATTACKS[name].family, ATTACKS[name].group) == (family, group)
        assert ATTACKS[name].readable == (family != "encoding")
        assert group == "unicode_evasion" or ATTACKS[name].languages == ("ko",)


@every_attack
def test_changes_an_ordinary_message_in_the_languages_it_says(attack: Attack) -> None:
    changed = [code for code, message in MESSAGES.items() if attacked(attack, message) != message]
    assert changed == sorted(attack.languages)


@every_attack
def test_works_the_same_on_a_harmless_twin(attack: Attack) -> None:
    for language in attack.languages:
        assert attacked(attack, TWINS[language]) != TWINS[language]


@every_attack
def test_is_repeatable(attack: Attack) -> None:
    for message in MESSAGES.values():
        assert attacked(attack, message, seed=1) == attacked(attack, message, seed=1)


@every_attack
def test_says_what_it_does_in_one_line(attack: Attack) -> None:
    assert attack.doc.endswith(".")
    assert len(attack.doc) <= 90


@every_attack
@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_survives_odd_texts(attack: Attack, text: str) -> None:
    attacked(attack, text).encode("utf-8")
    attack.disguise(text, Random(7)).encode("utf-8")  # also when called by itself


@every_attack
@pytest.mark.parametrize("text", ["", " \n\u3000"])
def test_leaves_an_empty_message_empty(attack: Attack, text: str) -> None:
    assert attacked(attack, text) == text


@every_word_attack
@pytest.mark.parametrize("word", ["2026", "3.14", "!?", "👍🏽"])
def test_leaves_a_word_without_letters(attack: Attack, word: str) -> None:
    assert attack.disguise(word, Random(7)) == word


@every_word_attack
def test_leaves_words_that_were_not_chosen(attack: Attack) -> None:
    for text in (*MESSAGES.values(), ODD["both languages"]):
        first, _, rest = text.split(" ", 2)
        out = disguise(attack, text, Random(7), words=[1])
        assert out.startswith(f"{first} ")
        assert out.endswith(f" {rest}")
        assert len(out) > len(f"{first}  {rest}")


@every_attack
def test_korean_in_pieces_is_attacked_like_korean_in_one(attack: Attack) -> None:
    whole, pieces = MESSAGES["ko"], normalize("NFD", MESSAGES["ko"])
    # Words that an attack leaves alone keep the form they came in.
    assert normalize("NFC", attacked(attack, pieces)) == normalize("NFC", attacked(attack, whole))


@settings(max_examples=100, deadline=None)
@given(st.text(), st.integers(0, 2**64 - 1))
def test_no_attack_ever_fails(text: str, seed: int) -> None:
    for attack in RULES:
        attacked(attack, text, seed).encode("utf-8")
        attack.disguise(text, Random(seed)).encode("utf-8")
