"""What the steps of a turn do: each may be begun again after a kill, and is done once."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from sutdol.core.errors import Busy, NothingToLearn, Refused
from sutdol.flow.plan import Deed, Json, Key, Tell
from sutdol.loop import examine, gate, live, promote, report, turn
from sutdol.loop.evaluate import anchor, evaluate, learned, look_key, questions
from sutdol.loop.snapshot import Frozen, leaks, snapshot
from sutdol.loop.train import train
from sutdol.loop.verdict import Budget, Verdict
from sutdol.loop.workshop import Workshop
from sutdol.storage import effects, looks, promotions, snapshots, verdicts, versions
from sutdol.storage.looks import Look, NewLook
from sutdol.storage.verdicts import StoredVerdict
from sutdol.storage.versions import Version

M = TypeVar("M")
Stage = Callable[[Workshop[Any], Key, Json], Json]

TAKEN_BACK = ("rollback", "force")
MOST_FIXED = 500  # regression items a promotion adds


def deeds(workshop: Callable[[str], Workshop[Any]]) -> Mapping[str, Deed]:
    """The deeds behind the plans of cycle.py, in the workshop of the role they are asked for."""
    alone = {"train": _train, "evaluate": _evaluate, "gate": _gate, "promote": _promote}
    stages: dict[str, Stage] = {
        "claim": _claim,
        "release": _release,
        "first": _first,
        "crown": _crown,
        "snapshot": _snapshot,
        **{name: partial(_leased, stage) for name, stage in alone.items()},
    }

    def done(stage: Stage, key: Key, args: Json, tell: Tell) -> Json:
        return stage(workshop(args["role"]), key, args)

    return {f"cycle.{name}": partial(done, stage) for name, stage in stages.items()}


def _leased(stage: Stage, shop: Workshop[Any], key: Key, args: Json) -> Json:
    with shop.lease(turn.name_of(shop.role.name), key.flow):
        return stage(shop, key, args)


def _claim(shop: Workshop[Any], key: Key, args: Json) -> Json:
    """Ask for the turn: `held` is None when it is ours, else its holder."""
    held = turn.take(shop, key.flow)
    if held != key.flow:
        return {"held": held}
    try:
        with shop.lease(turn.name_of(shop.role.name), key.flow):
            return {"held": None}
    except Busy:  # who had the turn before was stopped, but works on somewhere for a moment
        turn.give_back(shop, key.flow)
        return {"held": "its predecessor", "soon": True}


def _release(shop: Workshop[Any], key: Key, args: Json) -> Json:
    turn.give_back(shop, key.flow)
    return {}


def _first(shop: Workshop[Any], key: Key, args: Json) -> Json:
    role = shop.role.name
    with shop.db.read() as tx:
        name = versions.alias(tx, role, "champion")
        reigning = versions.get(tx, name) if name else None
    if reigning is not None and live.loads(shop, reigning):
        raise Refused(f"{reigning.id} reigns already: `sutdol loop improve {role}` trains on.")
    examine.draw_first(shop)  # what stands in it is never trained on
    frozen = snapshot(shop)
    return {"snapshot": frozen.hash, "dropped": frozen.dropped}


def _crown(shop: Workshop[Any], key: Key, args: Json) -> Json:
    with shop.db.read() as tx:
        version = versions.get(tx, args["version"])
    promote.crown_first(shop, version, key)
    return {"version": version.id}


def _snapshot(shop: Workshop[Any], key: Key, args: Json) -> Json:
    """Who is to be beaten, on which exam, and what there is to learn."""
    champion = live.champion(shop)
    for judged in (champion, anchor(shop)):
        live.load(shop, judged)  # before a look is paid
    exam, _ = examine.current(shop)
    frozen = snapshot(shop)
    if frozen.hash == champion.snapshot:
        raise NothingToLearn(
            f"{champion.id} has learned from all there is: fight a battle or add feedback."
        )
    return {
        "champion": champion.id,
        "exam": exam.id,
        "snapshot": frozen.hash,
        "dropped": frozen.dropped,
    }


def _train(shop: Workshop[Any], key: Key, args: Json) -> Json:
    with shop.db.read() as tx:
        rows = snapshots.rows(tx, args["snapshot"])
    frozen = Frozen(hash=args["snapshot"], rows=rows, dropped=args["dropped"])
    version = train(shop, frozen, parent=args["parent"], seed=args["seed"])
    if args["parent"] is not None:
        _require_not_rolled_back(shop, version)
    return {"version": version.id}


def _evaluate(shop: Workshop[Any], key: Key, args: Json) -> Json:
    """Charge the look, then score; the scores wait in a file for the gate."""
    with shop.db.read() as tx:
        champion = versions.get(tx, args["champion"])
        challenger = versions.get(tx, args["challenger"])
        rows = snapshots.rows(tx, args["snapshot"])
    exam, cases = examine.current(shop)
    asked = questions(shop, cases)
    rules = shop.role.rules.json()
    wanted = NewLook(
        key=look_key((champion, challenger), rows=asked.rows, texts=asked.texts, rules=rules),
        champion=champion.id,
        challenger=challenger.id,
        purpose="dry run" if args.get("dry_run") else "gate",
        exam=exam.id,
    )
    with shop.db.write() as tx:
        look = looks.charge(tx, shop.role.name, wanted, alpha=gate.alpha, now=shop.now())
    with shop.db.read() as tx:
        judged = verdicts.by_look(tx, look.key)
    if judged is None:  # a look judged before keeps its verdict
        scored = evaluate(shop, asked, champion=champion, challenger=challenger)
        found = len(leaks(shop, rows, cases))
        report.keep_scores(shop, _verdict_id(shop, look), scored, texts=asked.texts, leaks=found)
    return {"look": look.key}


def _gate(shop: Workshop[Any], key: Key, args: Json) -> Json:
    """Decide on the scores, write the report, keep the verdict."""
    with shop.db.read() as tx:
        look = looks.find(tx, args["look"])
        known = verdicts.by_look(tx, args["look"])
        assert look is not None
        challenger = versions.get(tx, look.challenger)
    if known is None:
        kept = report.kept_scores(shop, _verdict_id(shop, look))
        budget = Budget(position=look.position, alpha=look.alpha)
        verdict = gate.decide(kept.scored, shop.role.rules, budget, leaks=kept.leaks)
        stored = _stored(shop, look, challenger, verdict, report.digest(kept.scored))
        report.write(shop, stored, kept.scored, texts=kept.texts, leaks=kept.leaks)
        with shop.db.write() as tx:
            known = verdicts.add(tx, stored)
        report.drop_scores(shop, known.id)
    return {"verdict": known.id, "decision": known.decision}


def _promote(shop: Workshop[Any], key: Key, args: Json) -> Json:
    with shop.db.read() as tx:
        done = effects.find(tx, key.flow, key.step)
        if done is not None:
            return done
        verdict = verdicts.get(tx, args["verdict"])
        champion = versions.get(tx, str(verdict.champion))
        challenger = versions.get(tx, verdict.challenger)
        rows = snapshots.rows(tx, args["snapshot"])
    fixed = learned(shop, rows, champion, challenger)
    return {"exam": promote.promote(shop, verdict, fixed[:MOST_FIXED], key)}


def _require_not_rolled_back(shop: Workshop[Any], challenger: Version) -> None:
    """What was taken from the throne does not return by itself: else it comes and goes for ever."""
    with shop.db.read() as tx:
        history = promotions.all(tx, shop.role.name)
    if any(one.from_version == challenger.id and one.kind in TAKEN_BACK for one in history):
        raise NothingToLearn(
            f"{challenger.id} was rolled back, and there is nothing new to learn since:"
            " fight a battle or add feedback."
        )


def _verdict_id(shop: Workshop[Any], look: Look) -> str:
    return f"{shop.role.name}-{look.key[:12]}"


def _stored(
    shop: Workshop[Any], look: Look, challenger: Version, verdict: Verdict, scores: str
) -> StoredVerdict:
    return StoredVerdict(
        id=_verdict_id(shop, look),
        role=shop.role.name,
        champion=look.champion,
        challenger=look.challenger,
        decision=verdict.decision,
        reason=verdict.reason,
        body=verdict.json() | {"scores": scores},
        snapshot=challenger.snapshot,
        exam=look.exam,
        look=look.key,
        created_at=shop.now(),
    )
