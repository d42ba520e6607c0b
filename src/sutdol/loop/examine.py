"""The hold-out exam: which texts stand in it, when it is worn out, and what replaces it."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from sutdol.core.errors import NotReady
from sutdol.loop.workshop import Workshop
from sutdol.storage import examples, exams
from sutdol.storage.examples import StoredExample
from sutdol.storage.exams import Exam

M = TypeVar("M")

MOST = 3_000  # texts of each kind: more cost time and add little power
MOST_LOOKS = 20
FEEDBACK_SHARE = 0.2  # of an exam that one source of feedback may write


def current(shop: Workshop[M]) -> tuple[Exam, list[StoredExample]]:
    """The open exam and its texts, drawn now if there is none.

    `NotReady` when it was looked at too often and there is nothing to refill it with.
    """
    with shop.db.write() as tx:
        role = shop.role.name
        exam = exams.current(tx, role)
        if exam is not None and exam.looks >= MOST_LOOKS:
            if not _refillable(shop, _reserve(examples.find(tx, role), exams.cases(tx, exam.id))):
                raise NotReady(
                    f"{exam.id} was looked at {exam.looks} times and is worn out: add reviewed"
                    f" labels with `sutdol feedback import FILE --role {role} --reviewed`."
                )
            exams.retire(tx, exam.id, why=f"{exam.looks} looks", now=shop.now())
            exam = None
        if exam is None:
            chosen = draw(_reserve(examples.find(tx, role), ()))
            if not chosen:
                raise NotReady(f"No reviewed {role} labels are held out: import labelled texts.")
            exam = exams.open_exam(tx, role, [case.id for case in chosen], shop.now())
        return exam, exams.cases(tx, exam.id)


def after_promotion(shop: Workshop[M]) -> str:
    """Retire the exam a promotion was won on, if there are fresh texts for the next one.

    With nothing to refill it, a used exam is better than none: it flatters the new champion, who
    was chosen on it, so the next challenger has it harder, not easier.
    """
    with shop.db.write() as tx:
        role = shop.role.name
        exam = exams.current(tx, role)
        if exam is None:
            return "no exam is open"
        if not _refillable(shop, _reserve(examples.find(tx, role), exams.cases(tx, exam.id))):
            return f"{exam.id} stays: too few fresh reviewed labels to replace it"
        exams.retire(tx, exam.id, why="won by a promotion", now=shop.now())
        return f"{exam.id} retired to training"


def draw(reserve: Sequence[StoredExample]) -> list[StoredExample]:
    """The texts of a new exam, in the order of their hashes; pure."""
    total = Counter(bool(case.target) for case in reserve)
    room = {kind: min(MOST, total[kind]) for kind in (True, False)}
    taken: Counter[tuple[bool, str]] = Counter()
    chosen: list[StoredExample] = []
    groups: set[str] = set()
    for case in reserve:
        kind = bool(case.target)
        full = taken[kind, ""] >= room[kind]
        capped = case.kind == "feedback" and (
            taken[kind, case.source] >= FEEDBACK_SHARE * room[kind]
        )
        if full or capped or case.group in groups:
            continue  # one text a group: copies lean together and are no cases of their own
        taken[kind, ""] += 1
        taken[kind, case.source] += 1
        groups.add(case.group)
        chosen.append(case)
    return chosen


def _reserve(known: Sequence[StoredExample], used: Sequence[StoredExample]) -> list[StoredExample]:
    """Reviewed hold-out labels that stand in no open exam."""
    busy = {case.group for case in used}
    return [
        one
        for one in known
        if one.part == "hold_out"
        and one.reviewed
        and one.kind in ("data", "feedback")
        and one.group not in busy
    ]


def _refillable(shop: Workshop[M], reserve: Sequence[StoredExample]) -> bool:
    fresh = Counter(bool(case.target) for case in draw(reserve))
    rules = shop.role.rules
    return fresh[True] >= rules.least_primary and fresh[False] >= rules.least_harmless
