"""Battles over REST: asked for, fought by a worker, followed over a cut line and by two servers."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from tests.api.conftest import Home, Serve
from tests.api.site import Site, serving
from tests.databases import rewrite

from sutdol.api.events import Heard
from sutdol.app import Sutdol
from sutdol.arena.campaign import told
from sutdol.core.settings import Settings
from sutdol.flow.desk import Desk
from sutdol.flow.plan import Json
from sutdol.flows import engine
from sutdol.storage import audit, battles, effects, versions
from sutdol.storage.battles import NewBattle, Round
from sutdol.storage.effects import Tx

CURL = {"rounds": 10, "attack_strategy": "unicode_evasion"}
URL = "/api/v1/battles"
SMALL = {"texts": 8, "queries": 5, "trigger": 0.0}  # so that it fights and does not learn
Event = dict[str, Any]


@pytest.fixture
def sutdol(home: Home) -> Iterator[Sutdol]:
    """The same home, as a worker has it open."""
    settings = Settings.load(home=home.folder, database_url=home.database_url, battle=SMALL)
    with Sutdol.open(settings) as opened:
        yield opened


@pytest.fixture
def desk(sutdol: Sutdol) -> Iterator[Desk]:
    with Desk(sutdol.place) as opened:
        yield opened


def events(body: bytes) -> list[Event]:
    """Server-sent events with their names and numbers."""
    found = []
    for block in body.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in fields:
            data = json.loads(fields["data"])
            found.append({"id": int(fields["id"]), "event": fields["event"], "data": data})
    return found


def fought(sutdol: Sutdol, flow: str, rounds: int = 2, texts: str | None = None) -> str:
    """A battle on record with some rounds, as its flow would have left it; its number."""
    settings = sutdol.plan(rounds=rounds).args()
    now = datetime.now(UTC)
    new = NewBattle(role="guard", seed=0, settings=settings, flow=flow, texts=texts)

    def begin(tx: Tx) -> Json:
        return {"battle": battles.start(tx, new, now).id}

    battle = str(effects.once(sutdol.db, flow, "start", now, begin)["battle"])
    with sutdol.db.write() as tx:
        for number in range(1, rounds + 1):
            body = {"round": number, "detection_rate": 0.5, "verdict": None}
            battles.add_round(
                tx, Round(battle=battle, number=number, body=body, timing={}, created_at=now)
            )
    return battle


def another_release_began(sutdol: Sutdol, flow: str) -> None:
    """So that this one cannot go on with it."""
    table = "workflow_status" if sutdol.place.is_file else "dbos.workflow_status"
    change = f"UPDATE {table} SET application_version = 'old' WHERE workflow_uuid = %s"
    assert rewrite(sutdol.place.url.render_as_string(hide_password=False), change, flow) == 1


# Asking for one


def test_the_body_of_the_readme_is_enough(site: Site, desk: Desk) -> None:
    answer = site.post(URL, CURL)

    assert answer.status == 202
    flow = answer.json["id"]
    assert answer.headers["location"] == f"{URL}/{flow}"
    assert answer.json["state"] == "waiting"
    assert answer.json["battle"] is None
    assert answer.json["events"] == f"{URL}/{flow}/events"
    asked = desk.get(flow)
    assert (asked.kind, asked.state) == ("battle", "waiting")
    assert asked.args == {
        "rounds": 10,
        "attack_strategy": "unicode_evasion",
        "seed": 0,
        "texts": 150,
        "queries": 80,
        "edits": 4,
        "trigger": 0.99,
        "independent": None,
        "data": [],
    }
    shown = site.get(answer.headers["location"])
    assert shown.status == 200
    assert shown.json["settings"]["attack_strategy"] == "unicode_evasion"
    assert (shown.json["rounds"], shown.json["timing"]) == ([], {})


def test_without_a_body_it_is_the_usual_battle(site: Site) -> None:
    settings = site.post(URL).json["settings"]
    assert (settings["rounds"], settings["attack_strategy"]) == (10, "mixed")


SENSELESS: list[tuple[object, int, str]] = [
    ({"rounds": 0}, 422, "rounds"),
    ({"rounds": 101}, 422, "rounds"),
    ({"rounds": "10"}, 422, "rounds"),
    ({"rounds": True}, 422, "rounds"),
    ({"seed": -1}, 422, "seed"),
    ({"texts": 0}, 422, "texts"),
    ({"data": ["/etc/passwd"]}, 422, "data"),
    ({"attack_strategy": "unicode_evasions"}, 404, "Did you mean 'unicode_evasion'?"),
    ({"attack_strategy": "\x00"}, 404, "No attack strategy"),
    ({"attack_strategy": "\ud800"}, 422, "attack_strategy"),
    (b"{", 400, ""),
    ([], 422, ""),
]


def test_what_makes_no_sense_is_refused_before_any_work(site: Site, desk: Desk) -> None:
    for body, status, said in SENSELESS:
        answer = site.post(URL, body)
        assert (answer.status, said in answer.error["message"]) == (status, True), body
    assert desk.all() == []


def test_a_home_with_neither_guard_nor_texts_says_so(tmp_path: Path, database_url: str) -> None:
    with serving(Settings.load(home=tmp_path, database_url=database_url)) as site:
        answer = site.post(URL, CURL)
    assert answer.status == 409
    assert "no guard yet and nothing to train one on" in answer.error["message"]


def test_a_key_sent_twice_is_one_battle(
    locked: Site, desk: Desk, new_key: Callable[..., str]
) -> None:
    again = {"idempotency-key": "mine-1"}
    first, second = (locked.post(URL, CURL, headers=again) for _ in range(2))
    assert (first.status, second.status) == (202, 202)
    assert first.json["id"] == second.json["id"]
    other = locked.post(URL, CURL, headers=again, key=new_key("lee", "operator"))
    assert other.json["id"] != first.json["id"]
    assert locked.post(URL, CURL).json["id"] not in (first.json["id"], other.json["id"])
    changed = locked.post(URL, {**CURL, "seed": 1}, headers=again)
    assert changed.status == 422
    assert "Idempotency-Key" in changed.error["message"]
    assert len(desk.all()) == 3


def test_a_key_sent_twice_is_one_battle_though_the_settings_changed(serve: Serve) -> None:
    again = {"idempotency-key": "mine-1"}
    first = serve().post(URL, CURL, headers=again)
    second = serve(battle=SMALL).post(URL, CURL, headers=again)

    assert (first.status, second.status) == (202, 202)
    assert first.json["id"] == second.json["id"]


def test_llm_attacks_without_a_model_are_refused_before_any_work(
    serve: Serve, site: Site, desk: Desk
) -> None:
    body = {"rounds": 1, "attack_strategy": "llm_generated"}
    answer = serve().post(URL, body)

    assert answer.status == 409
    assert "set OPENAI_BASE_URL" in answer.error["message"]
    assert desk.all() == []
    assert site.post(URL, body).status == 202


def test_operators_start_battles_and_users_watch_them(
    locked: Site, new_key: Callable[..., str]
) -> None:
    user = new_key("kim", "user")
    flow = locked.post(URL, CURL, key=new_key("lee", "operator")).json["id"]
    assert locked.get(f"{URL}/{flow}", key=user).status == 200
    assert locked.post(URL, CURL, key=user).status == 403
    assert locked.delete(f"{URL}/{flow}", key=user).status == 403
    assert locked.post(f"{URL}/{flow}/resume", key=user).status == 403
    assert locked.get(f"{URL}/{flow}", key="").status == 401


# Looking


def test_a_battle_is_known_by_its_flow_and_by_its_number(
    site: Site, sutdol: Sutdol, desk: Desk
) -> None:
    flow = site.post(URL, CURL).json["id"]
    number = fought(sutdol, flow)
    by_flow, by_number = site.get(f"{URL}/{flow}").json, site.get(f"{URL}/{number}").json
    assert by_flow == by_number
    assert (by_flow["id"], by_flow["battle"]) == (flow, number)
    with sutdol.db.read() as tx:
        written = told(tx, number)
    assert {name: by_flow[name] for name in written} == written


def test_how_a_battle_stands_is_told_with_it(site: Site, sutdol: Sutdol) -> None:
    flow = site.post(URL, CURL).json["id"]
    assert site.get(f"{URL}/{flow}").json["last"] is None
    fought(sutdol, flow)
    told = site.get(URL).json["data"][0]["last"]
    assert told == site.get(f"{URL}/{flow}").json["last"]
    assert (told["rounds"], told["promotions"], told["seen"]) == (2, 0, None)


def test_a_battle_whose_flow_was_pruned_still_shows_its_rounds(site: Site, sutdol: Sutdol) -> None:
    number = fought(sutdol, "battle-gone")
    found = site.get(f"{URL}/battle-gone").json
    assert (found["battle"], found["state"], len(found["rounds"])) == (number, "running", 2)
    answer = site.get(f"{URL}/{number}/events")
    assert answer.status == 409
    assert "no longer on record" in answer.error["message"]


def test_verdicts_may_be_short(site: Site, sutdol: Sutdol) -> None:
    number = fought(sutdol, "battle-gone", rounds=1)
    whole = {"id": "guard-1", "decision": "reject", "reason": "worse", "guard_rails": [1]}
    body = {"round": 2, "seen": {"value": 0.5}, "verdict": whole}
    round_ = Round(battle=number, number=2, body=body, timing={}, created_at=datetime.now(UTC))
    with sutdol.db.write() as tx:
        battles.add_round(tx, round_)

    assert site.get(f"{URL}/{number}").json["rounds"][1] == body
    first, second = site.get(f"{URL}/{number}?verdicts=short").json["rounds"]
    assert first["verdict"] is None
    assert second == body | {
        "verdict": {
            "id": "guard-1",
            "champion": None,
            "challenger": None,
            "decision": "reject",
            "reason": "worse",
        }
    }
    assert Heard(number=1, kind="round", body=body).short_piece.endswith(
        b"data: " + orjson.dumps(second) + b"\n\n"
    )
    for rest in ("", "/events"):
        assert site.get(f"{URL}/{number}{rest}?verdicts=none").status == 422


@pytest.mark.parametrize("rest", ["", "/events"])
def test_a_battle_that_is_none_is_not_found(site: Site, desk: Desk, rest: str) -> None:
    desk.ask("cycle", {}, flow="cycle-1")
    for name in ("battle-nobody", "7", "²", "cycle-1"):
        assert site.get(f"{URL}/{quote(name)}{rest}").status == 404, name
    for name in ("%00", "x" * 200):
        assert site.get(f"{URL}/{name}{rest}").status == 422, name


def test_the_list_comes_page_by_page_newest_first(site: Site, sutdol: Sutdol, desk: Desk) -> None:
    args = {**sutdol.plan().args(), "data": []}
    begun = [desk.ask("battle", args) for _ in range(3)]
    for flow in begun:
        fought(sutdol, flow)
    time.sleep(1)  # some databases time flows by the second
    waiting = sorted(desk.ask("battle", args) for _ in range(3))
    for limit in (1, 2, 3, 6, 100):
        found = site.pages(f"{URL}?limit={limit}", "cursor")
        assert sorted(found[:3]) == waiting
        assert found[3:] == begun[::-1]
    assert site.get(f"{URL}?cursor=nonsense").status == 422


def test_all_that_wait_are_listed(site: Site, sutdol: Sutdol, desk: Desk) -> None:
    args = {**sutdol.plan().args(), "data": []}
    waiting = [desk.ask("battle", args) for _ in range(53)]
    fought(sutdol, waiting[52])

    assert sorted(site.pages(f"{URL}?limit=20", "cursor")) == sorted(waiting)


def test_a_battle_that_another_flow_goes_on_with_is_one_battle(
    site: Site, sutdol: Sutdol, desk: Desk
) -> None:
    args = {**sutdol.plan().args(), "data": []}
    first, second = (desk.ask("battle", args) for _ in range(2))
    desk.cancel(first)
    number = fought(sutdol, first)
    with sutdol.db.write() as tx:
        battles.go_on(tx, number, second, datetime.now(UTC))

    assert [one["id"] for one in site.get(URL).json["data"]] == [second]
    shown = site.get(f"{URL}/{first}").json
    assert shown == site.get(f"{URL}/{second}").json
    assert (shown["id"], shown["battle"], len(shown["rounds"])) == (second, number, 2)
    with site.open("GET", f"{URL}/{first}/events") as line:
        (end,) = events(b"".join(line.readline() for _ in range(5)))
    assert end["data"]["state"] == "cancelled", "numbers of events are a flow's own"


# Stopping and going on


@pytest.mark.parametrize("how", ["DELETE", "POST"])
def test_a_battle_is_cancelled_once_and_resumed(
    site: Site, sutdol: Sutdol, desk: Desk, how: str
) -> None:
    flow = site.post(URL, CURL).json["id"]
    number = fought(sutdol, flow)
    path = f"{URL}/{number}" if how == "DELETE" else f"{URL}/{number}/cancel"

    answer = site.ask(how, path)
    assert (answer.status, answer.json["state"]) == (200, "cancelled")
    assert battle_state(sutdol, number) == "cancelled"
    again = site.ask(how, path)
    assert (again.status, again.error["code"]) == (409, "settled")
    assert "nothing to cancel" in again.error["message"]

    resumed = site.post(f"{URL}/{flow}/resume")
    assert (resumed.status, resumed.json["state"]) == (202, "waiting")
    assert resumed.headers["location"] == f"{URL}/{flow}"
    assert battle_state(sutdol, number) == "running"


def test_a_battle_whose_flow_is_lost_goes_on_with_another(
    site: Site, sutdol: Sutdol, desk: Desk
) -> None:
    with sutdol.db.read() as tx:
        texts = versions.get(tx, "guard-v1").snapshot
    number = fought(sutdol, "battle-gone", texts=texts)
    first, second = (site.post(f"{URL}/{number}/resume") for _ in range(2))
    assert (first.status, first.json["state"], first.json["battle"]) == (202, "waiting", number)
    assert second.json["id"] == first.json["id"] != "battle-gone"
    assert desk.get(first.json["id"]).args["battle"] == number
    shown = site.get(f"{URL}/{first.json['id']}").json
    assert (shown["id"], len(shown["rounds"])) == (first.json["id"], 2)
    too_old = fought(sutdol, "battle-old")
    assert site.post(f"{URL}/{too_old}/resume").status == 409


def test_never_more_than_one_flow_goes_on_with_a_battle(
    site: Site, sutdol: Sutdol, desk: Desk
) -> None:
    with sutdol.db.read() as tx:
        texts = versions.get(tx, "guard-v1").snapshot
    number = fought(sutdol, "battle-gone", texts=texts)

    def resumed(name: str = number) -> str:
        answer = site.post(f"{URL}/{name}/resume")
        assert answer.status == 202
        return str(answer.json["id"])

    first = resumed()
    another_release_began(sutdol, first)  # before it took the battle over
    second = resumed()
    assert [resumed(name) for name in (number, first, second)] == [second] * 3
    desk.cancel(second)
    assert [resumed(name) for name in (number, second)] == [second] * 2
    assert {one.id: one.state for one in desk.all()} == {first: "stale", second: "waiting"}


@pytest.mark.parametrize("how", ["cancel", "resume"])
def test_a_battle_that_ended_meanwhile_stays_so(
    site: Site, sutdol: Sutdol, desk: Desk, how: str
) -> None:
    flow = site.post(URL, CURL).json["id"]
    number = fought(sutdol, flow)
    with sutdol.db.write() as tx:
        battles.set_state(tx, number, "done", datetime.now(UTC))

    assert site.post(f"{URL}/{flow}/{how}").status == {"cancel": 200, "resume": 409}[how]
    assert battle_state(sutdol, number) == "done"


def test_it_is_on_record_who_starts_stops_and_resumes(
    locked: Site, sutdol: Sutdol, new_key: Callable[..., str]
) -> None:
    key = new_key("lee", "operator")
    with sutdol.db.read() as tx:
        before = len(audit.events(tx, limit=99))
    for _ in range(2):
        flow = locked.post(URL, CURL, key=key, headers={"idempotency-key": "1"}).json["id"]
    number = fought(sutdol, flow)
    for path in (f"{number}/cancel", f"{number}/cancel", f"{flow}/resume", f"{flow}/resume"):
        locked.post(f"{URL}/{path}", key=key)

    with sutdol.db.read() as tx:
        found = audit.events(tx, limit=99)[::-1][before:]
    assert {(one.actor, one.subject) for one in found} == {("user:lee", flow)}
    told = [one.action for one in found]
    assert told == ["start battle", "cancel battle", "resume battle"]
    assert found[0].body["attack_strategy"] == "unicode_evasion"
    assert found[1].body == {"battle": number}


def test_a_battle_that_is_over_does_not_go_on(site: Site, sutdol: Sutdol) -> None:
    number = fought(sutdol, "battle-gone")
    with sutdol.db.write() as tx:
        battles.set_state(tx, number, "done", datetime.now(UTC))
    answer = site.post(f"{URL}/{number}/resume")
    assert (answer.status, answer.error["code"]) == (409, "settled")
    assert "start a new one" in answer.error["message"]


def battle_state(sutdol: Sutdol, number: str) -> str:
    with sutdol.db.read() as tx:
        return battles.get(tx, number).state


# Following


def test_a_battle_is_followed_over_a_cut_line_from_another_server(
    serve: Serve, sutdol: Sutdol
) -> None:
    one, other = serve(battle=SMALL), serve(battle=SMALL)
    flow = one.post(URL, {**CURL, "rounds": 2}).json["id"]
    path = f"{URL}/{flow}/events"
    with one.open("GET", path) as line:  # nobody works yet
        assert line.status == 200
        assert line.headers["content-type"].startswith("text/event-stream")
        assert line.readline() == b"retry: 1000\n"
        with engine(sutdol):
            heard = line.readline() + b"".join(line.readline() for _ in range(8))
            first = events(heard)
            assert len(first) == 2
            rest = listen(other, path, {"last-event-id": str(first[-1]["id"])})
    whole = listen(one, path)

    assert first + rest == whole
    assert [found["id"] for found in whole[:-1]] == list(range(1, len(whole)))
    assert [found["event"] for found in whole].count("round") == 2
    assert [found["event"] for found in whole[-2:]] == ["round", "end"]
    assert whole[-1]["data"]["state"] == "done"
    shown = other.get(f"{URL}/{flow}").json
    assert shown["state"] == "done"
    assert [found["data"] for found in whole if found["event"] == "round"] == shown["rounds"]
    with sutdol.db.read() as tx:
        assert shown["rounds"] == told(tx, "1")["rounds"]
    assert listen(other, f"{path}?after={len(whole) - 2}") == whole[-2:]


def listen(site: Site, path: str, headers: dict[str, str] | None = None) -> list[Event]:
    answer = site.ask("GET", path, headers=headers)
    assert answer.status == 200
    return events(answer.body)


def test_a_place_that_is_none_is_refused(site: Site) -> None:
    path = site.post(URL, CURL).json["events"]
    for last in ("-1", "x", "1e3", "9" * 40):
        assert site.get(path, headers={"last-event-id": last}).status == 422, last
        assert site.get(f"{path}?after={last}").status == 422, last


def test_listeners_hold_up_no_server_that_stops(home: Home) -> None:
    settings = Settings.load(home=home.folder, database_url=home.database_url)
    running = serving(settings)
    site = running.__enter__()
    flow = site.post(URL, CURL).json["id"]
    with site.open("GET", f"{URL}/{flow}/events") as line:
        assert line.readline() == b"retry: 1000\n"
        began = time.monotonic()
        running.__exit__(None, None, None)
        assert line.read().strip() == b""
    assert time.monotonic() - began < 5


def test_the_end_of_a_cancelled_battle_is_told(site: Site) -> None:
    flow = site.post(URL, CURL).json["id"]
    with site.open("GET", f"{URL}/{flow}/events") as line:
        assert line.readline() == b"retry: 1000\n"
        site.delete(f"{URL}/{flow}")
        (end,) = events(line.read())
    body = {"state": "cancelled", "result": None, "error": None}
    assert end == {"id": 0, "event": "end", "data": body}
