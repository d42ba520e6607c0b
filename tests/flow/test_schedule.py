"""Flows by the clock: each moment once, however many workers there are."""

import time
from itertools import pairwise

from tests.flow.site import Site, until

from sutdol.flow.desk import Flow

EVERY_SECOND = {
    "name": "nap-often",
    "cron": "* * * * * *",
    "kind": "nap",
    "args": {"seconds": 0},
}


def fired(site: Site) -> list[Flow]:
    return [one for one in site.desk.all(limit=200) if one.kind == "nap"]


def test_a_schedule_fires_each_second_and_once_for_all_workers(site: Site) -> None:
    site.hire(2, play="small", schedules=[EVERY_SECOND])
    until(lambda: len(fired(site)) >= 3, seconds=20)
    site.dismiss()
    flows = sorted(one.id for one in fired(site))
    assert flows == sorted({f"sched-nap-often-{moment(one)}" for one in flows})
    seconds = [one.started for one in sorted(fired(site), key=lambda one: one.started)]
    gaps = [(late - soon).total_seconds() for soon, late in pairwise(seconds)]
    assert all(gap > 0.5 for gap in gaps), "never two for one moment"
    done = [one for one in fired(site) if one.state == "done"]
    assert len(done) >= 2
    assert done[0].args == {"seconds": 0}


def moment(flow: str) -> str:
    return flow.removeprefix("sched-nap-often-")


def test_schedules_are_those_that_were_wanted_last(site: Site) -> None:
    rarely = {**EVERY_SECOND, "cron": "0 0 0 1 1 *"}
    site.hire(play="small", schedules=[rarely])
    time.sleep(1.5)
    assert fired(site) == []
    site.hire(play="small", schedules=[{**EVERY_SECOND, "args": {"seconds": 0.01}}])
    until(lambda: fired(site), seconds=20)
    assert {one.args["seconds"] for one in fired(site)} == {0.01}
    site.hire(play="small", schedules=[])
    time.sleep(1.5)  # the workers look once a second
    before = len(fired(site))
    time.sleep(2.5)
    assert len(fired(site)) == before
