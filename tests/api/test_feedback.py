"""Feedback over REST: of one's own subjects, reviewed by others, and learned from."""

from collections.abc import Callable
from typing import Any

from tests.api.conftest import Serve
from tests.api.site import Answer, Site
from tests.databases import on_sqlite

from sutdol.app import Sutdol
from sutdol.models.fake import FakeServer
from sutdol.storage import audit, examples, feedback

PATH = "/api/v1/feedback"
NewKeys = Callable[..., str]

TEXT = "a text that nobody has labelled before, about whetstones"
LABEL = {"kind": "label", "subject": {"kind": "text"}, "value": {"text": TEXT, "label": 1}}


def chatted(site: Site, text: str = "sharpen the old knife", **how: str) -> dict[str, str]:
    """The ids of a chat that is kept: its request, its answer, what the guard decided of it."""
    messages = [{"role": "user", "content": text}]
    body = {"model": "fake", "messages": messages, "store": True}
    request = site.post("/v1/chat/completions", body, **how).headers["x-request-id"]
    return {"request": request, "message": f"msg_{request}", "decision": f"{request}-input"}


def thumb(kind: str, id_: str) -> dict[str, Any]:
    subject = {"kind": kind, "id": id_}
    return {"kind": "thumb", "subject": subject, "value": {"up": False, "comment": "no"}}


def learned(site: Site) -> list[tuple[str, str, str]]:
    with Sutdol.open(site.settings) as sutdol, sutdol.db.read() as tx:
        found = examples.find(tx, "guard", kinds=["feedback"])
    return [(one.input, one.target, one.source) for one in found]


def test_a_thumb_teaches_whom_it_is_about(site: Site) -> None:
    made = chatted(site)

    for kind, role in (
        ("request", "generator"),
        ("message", "generator"),
        ("decision", "guard"),
    ):
        answer = site.post(PATH, thumb(kind, made[kind]))
        assert answer.status == 201
        told = answer.json
        assert (told["role"], told["state"]) == (role, "waiting")
        assert told["subject"] == {"kind": kind, "id": made[kind]}
        assert told["value"] == {"up": False, "comment": "no"}
        shown = site.get(f"{PATH}/{told['id']}").json
        assert shown == told | {"context": shown["context"]}


def test_corrections_and_clicks(site: Site) -> None:
    made = chatted(site)
    better = {"kind": "message", "id": made["message"]}
    clicked = {"kind": "request", "id": made["request"]}

    correction = site.post(
        PATH, {"kind": "correction", "subject": better, "value": {"text": "the better answer"}}
    )
    click = site.post(
        PATH, {"kind": "click", "subject": clicked, "value": {"passage": "p1", "rank": 0}}
    )

    assert (correction.status, correction.json["role"]) == (201, "generator")
    assert (click.status, click.json["role"]) == (201, "retriever")
    done = site.post(f"{PATH}/{correction.json['id']}/accept")
    assert (done.json["state"], done.json["example"]) == ("accepted", None)


def test_who_says_it_again_has_changed_his_mind(site: Site) -> None:
    made = chatted(site)
    first = site.post(PATH, thumb("request", made["request"])).json
    second = site.post(PATH, thumb("request", made["request"])).json
    site.post(PATH, LABEL)
    site.post(PATH, LABEL | {"value": {"text": TEXT, "label": 0}})

    found = site.get(PATH).json["data"]
    assert len(found) == 2
    assert first["id"] not in [one["id"] for one in found]
    assert second["id"] in [one["id"] for one in found]
    assert found[0]["value"]["label"] == 0


def test_a_label_of_a_decision_must_be_about_its_very_text(site: Site, offence: str) -> None:
    made = chatted(site, offence)
    label = LABEL | {"subject": {"kind": "decision", "id": made["decision"]}}

    wrong = site.post(PATH, label)
    right = site.post(PATH, label | {"value": {"text": offence, "label": 0}})

    assert wrong.status == 422
    assert "another text" in wrong.error["message"]
    assert right.status == 201
    assert right.json["subject"] == {"kind": "decision", "id": made["decision"]}


def test_an_accepted_label_is_learned_from(locked: Site, new_key: NewKeys) -> None:
    kim, lee = new_key("kim", "user"), new_key("lee", "reviewer")
    value = {"text": TEXT, "label": 1, "category": "toxic"}
    given = locked.post(PATH, LABEL | {"value": value}, key=kim).json

    done = locked.post(f"{PATH}/{given['id']}/accept", key=lee)

    assert done.status == 200
    assert (done.json["state"], done.json["role"]) == ("accepted", "guard")
    assert done.json["example"] is not None
    assert done.json["reviewer"] == locked.get("/api/v1/me", key=lee).json["user"]
    assert learned(locked) == [(TEXT, "harassment", f"feedback:api:{given['user']}")]
    again = locked.post(f"{PATH}/{given['id']}/reject", key=lee)
    assert (again.status, again.error["code"]) == (409, "settled")
    assert "accepted" in again.error["message"]
    with Sutdol.open(locked.settings) as sutdol, sutdol.db.read() as tx:
        (event,) = [one for one in audit.events(tx, limit=99) if one.action == "review"]
    assert (event.actor, event.subject) == ("user:lee", given["id"])


def test_what_is_rejected_teaches_nothing(locked: Site, new_key: NewKeys) -> None:
    given = locked.post(PATH, LABEL, key=new_key("kim", "user")).json
    lee = new_key("lee", "reviewer")

    done = locked.post(f"{PATH}/{given['id']}/reject", key=lee)

    assert (done.status, done.json["state"]) == (200, "rejected")
    with Sutdol.open(locked.settings) as sutdol, sutdol.db.read() as tx:
        assert audit.events(tx, limit=1)[0].actor == "user:lee"
    assert learned(locked) == []
    assert locked.post(f"{PATH}/{given['id']}/accept", key=lee).status == 409
    assert locked.get(f"{PATH}/counts").json == {
        "waiting": 0,
        "accepted": 0,
        "rejected": 1,
        "forgotten": 0,
    }


def test_nobody_judges_his_own_feedback_but_an_admin(locked: Site, new_key: NewKeys) -> None:
    keys = {role: new_key(role, role) for role in ("reviewer", "operator")}
    for role, key in keys.items():
        given = locked.post(PATH, LABEL, key=key).json
        for verb in ("accept", "reject"):
            refused = locked.post(f"{PATH}/{given['id']}/{verb}", key=key)
            assert (refused.status, "your own" in refused.error["message"]) == (403, True), role

    own = locked.post(PATH, LABEL).json
    assert locked.post(f"{PATH}/{own['id']}/accept").status == 200


def test_a_user_may_give_feedback_but_not_see_it(locked: Site, new_key: NewKeys) -> None:
    kim = new_key("kim", "user")
    given = locked.post(PATH, LABEL, key=kim).json

    for method, path in (
        ("GET", PATH),
        ("GET", f"{PATH}/counts"),
        ("GET", f"{PATH}/{given['id']}"),
        ("POST", f"{PATH}/{given['id']}/accept"),
        ("POST", f"{PATH}/{given['id']}/reject"),
    ):
        assert locked.ask(method, path, key=kim).status == 403, path
    assert locked.get(f"{PATH}/{given['id']}").json["state"] == "waiting"


def about(kind: str, id_: str) -> list[dict[str, Any]]:
    """All feedback that there is about such a subject."""
    subject = {"kind": kind, "id": id_}
    found = [thumb(kind, id_)]
    if kind in ("request", "message"):
        found.append({"kind": "correction", "subject": subject, "value": {"text": "better"}})
    if kind == "request":
        value = {"passage": "p", "rank": 1}
        found.append({"kind": "click", "subject": subject, "value": value})
    if kind == "decision":
        value = {"text": "sharpen the old knife", "label": 1}
        found.append({"kind": "label", "subject": subject, "value": value})
    return found


def test_a_subject_must_be_ones_own(locked: Site, new_key: NewKeys) -> None:
    kim, lee, ann = (new_key(*one) for one in (("kim",), ("lee", "reviewer"), ("ann", "operator")))
    made = chatted(locked, key=kim)

    def status(given: dict[str, Any], key: str) -> Answer:
        return locked.post(PATH, given, key=key)

    for kind, id_ in made.items():
        for given, nobodys in zip(about(kind, id_), about(kind, "nothing"), strict=True):
            assert status(given, kim).status == 201, given
            assert status(given, ann).status == 201, "an operator may"
            theirs, none = status(given, lee), status(nobodys, lee)
            assert (theirs.status, none.status) == (404, 404), given
            assert theirs.body.replace(id_.encode(), b"nothing") == none.body
            assert theirs.error["code"] == f"{kind}_not_found"


def test_only_so_much_is_taken_in_a_day(serve: Serve, upstream: FakeServer) -> None:
    site = serve(openai_base_url=upstream.url, server={"feedback": 2})

    def give(n: int) -> Answer:
        return site.post(PATH, LABEL | {"value": {"text": f"{TEXT} {n}", "label": 0}})

    assert [give(n).status for n in range(3)] == [201, 201, 429]
    refused = give(3)
    assert "24 hours" in refused.error["message"]
    assert 86_300 < int(refused.headers["retry-after"]) <= 86_400


@on_sqlite
def test_where_all_are_one_user_his_share_is_no_matter(site: Site) -> None:
    for n in range(52):
        value = {"text": f"{TEXT} {n}", "label": 0}
        given = site.post(PATH, LABEL | {"value": value}).json
        assert site.post(f"{PATH}/{given['id']}/accept").status == 200, n


@on_sqlite
def test_one_user_alone_does_not_teach_a_server_of_many(locked: Site, new_key: NewKeys) -> None:
    kim, others = new_key("kim", "user"), [new_key(name, "user") for name in "abcde"]
    statuses = []
    for n, key in enumerate([*others, *[kim] * 51]):
        value = {"text": f"{TEXT} {n}", "label": 0}
        given = locked.post(PATH, LABEL | {"value": value}, key=key).json
        statuses.append(locked.post(f"{PATH}/{given['id']}/accept").status)

    assert statuses == [200] * 55 + [403]


def test_feedback_comes_with_the_exchange_that_its_user_sent_in(
    locked: Site, new_key: NewKeys
) -> None:
    kim, lee, ann = (new_key(*one) for one in (("kim",), ("lee", "reviewer"), ("ann", "operator")))
    first = chatted(locked, "how does one sharpen a saw", key=kim)
    made = chatted(locked, key=kim)
    exchange = {
        "question": "sharpen the old knife",
        "answer": "knife old the sharpen",
        "model": "fake",
    }

    def context(given: dict[str, Any], key: str = kim) -> Any:
        id_ = locked.post(PATH, given, key=key).json["id"]
        shown = locked.get(f"{PATH}/{id_}", key=lee).json
        assert shown["user_name"] == {kim: "kim", ann: "ann"}[key]
        return shown["context"]

    assert context(thumb("message", made["message"])) == exchange
    assert context(thumb("request", made["request"])) == exchange
    assert context(thumb("message", first["message"]))["question"] == "how does one sharpen a saw"
    ruling = context(thumb("decision", made["decision"]))
    assert (ruling["side"], ruling["flagged"]) == ("input", False)
    assert 0 <= ruling["score"] < 1
    assert "harassment" in ruling["categories"]
    assert "knife" not in str(ruling)
    assert context(LABEL) is None
    theirs = thumb("message", made["message"])
    assert context(theirs, ann) is None, "its own user did not send it in"


def test_of_an_exchange_that_is_erased_or_forgotten_nothing_is_shown(
    locked: Site, new_key: NewKeys
) -> None:
    kim = new_key("kim")
    thumbs = [thumb("message", chatted(locked, key=kim)["message"]) for _ in range(2)]
    given = [locked.post(PATH, one, key=kim).json for one in thumbs]

    def context(number: int) -> Any:
        return locked.get(f"{PATH}/{given[number]['id']}").json["context"]

    assert context(0) is not None
    locked.delete("/api/v1/conversations?confirm=all", key=kim)
    assert context(0) is None
    again = chatted(locked, key=kim)
    given.append(locked.post(PATH, thumb("message", again["message"]), key=kim).json)
    assert context(2) is not None
    with Sutdol.open(locked.settings) as sutdol, sutdol.db.write() as tx:
        feedback.forget(tx, feedback.source_of("api", given[2]["user"]))
    assert context(2) is None


def test_reviewers_see_who_gave_and_who_judged(locked: Site, new_key: NewKeys) -> None:
    kim, lee = new_key("kim"), new_key("lee", "reviewer")
    given = locked.post(PATH, LABEL, key=kim).json
    assert (given["user_name"], given["reviewer_name"]) == ("kim", None)

    done = locked.post(f"{PATH}/{given['id']}/reject", key=lee).json

    assert (done["user_name"], done["reviewer_name"]) == ("kim", "lee")
    assert locked.get(PATH, key=lee).json["data"] == [done]


def test_where_all_are_one_user_nobody_has_a_name(site: Site) -> None:
    site.post(PATH, LABEL)
    (one,) = site.get(PATH).json["data"]
    assert (one["user"], one["user_name"]) == ("local", None)


def test_feedback_is_listed_page_by_page_by_state_role_and_user(site: Site) -> None:
    made = chatted(site)
    first = site.post(PATH, LABEL).json
    second = site.post(PATH, thumb("request", made["request"])).json
    site.post(f"{PATH}/{first['id']}/reject")

    def ids(query: str) -> list[str]:
        return [one["id"] for one in site.get(f"{PATH}?{query}").json["data"]]

    assert ids("") == [second["id"], first["id"]]
    assert ids("state=waiting") == [second["id"]]
    assert ids("role=guard") == [first["id"]]
    assert ids("user=local") == [second["id"], first["id"]]
    assert ids("user=kim") == []
    assert ids("kind=thumb") == ids("kind=thumb&state=waiting") == [second["id"]]
    assert ids("kind=thumb&role=guard") == []
    page = site.get(f"{PATH}?limit=1").json
    assert ids(f"limit=1&before={page['next']}") == [first["id"]]
    for query in ("state=unknown", "kind=unknown"):
        assert site.get(f"{PATH}?{query}").status == 422
    counted = {"waiting": 0, "accepted": 0, "rejected": 1, "forgotten": 0}
    assert site.get(f"{PATH}/counts?role=guard").json == counted
    assert site.get(f"{PATH}/counts?kind=thumb&role=generator").json["waiting"] == 1
    assert site.get(f"{PATH}/counts?user=kim&kind=label").json["rejected"] == 0


@on_sqlite
def test_feedback_of_another_form_is_refused(site: Site) -> None:
    wrong: tuple[dict[str, Any], ...] = (
        {},
        {"kind": "score"},
        LABEL | {"kind": "thumb"},
        LABEL | {"value": {"text": TEXT, "label": 2}},
        LABEL | {"value": {"text": TEXT, "label": 0.5}},
        LABEL | {"value": {"text": TEXT, "label": True}},
        LABEL | {"value": {"text": TEXT, "label": "1"}},
        thumb("request", "x") | {"value": {"up": "yes"}},
        thumb("request", "x") | {"value": {"up": 1}},
        LABEL | {"value": {"text": "", "label": 1}},
        LABEL | {"value": {"text": "x" * 20_481, "label": 1}},
        LABEL | {"subject": {"kind": "request", "id": "x"}},
        LABEL | {"role": "generator"},
        thumb("text", "x"),
        thumb("request", ""),
        thumb("request", "x" * 65),
        {"kind": "click", "subject": {"kind": "message", "id": "x"}, "value": {}},
    )
    for given in wrong:
        assert site.post(PATH, given).status == 422, str(given)[:80]
    assert site.get(PATH).json["data"] == []


def test_who_gave_it_takes_it_back_while_nobody_has_judged_it(
    locked: Site, new_key: NewKeys
) -> None:
    kim, lee = new_key("kim", "user"), new_key("lee", "reviewer")
    message = chatted(locked, key=kim)["message"]
    told = locked.post(PATH, thumb("message", message), key=kim).json
    query = f"{PATH}?kind=thumb&subject_kind=message&subject={message}"

    assert locked.delete(query, key=lee).error["code"] == "settled", "it is not his"
    assert locked.delete(query.replace("thumb", "label"), key=kim).status == 422
    assert locked.delete(query, key=kim).status == 204
    assert locked.get(f"{PATH}/{told['id']}", key=lee).status == 404

    again = locked.post(PATH, thumb("message", message), key=kim).json["id"]
    assert locked.post(f"{PATH}/{again}/reject", key=lee).status == 200
    assert locked.delete(query, key=kim).error["code"] == "settled"
    assert locked.get(f"{PATH}/{again}", key=lee).json["state"] == "rejected"
