"""Which disguises of a text a search may try, and how they read."""

from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from sutdol.arena.attack import Attack, Disguise, Scope
from sutdol.arena.space import Candidate, Space, made_of


def made(name: str, disguise: Disguise, scope: Scope = "word") -> Attack:
    return Attack(
        name=name,
        family=name.split("_")[0],
        group="unicode_evasion",
        scope=scope,
        languages=("en",),
        readable=True,
        disguise=disguise,
    )


SHOUT = made("shout", lambda word, _: word.upper())
DOT = made("dot", lambda word, _: f"{word}.")
TWICE = made("dot_twice", lambda word, _: f"{word}..")
SPLIT = made("split", lambda word, _: " ".join(word))
NOISE = made("noise", lambda word, random: f"{word}{random.random()}")
QUOTE = made("quote", lambda text, _: f"<{text}>", "message")
ALL = [SHOUT, DOT, TWICE, SPLIT, NOISE, QUOTE]
TEXT = "a fine  old\twhetstone 100"


def space(text: str = TEXT, attacks: Sequence[Attack] = ALL, edits: int = 2) -> Space:
    return Space(text, attacks, edits=edits, seed=1)


def on(word: int, *names: str) -> Candidate:
    return made_of({word: names})


def test_nothing_done_reads_as_before() -> None:
    assert space().render(Candidate()) == TEXT


def test_words_are_attacked_in_place_and_the_message_last() -> None:
    candidate = made_of({1: ("shout",), 3: ("dot",)}, "quote")
    assert space().render(candidate) == "<a FINE  old\twhetstone. 100>"


def test_attacks_on_a_word_are_stacked_in_order_and_reach_all_its_parts() -> None:
    assert space().render(on(2, "dot", "split")) == "a fine  o l d .\twhetstone 100"
    assert space().render(on(2, "split", "dot")) == "a fine  o. l. d.\twhetstone 100"


def test_a_word_reads_the_same_whatever_is_done_to_the_others() -> None:
    here = space()
    alone = here.render(on(1, "noise")).split()[1]
    both = here.render(made_of({0: ("shout",), 1: ("noise",)})).split()[1]
    assert alone == both == space().render(on(1, "noise")).split()[1]
    assert alone != Space(TEXT, ALL, edits=2, seed=2).render(on(1, "noise")).split()[1]


def test_only_words_with_letters_are_attacked() -> None:
    assert space().words == [0, 1, 2, 3]
    assert space("👍 !! 100").words == []


def test_no_more_words_than_edits() -> None:
    full = made_of({0: ("dot",), 1: ("dot",)})
    assert space().put(full, 2, "dot") == full
    assert space().put(full, 1, "shout").words == ((0, ("dot",)), (1, ("dot", "shout")))


def test_a_full_stack_gives_up_its_last_attack() -> None:
    assert space().put(on(1, "dot", "shout"), 1, "split") == on(1, "dot", "split")


def test_two_attacks_on_a_word_are_of_two_families() -> None:
    assert space().put(on(1, "dot"), 1, "dot") == on(1, "dot")
    assert space().put(on(1, "dot"), 1, "dot_twice") == on(1, "dot")
    assert space().put(on(1, "dot", "shout"), 1, "dot_twice") == on(1, "dot", "shout")


def test_leaves_words_out_to_see_what_they_matter() -> None:
    assert space().without([1, 3]) == "a   old\t 100"


def test_says_its_steps() -> None:
    candidate = made_of({3: ("dot", "split"), 1: ("shout",)}, "quote")
    assert candidate.steps == ((1, "shout"), (3, "dot"), (3, "split"), ("message", "quote"))


@settings(max_examples=50, deadline=None)
@given(st.text(), st.integers(0, 2**32), st.integers(1, 4))
def test_moves_never_break_the_rules(text: str, seed: int, edits: int) -> None:
    here, random, candidate = space(text, edits=edits), Random(seed), Candidate()
    for _ in range(20):
        candidate = here.move(candidate, here.words, random)
        assert len(candidate.words) <= edits
        assert all(1 <= len(stack) <= 2 for _, stack in candidate.words)
        here.render(candidate)


def test_without_attacks_there_is_no_move() -> None:
    bare = space(attacks=[])
    assert bare.move(Candidate(), bare.words, Random(0)) == Candidate()
