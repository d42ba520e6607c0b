"""What every search owes the arena, whoever wrote it."""

from collections.abc import Sequence

import pytest

from sutdol.arena.attack import ATTACKS, Attack
from sutdol.arena.disguise import words
from sutdol.arena.oracle import Answer, Judge, Trial
from sutdol.arena.search import SEARCHES, Budget, attack_all
from sutdol.arena.space import Candidate, Space, made_of

every_search = pytest.mark.parametrize("name", list(SEARCHES))


def usable(language: str) -> list[Attack]:
    return [
        attack
        for attack in ATTACKS.values()
        if attack.readable and language in attack.languages and attack.group != "llm_generated"
    ]


ENGLISH, KOREAN = usable("en"), usable("ko")
ODD = {
    "nothing": "",
    "white space": " \n\u3000",
    "one word": "whetstone",
    "one letter": "a",
    "no letters": "100 !!",
    "emoji": "👨‍👩‍👧 ❤️ 🇰🇷 👍🏽",
    "5,000 letters": "bad " + "whetstone" * 555,
    "5,000 letters in words": "stone bad " * 500,
    "syllables": "나쁜 숫돌 " * 100,
    "invisible": "\u200b\u202e \u2066\u00ad bad",
}
TEXTS = ["such a bad old whetstone", "bad", "what bad weather, and bad bad tea again today"]
KOREAN_TEXTS = ["정말 나쁜 숫돌", "나쁜놈", "오늘 날씨도 나쁜 데다 숫돌까지 아주 나쁜 날"]


def keyword_guard(texts: Sequence[str]) -> list[Answer]:
    """Knows two words, by letter."""
    found = [text.count("bad") + text.count("나쁜") for text in texts]
    return [(1 - 0.5 ** (1 + count), count > 0) for count in found]


def stern_guard(texts: Sequence[str]) -> list[Answer]:
    """Flags everything; odd characters and long texts only lower the score."""
    return [(1 / (2 + sum(map(ord, text)) % 97), True) for text in texts]


def attack(
    name: str, texts: Sequence[str], judge: Judge = keyword_guard, **budget: int
) -> list[Trial]:
    attacks = KOREAN if texts == KOREAN_TEXTS else ENGLISH
    return attack_all(name, texts, attacks, judge, budget=Budget(**budget), seed=3)


def test_the_promised_searches_are_registered() -> None:
    assert set(SEARCHES) >= {"greedy", "beam", "genetic", "bandit"}


@every_search
def test_says_what_it_does_in_one_line(name: str) -> None:
    doc = SEARCHES[name].__doc__ or ""
    assert doc.strip().split("\n")[0].endswith(".")
    assert len(doc) <= 90


@every_search
@pytest.mark.parametrize("texts", [TEXTS, KOREAN_TEXTS], ids=["en", "ko"])
def test_fools_a_guard_that_knows_words_only(name: str, texts: list[str]) -> None:
    for text, trial in zip(texts, attack(name, texts), strict=True):
        assert trial.evaded
        assert trial.text != text
        assert trial.steps


@every_search
@pytest.mark.parametrize("text", TEXTS)
def test_finds_the_one_attack_that_works(name: str, text: str) -> None:
    (trial,) = attack_all(name, [text], [ATTACKS["zero_width"]], keyword_guard, seed=3)
    assert trial.evaded
    assert {step[1] for step in trial.steps} == {"zero_width"}


@every_search
@pytest.mark.parametrize("judge", [keyword_guard, stern_guard])
def test_says_the_truth_about_what_it_found(name: str, judge: Judge) -> None:
    for trial in attack(name, [*TEXTS, *ODD.values()], judge):
        ((score, flagged),) = judge([trial.text])
        assert (trial.score, trial.evaded) == (score, not flagged)


@every_search
@pytest.mark.parametrize("queries", [1, 2, 7, 80])
@pytest.mark.parametrize("edits", [1, 4])
def test_keeps_to_its_budget(name: str, queries: int, edits: int) -> None:
    asked: list[str] = []

    def judge(texts: Sequence[str]) -> list[Answer]:
        asked.extend(texts)
        return stern_guard(texts)

    trials = attack(name, TEXTS, judge, queries=queries, edits=edits)
    assert sum(trial.queries for trial in trials) == len(asked)
    for trial in trials:
        assert not trial.evaded
        assert trial.queries <= queries
        places = [place for place, _ in trial.steps]
        assert len(set(places) - {"message"}) <= edits
        assert places.count("message") <= 1
        assert all(places.count(place) <= 2 for place in places)


@every_search
def test_never_asks_the_same_twice(name: str) -> None:
    asked: list[str] = []

    def judge(texts: Sequence[str]) -> list[Answer]:
        asked.extend(texts)
        return stern_guard(texts)

    attack(name, TEXTS[:1], judge)
    assert len(set(asked)) == len(asked)


@every_search
def test_gives_up_on_a_guard_that_flags_everything(name: str) -> None:
    for trial in attack(name, [*TEXTS, *ODD.values()], lambda texts: [(0.9, True)] * len(texts)):
        assert not trial.evaded
        assert trial.queries <= 80


@every_search
def test_is_never_worse_off_than_at_the_start(name: str) -> None:
    for text, trial in zip(TEXTS, attack(name, TEXTS, stern_guard), strict=True):
        assert trial.score <= stern_guard([text])[0][0]


@every_search
def test_is_repeatable(name: str) -> None:
    assert attack(name, TEXTS, stern_guard) == attack(name, TEXTS, stern_guard)


@every_search
def test_does_not_mind_how_the_guard_is_asked(name: str) -> None:
    def one_by_one(texts: Sequence[str]) -> list[Answer]:
        return [answer for text in texts for answer in stern_guard([text])]

    assert attack(name, TEXTS, one_by_one) == attack(name, TEXTS, stern_guard)


@every_search
@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
@pytest.mark.parametrize("attacks", [ENGLISH, KOREAN, []], ids=["en", "ko", "none"])
def test_survives_odd_texts(name: str, text: str, attacks: list[Attack]) -> None:
    (trial,) = attack_all(name, [text], attacks, stern_guard, seed=3)
    trial.text.encode("utf-8")
    assert trial.queries <= 80


@every_search
def test_its_steps_lead_to_its_text_again(name: str) -> None:
    for text, trial in zip(TEXTS, attack(name, TEXTS, stern_guard), strict=True):
        stacks: dict[int, tuple[str, ...]] = {}
        message = ""
        for place, step in trial.steps:
            if place == "message":
                message = step
            else:
                assert place < len(words(text))
                stacks[place] = (*stacks.get(place, ()), step)
        again = Space(text, ENGLISH, edits=4, seed=3)
        candidate: Candidate = made_of(stacks, message)
        assert again.render(candidate) == trial.text
