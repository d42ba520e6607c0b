"""Who fights: texts to attack, their harmless twins, and the panel nobody trains on."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from sutdol.arena.disguise import seed_of
from sutdol.core.types import Example

FEWEST = 0.02  # share of all texts: a few in another language are no battle in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The texts of one language, in a fixed order."""

    language: str
    malicious: Sequence[Example]
    harmless: Sequence[Example]


def pools(texts: Sequence[Example], languages: Sequence[str]) -> list[Pool]:
    """The texts by language; one with hardly any texts of a kind is left out."""
    ordered = sorted(texts, key=lambda one: (seed_of(one.input), one.input))
    found = [
        Pool(
            language=name,
            malicious=[one for one in ordered if one.target and one.lang == name],
            harmless=[one for one in ordered if not one.target and one.lang == name],
        )
        for name in languages
    ]
    return [
        pool
        for pool in found
        if pool.malicious
        and pool.harmless
        and len(pool.malicious) + len(pool.harmless) >= FEWEST * len(texts)
    ]


def drawn(texts: Sequence[Example], count: int, random: Random) -> list[Example]:
    """`count` texts of other groups each, or all there are."""
    return first_of_groups(random.sample(list(texts), len(texts)), count)


def first_of_groups(texts: Sequence[Example], count: int) -> list[Example]:
    """The first texts of `count` groups: texts of one group are not independent of each other."""
    chosen: dict[str, Example] = {}
    for one in texts:
        if len(chosen) == count:
            break
        chosen.setdefault(one.group, one)
    return list(chosen.values())
