"""`sutdol flows` and `sutdol worker`: long work that can be watched, stopped, and gone on with."""

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import PATIENCE, Fought, Program, Start, battles, wait_for

from sutdol.app import Sutdol
from sutdol.core.settings import Settings
from sutdol.flow.desk import Desk
from sutdol.storage import battles as rows
from sutdol.storage.battles import NewBattle

LISTED = {"id", "kind", "state", "step", "started", "updated"}


def ask(kind: str, **args: Any) -> str:
    """Put a flow into the queue for a worker; its id."""
    with Sutdol.open(Settings.load()) as sutdol, Desk(sutdol.place) as desk:
        return desk.ask(kind, args)


def battle_flow(sutdol: Program) -> dict[str, Any]:
    (found,) = sutdol("flows", "list", "--kind", "battle", "--json", "-").json
    told: dict[str, Any] = found
    return told


def test_an_empty_home_has_no_flows(sutdol: Program, empty_home: Path) -> None:
    done = sutdol("flows", "list")

    assert (done.code, done.out) == (0, "")
    assert done.err == "No flow was ever started here.\n"
    assert sutdol("flows", "list", "--json", "-").json == []


def test_flows_are_listed_newest_first_in_the_promised_form(
    sutdol: Program, old_home: Path
) -> None:
    listed = sutdol("flows", "list", "--json", "-").json

    assert [one["kind"] for one in listed] == ["cycle", "cycle", "battle", "found", "train"]
    assert {one["state"] for one in listed} == {"done"}
    assert all(set(one) >= LISTED for one in listed)
    assert [one["started"] for one in listed] == sorted(
        (one["started"] for one in listed), reverse=True
    )
    assert {one["parent"] for one in listed[:2]} == {listed[2]["id"]}
    assert sutdol("flows", "list", "--limit", 2, "--json", "-").json == listed[:2]
    assert sutdol("flows", "list").out.count("\n") == 5


def test_a_flow_is_shown_with_its_finished_steps(sutdol: Program, old_home: Path) -> None:
    flow = battle_flow(sutdol)["id"]
    found = sutdol("flows", "show", flow, "--json", "-").json

    assert (found["result"], found["args"]["seed"]) == ({"battle": "1"}, 3)
    steps = [one["step"] for one in found["steps"]]
    fought = [name for name in steps if "/" in name]
    assert fought == ["1/fight", "1/record", "2/fight", "2/record"]
    assert (steps[0], steps[-1]) == ("champion", "end")
    ended = [one["ended"] for one in found["steps"] if one["flow"] is None]
    assert ended == sorted(ended)
    assert sutdol("flows", "show", flow).out.count("\n") == 1 + len(steps)


def test_to_follow_a_flow_that_is_over_is_to_read_its_events(
    sutdol: Program, old_home: Path
) -> None:
    shown = sutdol("flows", "show", battle_flow(sutdol)["id"], "--follow")

    rounds = [line for line in shown.err.splitlines() if line.startswith("battle 1 round ")]
    assert rounds == ["battle 1 round 1", "battle 1 round 2"]
    assert "stage fight round 2" in shown.err


@pytest.mark.parametrize("what", ["cancel", "resume"])
def test_a_flow_that_is_over_stays_so(what: str, sutdol: Program, old_home: Path) -> None:
    refused = sutdol("flows", what, battle_flow(sutdol)["id"])

    assert refused.code == 3
    assert "is done" in refused.complaint
    assert battle_flow(sutdol)["state"] == "done"


def test_a_battle_that_is_over_is_not_gone_on_with(sutdol: Program, old_home: Path) -> None:
    refused = sutdol("arena", "battle", "--resume", "last")

    assert refused.code == 2
    assert refused.complaint == "sutdol: Battle 1 is over: start a new one."


def test_without_a_battle_there_is_none_to_go_on_with(sutdol: Program, home: Path) -> None:
    refused = sutdol("arena", "battle", "--resume", "last")

    assert refused.code == 1
    assert "No battle was fought yet" in refused.complaint


def test_a_flow_that_waits_can_be_stopped_and_asked_for_again(
    sutdol: Program, home: Path, corpus: dict[str, Path]
) -> None:
    flow = ask("import", path=str(corpus["new"]))
    assert sutdol("flows", "show", flow, "--json", "-").json["state"] == "waiting"

    assert sutdol("flows", "cancel", flow, "--json", "-").json["state"] == "cancelled"
    again = sutdol("flows", "resume", flow)

    assert (again.code, again.out.split()[1]) == (0, "waiting")
    assert again.err == "No worker is running: start one with `sutdol worker`.\n"


@pytest.mark.parametrize("how", ["cancel", "resume"])
def test_a_battle_that_ended_meanwhile_stays_so(how: str, sutdol: Program, home: Path) -> None:
    flow = ask("battle")
    if how == "resume":
        sutdol("flows", "cancel", flow)
    with Sutdol.open(Settings.load()) as opened, opened.db.write() as tx:
        new = NewBattle(role="guard", seed=0, settings={}, flow=flow)
        number = rows.start(tx, new, opened.guard.now()).id
        rows.set_state(tx, number, "done", opened.guard.now())

    assert sutdol("flows", how, flow).code == 0
    assert battles(home) == [("done", 0)]


def test_old_records_are_forgotten_and_what_they_did_stays(sutdol: Program, old_home: Path) -> None:
    assert sutdol("flows", "prune", "--json", "-").json == {"pruned": 0}
    assert len(sutdol("loop", "history", "guard", "--json", "-").json) == 3


# With processes of their own


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_battle_that_is_broken_off_goes_on_to_the_same_rounds(
    how: signal.Signals, sutdol: Program, home: Path, fought: Fought, start: Start
) -> None:
    process = start("arena", "battle", "--rounds", 2, "--seed", 3)
    process.stdout.readline()
    process.send_signal(how)
    process.communicate(timeout=PATIENCE)
    assert battles(home) == [({signal.SIGKILL: "running", signal.SIGINT: "interrupted"}[how], 1)]

    done = sutdol("arena", "battle", "--resume", "last", "--json", "-")

    assert done.code == 0
    assert json.loads(done.out)["rounds"] == fought.json["rounds"]
    assert [line.split()[1] for line in done.err.splitlines() if line.startswith("round ")] == [
        "1/2",
        "2/2",
    ]
    assert battles(home) == [("done", 2)]


def test_a_worker_does_what_others_ask_for_and_leaves_when_it_is_told(
    sutdol: Program, home: Path, corpus: dict[str, Path], start: Start
) -> None:
    flow = ask("import", path=str(corpus["new"]))
    worker = start("worker")
    wait_for(lambda: sutdol("flows", "show", flow, "--json", "-").json["state"] == "done")
    worker.send_signal(signal.SIGTERM)
    out, err = worker.communicate(timeout=PATIENCE)

    assert (worker.returncode, out) == (0, "")
    me = re.escape(err.split()[0])
    works = f"{me} works; stop it with Ctrl-C: what it does goes on elsewhere or later\n"
    assert re.fullmatch(f"{works}{me} leaves; its flows wait for another worker\n", err)
    found = sutdol("flows", "show", flow, "--json", "-").json
    assert found["result"] == {"new": 300, "known": 0, "source": "import:new"}
    assert sutdol("loop", "status", "--json", "-").json["guard"]["examples"] == 1_800
