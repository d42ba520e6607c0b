"""The hold-out exam: which texts stand in it, when it is worn out, and what replaces it."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from sutdol.core.errors import NothingToLearn
from sutdol.loop.rules import Rules
from sutdol.loop.workshop import Workshop
from sutdol.storage import examples, exams
from sutdol.storage.effects import Tx
from sutdol.storage.examples import Kind, StoredExample
from sutdol.storage.exams import Exam

M = TypeVar("M")

KINDS: tuple[Kind, ...] = ("data", "feedback")  # disguises stand in the exam as its attacks
MOST = 3_000  # texts of each kind: more cost time and add little power
MOST_LOOKS = 20
FEEDBACK_SHARE = 0.2  # of the texts of a kind, that one source of feedback may write


def current(shop: Workshop[M]) -> tuple[Exam, list[StoredExample]]:
    """The open exam and its texts, drawn now if there is none.

    `NothingToLearn` when it was looked at too often and there is nothing to refill it with. One
    that was drawn too small to judge anything is replaced as soon as there are texts for a better
    one.
    """
    role = shop.role.name
    with shop.db.write() as tx:
        exam = exams.current(tx, role)
        cases = exams.cases(tx, exam.id) if exam else []
        known = examples.find(tx, role, part="hold_out", kinds=KINDS, reviewed=True)
        fresh = draw(_unused(known, cases))
        over = _over(exam, cases, fresh, shop.role.rules) if exam else ""
        if exam is not None and over:
            exams.retire(tx, exam.id, why=over, now=shop.now())
        if exam is None or over:
            if not fresh:
                raise NothingToLearn(
                    f"No reviewed {role} labels are held out: import labelled texts."
                )
            exam = exams.open_exam(tx, role, [case.id for case in fresh], shop.now())
        return exam, exams.cases(tx, exam.id)


def draw_first(shop: Workshop[M]) -> None:
    """Draw an exam where none is open, however worn an open one may be."""
    with shop.db.read() as tx:
        exam = exams.current(tx, shop.role.name)
    if exam is None:
        current(shop)


def after_promotion(shop: Workshop[M], tx: Tx) -> str:
    """Retire the exam a promotion was won on, if there are fresh texts for the next one.

    With nothing to refill it, a used exam is better than none: it flatters the new champion, who
    was chosen on it, so the next challenger has it harder, not easier.
    """
    role = shop.role.name
    exam = exams.current(tx, role)
    if exam is None:
        return "no exam is open"
    known = examples.find(tx, role, part="hold_out", kinds=KINDS, reviewed=True)
    fresh = draw(_unused(known, exams.cases(tx, exam.id)))
    if not judges(shop.role.rules, fresh):
        return f"{exam.id} stays: too few fresh reviewed labels to replace it"
    exams.retire(tx, exam.id, why="won by a promotion", now=shop.now())
    return f"{exam.id} retired to training"


def _over(
    exam: Exam, cases: Sequence[StoredExample], fresh: Sequence[StoredExample], rules: Rules
) -> str:
    """Why the exam ends now; empty when it goes on."""
    worn, refill = exam.looks >= MOST_LOOKS, judges(rules, fresh)
    if worn and not refill:
        raise NothingToLearn(
            f"{exam.id} was looked at {exam.looks} times and is worn out: add labelled data, or"
            f" labels with `sutdol feedback import FILE --role {exam.role} --reviewed` from several"
            " sources (each may write a fifth of an exam)."
        )
    if worn:
        return f"{exam.looks} looks"
    return "too small to judge" if refill and not judges(rules, cases) else ""


def judges(rules: Rules, cases: Sequence[StoredExample]) -> bool:
    """Whether an exam of these texts is large enough for the gate to say more than "too few"."""
    # texts of one group are one piece of evidence, as the gate counts them
    count = Counter(bool(one.target) for one in {case.group: case for case in cases}.values())
    if rules.calibration is None:
        return count.total() >= rules.least_primary
    return count[True] >= rules.least_primary and count[False] >= rules.least_harmless


def draw(reserve: Sequence[StoredExample]) -> list[StoredExample]:
    """The texts of a new exam, in the order of their hashes; pure."""
    alone: dict[str, StoredExample] = {}
    for case in reserve:
        alone.setdefault(case.input, case)  # a copy is no case; texts of a group are drawn as one
    kinds = ([case for case in alone.values() if bool(case.target) == kind] for kind in (1, 0))
    chosen = {case.id for kind in kinds for case in _fair(kind)}
    return [case for case in reserve if case.id in chosen]


def _fair(cases: Sequence[StoredExample]) -> list[StoredExample]:
    """As many as there may be, with no source of feedback above its share of what is taken."""
    cap = MOST
    while True:
        taken: Counter[str] = Counter()
        kept: list[StoredExample] = []
        for case in cases:
            full = len(kept) >= MOST or (case.kind == "feedback" and taken[case.source] >= cap)
            if not full:
                taken[case.source] += case.kind == "feedback"
                kept.append(case)
        share = int(FEEDBACK_SHARE * len(kept))
        if max(taken.values(), default=0) <= share:
            return kept
        cap = share


def _unused(known: Sequence[StoredExample], used: Sequence[StoredExample]) -> list[StoredExample]:
    """The texts whose group stands in no open exam."""
    busy = {case.group for case in used}
    return [one for one in known if one.group not in busy]
