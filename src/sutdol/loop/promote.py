"""Change the champion, forwards or backwards: one transaction, never without a loadable model."""

from typing import TypeVar

from sutdol.core.errors import NotReady
from sutdol.loop import live
from sutdol.loop.workshop import Workshop
from sutdol.storage import audit, promotions, suite, verdicts, versions
from sutdol.storage.audit import Event
from sutdol.storage.examples import StoredExample
from sutdol.storage.promotions import Crowning, Promotion
from sutdol.storage.suite import SuiteItem
from sutdol.storage.verdicts import StoredVerdict
from sutdol.storage.versions import Version

M = TypeVar("M")


def crown_first(shop: Workshop[M], version: Version) -> Promotion:
    """The first champion, or one in place of a champion that no longer loads: nobody to beat."""
    live.load(shop, version)
    role = shop.role.name
    with shop.db.read() as tx:
        broken = versions.alias(tx, role, "champion")
    wish = Crowning(
        role=role,
        from_version=broken,
        to_version=version.id,
        kind="initial",
        reason=f"{broken} no longer loads" if broken else "the first model",
        actor=shop.actor,
    )
    return _crown(shop, wish)


def promote(
    shop: Workshop[M],
    verdict: StoredVerdict,
    fixed: list[StoredExample],
) -> Promotion:
    """Alias, audit row, verdict and new regression items in one transaction."""
    with shop.db.read() as tx:
        challenger = versions.get(tx, verdict.challenger)
    live.load(shop, challenger)
    wish = Crowning(
        role=shop.role.name,
        from_version=verdict.champion,
        to_version=verdict.challenger,
        kind="promote",
        reason=verdict.reason,
        actor=shop.actor,
        verdict=verdict.id,
    )
    with shop.db.write() as tx:
        verdicts.add(tx, verdict)
        done = promotions.crown(tx, wish, shop.now())
        for one in fixed:
            suite.add(tx, _item(shop, one, verdict.challenger))
        audit.add(tx, _event(shop, done))
    return done


def rollback(shop: Workshop[M], *, reason: str) -> Promotion:
    """Return to the previous champion; its model is proven to load before the alias moves."""
    role = shop.role.name
    with shop.db.read() as tx:
        names = versions.aliases(tx, role)
        if "previous" not in names:
            raise NotReady(f"The {role} has no previous champion to go back to.")
        previous = versions.get(tx, names["previous"])
    live.load(shop, previous)
    return _crown(
        shop,
        Crowning(
            role=role,
            from_version=names["champion"],
            to_version=previous.id,
            kind="rollback",
            reason=reason,
            actor=shop.actor,
        ),
    )


def _crown(shop: Workshop[M], wish: Crowning) -> Promotion:
    with shop.db.write() as tx:
        done = promotions.crown(tx, wish, shop.now())
        audit.add(tx, _event(shop, done))
    return done


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
