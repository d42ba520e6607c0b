"""A lexicon mends what it knows, leaves alone what anyone knows, and never slows down."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutdol.core.text import lexicon as module
from sutdol.core.text.carrier import Plain, Traced
from sutdol.core.text.lexicon import EMPTY, Lexicon

LEXICON = Lexicon(
    ["water", "garden", "window", "free", "prize", "hoe", "market"], ["shift", "a", "and", "gar"]
)


def mended(text: str, lexicon: Lexicon = LEXICON) -> str:
    return lexicon.mended(lexicon.unstarred(Plain(text))).text


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("w*ter the g#rd*n", "water the garden"),
        ("pr.ze fr-e", "prize free"),
        ("h*e", "hoe"),
        ("wtr", "water"),
        ("mrkt", "market"),
        ("gardn", "garden"),
        ("wnidow", "window"),
        ("gardden", "garden"),
        ("gqrden", "garden"),
        ("win dow", "window"),
        ("gar den", "garden"),
    ],
)
def test_a_disguised_word_is_read_as_what_it_means(written: str, meant: str) -> None:
    assert mended(written) == meant


@pytest.mark.parametrize("text", ["a shift and a gar", "he wt", "물 wa", "", "w*t3r", "zzzzzz q*z"])
def test_what_is_known_or_too_short_or_means_nothing_stays(text: str) -> None:
    assert mended(text) == text


def test_the_most_frequent_word_is_meant() -> None:
    assert mended("wrd", Lexicon(["word", "weird"])) == "word"
    assert mended("wrd", Lexicon(["weird", "word"])) == "weird"


def test_without_words_nothing_changes() -> None:
    assert mended("w*ter wtr gar den", EMPTY) == "w*ter wtr gar den"


@given(st.text("abdegnortw* .-", max_size=40))
def test_the_traced_text_is_the_plain_one_and_points_into_the_original(text: str) -> None:
    traced = LEXICON.mended(LEXICON.unstarred(Traced(text)))
    assert traced.text == mended(text)
    assert len(traced.spans) == len(traced.text)
    assert all(0 <= start < end <= len(text) for start, end in traced.spans)


def test_a_mended_word_points_at_what_was_written() -> None:
    traced = LEXICON.mended(LEXICON.unstarred(Traced("the gar den")))
    assert traced.span(4, 10) == (4, 11)


def test_a_stored_lexicon_reads_as_before() -> None:
    again = Lexicon.parse(LEXICON.dump())
    assert (again.words, again.known) == (LEXICON.words, LEXICON.known)
    assert again.digest == LEXICON.digest
    assert Lexicon.parse(EMPTY.dump()).known == frozenset()


@pytest.mark.parametrize("piece", ["a", "a ", "a*", "a.b", "*", "ab ", "gar den "])
def test_hostile_texts_are_read_in_linear_time(piece: str) -> None:
    start = process_time()
    mended(piece * (100_000 // len(piece)))
    assert process_time() - start < 2.0


def test_a_prepared_lexicon_mends_as_before() -> None:
    ready = Lexicon(LEXICON.words, LEXICON.known)
    ready.prepare()
    made = set(vars(ready))
    for text in ("a w*rd", "wrod", "the gardne is lvely", "gar den"):
        assert ready.mended(ready.unstarred(Plain(text))).text == mended(text, LEXICON)
    assert set(vars(ready)) == made  # the tables were there


@given(st.text(st.sampled_from("ab*#._- ㅋ"), max_size=12))
def test_stars_are_looked_for_wherever_they_may_be_letters(text: str) -> None:
    assert bool(module._STAR_INSIDE.search(text)) == bool(module._STARRED.search(text))
