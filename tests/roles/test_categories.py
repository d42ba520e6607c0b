"""What a label means."""

import pytest

from sutdol.roles.categories import ALIASES, CATEGORIES, UNSPECIFIED, category


@pytest.mark.parametrize("name", CATEGORIES)
def test_a_category_means_itself_however_it_is_written(name: str) -> None:
    assert category(name) == category(f"  {name.upper()} ") == name


@pytest.mark.parametrize("name", ALIASES)
def test_other_names_mean_a_category_of_ours(name: str) -> None:
    assert category(name) in CATEGORIES


@pytest.mark.parametrize("name", ["", " ", "1", "fine", "hate /threatening", UNSPECIFIED, "비속어"])
def test_any_other_name_is_unspecified(name: str) -> None:
    assert category(name) == UNSPECIFIED


def test_openai_has_thirteen_and_we_have_two_more() -> None:
    assert len(set(CATEGORIES)) == len(CATEGORIES) == 15
    assert {"profanity", "spam"} < set(CATEGORIES)
    assert UNSPECIFIED not in CATEGORIES
