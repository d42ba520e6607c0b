"""What an attacker uses in a round: all seen families, one group, one family, one attack."""

from collections.abc import Mapping
from dataclasses import dataclass

from sutdol.arena.attack import ATTACKS, Attack
from sutdol.arena.families import held_out
from sutdol.arena.fixed import readable
from sutdol.core.errors import UnknownName, UsageError

GROUPS = ("mixed", "unicode_evasion", "korean_evasion", "llm_generated", "adaptive")


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
    fitting = {language: _fitting(name, language) for language in languages}
    adaptive = name in ("mixed", "adaptive")
    if not (llm or adaptive or any(fitting.values())):
        _refuse(name, languages)
    return Strategy(name=name, families=fitting, adaptive=adaptive, llm=llm)


def _fitting(name: str, language: str) -> dict[str, list[Attack]]:
    seen = readable(language, unseen=False)
    if name in ("mixed", "adaptive"):
        return seen if name == "mixed" else {}
    chosen = {
        family: [one for one in attacks if name in (one.group, one.family, one.name)]
        for family, attacks in seen.items()
    }
    return {family: attacks for family, attacks in chosen.items() if attacks}


def _refuse(name: str, languages: tuple[str, ...]) -> None:
    known = {*GROUPS, *ATTACKS, *(one.family for one in ATTACKS.values())}
    if name not in known:
        raise UnknownName("attack strategy", name, known)
    family = ATTACKS[name].family if name in ATTACKS else name
    if any(held_out(family, language) for language in languages):
        raise UsageError(f"'{name}' belongs to a held-out family: it measures, it never trains.")
    raise UsageError(f"'{name}' attacks no text in {', '.join(languages)} that a person can read.")
