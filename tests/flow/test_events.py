"""Events come in their order; what a plan tells is told once, whoever dies meanwhile."""

import json
import subprocess
import sys
import threading
import time
from itertools import islice

from tests.flow.fate import DEATHS
from tests.flow.site import Site, until

LINES = 6
FOLLOW = """
import json, sys
from pathlib import Path
from sutdol.flow.desk import Desk
from sutdol.flow.place import Place
with Desk(Place(database_url=sys.argv[1], home=Path(sys.argv[2]))) as desk:
    for number, event in desk.events("tale-1", after=int(sys.argv[3])):
        print(json.dumps([number, event]), flush=True)
"""


def test_what_a_plan_tells_is_told_once_and_in_order_though_workers_die(site: Site) -> None:
    points = [{DEATHS[line % 3]: 1} for line in range(LINES)]
    site.destine({f"tale-1:say-{line}": point for line, point in enumerate(points)})
    site.hire(2, play="small")
    site.desk.ask("tale", {"lines": LINES}, flow="tale-1")
    assert site.over("tale-1").state == "done"
    assert site.fate.struck() == site.fate.wanted()
    events = [event for _, event in site.desk.events("tale-1")]
    assert [one["line"] for one in events if "line" in one] == list(range(LINES))
    said = [one["said"] for one in events if "said" in one]
    assert said == sorted(said), "a deed that is done again tells it again, in its place"
    assert set(said) == set(range(LINES))


def test_a_reader_goes_on_exactly_where_another_stopped(site: Site) -> None:
    site.hire(play="small")
    site.desk.ask("tale", {"lines": LINES}, flow="tale-1")
    site.over("tale-1")
    whole = list(site.desk.events("tale-1"))
    assert [number for number, _ in whole] == list(range(1, 2 * LINES + 1))
    first = list(islice(site.desk.events("tale-1"), 5))
    rest = list(site.desk.events("tale-1", after=first[-1][0]))
    assert first + rest == whole
    assert list(site.desk.events("tale-1", after=len(whole))) == []


def test_another_process_follows_while_it_happens(site: Site) -> None:
    site.hire(play="small")
    site.desk.ask("tale", {"lines": 4, "pause": 1.5}, flow="tale-1")
    command = [sys.executable, "-W", "error", "-c", FOLLOW, site.url, str(site.home), "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        first = json.loads(follower.stdout.readline())
        assert not site.desk.get("tale-1").over
        rest = [json.loads(line) for line in follower.stdout]
    assert [first, *rest] == [[n, event] for n, event in site.desk.events("tale-1", after=2)]
    assert len(rest) == 5


def test_a_patient_reader_gives_up_and_may_come_back(site: Site) -> None:
    site.desk.ask("tale", {"lines": 1}, flow="tale-1")
    start = time.monotonic()
    assert list(site.desk.events("tale-1", patience=0.3)) == []
    assert time.monotonic() - start < 5.0
    site.hire(play="small")
    assert [event for _, event in site.desk.events("tale-1")] == [{"line": 0}, {"said": 0}]


def test_readers_of_a_cancelled_flow_come_to_an_end(site: Site) -> None:
    site.destine({"tale-1:say-1": {"halt": 1}})
    site.hire(play="small")
    site.desk.ask("tale", {"lines": 3}, flow="tale-1")
    until(lambda: site.fate.struck() == site.fate.wanted())
    heard: list[object] = []
    reader = threading.Thread(target=lambda: heard.extend(site.desk.events("tale-1")))
    reader.start()
    site.desk.cancel("tale-1")
    reader.join(10)
    assert not reader.is_alive()
    assert heard == [(1, {"line": 0}), (2, {"said": 0}), (3, {"line": 1})]
