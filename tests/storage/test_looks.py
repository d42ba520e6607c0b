"""The error budget: no crash, retry, roll-back or force yields a free look."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from tests.databases import Databases

from sutdol.core.errors import Refused, SutdolError
from sutdol.storage import looks, promotions, verdicts, versions
from sutdol.storage.database import Database
from sutdol.storage.looks import Look, NewLook
from sutdol.storage.promotions import Crowning, Kind, Promotion
from sutdol.storage.verdicts import Decision, StoredVerdict
from sutdol.storage.versions import Version

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def alpha(j: int) -> float:
    return 0.2 / ((j + 3) * (j + 4))


@dataclass
class Loop:
    """What the loop does with storage, in short words."""

    tx: Connection
    role: str = "guard"
    numbers: Iterator[int] = field(default_factory=count)

    def train(self) -> str:
        id_ = versions.next_id(self.tx, self.role)
        common: dict[str, object] = {
            "parent": None,
            "snapshot": None,
            "path": "",
            "checksum": "",
            "manifest": {},
        }
        versions.add(self.tx, Version(id=id_, role=self.role, created_at=NOW, **common))  # type: ignore[arg-type]  # mixed values
        return id_

    def look(self, challenger: str, key: str | None = None) -> Look:
        wanted = NewLook(
            key=key or f"{self.role} {next(self.numbers)}",
            champion=self.champion,
            challenger=challenger,
            purpose="gate",
        )
        return looks.charge(self.tx, self.role, wanted, alpha=alpha, now=NOW)

    def judge(self, look: Look, decision: Decision = "promote") -> str:
        wanted = StoredVerdict(
            id=f"verdict {next(self.numbers)} {self.role}",
            role=self.role,
            champion=look.champion,
            challenger=look.challenger,
            decision=decision,
            reason="",
            body={},
            snapshot=None,
            exam=None,
            look=look.key,
            created_at=NOW,
        )
        return verdicts.add(self.tx, wanted).id

    def crown(self, to: str, kind: Kind, verdict: str | None = None) -> Promotion:
        wish = Crowning(
            role=self.role,
            from_version=self.champion,
            to_version=to,
            kind=kind,
            reason="",
            actor="test",
            verdict=verdict,
        )
        return promotions.crown(self.tx, wish, NOW)

    def win(self, to: str) -> str:
        """A look that promotes."""
        verdict = self.judge(self.look(to))
        self.crown(to, "promote", verdict)
        return verdict

    @property
    def champion(self) -> str | None:
        return versions.alias(self.tx, self.role, "champion")

    @property
    def position(self) -> int:
        return looks.position(self.tx, self.role)


@contextmanager
def undone(db: Database) -> Iterator[Connection]:
    """A transaction whose process dies before the commit."""
    with db.write() as tx:
        yield tx
        tx.rollback()


@pytest.fixture
def loop(db: Database) -> Iterator[Loop]:
    """A loop with a champion, guard-v1."""
    with db.write() as tx:
        made = Loop(tx)
        made.crown(made.train(), "initial")
        yield made


def test_each_look_costs_more_than_the_last(loop: Loop) -> None:
    found = [loop.look(loop.train()) for _ in range(3)]
    assert [look.position for look in found] == [1, 2, 3]
    assert [look.alpha for look in found] == [alpha(1), alpha(2), alpha(3)]
    assert loop.position == 3
    assert looks.all(loop.tx, "guard") == found


def test_the_same_look_is_charged_once(loop: Loop) -> None:
    challenger = loop.train()
    first = loop.look(challenger, key="k")
    loop.look(challenger)
    assert loop.look(challenger, key="k") == first
    assert loop.position == 2


def test_a_key_cannot_be_borrowed_for_another_pair(loop: Loop) -> None:
    loop.look(loop.train(), key="k")
    with pytest.raises(Refused, match="another pair"):
        loop.look(loop.train(), key="k")


def test_roles_have_budgets_of_their_own(loop: Loop) -> None:
    loop.look(loop.train())
    other = Loop(loop.tx, role="retriever")
    assert other.position == 0
    assert other.look(other.train()).position == 1


def test_a_crash_after_charging_is_found_again_and_one_before_costs_nothing(db: Database) -> None:
    with undone(db) as tx:
        Loop(tx).look("guard-v1", key="k")
    with db.write() as tx:
        assert Loop(tx).position == 0
        first = Loop(tx).look("guard-v1", key="k")
    with db.write() as tx:
        assert Loop(tx).look("guard-v1", key="k") == first
        assert Loop(tx).position == 1


def test_a_gate_promotion_starts_anew(loop: Loop) -> None:
    for _ in range(4):
        loop.look(loop.train())
    loop.win(loop.train())
    assert loop.position == 0
    assert promotions.all(loop.tx, "guard")[-1].looks_before == 5


def test_looks_after_the_winning_one_stay_charged(loop: Loop) -> None:
    winner = loop.train()
    verdict = loop.judge(loop.look(winner))
    for _ in range(3):
        loop.look(loop.train())
    loop.crown(winner, "promote", verdict)
    assert loop.position == 3


def test_a_roll_back_brings_the_old_position_back_and_keeps_what_came_since(loop: Loop) -> None:
    for _ in range(4):
        loop.look(loop.train())
    loop.win(loop.train())  # the fifth look
    for _ in range(2):
        loop.look(loop.train())
    loop.crown("guard-v1", "rollback")
    assert loop.position == 7
    assert loop.look(loop.train()).position == 8


def test_rolling_back_two_steps_brings_back_both(loop: Loop) -> None:
    second, third = loop.train(), loop.train()
    loop.win(second)
    loop.look(loop.train())
    loop.win(third)
    assert loop.position == 0
    loop.crown(second, "rollback")
    assert loop.position == 2
    loop.crown("guard-v1", "rollback")
    assert loop.position == 3


def test_jumping_back_two_steps_at_once_is_the_same(loop: Loop) -> None:
    loop.win(loop.train())
    loop.win(loop.train())
    loop.crown("guard-v1", "rollback")
    assert loop.position == 2


def test_going_forward_again_pays_nothing(loop: Loop) -> None:
    better = loop.train()
    loop.win(better)
    loop.crown("guard-v1", "rollback")
    loop.crown(better, "rollback")
    assert loop.position == 1


def test_force_never_resets_and_forcing_back_is_no_way_around_the_roll_back(loop: Loop) -> None:
    loop.look(loop.train())
    loop.crown(loop.train(), "force")
    assert loop.position == 1
    loop.win(loop.train())
    assert loop.position == 0
    loop.crown("guard-v1", "force")
    assert loop.position == 2


def test_roll_back_and_retry_of_the_same_look_is_refused(loop: Loop) -> None:
    lucky = loop.train()
    verdict = loop.win(lucky)
    for _ in range(3):
        loop.look(loop.train())
    loop.crown("guard-v1", "rollback")
    again = loop.look(lucky, key=verdicts.get(loop.tx, verdict).look)
    assert loop.judge(again) == verdict  # one look, one verdict, however often it is judged
    with pytest.raises(Refused, match="has promoted once"):
        loop.crown(lucky, "promote", verdict)
    assert loop.position == 4


def test_a_repeated_promotion_is_the_one_that_happened(loop: Loop) -> None:
    """A process may die after our commit and before it noted that: it will ask again."""
    better = loop.train()
    verdict = loop.win(better)
    assert loop.crown(better, "promote", verdict) == promotions.all(loop.tx, "guard")[-1]
    assert len(promotions.all(loop.tx, "guard")) == 2


Step = tuple[str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["look", "again", "win", "promote", "force", "back"]),
        st.integers(0, 9),
    ),
    max_size=25,
)


@dataclass
class Model:
    """The rule told in another way: the set of looks that weigh."""

    charged: set[int] = field(default_factory=set)
    weighing: set[int] = field(default_factory=set)
    replaced: dict[str | None, tuple[set[int], set[int]]] = field(default_factory=dict)

    def look(self, look: int) -> None:
        self.charged.add(look)
        self.weighing.add(look)

    def crown(self, row: Promotion, paying: int = 0) -> None:
        then, known = self.weighing.copy(), self.charged.copy()
        self.weighing -= {one for one in self.weighing if one <= paying}
        if row.kind != "promote" and row.to_version in self.replaced:
            weighed, charged = self.replaced[row.to_version]
            self.weighing |= weighed | (self.charged - charged)
        self.replaced[row.from_version] = then, known


@pytest.fixture(scope="module")
def shared(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    home = tmp_path_factory.mktemp("shared")
    url = databases.migrated(home)
    with Database.open(url, home) as database:
        yield database
    databases.drop(url)


def act(loop: Loop, model: Model, step: Step, charged: list[Look]) -> None:
    """One step of a loop that may ask for anything, sensible or not."""
    action, number = step
    fleet = versions.all(loop.tx, loop.role)
    some = fleet[number % len(fleet)].id
    if action == "look" or (action != "force" and action != "back" and not charged):
        charged.append(loop.look(some))
        model.look(charged[-1].id)
    elif action == "again":
        loop.look(some, key=charged[number % len(charged)].key)
    elif action == "win":
        charged.append(loop.look(loop.train()))
        model.look(charged[-1].id)
        row = loop.crown(charged[-1].challenger, "promote", loop.judge(charged[-1]))
        model.crown(row, charged[-1].id)
    elif action == "promote":
        look = charged[number % len(charged)]
        known = len(promotions.all(loop.tx, loop.role))
        row = loop.crown(look.challenger, "promote", loop.judge(look))
        if len(promotions.all(loop.tx, loop.role)) > known:
            model.crown(row, look.id)
    else:
        model.crown(loop.crown(some, "force" if action == "force" else "rollback"))


def wins(loop: Loop) -> list[str | None]:
    return [row.verdict for row in promotions.all(loop.tx, "guard") if row.kind == "promote"]


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_no_sequence_of_operations_yields_a_free_look(shared: Database, steps: list[Step]) -> None:
    with undone(shared) as tx:
        loop, model, charged = Loop(tx), Model(), list[Look]()
        model.crown(loop.crown(loop.train(), "initial"))
        loop.train()
        for step in steps:
            before, looked, won = loop.position, len(charged), len(wins(loop))
            with suppress(SutdolError):
                act(loop, model, step, charged)
            assert loop.position == len(model.weighing)
            if len(wins(loop)) == won:
                assert loop.position >= before + len(charged) - looked
        assert len(wins(loop)) == len(set(wins(loop)))
