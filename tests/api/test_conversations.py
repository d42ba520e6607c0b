"""Conversations over REST: begun by chats, found again, taken away and erased for good."""

import json
from collections.abc import Callable
from threading import Thread
from unicodedata import normalize
from urllib.parse import quote

import pytest
from tests.api.conftest import Serve
from tests.api.site import Answer, Site, until
from tests.databases import on_sqlite

from sutdol.models.fake import Asked, FakeServer, Fault

CHAT = "/v1/chat/completions"
PATH = "/api/v1/conversations"
NewKeys = Callable[..., str]


def chat(site: Site, text: str, name: str | None = None, **how: str) -> Answer:
    body = {"model": "fake", "messages": [{"role": "user", "content": text}], "store": True}
    headers = {"x-sutdol-conversation": name} if name else {}
    return site.post(CHAT, body, headers=headers, **how)


def said(site: Site, name: str) -> list[tuple[str, str]]:
    told = site.get(f"{PATH}/{name}").json
    return [(one["role"], one["content"]) for one in told["messages"]]


def names(site: Site, query: str = "", **how: str) -> list[str]:
    return [one["id"] for one in site.get(f"{PATH}{query}", **how).json["data"]]


def test_a_chat_is_kept_gone_on_with_found_taken_away_and_erased(site: Site) -> None:
    first = chat(site, "칼을 가는 숫돌 이야기")
    name = first.headers["x-sutdol-conversation"]

    assert chat(site, "and a second one", name).headers["x-sutdol-conversation"] == name
    other = chat(site, "Something ELSE").headers["x-sutdol-conversation"]

    (newest, older) = site.get(PATH).json["data"]
    assert (newest["id"], older["id"]) == (other, name)
    assert (older["title"], older["count"]) == ("칼을 가는 숫돌 이야기", 4)
    assert said(site, name)[0] == ("user", "칼을 가는 숫돌 이야기")
    assert said(site, name)[3] == ("assistant", "one second a and")

    for query in ("숫돌", normalize("NFD", "숫돌"), "SECOND"):
        assert names(site, f"?q={quote(query)}") == [name], query
    assert names(site, "?q=else") == [other]
    assert names(site, "?q=%25") == []

    taken = site.get(f"{PATH}/{name}/export")
    assert taken.json["messages"][1]["content"] == said(site, name)[1][1]

    assert site.delete(f"{PATH}/{name}").status == 204
    assert names(site) == [other]
    assert [site.ask(how, f"{PATH}/{name}").status for how in ("GET", "DELETE")] == [404, 404]
    assert chat(site, "third", name).status == 404


def test_what_is_taken_away_is_no_page_to_a_browser(site: Site) -> None:
    text = "<script>alert(1)</script>"
    messages = [{"role": "assistant", "content": text}]
    name = site.post(PATH, {"title": '"; x=<script>', "messages": messages}).json["id"]

    plain = "text/plain; charset=utf-8"
    for form, kind, ending in (
        ("json", "application/json", "json"),
        ("jsonl", plain, "jsonl"),
        ("markdown", plain, "md"),
    ):
        taken = site.get(f"{PATH}/{name}/export?form={form}")
        assert taken.headers["content-type"] == kind
        assert taken.headers["x-content-type-options"] == "nosniff"
        file = f'attachment; filename="{name}.{ending}"'
        assert taken.headers["content-disposition"] == file
        assert text in taken.body.decode()
        if form == "jsonl":
            assert json.loads(taken.body)["content"] == text
    assert site.get(f"{PATH}/{name}/export?form=html").status == 422


def test_an_answer_under_way_brings_nothing_back(serve: Serve) -> None:
    with FakeServer(faults=[None, Fault(delay=0.5)]) as upstream:
        site = serve(openai_base_url=upstream.url)
        name = chat(site, "one").headers["x-sutdol-conversation"]
        late: list[Answer] = []
        asking = Thread(target=lambda: late.append(chat(site, "two", name)))
        asking.start()
        until(lambda: len(upstream.requests) == 2)
        assert site.delete(f"{PATH}/{name}").status == 204
        asking.join()

    assert late[0].status == 200
    assert names(site) == []
    assert site.get(f"{PATH}/{name}").status == 404
    assert names(site, "?q=two") == []


def test_a_conversation_of_another_user_is_as_unknown_as_none(
    locked: Site, new_key: NewKeys
) -> None:
    kim, lee = new_key("kim", "user"), new_key("lee", "admin")
    name = chat(locked, "sharpen the knife", key=kim).headers["x-sutdol-conversation"]

    for method, end, body in (
        ("GET", "", None),
        ("PATCH", "", {"title": "mine"}),
        ("DELETE", "", None),
        ("GET", "/export", None),
    ):
        theirs = locked.ask(method, f"{PATH}/{name}{end}", body, key=lee)
        nobodys = locked.ask(method, f"{PATH}/conv_0{end}", body, key=lee)
        assert (theirs.status, nobodys.status) == (404, 404)
        assert theirs.body.replace(name.encode(), b"conv_0") == nobodys.body
    assert names(locked, key=lee) == []
    assert names(locked, "?q=knife", key=lee) == []
    assert locked.delete(f"{PATH}?confirm=all", key=lee).json == {"erased": 0}
    assert names(locked, key=kim) == [name]
    assert chat(locked, "more", name, key=lee).status == 404


def test_all_are_erased_only_when_it_is_meant(site: Site) -> None:
    for text in ("one", "two", "three"):
        chat(site, text)

    for query in ("", "?confirm=", "?confirm=yes"):
        answer = site.delete(f"{PATH}{query}")
        assert (answer.status, "confirm" in answer.error["param"]) == (422, True)
    assert len(names(site)) == 3

    assert site.delete(f"{PATH}?confirm=all").json == {"erased": 3}
    assert names(site) == []


def test_a_conversation_is_begun_with_messages_and_gone_on_with(
    site: Site, upstream: FakeServer
) -> None:
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hello\x00 there"},
        {"role": "assistant", "content": "hi"},
    ]
    made = site.post(PATH, {"messages": messages, "meta": {"app": "test", "n": [1, None]}})

    assert made.status == 201
    told = made.json
    assert (told["title"], told["count"]) == ("hello\ufffd there", 3)
    assert told["meta"] == {"app": "test", "n": [1, None]}
    chat(site, "go on", told["id"])
    assert [one for one, _ in upstream.requests[0].messages] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    empty = site.post(PATH, {}).json
    assert (empty["title"], empty["count"], empty["messages"]) == ("", 0, [])


@on_sqlite
@pytest.mark.parametrize(
    ("role", "others"),
    [
        ("user", []),
        ("tool", []),
        ("function", []),
        ("system", ["system"]),
        ("assistant", ["assistant"]),
    ],
)
def test_what_the_guard_flags_does_not_come_in_through_the_back_door(
    serve: Serve, offence: str, role: str, others: list[str]
) -> None:
    """It reads here whom it reads in a chat."""
    roles = ["user", "tool", "function"]
    site = serve(gateway={"guard_roles": roles + others})
    body = {"messages": [{"role": "user", "content": "hi"}, {"role": role, "content": offence}]}

    answer = site.post(PATH, body)

    assert answer.status == 400
    assert answer.error["code"] == "content_filter"
    assert answer.headers["x-sutdol-guard"].startswith("blocked; score=")
    assert names(site) == []
    rest = [one for one in roles if one != role]
    for gateway in ({"guard_input": False}, {"guard_roles": rest}):
        assert serve(gateway=gateway).post(PATH, body).status == 201


@on_sqlite
def test_the_guard_reads_no_more_of_it_at_once_than_of_a_chat(site: Site) -> None:
    messages = [{"role": "user", "content": "whetstone " * 20_100}] * 2

    assert site.post(PATH, {"messages": messages}).status == 413
    assert names(site) == []
    assert site.post(PATH, {"messages": messages[:1]}).status == 201


def test_titles_and_meta_are_changed_on_their_own(site: Site) -> None:
    name = site.post(PATH, {"title": "old", "meta": {"a": 1}}).json["id"]

    def change(body: object) -> tuple[str, object]:
        told = site.ask("PATCH", f"{PATH}/{name}", body).json
        return told["title"], told["meta"]

    assert change({"title": "new\nline"}) == ("new", {"a": 1})
    assert change({"meta": {"b": [{}]}}) == ("new", {"b": [{}]})
    assert change({}) == ("new", {"b": [{}]})
    assert change({"title": "", "meta": {}}) == ("", {})
    for field in ("title", "meta"):
        answer = site.ask("PATCH", f"{PATH}/{name}", {field: None})
        assert (answer.status, answer.error["param"]) == (422, field)


def nested(depth: int) -> dict[str, object]:
    return {"a": nested(depth - 1)} if depth else {}


@on_sqlite
def test_meta_is_small(site: Site) -> None:
    wrong: tuple[object, ...] = (
        nested(16),
        nested(400),
        {"long": "x" * 16_000},
        {"half": "\ud800"},
        {"\ud800": 1},
        {"n": 2**64},
        {"n": 10**400},
        [1],
        "text",
        {"a": [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]},
    )
    for meta in wrong:
        assert site.post(PATH, {"meta": meta}).status == 422, repr(meta)[:40]
    assert names(site) == []
    assert site.post(PATH, {"meta": nested(15)}).json["meta"] == nested(15)


@on_sqlite
def test_json_without_end_is_refused(site: Site) -> None:
    raw = b'{"meta": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001

    assert site.post(PATH, raw).status in (400, 422)


def test_conversations_come_page_by_page(site: Site) -> None:
    made = [site.post(PATH, {"title": f"page {n}"}).json["id"] for n in range(5)]

    assert site.pages(f"{PATH}?limit=2&q=PAGE") == made[::-1]
    assert site.get(f"{PATH}?before=nonsense").status == 422


def test_a_conversation_is_there_as_soon_as_the_answer_is(site: Site) -> None:
    for n in range(10):
        body = {"model": "fake", "messages": [{"role": "user", "content": f"chat {n}"}]}
        answer = site.post(CHAT, body | {"store": True, "stream": True})
        name = answer.headers["x-sutdol-conversation"]
        assert [role for role, _ in said(site, name)] == ["user", "assistant"]


def taken(site: Site, name: str, deed: str, message: str, **how: str) -> Answer:
    return site.post(f"{PATH}/{name}/{deed}", {"message": message}, **how)


def test_what_is_taken_back_is_gone_on_without_and_can_be_brought_back(
    site: Site, upstream: FakeServer
) -> None:
    first, second = chat(site, "hone the knife"), None
    name = first.headers["x-sutdol-conversation"]
    second = chat(site, "now the axe", name)
    question = f"msg_{second.headers['x-request-id']}_0"
    answer = f"msg_{second.headers['x-request-id']}"
    assert [one["id"] for one in site.get(f"{PATH}/{name}").json["messages"]][2:] == [
        question,
        answer,
    ]

    told = taken(site, name, "rewind", question)
    assert (told.status, told.json["count"]) == (200, 2)
    assert said(site, name)[2:] == []
    assert names(site, "?q=axe") == []
    assert b"axe" not in site.get(f"{PATH}/{name}/export").body
    thumb = {"kind": "thumb", "subject": {"kind": "message", "id": answer}, "value": {"up": False}}
    assert site.post("/api/v1/feedback", thumb).status == 201, "feedback keeps its subject"
    assert taken(site, name, "rewind", question).status == 404

    third = chat(site, "now the chisel", name)
    assert [text for _, text in upstream.requests[-1].messages] == [
        "hone the knife",
        "knife the hone",
        "now the chisel",
    ]
    assert taken(site, name, "restore", question).error["code"] == "settled"
    taken(site, name, "rewind", f"msg_{third.headers['x-request-id']}_0")
    assert taken(site, name, "restore", answer).json["count"] == 4
    assert said(site, name)[2] == ("user", "now the axe")


def test_nobody_else_takes_back_what_was_said(locked: Site, new_key: NewKeys) -> None:
    kim, lee = new_key("kim", "user"), new_key("lee", "admin")
    answer = chat(locked, "sharpen the knife", key=kim)
    name, message = (
        answer.headers["x-sutdol-conversation"],
        f"msg_{answer.headers['x-request-id']}",
    )
    for deed in ("rewind", "restore"):
        assert taken(locked, name, deed, message, key=lee).status == 404
        assert taken(locked, name, deed, "", key=kim).status == 422
        assert taken(locked, name, deed, "msg_none", key=kim).status == 404


@on_sqlite
def test_a_long_conversation_is_read_from_its_end(site: Site) -> None:
    messages = [{"role": "user", "content": str(n)} for n in range(7)]
    name = site.post(PATH, {"messages": messages}).json["id"]

    def part(query: str) -> list[dict[str, str]]:
        told = site.get(f"{PATH}/{name}{query}").json
        assert told["count"] == 7
        return list(told["messages"])

    last = part("?limit=3")
    assert [one["content"] for one in last] == ["4", "5", "6"]
    before = part(f"?limit=3&before={last[0]['id']}")
    assert [one["content"] for one in before] == ["1", "2", "3"]
    assert [one["content"] for one in part(f"?before={before[0]['id']}")] == ["0"]
    assert site.get(f"{PATH}/{name}?before=nothing").status == 404
    assert site.get(f"{PATH}/{name}?limit=0").status == 422


def test_of_an_answer_that_is_stopped_stays_what_the_client_was_sent(serve: Serve) -> None:
    def reply(asked: Asked) -> str:
        return "well and good " * 1_000 if asked.last == "go on" else "yes"

    with FakeServer(reply=reply, pace=0.01) as upstream:
        site = serve(openai_base_url=upstream.url)
        body = {"model": "fake", "messages": [{"role": "user", "content": "go on"}]}
        with site.open("POST", CHAT, body | {"store": True, "stream": True}) as response:
            name = str(response.getheader("x-sutdol-conversation"))
            id_ = f"msg_{response.getheader('x-request-id')}"
            while "good" not in response.readline().decode():
                pass
        until(lambda: upstream.aborted)
        until(lambda: len(said(site, name)) == 2)
        assert chat(site, "and now?", name).status == 200

    kept = site.get(f"{PATH}/{name}").json["messages"][1]
    assert (kept["id"], kept["body"]) == (id_, {"finish_reason": "stopped"})
    assert kept["content"].startswith("well and good")
    assert len(kept["content"]) < 1_000
    sent = upstream.requests[-1].body["messages"]
    assert sent[1] == {"role": "assistant", "content": kept["content"]}, "the mark is ours"


@on_sqlite
def test_of_an_answer_that_is_stopped_nothing_stays_that_waits_for_the_guard(serve: Serve) -> None:
    with FakeServer(reply=lambda _: "well and good " * 1_000, pace=0.005) as upstream:
        site = serve(openai_base_url=upstream.url, gateway={"guard_output": True, "hold_back": 100})
        body = {"model": "fake", "messages": [{"role": "user", "content": "go on"}]}
        with site.open("POST", CHAT, body | {"store": True, "stream": True}) as response:
            name = str(response.getheader("x-sutdol-conversation"))
            heard = ""
            while "good" not in heard:
                heard += response.readline().decode()
        until(lambda: upstream.aborted)
        until(lambda: len(said(site, name)) == 2)

    (request,) = site.get("/api/v1/requests").json["data"]
    kept = said(site, name)[1][1]
    assert kept.startswith("well and good")
    withheld = request["completion_tokens"] - len(kept.split())
    assert withheld >= 100 // len("well and good ") * 3, "words that the guard held back"


@on_sqlite
def test_who_leaves_with_the_last_word_has_stopped_nothing(serve: Serve) -> None:
    with FakeServer(pace=0.1) as upstream:
        site = serve(openai_base_url=upstream.url)
        body = {"model": "fake", "messages": [{"role": "user", "content": "hello"}]}
        with site.open("POST", CHAT, body | {"store": True, "stream": True}) as response:
            name = str(response.getheader("x-sutdol-conversation"))
            while '"stop"' not in response.readline().decode():
                pass
        until(lambda: len(said(site, name)) == 2)

    (request,) = site.get("/api/v1/requests").json["data"]
    assert request["error"] == "client_gone"
    assert site.get(f"{PATH}/{name}").json["messages"][1]["body"] == {}


@on_sqlite
def test_an_answer_that_broke_off_is_marked_and_keeps_no_half_call(serve: Serve) -> None:
    tools = [{"type": "function", "function": {"name": "find", "parameters": {}}}]
    faults = [Fault(after=3, closed=True), Fault(after=2, closed=True)]
    with FakeServer(faults=faults) as upstream:
        site = serve(openai_base_url=upstream.url)
        for more, kept in ({}, 2), ({"tools": tools, "tool_choice": "required"}, 1):
            body = {"model": "fake", "messages": [{"role": "user", "content": "one two three"}]}
            answer = site.post(CHAT, body | {"store": True, "stream": True} | more)
            name = answer.headers["x-sutdol-conversation"]
            told = site.get(f"{PATH}/{name}").json["messages"]
            assert len(told) == kept
            if kept == 2:
                assert told[1]["body"] == {"finish_reason": "error"}
