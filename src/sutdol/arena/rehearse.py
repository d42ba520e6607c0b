"""Put training texts under attacks that got through before: a few evasions become a lesson."""

from collections.abc import Sequence
from functools import lru_cache
from random import Random

from sutdol.arena.attack import ATTACKS, Attack
from sutdol.arena.composed import composed
from sutdol.arena.disguise import seed_of
from sutdol.arena.families import held_out
from sutdol.arena.fixed import apply
from sutdol.core.types import Example

WHOLE = 0.5  # share of texts under one attack alone
FEW = 6  # attacks that the others are composed of


def rehearse(example: Example, attacks: Sequence[str] | None, seed: int) -> str:
    """The text under one of the named attacks (or of all), or its words under one or two each.

    Attacks that suit another language, need a model, leave nothing readable or are held out are
    passed over.
    """
    names = tuple(sorted(ATTACKS) if attacks is None else attacks)
    return _rehearsed(example.input, example.lang, names, seed)


@lru_cache(maxsize=1 << 15)  # every round rehearses the same texts
def _rehearsed(text: str, language: str, names: tuple[str, ...], seed: int) -> str:
    usable = _usable(names, language)
    if not usable:
        return text
    # each text has its own order of attacks, so that one more changes few texts
    order = sorted(usable, key=lambda one: seed_of("rehearse", seed, text, one.name))
    random = Random(seed_of("rehearse", seed, text))
    if random.random() < WHOLE:
        return apply(order[0], text, str(seed)).text
    return composed(text, order[:FEW], random)


@lru_cache
def _usable(names: tuple[str, ...], language: str) -> tuple[Attack, ...]:
    return tuple(ATTACKS[name] for name in names if _fits(name, language))


def _fits(name: str, language: str) -> bool:
    if name not in ATTACKS:
        return False
    attack = ATTACKS[name]
    seen = attack.readable and not held_out(attack.family, language)
    return seen and attack.group != "llm_generated" and language in attack.languages
