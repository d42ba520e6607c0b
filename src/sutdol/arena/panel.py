"""The panel: texts no model learns from, under the same attacks every round; the four curves."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sutdol.arena.disguise import seed_of
from sutdol.arena.families import held_out
from sutdol.arena.fixed import by_family, readable
from sutdol.arena.guarded import Guard
from sutdol.arena.pools import Pool, first_of_groups
from sutdol.arena.round import Curves
from sutdol.arena.search import Budget, attack_all
from sutdol.core.types import Disguised, Example
from sutdol.metrics.interval import Interval, wilson

SEARCH = "greedy"  # the same attacker each round: it remembers nothing


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A panel text with its disguises, one per family."""

    example: Example
    disguises: Sequence[Disguised]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Fixed for a battle. `harmless_all` adds clean harmless texts: they cost next to nothing."""

    malicious: Sequence[Shown]
    harmless: Sequence[Shown]
    harmless_all: Sequence[str]
    independent: Sequence[str]
    budget: Budget
    seed: int


def panel(
    pools: Sequence[Pool],
    count: int,
    *,
    budget: Budget,
    seed: int,
    independent: Sequence[str] = (),
) -> Panel:
    """`count` texts of each kind and language, and one attack of every readable family on each."""

    def shown(texts: Sequence[Example]) -> list[Shown]:
        return [
            Shown(
                example=one,
                disguises=by_family(one.input, readable(one.lang), f"panel {seed}"),
            )
            for one in first_of_groups(texts, count)
        ]

    return Panel(
        malicious=[one for pool in pools for one in shown(pool.malicious)],
        harmless=[one for pool in pools for one in shown(pool.harmless)],
        harmless_all=[
            one.input
            for pool in pools
            for one in first_of_groups(pool.harmless, len(pool.harmless))
        ],
        independent=independent,
        budget=budget,
        seed=seed,
    )


def measure(panel: Panel, guard: Guard) -> Curves:
    """Ask the guard about the whole panel."""
    caught = _flags(guard, panel.malicious)
    flagged = _flags(guard, panel.harmless)
    clean = [flags["clean"] for flags in caught]
    seen, unseen = (_shares(panel.malicious, caught, held=held) for held in (False, True))
    kept = [index for index, was in enumerate(clean) if was]
    twins, unseen_twins = (_shares(panel.harmless, flagged, held=h) for h in (False, True))
    _, clean_flags = guard.judge_again(panel.harmless_all)
    return Curves(
        seen=_mean(seen),
        held_out=_mean(unseen),
        adaptive=_adaptive(panel, guard, kept),
        independent=_independent(panel, guard),
        clean=_mean([float(was) for was in clean]),
        retention_seen=_mean([seen[index] for index in kept]),
        retention_held_out=_mean([unseen[index] for index in kept]),
        fpr_clean=wilson(float(clean_flags.sum()), len(clean_flags)),
        fpr_twins=_mean(twins),
        fpr_twins_unseen=_mean(unseen_twins),
        fpr_twins_worst=_worst(panel.harmless, flagged),
        families=_families(panel.malicious, caught, kept, held=False),
        families_held_out=_families(panel.malicious, caught, kept, held=True),
        per_text={
            one.example.input: float(seen[index]) for index, one in enumerate(panel.malicious)
        },
    )


def _flags(guard: Guard, shown: Sequence[Shown]) -> list[dict[str, bool]]:
    """Per text what was flagged, by attack and "clean"."""
    names = [
        (index, name, text)
        for index, one in enumerate(shown)
        for name, text in (
            ("clean", one.example.input),
            *((disguised.attack, disguised.text) for disguised in one.disguises),
        )
    ]
    _, flags = guard.judge_again([text for _, _, text in names])
    found: list[dict[str, bool]] = [{} for _ in shown]
    for (index, name, _), flag in zip(names, flags, strict=True):
        found[index][name] = bool(flag)
    return found


def _shares(
    shown: Sequence[Shown], flags: Sequence[Mapping[str, bool]], *, held: bool
) -> list[float]:
    """Per text the share of its seen (or held-out) families that was flagged."""
    shares = []
    for one, found in zip(shown, flags, strict=True):
        of = [
            found[d.attack] for d in one.disguises if held_out(d.family, one.example.lang) == held
        ]
        shares.append(sum(of) / len(of) if of else 0.0)
    return shares


def _mean(shares: Sequence[float]) -> Interval:
    """A case is one text: n counts texts, not attacks."""
    return wilson(sum(shares), len(shares))


def _worst(shown: Sequence[Shown], flags: Sequence[Mapping[str, bool]]) -> tuple[str, Interval]:
    """The attack whose twins are flagged most often, among those with at least 30 twins."""
    by_attack: dict[str, list[bool]] = defaultdict(list)
    for one, found in zip(shown, flags, strict=True):
        for disguised in one.disguises:
            by_attack[disguised.attack].append(found[disguised.attack])
    figures = {name: wilson(sum(of), len(of)) for name, of in by_attack.items() if len(of) >= 30}
    if not figures:
        return "none", wilson(0, 0)
    worst = max(sorted(figures), key=lambda name: figures[name].value)
    return worst, figures[worst]


def _families(
    shown: Sequence[Shown],
    flags: Sequence[Mapping[str, bool]],
    kept: Sequence[int],
    *,
    held: bool,
) -> dict[str, Interval]:
    """Retention per family, over texts caught clean in whose language it is held out, or not."""
    by_family: dict[str, list[bool]] = defaultdict(list)
    for index in kept:
        language = shown[index].example.lang
        for disguised in shown[index].disguises:
            if held_out(disguised.family, language) == held:
                by_family[disguised.family].append(flags[index][disguised.attack])
    return {name: wilson(sum(of), len(of)) for name, of in by_family.items()}


def _adaptive(panel: Panel, guard: Guard, kept: Sequence[int]) -> Interval:
    """Share of the texts caught clean for which a search with seen attacks finds a way through."""
    evaded = tried = 0
    for language in sorted({panel.malicious[index].example.lang for index in kept}):
        texts = [
            panel.malicious[index].example.input
            for index in kept
            if panel.malicious[index].example.lang == language
        ]
        attacks = [one for family in readable(language, unseen=False).values() for one in family]
        trials = attack_all(
            SEARCH,
            texts,
            attacks,
            lambda asked: list(zip(*(part.tolist() for part in guard.judge(asked)), strict=True)),
            budget=panel.budget,
            seed=seed_of(panel.seed, "panel"),
        )
        evaded += sum(trial.evaded for trial in trials)
        tried += len(trials)
    return wilson(evaded, tried)


def _independent(panel: Panel, guard: Guard) -> Interval | None:
    if not panel.independent:
        return None
    _, flags = guard.judge_again(panel.independent)
    return wilson(float(flags.sum()), len(flags))
