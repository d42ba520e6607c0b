"""What an attack is: a seeded, readable disguise of a word or a message."""

from collections.abc import Callable
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
