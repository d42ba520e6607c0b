"""Three who want the guard improved at the same moment: one does it, the others see it done."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Program, Start

from sutdol.app import Sutdol
from sutdol.core.settings import Settings
from sutdol.flow.desk import Desk
from sutdol.storage import looks, turns, verdicts

IMPROVE = ("loop", "improve", "guard", "--json", "-")


@pytest.fixture
def waiting(sutdol: Program, home: Path, corpus: dict[str, Path]) -> Path:
    """A trained home with something new to learn."""
    assert sutdol("feedback", "import", corpus["new"]).code == 0
    return home


def test_three_at_once_take_one_turn(waiting: Path, start: Start) -> None:
    processes = [start(*IMPROVE) for _ in range(3)]
    ended = [(*process.communicate(timeout=120), process.returncode) for process in processes]
    assert [code for _, _, code in ended] == [0, 0, 0], [err for _, err, _ in ended]
    told = [json.loads(out) for out, _, _ in ended]
    assert len({one["id"] for one in told}) == 1
    with Sutdol.open(Settings.load()) as sutdol, Desk(sutdol.place) as desk:
        cycles = desk.all(kind="cycle")
        with sutdol.db.read() as tx:
            assert [one.key for one in looks.all(tx, "guard")] == [
                one.look for one in verdicts.all(tx, "guard")
            ]
            assert len(looks.all(tx, "guard")) == 1
            assert turns.holder(tx, "improve-guard") is None
    judged = [one for one in cycles if one.result and "verdict" in one.result]
    assert len(judged) == 1, "the others found it under way"
    assert all(one.over for one in cycles)
