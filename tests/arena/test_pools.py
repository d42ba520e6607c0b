"""Who fights: by language, in an order that no file decides."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from sutdol.arena.pools import Pool, drawn, pools
from sutdol.core.types import Example

Text = Callable[..., Example]


def test_each_language_with_both_kinds_of_text_has_a_pool(toy_text: Text) -> None:
    texts = [toy_text(n, bad=bad, lang=lang) for n in range(3) for bad in (1, 0) for lang in LANGS]
    found = pools(texts, LANGS)
    assert [pool.language for pool in found] == ["en", "ko"]
    for one in found:
        assert {text.lang for text in (*one.malicious, *one.harmless)} == {one.language}
        assert all(text.target for text in one.malicious)
        assert not any(text.target for text in one.harmless)


LANGS = ("en", "ko")


def test_a_language_without_harmless_texts_does_not_fight(toy_text: Text) -> None:
    texts = [toy_text(1, bad=True), toy_text(1, bad=False), toy_text(1, bad=True, lang="ko")]
    assert [pool.language for pool in pools(texts, LANGS)] == ["en"]


def test_the_order_of_the_file_does_not_matter(toy_text: Text) -> None:
    texts = [toy_text(n, bad=bad) for n in range(20) for bad in (True, False)]
    assert pools(texts, LANGS) == pools(texts[::-1], LANGS)


def test_copies_of_one_group_fight_once(pool: Callable[..., Pool]) -> None:
    texts = [replace(one, group="one") for one in pool(20).malicious]
    assert len(drawn(texts, 5, Random(0))) == 1
    assert len(drawn([*texts, *pool(3).harmless], 5, Random(0))) == 4


def test_as_many_are_drawn_as_wanted_or_there_are(pool: Callable[..., Pool]) -> None:
    texts = pool(20).malicious
    assert len(drawn(texts, 5, Random(0))) == 5
    assert len(drawn(texts, 50, Random(0))) == 20
    assert drawn(texts, 5, Random(0)) == drawn(texts, 5, Random(0))
    assert drawn(texts, 5, Random(0)) != drawn(texts, 5, Random(1))
