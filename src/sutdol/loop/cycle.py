"""One turn of the loop: snapshot, train, look, judge, promote or not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sutdol.core.errors import NotReady, Refused
from sutdol.loop import examine, gate, live, promote, report
from sutdol.loop.evaluate import Questions, anchor, evaluate, learned, look_key, questions
from sutdol.loop.snapshot import Frozen, leaks, snapshot
from sutdol.loop.train import train
from sutdol.loop.verdict import Budget, Verdict
from sutdol.loop.workshop import Workshop
from sutdol.storage import locks, looks, promotions, verdicts, versions
from sutdol.storage.exams import Exam
from sutdol.storage.looks import Look, NewLook
from sutdol.storage.verdicts import StoredVerdict
from sutdol.storage.versions import Version

M = TypeVar("M")
Progress = Callable[[str], None]

TAKEN_BACK = ("rollback", "force")
MOST_FIXED = 500  # regression items a promotion adds


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one turn came to."""

    verdict: StoredVerdict
    promoted: bool
    exam: str


@dataclass(frozen=True, kw_only=True)
class _Match:
    """Who is compared with whom, on what."""

    champion: Version
    challenger: Version
    frozen: Frozen
    exam: Exam
    asked: Questions
    leaks: int


def found(shop: Workshop[M], *, seed: int) -> Version:
    """Train and crown the first champion, or a new one in place of one that does not load."""
    role = shop.role.name
    with locks.hold(shop.home, f"improve-{role}"):
        with shop.db.read() as tx:
            name = versions.alias(tx, role, "champion")
            reigning = versions.get(tx, name) if name else None
        if reigning is not None and live.loads(shop, reigning):
            raise Refused(f"{reigning.id} reigns already: `sutdol loop improve {role}` trains on.")
        examine.draw_first(shop)  # what stands in it is never trained on
        version = train(shop, snapshot(shop), parent=None, seed=seed)
        promote.crown_first(shop, version)
        return version


def improve(
    shop: Workshop[M],
    *,
    seed: int = 0,
    dry_run: bool = False,
    progress: Progress = lambda _: None,
) -> Outcome:
    """Train a challenger and let the gate decide; a dry run costs a look too."""
    with locks.hold(shop.home, f"improve-{shop.role.name}"):
        match = _prepare(shop, seed, progress)
        progress("evaluate")
        stored = _judge(shop, match, "dry run" if dry_run else "gate")
        if stored.decision != "promote" or dry_run:
            return Outcome(verdict=stored, promoted=False, exam=match.exam.id)
        progress("promote")
        fixed = learned(shop, match.frozen.rows, match.champion, match.challenger)
        promote.promote(shop, stored, fixed[:MOST_FIXED])
        return Outcome(verdict=stored, promoted=True, exam=examine.after_promotion(shop))


def _prepare(shop: Workshop[M], seed: int, progress: Progress) -> _Match:
    champion = live.champion(shop)
    for judged in (champion, anchor(shop)):
        live.load(shop, judged)  # before a look is paid
    exam, cases = examine.current(shop)
    progress("snapshot")
    frozen = snapshot(shop)
    if frozen.hash == champion.snapshot:
        raise NotReady(
            f"{champion.id} has learned from all there is: fight a battle or add feedback."
        )
    progress("train")
    challenger = train(shop, frozen, parent=champion.id, seed=seed)
    _require_not_rolled_back(shop, challenger)
    return _Match(
        champion=champion,
        challenger=challenger,
        frozen=frozen,
        exam=exam,
        asked=questions(shop, cases),
        leaks=len(leaks(shop, frozen.rows, cases)),
    )


def _judge(shop: Workshop[M], match: _Match, purpose: str) -> StoredVerdict:
    """Charge the look, then score, then decide; a look judged before keeps its verdict."""
    rules = shop.role.rules
    asked, pair = match.asked, (match.champion, match.challenger)
    wanted = NewLook(
        key=look_key(pair, rows=asked.rows, texts=asked.texts, rules=rules.json()),
        champion=match.champion.id,
        challenger=match.challenger.id,
        purpose=purpose,
        exam=match.exam.id,
    )
    with shop.db.write() as tx:
        look = looks.charge(tx, shop.role.name, wanted, alpha=gate.alpha, now=shop.now())
    with shop.db.read() as tx:
        known = verdicts.by_look(tx, look.key)
    if known is not None:
        return known
    scored = evaluate(shop, asked, champion=match.champion, challenger=match.challenger)
    budget = Budget(position=look.position, alpha=look.alpha)
    verdict = gate.decide(scored, rules, budget, leaks=match.leaks)
    stored = _stored(shop, match, look, verdict, report.digest(scored))
    report.write(shop, stored, scored, texts=asked.texts, leaks=match.leaks)
    if verdict.promote and purpose == "gate":
        return stored  # written together with the alias
    with shop.db.write() as tx:
        return verdicts.add(tx, stored)


def _require_not_rolled_back(shop: Workshop[M], challenger: Version) -> None:
    """What was taken from the throne does not return by itself: else it comes and goes for ever."""
    with shop.db.read() as tx:
        history = promotions.all(tx, shop.role.name)
    if any(one.from_version == challenger.id and one.kind in TAKEN_BACK for one in history):
        raise NotReady(
            f"{challenger.id} was rolled back, and there is nothing new to learn since:"
            " fight a battle or add feedback."
        )


def _stored(
    shop: Workshop[M], match: _Match, look: Look, verdict: Verdict, scores: str
) -> StoredVerdict:
    return StoredVerdict(
        id=f"{shop.role.name}-{look.key[:12]}",
        role=shop.role.name,
        champion=match.champion.id,
        challenger=match.challenger.id,
        decision=verdict.decision,
        reason=verdict.reason,
        body=verdict.json() | {"scores": scores},
        snapshot=match.frozen.hash,
        exam=match.exam.id,
        look=look.key,
        created_at=shop.now(),
    )
