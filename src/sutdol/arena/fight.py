"""One round's fight: attack texts, see what slips through, and what must not be flagged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import NDArray

from sutdol.arena.attack import ATTACKS
from sutdol.arena.disguise import seed_of
from sutdol.arena.fixed import apply, by_family, readable
from sutdol.arena.guarded import Guard
from sutdol.arena.pools import Pool, drawn
from sutdol.arena.round import Fight
from sutdol.arena.search import Budget, attack_all
from sutdol.arena.space import Space, Step, made_of
from sutdol.arena.strategy import Strategy
from sutdol.arena.tally import Tally
from sutdol.core.types import Disguised, Example

Rewrite = Callable[[str, Sequence[str], int], Sequence[str | None]]
"""An LLM attack over many texts: name, texts, seed; None where the model gave nothing usable."""

SEARCH = "bandit"  # remembers across texts what works
TWINS = 2  # per evasion: with one, held-out twins were flagged more often after training
SEARCHED = 0.5  # share of the round's texts a search attacks as well


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How a round is fought."""

    rounds: int
    texts: int
    trigger: float  # detection under which the guard is improved
    budget: Budget
    seed: int
    battle: str
    strategy: Strategy
    rewrite: Rewrite | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """The fight, and what there is to learn: evasions and their benign twins."""

    fight: Fight
    evasions: Sequence[Example]
    twins: Sequence[Example]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attacked:
    """A disguised text; `steps` are those of a search, so that a twin can take them too."""

    origin: Example
    disguised: Disguised
    steps: tuple[Step, ...] = ()


def fight(number: int, pool: Pool, guard: Guard, terms: Terms) -> Result:
    """Attack the guard with texts of one language.

    An evasion is an attacked text that slips through though its clean form is caught. Each comes
    with benign twins, harmless texts under the same attack, so that the guard cannot learn that
    odd writing is bad; and so do, up to the same number, harmless texts that an attack got flagged.
    """
    random = Random(seed_of(terms.seed, number, pool.language))
    malicious = drawn(pool.malicious, terms.texts, random)
    harmless = drawn(pool.harmless, terms.texts, random)
    attacked = _attacks(malicious, pool.language, guard, terms, number)
    twins = _attacks(harmless, pool.language, None, terms, number)
    _, clean = guard.judge_again([one.input for one in malicious])
    caught_clean = {one.input for one, caught in zip(malicious, clean, strict=True) if caught}
    _, caught = guard.judge([one.disguised.text for one in attacked])
    _, flagged = guard.judge([one.disguised.text for one in twins])
    escaped = [
        one
        for one, was in zip(attacked, caught, strict=True)
        if not was and one.origin.input in caught_clean and one.disguised.text != one.origin.input
    ]
    accused = [one for one, was in zip(twins, flagged, strict=True) if was]
    random.shuffle(accused)
    escaped = [one for one in escaped if _can_have_twin(one, twins)]
    matched = [_twin(one, harmless, twins, random) for one in escaped for _ in range(TWINS)]
    source = f"battle:{terms.battle}/{number}"
    return Result(
        fight=Fight(malicious=_tallies(attacked, caught), harmless=_tallies(twins, flagged)),
        evasions=[_example(one, source) for one in escaped],
        twins=[_example(one, source) for one in (*matched, *accused[: len(escaped)])],
    )


def _tallies(attacked: Sequence[_Attacked], flagged: NDArray[np.bool_]) -> tuple[Tally, ...]:
    """Text by text how often it was attacked, and flagged then."""
    flags: dict[str, list[bool]] = {}
    for one, was in zip(attacked, flagged.tolist(), strict=True):
        flags.setdefault(one.origin.input, []).append(was)
    return tuple((len(of), sum(of)) for of in flags.values())


def _attacks(
    texts: Sequence[Example], language: str, guard: Guard | None, terms: Terms, number: int
) -> list[_Attacked]:
    """Every text under one attack of each family; with a guard also what a search finds."""
    salt = f"{terms.seed}/{number}"
    families = dict(terms.strategy.families.get(language, {}))
    found = [
        _Attacked(origin=one, disguised=disguised)
        for one in texts
        for disguised in by_family(one.input, families, salt)
    ]
    for name in terms.strategy.llm:
        found += _rewritten(name, texts, terms)
    if guard is not None and terms.strategy.adaptive:
        found += _searched(texts, language, guard, terms, number)
    return found


def _searched(
    texts: Sequence[Example], language: str, guard: Guard, terms: Terms, number: int
) -> list[_Attacked]:
    few = texts[: max(1, round(SEARCHED * len(texts)))]
    attacks = [one for family in readable(language, unseen=False).values() for one in family]
    trials = attack_all(
        SEARCH,
        [one.input for one in few],
        attacks,
        lambda tried: list(zip(*(part.tolist() for part in guard.judge(tried)), strict=True)),
        budget=terms.budget,
        seed=seed_of(terms.seed, number, "search"),
    )
    return [
        _Attacked(
            origin=one,
            disguised=Disguised(
                text=trial.text,
                attack="+".join(dict.fromkeys(name for _, name in trial.steps)),
                family="adaptive",
                seed=terms.seed,
            ),
            steps=trial.steps,
        )
        for one, trial in zip(few, trials, strict=True)
    ]


def _rewritten(name: str, texts: Sequence[Example], terms: Terms) -> list[_Attacked]:
    assert terms.rewrite is not None
    answers = terms.rewrite(name, [one.input for one in texts], terms.seed)
    return [
        _Attacked(
            origin=one,
            disguised=Disguised(text=answer, attack=name, family="llm", seed=terms.seed),
        )
        for one, answer in zip(texts, answers, strict=True)
        if answer
    ]


def _twin(
    one: _Attacked, harmless: Sequence[Example], twins: Sequence[_Attacked], random: Random
) -> _Attacked:
    """A harmless text under the same attack: as many words, the same steps, the same model."""
    if one.disguised.family == "llm":
        return random.choice(_rewritten_alike(one, twins))
    other = random.choice(harmless)
    if one.steps:
        text = _same_steps(one, other.input, random)
        return _Attacked(origin=other, disguised=replace(one.disguised, text=text))
    attack = ATTACKS[one.disguised.attack]
    salt = f"twin {one.disguised.seed}"
    return _Attacked(origin=other, disguised=apply(attack, other.input, salt))


def _can_have_twin(one: _Attacked, twins: Sequence[_Attacked]) -> bool:
    """A model may have refused all harmless texts; an evasion alone would teach that odd is bad."""
    return one.disguised.family != "llm" or bool(_rewritten_alike(one, twins))


def _rewritten_alike(one: _Attacked, twins: Sequence[_Attacked]) -> list[_Attacked]:
    return [twin for twin in twins if twin.disguised.attack == one.disguised.attack]


def _same_steps(one: _Attacked, text: str, random: Random) -> str:
    """What the search did to as many words, done to this text."""
    names = dict.fromkeys(name for _, name in one.steps)
    attacks = [ATTACKS[name] for name in names]
    space = Space(text, attacks, edits=len(one.steps), seed=one.disguised.seed)
    stacks: dict[int, list[str]] = {}
    for word, name in one.steps:
        if word != "message":
            stacks.setdefault(word, []).append(name)
    words = random.sample(space.words, min(len(stacks), len(space.words)))
    message = next((name for word, name in one.steps if word == "message"), "")
    chosen = {word: tuple(stack) for word, stack in zip(words, stacks.values(), strict=False)}
    return space.render(made_of(chosen, message))


def _example(one: _Attacked, source: str) -> Example:
    return replace(
        one.origin,
        input=one.disguised.text,
        source=source,
        meta={
            "attack": one.disguised.attack,
            "family": one.disguised.family,
            "seed": str(one.disguised.seed),
            "of": one.origin.meta.get("id", ""),
        },
    )
