"""Models over REST: what reigns, versions side by side, a turn of the loop, forwards and back."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.api.conftest import SMALL, Home, Serve, mixed
from tests.api.site import Site
from tests.api.test_battles import listen
from tests.databases import on_sqlite

from sutdol.app import Sutdol
from sutdol.core.settings import Settings
from sutdol.flow.desk import Desk
from sutdol.flows import engine
from sutdol.loop.collect import collect
from sutdol.storage import audit, battles, evaluations, looks, promotions, verdicts, versions
from sutdol.storage.battles import NewBattle, Round
from sutdol.storage.evaluations import Evaluation
from sutdol.storage.verdicts import Decision, StoredVerdict
from sutdol.storage.versions import Version

URL = "/api/v1/models"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def sutdol(home: Home) -> Iterator[Sutdol]:
    """The same home, as another process has it open."""
    settings = Settings.load(home=home.folder, database_url=home.database_url)
    with Sutdol.open(settings) as opened:
        yield opened


@pytest.fixture
def second(sutdol: Sutdol) -> Version:
    """guard-v2, which is the first one over again."""
    with sutdol.db.write() as tx:
        first = versions.get(tx, "guard-v1")
        manifest = {**first.manifest, "seed": 7, "thresholds": {"en": 0.25}}
        again = replace(first, id="guard-v2", parent=first.id, manifest=manifest, created_at=NOW)
        versions.add(tx, again)
        versions.point(tx, "guard", "challenger", again.id)
    return again


def judged(
    sutdol: Sutdol,
    name: str,
    *,
    a: str = "guard-v1",
    b: str = "guard-v2",
    body: dict[str, Any] | None = None,
    decision: Decision = "inconclusive",
    reason: str = "a test",
) -> StoredVerdict:
    """A verdict on record, which was refused before any look."""
    stored = StoredVerdict(
        id=name,
        role="guard",
        champion=a,
        challenger=b,
        decision=decision,
        reason=reason,
        body=body or {"decision": "inconclusive", "reason": "a test", "primary": {"p": 0.25}},
        snapshot=None,
        exam=None,
        look=None,
        created_at=datetime.now(UTC),
    )
    with sutdol.db.write() as tx:
        return verdicts.add(tx, stored)


def fought(sutdol: Sutdol, *guards: str) -> str:
    """A battle on record, whose rounds these guards fought; its number."""
    now = datetime.now(UTC)
    with sutdol.db.write() as tx:
        battle = battles.start(tx, NewBattle(role="guard", seed=0, settings={}), now).id
        for number, guard in enumerate(guards, 1):
            figure = {"value": number / 10, "low": 0.0, "high": 1.0, "n": 300}
            body = {"guard": guard, "round": number, "seen": figure, "families": {"leet": figure}}
            done = Round(battle=battle, number=number, body=body, timing={}, created_at=now)
            battles.add_round(tx, done)
    return battle


def guard_of(site: Site) -> str:
    """The version that answers moderations."""
    return str(site.post("/v1/moderations", {"input": "hello"}).json["model"])


# What there is


def test_each_role_says_where_it_stands(site: Site, sutdol: Sutdol, second: Version) -> None:
    (guard,) = site.get(URL).json["data"]
    assert guard["role"] == "guard"
    assert (guard["champion"], guard["challenger"], guard["previous"]) == (
        "guard-v1",
        "guard-v2",
        None,
    )
    assert guard["examples"] == SMALL
    assert guard["budget"] == {"position": 0, "next_alpha": 0.01}
    assert (guard["crowned"]["kind"], guard["crowned"]["version"]) == ("initial", "guard-v1")
    assert guard["judged"] is None
    judged(sutdol, "guard-old")
    judged(sutdol, "guard-new")
    (guard,) = site.get(URL).json["data"]
    assert (guard["judged"]["verdict"], guard["judged"]["what"]) == ("guard-new", "inconclusive")


def test_versions_come_newest_first_page_by_page(site: Site, second: Version) -> None:
    first_page = site.get(f"{URL}/guard/versions?limit=1").json
    (newest,) = first_page["data"]
    assert (newest["version"], newest["parent"]) == ("guard-v2", "guard-v1")
    assert newest["created"] == "2026-01-01T00:00:00Z"
    assert newest["aliases"] == ["challenger"]
    rest = site.get(f"{URL}/guard/versions?limit=1&cursor={first_page['next']}").json
    assert [one["aliases"] for one in rest["data"]] == [["champion"]]
    assert rest["data"][0]["manifest"]["thresholds"]
    assert (rest["next"], rest["data"][0]["kinds"]) == (None, None)
    assert site.get(f"{URL}/guard/versions?cursor=x").status == 422


def test_versions_say_what_they_learned_from_and_how_they_were_judged(
    site: Site, sutdol: Sutdol, second: Version
) -> None:
    judged(sutdol, "guard-old")
    judged(sutdol, "guard-new")
    found = site.get(f"{URL}/guard/versions?kinds=true").json["data"]
    assert [one["verdict"] for one in found] == [
        {"id": "guard-new", "decision": "inconclusive"},
        None,
    ]
    assert [list(one["kinds"]) for one in found] == [["data"], ["data"]]
    assert 0 < found[0]["kinds"]["data"] <= SMALL


def test_a_version_shows_where_its_examples_are_from_and_how_it_did(
    site: Site, sutdol: Sutdol, second: Version
) -> None:
    bare = site.get(f"{URL}/guard/versions/guard-v2").json
    assert (bare["evaluations"], bare["battle"], bare["verdict"]) == ([], None, None)
    (source,) = {one["kind"] for one in bare["sources"]}
    assert source == "data"
    assert sum(one["rows"] for one in bare["sources"]) == bare["lineage"][0]["rows"]
    assert (bare["sources_left"], bare["crowned"]) == (0, None)
    assert site.get(f"{URL}/guard/versions/guard-v1").json["crowned"].endswith("Z")

    fought(sutdol, "guard-v1", "guard-v2", "guard-v2")
    with sutdol.db.write() as tx:
        for name, value in (("guard-v1", 0.4), ("guard-v2", 0.5), ("guard-v2", 0.75)):
            body = {"version": name, "seen": {"value": value}}
            row = Evaluation(role="guard", version=name, flow=None, body=body, created_at=NOW)
            evaluations.add(tx, row)
    found = site.get(f"{URL}/guard/versions/guard-v2").json
    assert [one["seen"]["value"] for one in found["evaluations"]] == [0.75, 0.5]
    assert (found["battle"]["battle"], found["battle"]["number"]) == ("1", 3)
    assert list(found["battle"]["figures"]) == ["seen"], "families are no figure"


def test_two_versions_are_measured_in_the_newest_battle_of_both(
    site: Site, sutdol: Sutdol, second: Version
) -> None:
    both = fought(sutdol, "guard-v1", "guard-v2")
    alone = fought(sutdol, "guard-v2")
    found = site.get(f"{URL}/guard/compare?a=guard-v1&b=guard-v2").json
    assert [found[side]["battle"]["battle"] for side in "ab"] == [both, both]
    assert [found[side]["battle"]["figures"]["seen"]["value"] for side in "ab"] == [0.1, 0.2]
    twice = site.get(f"{URL}/guard/compare?a=guard-v2&b=guard-v2").json
    assert twice["a"]["battle"]["battle"] == alone


def test_two_versions_that_never_met_are_compared_by_their_exams(
    site: Site, sutdol: Sutdol, second: Version
) -> None:
    def shares(before: float, after: float) -> dict[str, Any]:
        return {"name": "x", "champion": before, "challenger": after, "n": 500}

    rails = [
        {**shares(0.1, 0.2), "name": name, "kind": kind, "against": against}
        for name, kind, against in (
            ("false positives", "proven", "champion"),
            ("anchored", "proven", "anchor"),
            ("slice", "alarm", "champion"),
        )
    ]
    body = {"primary": {**shares(0.8, 0.9), "name": "recall"}, "guard_rails": []}
    judged(sutdol, "guard-one", body=body | {"guard_rails": [{**r, "state": "ok"} for r in rails]})
    found = site.get(f"{URL}/guard/compare?a=guard-v1&b=guard-v2").json
    before, after = found["a"]["exam"], found["b"]["exam"]
    assert before["figures"]["recall"] == {"value": 0.8, "n": 500}
    assert after["figures"] == {
        "recall": {"value": 0.9, "n": 500},
        "false positives": {"value": 0.2, "n": 500},
    }
    assert (before["verdict"], before["exam"]) == ("guard-one", None)


def test_a_version_shows_those_it_descends_from(site: Site, second: Version) -> None:
    found = site.get(f"{URL}/guard/versions/guard-v2").json
    assert [one["version"] for one in found["lineage"]] == ["guard-v2", "guard-v1"]
    assert found["lineage"][0]["kinds"] == {"data": found["lineage"][0]["rows"]}
    assert 0 < found["lineage"][0]["rows"] <= SMALL


def test_two_versions_are_shown_side_by_side(site: Site, sutdol: Sutdol, second: Version) -> None:
    judged(sutdol, "guard-old")
    judged(sutdol, "guard-new", a="guard-v2", b="guard-v1")
    with sutdol.db.write() as tx:
        for value in (0.5, 0.75):
            body = {"version": second.id, "seen": {"value": value}}
            row = Evaluation(role="guard", version=second.id, flow=None, body=body, created_at=NOW)
            evaluations.add(tx, row)
    found = site.get(f"{URL}/guard/compare?a=guard-v1&b=guard-v2").json
    assert (found["a"]["version"], found["b"]["version"]) == ("guard-v1", "guard-v2")
    assert found["verdict"]["id"] == "guard-new"
    assert found["verdict"]["primary"] == {"p": 0.25}
    assert found["a"]["evaluations"] == []
    assert [one["seen"]["value"] for one in found["b"]["evaluations"]] == [0.75, 0.5]
    assert found["a"]["rows"] == found["b"]["rows"] > 0
    assert found["differences"]["seed"] == {"a": 0, "b": 7}
    assert found["differences"]["thresholds.en"]["b"] == 0.25
    assert "checksum" not in found["differences"]


def test_versions_that_no_verdict_compared_have_none(site: Site, second: Version) -> None:
    found = site.get(f"{URL}/guard/compare?a=guard-v2&b=guard-v2").json
    assert (found["verdict"], found["differences"]) == (None, {})


def test_what_is_not_there_suggests_what_is(site: Site, second: Version) -> None:
    for path in (
        "guard/versions/guard-v3",
        "guard/compare?a=guard-v1&b=guard-v3",
        "gard/versions",
        "gard/history",
        "gard/compare?a=x&b=y",
    ):
        answer = site.get(f"{URL}/{path}")
        assert answer.status == 404, path
        assert "Did you mean 'guard" in answer.error["message"], path
    assert site.get(f"{URL}/guard/compare?a=guard-v1").status == 422
    assert site.get(f"{URL}/guard/versions/%00").status == 422


def test_history_tells_of_verdicts_and_champions(
    site: Site, sutdol: Sutdol, second: Version
) -> None:
    judged(sutdol, "guard-one")
    data = site.get(f"{URL}/guard/history").json["data"]
    assert [one["what"] for one in data] == ["crowned", "inconclusive"]
    assert data[1]["text"].startswith("guard-one: guard-v2 against guard-v1")
    first, verdict = data
    assert (first["kind"], first["version"], first["replaced"]) == ("initial", "guard-v1", None)
    assert (first["actor"], first["verdict"], first["primary"]) == ("local", None, None)
    assert (verdict["kind"], verdict["version"], verdict["replaced"]) == (
        "verdict",
        "guard-v2",
        "guard-v1",
    )
    assert (verdict["verdict"], verdict["reason"], verdict["failed"]) == ("guard-one", "a test", [])
    assert verdict["primary"] == {"p": 0.25}


def test_a_long_history_is_told_from_its_end(site: Site, sutdol: Sutdol, second: Version) -> None:
    names = [judged(sutdol, f"guard-{letter}").id for letter in "abcde"]
    whole = site.get(f"{URL}/guard/history").json
    assert (len(whole["data"]), whole["next"]) == (6, None)
    pages, path = [], f"{URL}/guard/history?limit=4"
    last = site.get(path).json
    pages.append(last["data"])
    first = site.get(f"{path}&cursor={last['next']}").json
    pages.append(first["data"])
    assert [one["verdict"] for one in pages[0]] == names[1:]
    assert pages[1] + pages[0] == whole["data"]
    assert first["next"] is None
    for wrong in ("limit=0", "limit=201", "cursor=x", "cursor=-1"):
        assert site.get(f"{URL}/guard/history?{wrong}").status == 422
    assert site.get(f"{URL}/guard/history?cursor=999").json["data"] == whole["data"]


# Forwards and back


def test_a_forced_champion_serves_at_once_and_is_on_record(
    serve: Serve, second: Version, sutdol: Sutdol, new_key: Callable[..., str]
) -> None:
    here, there = (serve(auth=True) for _ in range(2))
    here.key = there.key = new_key("lee", "operator")
    wanted = {"version": "guard-v2", "reason": "the audit of May"}
    assert (guard_of(here), guard_of(there)) == ("guard-v1", "guard-v1")

    done = here.post(f"{URL}/guard/promote", wanted)
    assert done.status == 200
    assert guard_of(here) == "guard-v2"
    said = {name: done.json[name] for name in ("champion", "replaced", "kind", "reason", "actor")}
    assert said == {
        "champion": "guard-v2",
        "replaced": "guard-v1",
        "kind": "force",
        "reason": "the audit of May",
        "actor": "user:lee",
    }
    deadline = time.monotonic() + 5
    while guard_of(there) != "guard-v2":
        assert time.monotonic() < deadline, "the other process never saw it"
        time.sleep(0.05)
    with sutdol.db.read() as tx:
        row = promotions.all(tx, "guard")[-1]
        (event,) = audit.events(tx, limit=1)
        assert versions.aliases(tx, "guard") == {"champion": "guard-v2", "previous": "guard-v1"}
    assert (row.kind, row.actor, row.looks_paid) == ("force", "user:lee", 0)
    assert (event.actor, event.action, event.subject) == ("user:lee", "force", "guard-v2")

    again = here.post(f"{URL}/guard/promote", wanted)
    assert again.status == 400
    assert "champion already" in again.error["message"]

    back = here.post(f"{URL}/guard/rollback", {"reason": "complaints"})
    assert (back.status, back.json["champion"], back.json["kind"]) == (200, "guard-v1", "rollback")
    assert back.json["actor"] == "user:lee"
    assert guard_of(here) == "guard-v1"


def test_a_forced_promotion_pays_no_look_back(site: Site, sutdol: Sutdol, second: Version) -> None:
    look = looks.NewLook(
        key="k" * 64, champion="guard-v1", challenger="guard-v2", purpose="test", exam=None
    )
    with sutdol.db.write() as tx:
        looks.charge(tx, "guard", look, alpha=lambda _: 0.01, now=NOW)
    before = site.get(URL).json["data"][0]["budget"]
    assert before["position"] == 1
    body = {"version": "guard-v2", "reason": "a test"}
    assert site.post(f"{URL}/guard/promote", body).status == 200
    assert site.get(URL).json["data"][0]["budget"] == before


def test_a_model_that_does_not_load_never_reigns(
    site: Site, sutdol: Sutdol, second: Version
) -> None:
    (sutdol.settings.home / second.path / "model.npz").write_bytes(b"rust")
    answer = site.post(f"{URL}/guard/promote", {"version": "guard-v2", "reason": "a test"})
    assert answer.status == 500
    with sutdol.db.read() as tx:
        assert versions.alias(tx, "guard", "champion") == "guard-v1"
        assert len(promotions.all(tx, "guard")) == 1


def test_there_is_no_way_back_from_the_first(site: Site) -> None:
    answer = site.post(f"{URL}/guard/rollback", {"reason": "a test"})
    assert answer.status == 409
    assert "no previous champion" in answer.error["message"]


def test_a_change_of_champion_needs_a_reason_and_an_operator(
    locked: Site, second: Version, new_key: Callable[..., str]
) -> None:
    for path, body in (
        ("promote", {"version": "guard-v2"}),
        ("promote", {"version": "guard-v2", "reason": ""}),
        ("promote", {"version": "guard-v2", "reason": "a\x00b"}),
        ("promote", {"version": "guard-v2", "reason": "ok", "force": True}),
        ("rollback", {}),
        ("rollback", None),
    ):
        assert locked.post(f"{URL}/guard/{path}", body).status == 422, body
    user = new_key("kim", "user")
    for path, body in (
        ("promote", {"version": "guard-v2", "reason": "mine"}),
        ("rollback", {"reason": "mine"}),
        ("improve", {}),
    ):
        assert locked.post(f"{URL}/guard/{path}", body, key=user).status == 403
    assert locked.get(f"{URL}/guard/versions", key=user).status == 200


# A turn of the loop


def test_a_turn_is_asked_for_once_and_then_followed(site: Site, sutdol: Sutdol) -> None:
    first = site.post(f"{URL}/guard/improve", {"dry_run": True, "seed": 3})
    second = site.post(f"{URL}/guard/improve")
    assert (first.status, second.status) == (202, 202)
    assert (first.json["following"], second.json["following"]) == (False, True)
    assert first.json["id"] == second.json["id"]
    assert second.headers["location"] == f"/api/v1/flows/{first.json['id']}"
    with Desk(sutdol.place) as desk:
        (only,) = desk.all()
        assert only.args == {"role": "guard", "seed": 3, "dry_run": True, "wait": False}
        desk.cancel(only.id)
    assert site.post(f"{URL}/guard/improve").json["following"] is False
    assert site.post(f"{URL}/gard/improve").status == 404


def test_a_turn_asked_for_twice_with_one_key_costs_one_look(site: Site, sutdol: Sutdol) -> None:
    key = {"idempotency-key": "nightly"}
    first = site.post(f"{URL}/guard/improve", headers=key).json
    with Desk(sutdol.place) as desk:
        desk.cancel(first["id"])
        again = site.post(f"{URL}/guard/improve", headers=key).json
        assert (again["id"], again["state"]) == (first["id"], "cancelled")
        assert len(desk.all()) == 1


@on_sqlite  # nothing here is a matter of the database, and learning takes its time
def test_a_turn_is_followed_to_its_verdict(site: Site, sutdol: Sutdol) -> None:
    more(sutdol)
    asked = site.post(f"{URL}/guard/improve").json
    with engine(sutdol):
        heard = listen(site, asked["events"])
    stages = [one["data"]["stage"] for one in heard[:-1]]
    assert stages == ["snapshot", "train", "evaluate"]
    end = heard[-1]["data"]
    assert (end["state"], end["result"]["promoted"]) == ("done", False)

    shown = site.get(f"/api/v1/flows/{asked['id']}").json
    assert (shown["state"], shown["kind"]) == ("done", "cycle")
    assert [one["step"] for one in shown["steps"]][-1] == "release"
    listed = site.get("/api/v1/flows?kind=cycle").json["data"]
    assert [one["id"] for one in listed] == [asked["id"]]

    verdict = end["result"]["verdict"]
    found = site.get(f"/api/v1/verdicts/{verdict}").json
    assert found["challenger"] == "guard-v2"
    compared = site.get(f"{URL}/guard/compare?a=guard-v1&b=guard-v2").json
    assert found == found | compared["verdict"]
    assert (found["exam"], found["made"]["leaks"]) == ("guard-exam-1", 0)
    assert found["made"]["made_with"]["numpy"]
    checked = site.post(f"/api/v1/verdicts/{verdict}/verify")
    assert checked.status == 200
    assert checked.json == {
        "verdict": verdict,
        "agrees": True,
        "decision": found["decision"],
        "differences": [],
    }


def more(sutdol: Sutdol) -> None:
    """Texts that the champion did not learn from."""
    collect(sutdol.guard, mixed()[SMALL : SMALL + 60], kind="data", reviewed=True)


def test_flows_that_are_none_are_not_found(site: Site) -> None:
    assert site.get("/api/v1/flows").json == {"data": []}
    for path in ("cycle-1", "cycle-1/events"):
        assert site.get(f"/api/v1/flows/{path}").status == 404
    answer = site.get("/api/v1/flows?kind=cicle")
    assert answer.status == 404
    assert "Did you mean 'cycle'" in answer.error["message"]
