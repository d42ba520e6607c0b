"""What an attacker uses in a round: all seen families, one group, one family, one attack."""

from collections.abc import Mapping
from dataclasses import dataclass

from sutdol.arena.attack import ATTACKS, Attack
from sutdol.arena.families import held_out
from sutdol.arena.fixed import readable
from sutdol.core.errors import UnknownName, UsageError

GROUPS: Mapping[str, str] = {
    "mixed": "All seen families, and a search that composes them.",
    "unicode_evasion": "Tricks with letters, signs and spaces, in both languages.",
    "korean_evasion": "Tricks with Hangul: its letters, sounds, shapes and keys.",
    "llm_generated": "A language model rewrites the texts.",
    "adaptive": "A search alone: it sees the score, asks again and composes attacks.",
}
"""Strategies that are no family and no attack, and what each fights with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """`families` per language; whether a search attacks too; which LLM attacks join in."""

    name: str
    families: Mapping[str, Mapping[str, list[Attack]]]
    adaptive: bool
    llm: tuple[str, ...]


def strategy(name: str, languages: tuple[str, ...]) -> Strategy:
    """The strategy of a name: a group, a family or an attack; held-out families never fight."""
    models = [one for one in ATTACKS.values() if one.group == "llm_generated"]
    llm = tuple(one.name for one in models if name in (one.group, one.family, one.name))
    fitting = chosen(name, languages)
    adaptive = name in ("mixed", "adaptive")
    if not (llm or adaptive or any(fitting.values())):
        _refuse(name, languages)
    return Strategy(name=name, families=fitting, adaptive=adaptive, llm=llm)


def chosen(name: str, languages: tuple[str, ...]) -> dict[str, dict[str, list[Attack]]]:
    """The seen families of each language that a name stands for; of an attack, itself alone."""
    return {language: _fitting(name, language) for language in languages}


def _fitting(name: str, language: str) -> dict[str, list[Attack]]:
    seen = readable(language, unseen=False)
    if name in ("mixed", "adaptive"):
        return seen if name == "mixed" else {}
    fitting = {
        family: [one for one in attacks if name in (one.group, one.family, one.name)]
        for family, attacks in seen.items()
    }
    return {family: attacks for family, attacks in fitting.items() if attacks}


def _refuse(name: str, languages: tuple[str, ...]) -> None:
    known = {*GROUPS, *ATTACKS, *(one.family for one in ATTACKS.values())}
    if name not in known:
        raise UnknownName("attack strategy", name, known)
    family = ATTACKS[name].family if name in ATTACKS else name
    if any(held_out(family, language) for language in languages):
        raise UsageError(f"'{name}' belongs to a held-out family: it measures, it never trains.")
    raise UsageError(f"'{name}' attacks no text in {', '.join(languages)} that a person can read.")
