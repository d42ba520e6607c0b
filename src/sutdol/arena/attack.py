"""What an attack is: a seeded, readable disguise of a word or a message."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from sutdol.core.registry import Registry

Disguise = Callable[[str, Random], str]
Scope = Literal["word", "message"]
Group = Literal["unicode_evasion", "korean_evasion", "llm_generated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A named disguise.

    `scope` word: `disguise` gets one word (no white space); message: it gets the whole text.
    `languages`: for which it changes an ordinary text. `readable`: a person can still read it.
    """

    name: str
    family: str
    group: Group
    scope: Scope
    languages: tuple[str, ...]
    readable: bool
    disguise: Disguise

    @property
    def doc(self) -> str:
        return (self.disguise.__doc__ or "").strip().split("\n")[0]


ATTACKS: Registry[Attack] = Registry("attack", "sutdol.arena.attacks")


def attack(
    name: str,
    *,
    family: str,
    group: Group = "unicode_evasion",
    scope: Scope = "word",
    languages: tuple[str, ...] = ("en", "ko"),
    readable: bool = True,
) -> Callable[[Disguise], Disguise]:
    """Register the decorated function as the attack `name`; its docstring is the help text."""

    def register(disguise: Disguise) -> Disguise:
        ATTACKS.add(
            name,
            Attack(
                name=name,
                family=family,
                group=group,
                scope=scope,
                languages=languages,
                readable=readable,
                disguise=disguise,
            ),
        )
        return disguise

    return register


def some(places: Sequence[int], share: float, random: Random) -> list[int]:
    """Each place with probability `share`, and at least one if there are any."""
    chosen = [place for place in places if random.random() < share]
    return chosen or ([random.choice(places)] if places else [])


def replace_some(
    word: str, alternatives: Callable[[str], Sequence[str] | None], share: float, random: Random
) -> str:
    """Replace some characters by one of their alternatives; those without any stay."""
    options = {i: found for i, char in enumerate(word) if (found := alternatives(char))}
    chosen = set(some(list(options), share, random))
    return "".join(
        random.choice(options[i]) if i in chosen else char for i, char in enumerate(word)
    )


def insert_some(word: str, pieces: Sequence[str], share: float, random: Random) -> str:
    """Put pieces into some of the gaps between two letters."""
    gaps = [i for i in range(1, len(word)) if word[i - 1].isalpha() and word[i].isalpha()]
    chosen = set(some(gaps, share, random))
    return "".join(
        random.choice(pieces) + char if i in chosen else char for i, char in enumerate(word)
    )
