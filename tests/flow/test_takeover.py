"""What becomes of flows whose worker died, slept, left, or is of another release."""

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress

import psycopg
import pytest
from sqlalchemy import text
from tests.databases import on_postgresql
from tests.flow import toys
from tests.flow.ending import differences, drafts, ending, sound
from tests.flow.site import Site, Undisturbed, until

from sutdol.core.errors import NotReady, Refused

NAP = {"seconds": 0}
LATEST = 99  # no deed has so many moments: at its end


def test_another_worker_takes_over_within_seconds(site: Site) -> None:
    site.destine({"nap-1:nap": {"during": 1}})
    site.hire(2, play="small", silence=2.0, shift={"beat": 0.5})
    site.desk.ask("nap", NAP, flow="nap-1")
    assert site.over("nap-1").state == "done"
    (seconds,) = site.fate.takeovers()
    assert 1.0 < seconds < 10.0
    assert site.begun("nap-1:nap") == 2


def test_workers_that_slept_through_their_death_do_no_harm(
    site: Site, undisturbed: Callable[[str], Undisturbed]
) -> None:
    """At these steps of a cycle another worker falls asleep in the middle of it, with its hand.
    When the cycle is over they all wake up and go on where they were: too late.
    """
    calm = undisturbed("cycle")
    moments = {"train": 1, "evaluate": LATEST, "gate": 1, "promote": 1}
    _sleep_and_wake_up(site, {f"cycle-1:{step}": moment for step, moment in moments.items()})
    assert site.desk.get("cycle-1").result == calm.result
    assert differences(calm.ending, ending(site.shop)) == []
    assert sound(site.shop) == []
    assert drafts(site.home) == []
    assert site.alive() == len(moments) + 1


def _sleep_and_wake_up(site: Site, moments: dict[str, int]) -> None:
    """At each of these steps of a cycle a worker sleeps, until the cycle is over."""
    site.destine({name: {"halt": moment} for name, moment in moments.items()})
    toys.furnish(site.shop, crowned=True)
    site.hire(len(moments) + 1, silence=2.0)
    site.desk.ask("cycle", toys.ARGS["cycle"], flow="cycle-1")
    asleep = [pid for name in moments for pid in _put_to_sleep(site, name)]
    assert site.over("cycle-1").state == "done"
    (site.home / "go").touch()
    for pid in asleep:
        with suppress(ProcessLookupError):  # a hand whose worker found out before it fell asleep
            os.kill(pid, signal.SIGCONT)
    time.sleep(2)  # for all the harm they might do


def _put_to_sleep(site: Site, name: str) -> list[int]:
    """Stop the worker that has begun this step, and its hand; not while it holds a lock."""
    until(lambda: (name, "halt") in site.fate.struck(), seconds=90)
    worker = next(one["pid"] for one in reversed(site.fate.log()) if one["name"] == name)
    hand = next(pid for pid in site.hands() if site.parent(pid) == worker)
    os.kill(hand, signal.SIGSTOP)
    os.kill(worker, signal.SIGSTOP)
    while _holds_a_lock(site):
        os.kill(worker, signal.SIGCONT)
        time.sleep(0.01)
        os.kill(worker, signal.SIGSTOP)
    return [worker, hand]


def _holds_a_lock(site: Site) -> bool:
    """Whether someone stopped in the middle of a transaction on the flow database."""
    if not site.place.is_file:
        before = _transactions(site)
        time.sleep(0.25)
        return bool(before & _transactions(site))
    try:
        with closing(sqlite3.connect(site.home / "flows.db", timeout=0.5)) as file:
            file.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return True
    return False


def _transactions(site: Site) -> set[tuple[object, ...]]:
    """Those that are open and wait for their client; not those that elect who notifies."""
    asked = text(
        "SELECT pid, xact_start FROM pg_stat_activity WHERE datname = current_database()"
        " AND state LIKE 'idle in%' AND query NOT LIKE '%pg_try_advisory_xact_lock%'"
    )
    with site.engine.begin() as tx:
        return {tuple(row) for row in tx.execute(asked)}


def test_a_worker_that_is_told_to_leave_hands_over_at_once(site: Site) -> None:
    site.destine({"nap-1:nap": {"halt": 1}})
    site.hire(play="small", silence=60.0)
    site.desk.ask("nap", NAP, flow="nap-1")
    until(lambda: ("nap-1:nap", "halt") in site.fate.struck())
    site.hire(play="small", silence=60.0)
    first, second = site.workers
    start = time.monotonic()
    os.kill(first, signal.SIGTERM)
    assert site.over("nap-1").state == "done"
    assert time.monotonic() - start < 5.0
    assert [one["pid"] for one in site.fate.log() if one["what"] == "begin"] == [first, second]
    until(lambda: site.alive() == 1)


def test_a_flow_begun_in_place_goes_on_in_another_process(site: Site) -> None:
    site.destine({"tale-1:say-1": {"gap": 1}})
    here = {"play": "small", "replaced": False, "shift": {"queues": ("cycles",)}}
    begun = {"kind": "tale", "args": {"lines": 3}, "flow": "tale-1"}
    site.hire(start=begun, **here)
    until(lambda: site.desk.get("tale-1").state == "orphaned")
    site.hire(resume="tale-1", **here)
    assert site.over("tale-1").result == {"lines": 3}
    assert [site.begun(f"tale-1:say-{line}") for line in range(3)] == [1, 2, 1]


def test_what_waits_for_a_process_that_died_is_done_by_others(site: Site) -> None:
    """It was put into a process's own queue, and the process died before it took it out."""
    site.hire(play="small", replaced=False)
    (dead,) = site.fate.log()
    os.kill(dead["pid"], signal.SIGKILL)
    site.desk.ask("nap", NAP, flow="nap-1")
    site.desk.resume("nap-1", queue=f"here-{dead['name']}")
    site.hire(play="small")
    assert site.over("nap-1").state == "done"


@pytest.mark.parametrize("limits", [{"slots": 1}, {"slots": 1, "most": 1}])
def test_flows_within_flows_go_on_under_the_tightest_limits(
    site: Site, limits: dict[str, int]
) -> None:
    """One that waits for another may not keep it out of the queue."""
    site.destine({"nest-1.in.in:nap": {"during": 1}})
    site.hire(play="small", shift=limits)
    site.desk.ask("nest", {"deep": 2, "seconds": 0}, flow="nest-1")
    assert site.over("nest-1").result == {"deep": 2, "slept": 0}


def test_a_step_that_always_kills_its_hand_fails_its_flow_in_the_end(site: Site) -> None:
    site.hire(play="small", shift={"attempts": 3})
    site.desk.ask("poison", {}, flow="poison-1")
    failed = site.over("poison-1")
    assert failed.state == "failed"
    assert str(failed.error).startswith("Step 'poison' was begun 3 times and never came to an end")
    assert site.begun("poison-1:poison") == 3
    assert site.begun("poison-1:water") == 1
    with pytest.raises(Refused, match="start a new one"):
        site.desk.resume("poison-1")
    site.desk.ask("nap", NAP, flow="nap-1")
    assert site.over("nap-1").state == "done"


def test_a_flow_that_is_let_go_on_is_forgiven_its_attempts(site: Site) -> None:
    site.destine({"nap-1:nap": {"hand": 1, "halt": 1}})
    site.hire(play="small", shift={"attempts": 2})
    site.desk.ask("nap", NAP, flow="nap-1")
    until(lambda: ("nap-1:nap", "halt") in site.fate.struck())
    site.desk.cancel("nap-1")
    site.desk.resume("nap-1")
    assert site.over("nap-1").state == "done"
    assert site.begun("nap-1:nap") == 3


def test_the_error_of_a_deed_is_the_error_of_the_flow(site: Site) -> None:
    site.hire(play="small")
    site.desk.ask("refusal", {}, flow="refusal-1")
    failed = site.over("refusal-1")
    assert (failed.state, failed.error) == ("failed", "It is forbidden: ask for less.")
    assert site.begun("refusal-1:regret") == 1
    with pytest.raises(Refused, match="It is forbidden"):
        site.desk.outcome("refusal-1")


def test_a_flow_of_another_release_is_stale_and_in_nobodys_way(site: Site) -> None:
    site.destine({"nap-1:nap": {"halt": 1}})
    leaving = site.hire(play="small", shift={"most": 1})
    site.desk.ask("nap", NAP, flow="nap-1")
    until(lambda: ("nap-1:nap", "halt") in site.fate.struck())
    os.kill(leaving, signal.SIGKILL)
    site.desk.ask("nap", NAP, flow="nap-2")
    _age(site, "nap-1", "nap-2")
    assert [one.state for one in site.desk.all()] == ["stale", "stale"]
    with pytest.raises(NotReady, match="another release"):
        site.desk.resume("nap-1")
    site.hire(play="small", shift={"most": 1})
    site.desk.ask("nap", NAP, flow="nap-3")
    assert site.over("nap-3", seconds=15).state == "done"
    assert site.desk.get("nap-1").state == "stale"


def _age(site: Site, *flows: str) -> None:
    """Have them begun by an earlier release."""
    change = f"UPDATE {site.flows} SET application_version = 'old' WHERE workflow_uuid = :flow"
    with site.engine.begin() as tx:
        for flow in flows:
            tx.execute(text(change), {"flow": flow})


def test_engines_may_start_at_once_on_an_empty_database(site: Site) -> None:
    site.hire(4, play="small")
    assert len(site.desk.workers()) == 4
    site.desk.ask("nap", NAP, flow="nap-1")
    assert site.over("nap-1").state == "done"


@on_postgresql
@pytest.mark.parametrize("moment", ["begins", "works"])
def test_a_server_that_is_away_for_a_while_costs_no_flow(site: Site, moment: str) -> None:
    """Between two steps or in the middle of one, which then finds no database either."""
    site.destine({"tale-1:say-1": {"halt": 1}} if moment == "works" else {})
    site.hire(play="small")
    site.desk.ask("tale", {"lines": 4, "pause": 0.3}, flow="tale-1")
    until(lambda: site.begun("tale-1:say-1"))
    name = str(site.place.url.database)
    plain = site.place.url.set(drivername="postgresql", database="postgres")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        try:
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            (site.home / "go").touch()
            time.sleep(3)
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
    over = site.over("tale-1")
    assert (over.state, over.result) == ("done", {"lines": 4})
    assert site.alive() == 1


def test_a_step_whose_database_is_away_is_tried_again_but_not_for_ever(site: Site) -> None:
    site.hire(play="small", shift={"attempts": 3})
    site.desk.ask("drought", {"away": 2}, flow="drought-1")
    site.desk.ask("drought", {"away": 9}, flow="drought-2")
    assert site.over("drought-1").result == {"drunk": True}
    assert site.begun("drought-1:drink") == 3
    assert site.over("drought-2").error == "The well is dry: try again."
    assert site.begun("drought-2:drink") == 3
