"""Pruning: what may go, and that nothing goes which anybody can come back to."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from tests.storage import homes

from sutdol.core.errors import NotReady, SutdolError
from sutdol.storage import battles, files, promotions, prune, snapshots, versions
from sutdol.storage.database import Database
from sutdol.storage.promotions import Crowning
from sutdol.storage.prune import Unused, Waste
from sutdol.storage.versions import Version

LATER = timedelta(days=1)
Found = Callable[..., Waste]


@pytest.fixture
def found(tmp_path: Path, now: datetime) -> Found:
    """What may go: `found(tx, newest=1)`."""

    def look(tx: Connection, *, newest: int = 1, before: datetime = now + LATER) -> Waste:
        return prune.waste(tx, tmp_path, "guard", newest=newest, before=before)

    return look


def train(tx: Connection, home: Path, now: datetime, count: int) -> list[str]:
    """Versions with a model each."""
    number = len(versions.all(tx, "guard"))
    models = [homes.shelve(home, f"weights {number + n}") for n in range(count)]
    return [homes.train(tx, model, now).id for model in models]


def crown(tx: Connection, to: str, now: datetime) -> None:
    """Make it champion, as first or by force."""
    reigning = versions.alias(tx, "guard", "champion")
    kind = "force" if reigning else "initial"
    wish = Crowning(
        role="guard", from_version=reigning, to_version=to, kind=kind, reason="", actor="test"
    )  # type: ignore[arg-type]  # two words
    promotions.crown(tx, wish, now)


def roll_back(tx: Connection, now: datetime) -> None:
    names = versions.aliases(tx, "guard")
    wish = Crowning(
        role="guard",
        from_version=names["champion"],
        to_version=names["previous"],
        kind="rollback",
        reason="",
        actor="test",
    )
    promotions.crown(tx, wish, now)


def ids(waste: Waste) -> list[str]:
    return [one.id for one in waste.models]


def test_kept_are_the_newest_the_named_and_whoever_reigned(
    db: Database, tmp_path: Path, now: datetime, found: Found
) -> None:
    with db.write() as tx:
        v1, v2, v3, v4, v5, v6, v7 = train(tx, tmp_path, now, 7)
        for one in (v1, v3, v5):
            crown(tx, one, now)
        versions.point(tx, "guard", "challenger", v4)
        assert ids(found(tx)) == [v2, v6]
        assert ids(found(tx, newest=2)) == [v2]
        assert ids(found(tx, newest=99)) == []
        roll_back(tx, now)
        assert ids(found(tx)) == [v2, v6]
        assert v7 not in ids(found(tx))


def test_a_folder_that_a_kept_version_shares_stays(
    db: Database, tmp_path: Path, now: datetime, found: Found
) -> None:
    with db.write() as tx:
        shared, alone = homes.shelve(tmp_path, "shared"), homes.shelve(tmp_path, "alone")
        first = homes.train(tx, shared, now)
        second = homes.train(tx, alone, now)
        homes.train(tx, shared, now)
        assert ids(found(tx)) == [second.id]
        other = versions.next_id(tx, "retriever")
        common = {"role": "retriever", "parent": None, "snapshot": None, "manifest": {}}
        versions.add(
            tx,
            Version(id=other, path=second.path, checksum=second.checksum, created_at=now, **common),  # type: ignore[arg-type]  # mixed values
        )
        assert ids(found(tx)) == []
        assert first.path != second.path


def test_what_is_gone_already_is_no_waste(
    db: Database, tmp_path: Path, now: datetime, found: Found
) -> None:
    with db.write() as tx:
        train(tx, tmp_path, now, 3)
        waste = found(tx)
        assert ids(waste) == ["guard-v1", "guard-v2"]
        assert prune.size(tmp_path / waste.models[0].path) == len("weights 0")
        prune.discard(tmp_path, [waste.models[0].path])
        assert ids(found(tx)) == ["guard-v2"]
    assert len(list((tmp_path / "models").iterdir())) == 2


def test_snapshots_go_when_nothing_wants_them(
    db: Database, tmp_path: Path, now: datetime, found: Found
) -> None:
    with db.write() as tx:
        names = "trained", "judged", "fought", "fighting", "unused"
        kept = {name: homes.freeze(tx, now, name, f"{name} too") for name in names}
        homes.train(tx, homes.shelve(tmp_path, "x"), now, snapshot=kept["trained"])
        homes.judge(tx, tmp_path, homes.look(tx, "guard-v1", now), now, snapshot=kept["judged"])
        homes.fight(tx, now, rounds=0, snapshot=kept["fighting"])
        done = homes.fight(tx, now, rounds=0, snapshot=kept["fought"])
        assert {one.hash for one in found(tx).snapshots} == {kept["unused"]}
        battles.set_state(tx, done, "done", now)
        waste = found(tx)
        assert set(waste.snapshots) == {
            Unused(hash=kept[name], rows=2) for name in ("fought", "unused")
        }
        assert found(tx, before=now).snapshots == ()

        prune.drop(tx, waste.snapshots)

        assert found(tx).snapshots == ()
        assert [len(snapshots.ids(tx, kept[name])) for name in names] == [2, 2, 0, 2, 0]
        assert snapshots.get(tx, kept["fought"]).rows == 2  # its battle still names it
        assert battles.get(tx, done).texts == kept["fought"]


def test_a_dropped_snapshot_is_frozen_anew(
    db: Database, tmp_path: Path, now: datetime, found: Found
) -> None:
    with db.write() as tx:
        used, unused = (homes.freeze(tx, now, name) for name in ("used", "unused"))
        battles.set_state(tx, homes.fight(tx, now, rounds=0, snapshot=used), "done", now)
        prune.drop(tx, found(tx).snapshots)
        assert [snapshots.ids(tx, root) for root in (used, unused)] == [[], []]
        again = [homes.freeze(tx, now, name) for name in ("used", "unused")]
        assert again == [used, unused]
        assert [len(snapshots.rows(tx, root)) for root in again] == [1, 1]


def test_a_pruned_version_is_known_by_the_log(
    db: Database, tmp_path: Path, now: datetime, found: Found
) -> None:
    with db.write() as tx:
        train(tx, tmp_path, now, 2)
        homes.freeze(tx, now, "unused")
        assert prune.pruned(tx) == set()
        prune.record(tx, found(tx), actor="me", now=now)
        assert prune.pruned(tx) == {"guard-v1"}
        first, second = versions.all(tx, "guard")
        with pytest.raises(NotReady, match="guard-v1 was pruned: train it again, or restore"):
            prune.require_kept(tx, first)
        prune.require_kept(tx, second)


def test_drafts_are_swept_out_unless_somebody_writes(tmp_path: Path) -> None:
    left = tmp_path / "models" / ".writing-dead"
    report = tmp_path / "reports" / "guard-1" / ".writing-dead"
    others = tmp_path / "reports" / "retriever-1" / ".writing-alive"
    for path in (report, others):
        files.write(path, b"half")

    def fill(folder: Path) -> None:
        (folder / "half").touch()
        left.mkdir()
        assert prune.sweep(tmp_path, "guard") == 1
        assert (folder / "half").exists()

    files.shelve(tmp_path, "models", fill)
    assert left.exists()
    assert prune.sweep(tmp_path, "guard") == 1
    assert not left.exists()
    assert (report.exists(), others.exists()) == (False, True)
    assert prune.sweep(tmp_path / "none", "guard") == 0


def step(tx: Connection, home: Path, now: datetime, what: str | int, newest: int) -> None:
    """One thing that happens to a role; what makes no sense is refused."""
    if what == "train":
        train(tx, home, now, 1)
    elif what == "roll back" and "previous" in versions.aliases(tx, "guard"):
        roll_back(tx, now)
    elif what == "prune":
        waste = prune.waste(tx, home, "guard", newest=newest, before=now)
        prune.record(tx, waste, actor="test", now=now)
        prune.discard(home, {one.path for one in waste.models})
    elif isinstance(what, int):
        known = versions.all(tx, "guard")
        one = known[what % len(known)]
        if (home / one.path).exists():  # nobody is crowned whose model does not load
            crown(tx, one.id, now)


def require_models(tx: Connection, home: Path) -> None:
    """Every version with a name has its model."""
    for name in versions.aliases(tx, "guard").values():
        one = versions.get(tx, name)
        files.verify(home / one.path, one.checksum)


class Undone(Exception):
    """The database is the next example's."""


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    history=st.lists(
        st.sampled_from(["train", "train", "roll back", "prune", -1, -1, -2, 0, 1]),  # crown those
        min_size=10,
        max_size=30,
    ),
    newest=st.integers(1, 3),
)
def test_no_history_leads_back_to_a_pruned_model(
    db: Database,
    tmp_path_factory: pytest.TempPathFactory,
    now: datetime,
    history: list[str | int],
    newest: int,
) -> None:
    home = tmp_path_factory.mktemp("home")
    with suppress(Undone), db.write() as tx:
        for what in ["train", *history, "prune", *["roll back"] * 12]:
            with suppress(SutdolError):
                step(tx, home, now, what, newest)
            require_models(tx, home)
        raise Undone
