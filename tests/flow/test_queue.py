"""The limits of the queue hold under several workers, killed ones too."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from tests.flow import small
from tests.flow.site import Site

MANY = 24


@pytest.mark.parametrize("most", [1, 3])
def test_never_more_flows_at_once_than_all_workers_may_run(site: Site, most: int) -> None:
    site.destine({"nap-7:nap": {"during": 1}, "nap-20:nap": {"gap": 1}})
    # so long a silence as no busy machine is mistaken for
    site.hire(4, play="small", silence=2.0, shift={"most": most, "poll": 0.05})
    for number in range(MANY):
        site.desk.ask("nap", {"seconds": 0.1 if most > 1 else 0.02}, flow=f"nap-{number}")
    done = {site.over(f"nap-{number}").state for number in range(MANY)}
    assert done == {"done"}
    assert min(2, most) <= max(_at_once(site)) <= most
    assert {one["flow"] for one in small.naps(site.home)} == {f"nap-{n}" for n in range(MANY)}


def _at_once(site: Site) -> Iterator[int]:
    """How many slept, after each beginning and end; who is killed wakes up."""
    kills = [
        {**one, "what": "end", "flow": one["name"].partition(":")[0]}
        for one in site.fate.log()
        if one["what"] == "during"
    ]
    asleep: set[str] = set()
    for one in sorted([*small.naps(site.home), *kills], key=lambda one: float(one["at"])):
        if one["what"] == "begin":
            asleep.add(one["flow"])
        else:
            asleep.discard(one["flow"])
        yield len(asleep)


def test_a_worker_runs_as_many_flows_at_once_as_it_has_slots(site: Site) -> None:
    site.hire(4, play="small", shift={"slots": 2, "poll": 0.05})
    for number in range(MANY):
        site.desk.ask("tale", {"lines": 1, "pause": 0.2}, flow=f"tale-{number}")
    most = 0
    while not all(one.over for one in site.desk.all(limit=MANY)):
        most = max(most, *_running(site).values(), 0)
        assert most <= 2
        time.sleep(0.1)
    assert most == 2
    assert {one.state for one in site.desk.all(limit=MANY)} == {"done"}


def _running(site: Site) -> Counter[str]:
    """How many flows each worker runs, by the engine's record."""
    with site.engine.begin() as tx:
        rows = tx.execute(text(f"SELECT executor_id FROM {site.flows} WHERE status='PENDING'"))
        return Counter(rows.scalars())
