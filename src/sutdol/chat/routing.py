"""Which upstreams may answer for a model, first choice first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from sutdol.core.errors import UnknownName


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What one upstream serves: by patterns, else what it was found to list; None: not known."""

    upstream: str
    patterns: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    listed: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """An upstream, what it calls the model, and by which name of those it serves that was asked."""

    upstream: str
    model: str
    asked: str


def ways(model: str, table: Sequence[Served]) -> list[Way]:
    """All upstreams for a model in their order; `NAME/MODEL` asks for one of them alone.

    Where nobody is known to serve it, those are asked who do not say what they serve.
    `UnknownName` when there are none.
    """
    sure = [_way(one, model) for one in table if _serves(one, model)]
    name, slash, rest = model.partition("/")
    if not sure and slash:
        sure = [_way(one, rest) for one in table if one.upstream == name]
    if not sure:
        sure = [_way(one, model) for one in table if not one.patterns and one.listed is None]
    if not sure:
        raise UnknownName("model", model, names(table))
    return sure


def names(table: Sequence[Served]) -> list[str]:
    """The names of all models that are known, each once, in the order of the upstreams."""
    found: dict[str, None] = {}
    for one in table:
        found |= dict.fromkeys(one.rename)
        plain = [each for each in one.patterns if not set(each) & set("*?[")]
        listed = sorted(one.listed or ())
        if one.patterns:
            listed = [each for each in listed if _matches(one.patterns, each)]
        found |= dict.fromkeys([*plain, *listed])
    return list(found)


def _serves(one: Served, model: str) -> bool:
    if model in one.rename or _matches(one.patterns, model):
        return True
    return not one.patterns and one.listed is not None and model in one.listed


def _matches(patterns: Sequence[str], model: str) -> bool:
    return any(fnmatchcase(model, each) for each in patterns)


def _way(one: Served, model: str) -> Way:
    return Way(upstream=one.upstream, model=one.rename.get(model, model), asked=model)
