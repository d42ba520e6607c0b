"""Put training texts under attacks that got through before: a few evasions become a lesson."""

from collections.abc import Sequence
from random import Random

from sutdol.arena.attack import ATTACKS
from sutdol.arena.composed import composed
from sutdol.arena.disguise import seed_of
from sutdol.arena.families import held_out
from sutdol.arena.fixed import apply
from sutdol.core.types import Example

WHOLE = 0.5  # share of texts under one attack alone


def rehearse(example: Example, attacks: Sequence[str] | None, seed: int) -> str:
    """The text under one of the named attacks (or of all), or its words under one or two each.

    Attacks that suit another language, need a model, leave nothing readable or are held out are
    passed over.
    """
    names = sorted(ATTACKS) if attacks is None else attacks
    usable = [ATTACKS[name] for name in names if _fits(name, example.lang)]
    if not usable:
        return example.input
    random = Random(seed_of("rehearse", seed, example.input))
    if random.random() < WHOLE:
        return apply(random.choice(usable), example.input, str(seed)).text
    return composed(example.input, usable, random)


def _fits(name: str, language: str) -> bool:
    if name not in ATTACKS:
        return False
    attack = ATTACKS[name]
    seen = attack.readable and not held_out(attack.family, language)
    return seen and attack.group != "llm_generated" and language in attack.languages
