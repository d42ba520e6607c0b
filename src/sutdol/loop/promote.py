"""Change the champion, forwards or backwards: one transaction, never without a loadable model."""

from dataclasses import replace
from typing import TypeVar

from sutdol.core.errors import NotReady
from sutdol.flow.plan import Key
from sutdol.loop import examine, live
from sutdol.loop.workshop import Workshop
from sutdol.storage import audit, effects, promotions, suite, versions
from sutdol.storage.audit import Event
from sutdol.storage.effects import Tx
from sutdol.storage.examples import StoredExample
from sutdol.storage.promotions import Crowning, Kind, Promotion
from sutdol.storage.suite import SuiteItem
from sutdol.storage.verdicts import StoredVerdict
from sutdol.storage.versions import Version

M = TypeVar("M")


def crown_first(shop: Workshop[M], version: Version, key: Key) -> None:
    """The first champion, or one in place of a champion that no longer loads: nobody to beat."""
    wish = _succession(shop, version, "initial", "the first model")
    if wish.from_version is not None:
        wish = replace(wish, reason=f"{wish.from_version} no longer loads")
    effects.once(shop.db, key.flow, key.step, shop.now(), lambda tx: _crowned(shop, tx, wish))


def promote(shop: Workshop[M], verdict: StoredVerdict, fixed: list[StoredExample], key: Key) -> str:
    """Alias, audit row, new regression items and the end of the exam in one transaction.

    What became of the exam it was won on.
    """
    with shop.db.read() as tx:
        challenger = versions.get(tx, verdict.challenger)
    live.load(shop, challenger)
    wish = _wish(shop, verdict.champion, challenger, "promote", verdict.reason)
    wish = replace(wish, verdict=verdict.id)

    def deed(tx: Tx) -> dict[str, str]:
        crown(shop, tx, wish)
        for one in fixed:
            suite.add(tx, _item(shop, one, verdict.challenger))
        return {"exam": examine.after_promotion(shop, tx)}

    done = effects.once(shop.db, key.flow, key.step, shop.now(), deed)
    return str(done["exam"])


def force(shop: Workshop[M], version: Version, *, reason: str) -> Promotion:
    """Let a version reign though no verdict says so; it pays back no look of the error budget."""
    wish = _succession(shop, version, "force", reason)
    with shop.db.write() as tx:
        return crown(shop, tx, wish)


def rollback(shop: Workshop[M], *, reason: str) -> Promotion:
    """Return to the previous champion; its model is proven to load before the alias moves."""
    wish = way_back(shop, reason)
    with shop.db.write() as tx:
        return crown(shop, tx, wish)


def way_back(shop: Workshop[M], reason: str) -> Crowning:
    """The wish to return to the previous champion, whose model is proven to load."""
    role = shop.role.name
    with shop.db.read() as tx:
        names = versions.aliases(tx, role)
        if "previous" not in names:
            raise NotReady(f"The {role} has no previous champion to go back to.")
        previous = versions.get(tx, names["previous"])
    live.load(shop, previous)
    return _wish(shop, names["champion"], previous, "rollback", reason)


def crown(shop: Workshop[M], tx: Tx, wish: Crowning) -> Promotion:
    """Move the alias and put it on record, as part of a transaction."""
    done = promotions.crown(tx, wish, shop.now())
    audit.add(tx, _event(shop, done))
    return done


def _succession(shop: Workshop[M], version: Version, kind: Kind, reason: str) -> Crowning:
    """The wish that a version follow whoever reigns; it is proven to load."""
    live.load(shop, version)
    with shop.db.read() as tx:
        champion = versions.alias(tx, shop.role.name, "champion")
    return _wish(shop, champion, version, kind, reason)


def _wish(
    shop: Workshop[M], champion: str | None, version: Version, kind: Kind, reason: str
) -> Crowning:
    return Crowning(
        role=shop.role.name,
        from_version=champion,
        to_version=version.id,
        kind=kind,
        reason=reason,
        actor=shop.actor,
    )


def _crowned(shop: Workshop[M], tx: Tx, wish: Crowning) -> dict[str, str]:
    return {"champion": crown(shop, tx, wish).to_version}


def _event(shop: Workshop[M], done: Promotion) -> Event:
    return Event(
        actor=shop.actor,
        action=done.kind,
        subject=done.to_version,
        body={"from": done.from_version, "reason": done.reason, "verdict": done.verdict},
        created_at=shop.now(),
    )


def _item(shop: Workshop[M], one: StoredExample, fixed_by: str) -> SuiteItem:
    attack, seed = one.meta.get("attack", one.kind), int(one.meta.get("seed", "0"))
    role = shop.role.name
    key = suite.key(role, shop.role.key(one.input), attack, seed)
    return SuiteItem(
        key=key, role=role, example=one.id, attack=attack, seed=seed, fixed_by=fixed_by
    )
