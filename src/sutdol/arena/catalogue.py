"""What there is to fight with: every attack, every family, and the strategies one may choose."""

from collections.abc import Mapping
from typing import Any, get_args

from sutdol.arena.attack import ATTACKS, Attack
from sutdol.arena.families import COVERED_BY_CODE, covered, held_out
from sutdol.arena.strategy import GROUPS, chosen
from sutdol.core.types import Language

LANGUAGES: tuple[str, ...] = get_args(Language)


def attacks() -> list[dict[str, Any]]:
    """Every attack by name, as `sutdol arena attacks --json` lists them."""
    return [
        {
            "attack": one.name,
            "family": one.family,
            "group": one.group,
            "languages": list(one.languages),
            "readable": one.readable,
            "held_out": [name for name in one.languages if held_out(one.family, name)],
            "covered_by_code": bool(covered(one.family)),
            "help": one.doc,
        }
        for one in ATTACKS.values()
    ]


def families() -> list[dict[str, Any]]:
    """Every family by name, with what holds for all its attacks."""
    return [
        {
            "family": name,
            "group": members[0].group,
            "languages": [one for one in LANGUAGES if _in(members, one)],
            "held_out": [one for one in LANGUAGES if held_out(name, one) and _in(members, one)],
            "covered": _covered(name),
            "readable": any(one.readable for one in members),
            "attacks": [one.name for one in members],
        }
        for name, members in sorted(_by_family().items())
    ]


def strategies(*, model: bool) -> list[dict[str, Any]]:
    """What a battle may be fought with, groups first; `ready` is what needs no `model` or has it.

    A family that is held out in every language, or that no person could read, is none.
    """
    groups = [
        {"strategy": name, "kind": "group", "help": said, "ready": model or name != "llm_generated"}
        for name, said in GROUPS.items()
    ]
    fitting = [name for name in sorted(_by_family()) if any(chosen(name, LANGUAGES).values())]
    return groups + [
        {"strategy": name, "kind": "family", "help": "", "ready": True} for name in fitting
    ]


def _by_family() -> Mapping[str, list[Attack]]:
    found: dict[str, list[Attack]] = {}
    for one in ATTACKS.values():
        found.setdefault(one.family, []).append(one)
    return found


def _in(members: list[Attack], language: str) -> bool:
    return any(language in one.languages for one in members)


def _covered(family: str) -> str | None:
    """How far a view of the normaliser goes for a family."""
    if not covered(family):
        return None
    return "wholly" if family in COVERED_BY_CODE else "partly"
