"""Names of strategies: a group, a family, an attack; held-out families never fight."""

import pytest

from sutdol.arena.attack import ATTACKS
from sutdol.arena.families import held_out
from sutdol.arena.fixed import readable
from sutdol.arena.strategy import GROUPS, strategy
from sutdol.core.errors import UnknownName, UsageError

BOTH = ("en", "ko")


def names(name: str, language: str) -> set[str]:
    """The attacks of a strategy on texts of a language."""
    families = strategy(name, BOTH).families[language]
    return {one.name for attacks in families.values() for one in attacks}


def test_mixed_uses_every_seen_family_and_a_search() -> None:
    mixed = strategy("mixed", BOTH)
    assert mixed.families == {lang: readable(lang, unseen=False) for lang in BOTH}
    assert mixed.adaptive
    assert mixed.llm == ()


def test_adaptive_uses_a_search_alone() -> None:
    found = strategy("adaptive", BOTH)
    assert (found.adaptive, found.llm) == (True, ())
    assert not any(found.families.values())


@pytest.mark.parametrize("group", ["unicode_evasion", "korean_evasion"])
def test_a_group_uses_its_attacks_only(group: str) -> None:
    used = names(group, "ko") | names(group, "en")
    assert len(used) >= 10
    assert {ATTACKS[one].group for one in used} == {group}
    assert not strategy(group, BOTH).adaptive


def test_korean_evasion_attacks_korean_only() -> None:
    assert not names("korean_evasion", "en")
    with pytest.raises(UsageError, match="attacks no text in en"):
        strategy("korean_evasion", ("en",))


def test_the_family_of_llm_attacks_is_all_of_them() -> None:
    assert strategy("llm", BOTH).llm == strategy("llm_generated", BOTH).llm


def test_llm_generated_uses_all_llm_attacks_and_one_name_one_of_them() -> None:
    assert set(strategy("llm_generated", BOTH).llm) == {
        "llm_paraphrase", "llm_euphemism", "llm_roundtrip",
    }  # fmt: skip
    assert strategy("llm_euphemism", BOTH).llm == ("llm_euphemism",)
    assert not names("llm_generated", "en")


def test_a_family_uses_its_attacks_and_an_attack_itself() -> None:
    assert names("leet", "en") == {"leet_digit", "leet_symbol"}
    assert names("leet_digit", "en") == {"leet_digit"}
    assert names("choseong", "ko") == {"choseong"}
    assert names("choseong", "en") == set()


@pytest.mark.parametrize(
    "name", sorted({*GROUPS, *(one.family for one in ATTACKS.values()), *ATTACKS})
)
def test_no_strategy_ever_fights_with_a_held_out_or_unreadable_attack(name: str) -> None:
    try:
        found = strategy(name, BOTH)
    except UsageError:
        return  # of a held-out or unreadable family: refused, see below
    for language, families in found.families.items():
        for family, attacks in families.items():
            assert not held_out(family, language)
            assert all(one.readable and language in one.languages for one in attacks)


@pytest.mark.parametrize("name", ["fake_final", "syllable_swap", "diacritic"])
def test_a_held_out_family_is_refused_with_the_reason(name: str) -> None:
    languages = ("ko",) if name != "diacritic" else ("en",)
    with pytest.raises(UsageError, match=r"held-out family: it measures, it never trains"):
        strategy(name, languages)


def test_a_family_held_out_in_one_language_fights_in_the_other() -> None:
    assert names("typo", "ko")
    assert not names("typo", "en")


def test_what_nobody_can_read_is_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match="'base64' attacks no text in en, ko that a person"):
        strategy("base64", BOTH)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("mixt", "mixed"), ("unicode_evasio", "unicode_evasion"), ("homoglif", "homoglyph")],
)
def test_an_unknown_name_suggests_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(UnknownName, match=rf"No attack strategy named.*Did you mean '{right}'"):
        strategy(wrong, BOTH)
