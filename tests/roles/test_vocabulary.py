"""The words a guard mends to are those of many people, and never in place of an English word."""

import pytest

from sutdol.core.text.carrier import Plain
from sutdol.roles.vocabulary import LEAST, english, vocabulary


def texts(*said: str) -> list[tuple[str, str]]:
    """Each text in a group of its own."""
    return [(f"group {number}", text) for number, text in enumerate(said)]


def test_a_word_counts_once_a_group() -> None:
    assert vocabulary([("one group", "blorp")] * 99).words == ()
    assert vocabulary(texts(*["blorp blorp"] * (LEAST - 1))).words == ()
    assert vocabulary(texts(*["blorp"] * LEAST)).words == ("blorp",)


def test_frequent_words_come_first_and_equally_frequent_ones_by_the_alphabet() -> None:
    said = ["zeta alpha beta"] * 3 + ["beta"]
    assert vocabulary(texts(*said)).words == ("beta", "alpha", "zeta")


@pytest.mark.parametrize("word", ["niger", "shia", "niggle", "whorl", "shift", "pens", "grapes"])
def test_no_english_word_or_name_is_mended_to_another(word: str) -> None:
    near = {word[:2] + word[3:], word[0] + word[2] + word[1] + word[3:], f"{word}s", f"{word[:3]}e"}
    lexicon = vocabulary(texts(*[" ".join(sorted(near))] * 3))
    assert word in english()
    assert lexicon.mended(Plain(f"the {word} is here")).text == f"the {word} is here"


def test_without_words_nothing_is_known() -> None:
    assert vocabulary([]).known == frozenset()
