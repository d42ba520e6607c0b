"""Applying an attack to some words or to the whole message."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sutdol.arena.attack import Attack, Disguise, Scope
from sutdol.arena.disguise import disguise, seed_of, words


def made_of(disguise: Disguise, scope: Scope) -> Attack:
    return Attack(
        name="test",
        family="test",
        group="unicode_evasion",
        scope=scope,
        languages=("en",),
        readable=True,
        disguise=disguise,
    )


def shout(scope: Scope) -> Attack:
    return made_of(lambda text, _: f"<{text.upper()}>", scope)


def test_every_word_worth_it_is_attacked() -> None:
    out = disguise(shout("word"), "a fine  old\n\twhetstone, 100 !!", Random(0))
    assert out == "a <FINE>  <OLD>\n\t<WHETSTONE,> 100 !!"


def test_only_chosen_words_are_attacked() -> None:
    assert disguise(shout("word"), " a fine day ", Random(0), words=[0, 2]) == " <A> fine <DAY> "


def test_a_message_is_attacked_once() -> None:
    assert disguise(shout("message"), "a fine day", Random(0)) == "<A FINE DAY>"


def test_a_blank_message_stays_blank() -> None:
    assert disguise(shout("message"), " \n", Random(0)) == " \n"


def test_a_word_that_stays_keeps_its_normal_form() -> None:
    text = "cafe\u0301 \u1109\u116e\u11ba"
    assert disguise(made_of(lambda word, _: word, "word"), text, Random(0)) == text


@given(st.text())
def test_words_are_counted_as_they_are_chosen(text: str) -> None:
    everything = list(range(len(words(text))))
    out = disguise(shout("word"), text, Random(0), words=everything)
    assert out.count("<") - text.count("<") == len(everything)


def test_seeds_never_change() -> None:
    assert seed_of("battle", 3, "숫돌") == 8122083561725710473
    assert seed_of("1") != seed_of(1)
    assert seed_of("a", "b") != seed_of("ab")
    assert 0 <= seed_of() < 2**64
