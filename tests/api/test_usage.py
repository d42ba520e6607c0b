"""Usage and requests over REST: one's own, and everybody's for an operator."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from tests.api.site import Site

from sutdol.models.fake import FakeServer
from sutdol.storage import decisions

CHAT = "/v1/chat/completions"
USAGE, REQUESTS = "/api/v1/usage", "/api/v1/requests"
NewKeys = Callable[..., str]


def chats(site: Site, key: str, *, times: int = 1, text: str = "sharpen the old knife") -> str:
    """The id of the last one."""
    body = {"model": "fake", "messages": [{"role": "user", "content": text}]}
    return [site.post(CHAT, body, key=key) for _ in range(times)][-1].headers["x-request-id"]


def test_usage_is_ones_own(locked: Site, new_key: NewKeys, offence: str) -> None:
    kim, lee = new_key("kim", "user"), new_key("lee", "reviewer")
    chats(locked, kim, times=2)
    chats(locked, kim, text=offence)
    chats(locked, lee)

    told = locked.get(USAGE, key=kim).json

    assert told["by"] == "day"
    (day,) = told["data"]
    assert day["name"] == datetime.now(UTC).date().isoformat()
    assert (day["requests"], day["errors"], day["blocked"]) == (3, 1, 1)
    assert (day["prompt_tokens"], day["completion_tokens"]) == (8, 8)
    user = locked.get("/api/v1/me", key=lee).json["user"]
    assert locked.get(f"{USAGE}?user={user}", key=kim).status == 403
    assert locked.get(f"{USAGE}?user={user}", key=lee).json["data"][0]["requests"] == 1
    theirs = lee.split("_")[1]
    assert locked.get(f"{USAGE}?key={theirs}", key=kim).json["data"] == []


def test_an_operator_sees_everybodys_by_name(locked: Site, new_key: NewKeys) -> None:
    kim, lee = new_key("kim", "user"), new_key("lee", "operator")
    chats(locked, kim, times=2)
    chats(locked, lee)

    def by(what: str, more: str = "") -> dict[str, int]:
        data = locked.get(f"{USAGE}?by={what}{more}", key=lee).json["data"]
        return {one["name"]: one["requests"] for one in data}

    assert by("user") == {"kim": 2, "lee": 1}
    assert by("key") == {"kim's": 2, "lee's": 1}
    assert by("model") == {"fake": 3}
    assert by("route") == {"chat": 3}
    user = locked.get("/api/v1/me", key=kim).json["user"]
    assert by("user", f"&user={user}") == {"kim": 2}
    assert by("user", f"&key={lee.split('_')[1]}") == {"lee": 1}
    told = locked.get(f"{USAGE}?by=user", key=lee).json["data"]
    assert {one["id"] for one in told} >= {user}


def test_usage_is_of_the_time_that_is_named(site: Site) -> None:
    chats(site, "")
    now = datetime.now(UTC)

    def since(moment: datetime, until: datetime | None = None) -> int:
        path = f"{USAGE}?since={quote(moment.isoformat())}"
        path += f"&until={quote(until.isoformat())}" if until else ""
        return sum(one["requests"] for one in site.get(path).json["data"])

    assert since(now - timedelta(hours=1)) == 1
    assert since(now - timedelta(days=9), now - timedelta(days=1)) == 0
    told = site.get(USAGE).json
    spans = (datetime.fromisoformat(told[name]) for name in ("until", "since"))
    until, began = spans
    assert until - began == timedelta(days=30)


def test_a_time_that_is_none_is_refused(site: Site) -> None:
    for query in (
        "by=nothing",
        "since=2026-01-01T00:00:00",
        "since=yesterday",
        "since=2999-01-01T00:00:00Z",
        "until=0001-01-05T00:00:00Z",
        "until=0001-01-01T00:00:00%2B14:00",
        "since=9999-12-31T23:59:59-12:00",
        "since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
    ):
        assert site.get(f"{USAGE}?{query}").status == 422, query


def test_requests_come_page_by_page_newest_first(locked: Site, new_key: NewKeys) -> None:
    kim, lee = new_key("kim", "user"), new_key("lee", "user")
    made = [chats(locked, kim) for _ in range(5)]
    chats(locked, lee)

    assert locked.pages(f"{REQUESTS}?limit=2", key=kim) == made[::-1]
    assert len(locked.get(REQUESTS).json["data"]) == 6
    assert locked.get(f"{REQUESTS}?limit=5", key=kim).json["next"] is None
    user = locked.get("/api/v1/me", key=kim).json["user"]
    assert len(locked.get(f"{REQUESTS}?user={user}").json["data"]) == 5
    assert locked.get(f"{REQUESTS}?user={user}", key=lee).status == 403
    for wrong in ("limit=0", "limit=201", "limit=x", "before=x", "before=" + "9" * 100):
        assert locked.get(f"{REQUESTS}?{wrong}", key=kim).status == 422


def test_a_request_is_told_with_what_the_guard_decided(
    locked: Site, new_key: NewKeys, offence: str, upstream: FakeServer
) -> None:
    kim, lee = new_key("kim", "user"), new_key("lee", "reviewer")
    made = chats(locked, kim, text=offence)

    told = locked.get(f"{REQUESTS}/{made}", key=kim).json

    assert (told["status"], told["error"], told["model"]) == (400, "content_filter", "fake")
    (decided,) = told["decisions"]
    assert (decided["side"], decided["flagged"], decided["blocked"]) == ("input", True, True)
    assert "digest" not in decided
    assert locked.get(f"{REQUESTS}/{made}").status == 200, "an operator may"
    theirs = locked.get(f"{REQUESTS}/{made}", key=lee)
    nobodys = locked.get(f"{REQUESTS}/nothing", key=lee)
    assert (theirs.status, nobodys.status) == (404, 404)
    assert theirs.body.replace(made.encode(), b"nothing") == nobodys.body
    assert decisions.Decided.__dataclass_fields__.keys() - decided.keys() == {"digest", "request"}
