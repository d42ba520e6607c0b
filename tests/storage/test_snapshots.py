"""Snapshots: one hash for one set of rows, the same bytes on disk, and lineage both ways."""

import gzip
import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pytest

from sutdol.core.errors import UnknownName, UsageError
from sutdol.core.types import Example
from sutdol.storage import examples, lineage, snapshots
from sutdol.storage.database import Database
from sutdol.storage.lineage import Origin


def test_order_and_repetition_do_not_change_the_hash(
    db: Database, keep: Callable[..., list[str]], now: datetime
) -> None:
    with db.write() as tx:
        ids = keep(tx, *(str(number) for number in range(700)))
        root = snapshots.put(tx, "guard", ids, {"round": 1}, now)
        random.Random(0).shuffle(ids)
        assert snapshots.put(tx, "guard", [*ids, *ids[:9]], {"round": 2}, now) == root
        assert snapshots.put(tx, "guard", ids[1:], {}, now) != root
        found = snapshots.get(tx, root)
        assert (found.role, found.rows, found.manifest) == ("guard", 700, {"round": 1})
        assert [one.id for one in snapshots.rows(tx, root)] == sorted(ids)
    assert root == sha256("\n".join(sorted(ids)).encode()).hexdigest()


def test_only_living_rows_of_the_role_can_be_frozen(
    db: Database, keep: Callable[..., list[str]], now: datetime
) -> None:
    with db.write() as tx:
        mine, gone = keep(tx, "a"), keep(tx, "b", source="feedback:me")
        examples.forget(tx, "guard", "feedback:me", now)
        for ids in ([*mine, *gone], [*mine, "f" * 64]):
            with pytest.raises(UsageError, match="1 of the 2 guard rows"):
                snapshots.put(tx, "guard", ids, {}, now)
        with pytest.raises(UsageError, match="1 of the 1 rag rows"):
            snapshots.put(tx, "rag", mine, {}, now)
        with pytest.raises(UsageError, match="at least one row"):
            snapshots.put(tx, "guard", [], {}, now)


def test_an_unknown_snapshot_is_said(db: Database, tmp_path: Path) -> None:
    with db.read() as tx:
        for ask in (snapshots.get, snapshots.rows):
            with pytest.raises(UnknownName, match="No snapshot named"):
                ask(tx, "abc")
        with pytest.raises(UnknownName):
            snapshots.export(tx, "abc", tmp_path)


def test_the_export_is_the_same_byte_for_byte_and_proves_its_hash(
    db: Database, text: Callable[..., Example], now: datetime, tmp_path: Path
) -> None:
    mine = replace(text("비밀", source="feedback:me"), meta={"b": "2", "a": "1"})
    with db.write() as tx:
        examples.add(tx, "guard", [mine, text("b")], kind="data", reviewed=True, now=now)
        ids = [one.id for one in examples.find(tx, "guard")]
        root = snapshots.put(tx, "guard", ids, {}, now)
        path = snapshots.export(tx, root, tmp_path / "one")
        again = snapshots.export(tx, root, tmp_path / "two")
        assert path.name == f"{root}.jsonl.gz"
        assert path.read_bytes() == again.read_bytes()
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        rows = [json.loads(line) for line in lines]
        assert {row["input"] for row in rows} == {"비밀", "b"}
        assert "비밀" in "".join(lines)
        examples.forget(tx, "guard", "feedback:me", now)
        left = gzip.decompress(snapshots.export(tx, root, tmp_path).read_bytes()).decode()
        rows = [json.loads(line) for line in left.splitlines()]
    assert "비밀" not in left
    assert sorted(row["forgotten"] for row in rows) == [False, True]
    assert root == sha256("\n".join(row["id"] for row in rows).encode()).hexdigest()


def test_forgetting_leads_to_the_models_to_train_again(
    db: Database, keep: Callable[..., list[str]], train: Callable[..., str], now: datetime
) -> None:
    with db.write() as tx:
        (mine,), (yours,) = keep(tx, "a"), keep(tx, "b")
        first = train(tx, None, snapshots.put(tx, "guard", [mine, yours], {}, now))
        second = train(tx, first, snapshots.put(tx, "guard", [yours], {}, now))
        third = train(tx, second)
        apart = train(tx, None, snapshots.put(tx, "guard", [yours], {}, now))
        assert lineage.versions_with(tx, [mine]) == [first, second, third]
        assert lineage.versions_with(tx, [yours]) == [first, second, third, apart]
        assert lineage.versions_with(tx, ["f" * 64]) == []


def test_a_version_knows_where_it_comes_from(
    db: Database, keep: Callable[..., list[str]], train: Callable[..., str], now: datetime
) -> None:
    with db.write() as tx:
        data = keep(tx, "a", "b")
        evasions = keep(tx, "c", source="battle:1/1", kind="evasion")
        old = snapshots.put(tx, "guard", data, {}, now)
        new = snapshots.put(tx, "guard", [*data, *evasions], {}, now)
        first = train(tx, None, old)
        second = train(tx, first, new)
        line = lineage.lineage(tx, second)
        with pytest.raises(UnknownName):
            lineage.lineage(tx, "guard-v9")
    assert [(one.version, one.snapshot) for one in line] == [(second, new), (first, old)]
    assert line[0].origins == (
        Origin(source="battle:1/1", kind="evasion", rows=1),
        Origin(source="import:a", kind="data", rows=2),
    )
    assert line[1].origins == (Origin(source="import:a", kind="data", rows=2),)
