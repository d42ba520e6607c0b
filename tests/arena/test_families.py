"""Held-out families: there are some for each language, they exist, and nobody fights with them."""

import pytest

from sutdol.arena.attack import ATTACKS
from sutdol.arena.families import COVERED_BY_CODE, HELD_OUT, held_out
from sutdol.arena.fixed import readable

FAMILIES = {one.family for one in ATTACKS.values()}
every_language = pytest.mark.parametrize("language", HELD_OUT)


@every_language
def test_one_or_two_families_of_a_language_are_held_out(language: str) -> None:
    families = HELD_OUT[language]
    assert 1 <= len(families) <= 2
    for family in families:
        assert readable(language, unseen=True)[family]
        assert held_out(family, language)


@every_language
def test_one_of_them_no_code_was_written_for(language: str) -> None:
    """Else held-out figures would show the normaliser, not what training carries over."""
    assert set(HELD_OUT[language]) - COVERED_BY_CODE


@every_language
def test_seen_and_held_out_families_share_nothing(language: str) -> None:
    seen, unseen = (readable(language, unseen=held) for held in (False, True))
    assert set(seen).isdisjoint(unseen)
    assert set(unseen) == set(HELD_OUT[language])
    assert seen | unseen == readable(language)
    assert len(seen) >= 5


def test_what_holds_for_one_language_need_not_hold_for_the_other() -> None:
    assert held_out("typo", "en")
    assert not held_out("typo", "ko")
    assert not held_out("typo", "de")


def test_only_families_that_exist_are_covered_by_code() -> None:
    assert COVERED_BY_CODE <= FAMILIES
