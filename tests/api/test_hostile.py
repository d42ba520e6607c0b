"""Whatever a client writes into any text of a request: nothing breaks, no table changes."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from tests.api.site import Site
from tests.databases import on_sqlite

from sutdol.app import Sutdol
from sutdol.storage.columns import metadata

USERS, KEYS, TALKS = "/api/v1/users", "/api/v1/keys", "/api/v1/conversations"
MODELS = "/api/v1/models"
FEEDBACK, REQUESTS, USAGE = "/api/v1/feedback", "/api/v1/requests", "/api/v1/usage"


ODD = (
    "\x00",
    "a\x00b",
    "\ud800",
    "x" * 10_000,
    "'; DROP TABLE user; --",
    '"; DELETE FROM api_key; --',
    "%' OR '1'='1",
    "\\",
    "../../etc/passwd",
    "\u202e\u200b",
    "{{7*7}}",
    "",
)
QUICK = "\ud55c" * 2_000  # nobody's password, and too long for one to be hashed at all
PASSWORD = "correct horse battery"
TEXT = {"text": "about whetstones", "label": 0}
SUBJECT = {"kind": "request", "id": "x"}

BODIES: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("POST", "/api/v1/sessions", {"name": "kim", "password": QUICK}),
    ("PATCH", "/api/v1/me", {"current": QUICK, "password": PASSWORD}),
    ("POST", USERS, {"name": "kim", "role": "user", "password": "short"}),
    ("PATCH", f"{USERS}/x", {"role": "user", "password": PASSWORD}),
    (
        "POST",
        KEYS,
        {
            "name": "ci",
            "user": "x",
            "role": "user",
            "scopes": ["chat"],
            "models": ["a*"],
            "expires_at": "2001-01-01T00:00:00Z",
        },
    ),
    (
        "POST",
        TALKS,
        {
            "title": "a title",
            "meta": {"a": "b", "c": ["d"]},
            "messages": [{"role": "user", "content": "hello"}],
        },
    ),
    ("PATCH", f"{TALKS}/x", {"title": "a title", "meta": {"a": "b"}}),
    (
        "POST",
        FEEDBACK,
        {"kind": "thumb", "subject": SUBJECT, "value": {"up": True, "comment": "good"}},
    ),
    (
        "POST",
        FEEDBACK,
        {"kind": "label", "subject": {"kind": "text"}, "value": TEXT | {"category": "spam"}},
    ),
    ("POST", FEEDBACK, {"kind": "label", "subject": SUBJECT | {"kind": "decision"}, "value": TEXT}),
    ("POST", FEEDBACK, {"kind": "correction", "subject": SUBJECT, "value": {"text": "better"}}),
    ("POST", FEEDBACK, {"kind": "click", "subject": SUBJECT, "value": {"passage": "p", "rank": 1}}),
)
COMMENT = {"comment": {"text": "hi", "type": "PLAIN_TEXT"}, "languages": ["en"], "clientToken": "t"}
QUESTIONS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    (
        "POST",
        "/v1/chat/completions",
        {
            "model": "fake",
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "name": "kim", "content": [{"type": "text", "text": "hello"}]},
            ],
            "user": "kim",
            "stop": ["end"],
            "metadata": {"a": "b"},
            "tools": [{"type": "function", "function": {"name": "f", "description": "d"}}],
        },
    ),
    (
        "POST",
        "/v1/chat/completions",
        {
            "model": "fake",
            "conversation": "x",
            "messages": [{"role": "user", "content": "hello"}],
        },
    ),
    (
        "POST",
        "/v1/responses",
        {"model": "fake", "input": "hello", "instructions": "be brief", "metadata": {"a": "b"}},
    ),
    ("POST", "/v1/embeddings", {"model": "fake", "input": ["hello"], "user": "kim"}),
    ("POST", "/v1/moderations", {"model": "guard", "input": ["hello"]}),
    (
        "POST",
        "/v1alpha1/comments:analyze",
        COMMENT | {"requestedAttributes": {"TOXICITY": {}}, "sessionId": "s", "communityId": "c"},
    ),
    (
        "POST",
        "/v1alpha1/comments:suggestscore",
        COMMENT | {"attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}}},
    ),
    ("POST", "/api/v1/battles", {"rounds": 1, "attack_strategy": "x"}),
    ("POST", f"{MODELS}/guard/promote", {"version": "x", "reason": "better"}),
    ("POST", f"{MODELS}/guard/rollback", {"reason": "better"}),
)
"""Those of the gateway, and what changes the guard."""
PATHS = (
    ("GET", "/v1/models/{}"),
    ("GET", "/v1/files/{}"),
    ("GET", "/v1/files/{}/content"),
    ("DELETE", "/v1/files/{}"),
    ("GET", "/v1/files?after={}"),
    ("GET", "/v1/files?purpose={}"),
    ("GET", "/v1/responses/{}"),
    ("GET", "/api/v1/battles/{}"),
    ("GET", "/api/v1/battles/{}/events"),
    ("POST", "/api/v1/battles/{}/resume"),
    ("DELETE", "/api/v1/battles/{}"),
    ("GET", "/api/v1/flows/{}"),
    ("GET", "/api/v1/flows/{}/events"),
    ("GET", MODELS + "/{}/history"),
    ("GET", MODELS + "/{}/versions"),
    ("GET", MODELS + "/guard/versions/{}"),
    ("GET", MODELS + "/guard/compare?a={}&b=guard-v1"),
    ("POST", MODELS + "/{}/improve"),
    ("GET", "/api/v1/verdicts/{}"),
    ("GET", "/api/v1/verdicts?role={}"),
    ("POST", "/api/v1/verdicts/{}/verify"),
    ("GET", USERS + "/{}"),
    ("PATCH", USERS + "/{}"),
    ("GET", KEYS + "/{}"),
    ("DELETE", KEYS + "/{}"),
    ("GET", KEYS + "?user={}"),
    ("GET", USAGE + "?by={}"),
    ("GET", USAGE + "?since={}"),
    ("GET", USAGE + "?until={}"),
    ("GET", USAGE + "?user={}"),
    ("GET", USAGE + "?key={}"),
    ("GET", REQUESTS + "?user={}"),
    ("GET", REQUESTS + "?before={}"),
    ("GET", REQUESTS + "?before=1.{}"),
    ("GET", REQUESTS + "?limit={}"),
    ("GET", REQUESTS + "/{}"),
    ("GET", TALKS + "?q={}"),
    ("GET", TALKS + "?before={}"),
    ("DELETE", TALKS + "?confirm={}"),
    ("GET", TALKS + "/{}"),
    ("PATCH", TALKS + "/{}"),
    ("DELETE", TALKS + "/{}"),
    ("GET", TALKS + "/{}/export"),
    ("GET", TALKS + "/x/export?form={}"),
    ("GET", FEEDBACK + "?state={}"),
    ("GET", FEEDBACK + "?role={}"),
    ("GET", FEEDBACK + "?user={}"),
    ("GET", FEEDBACK + "?before={}"),
    ("GET", FEEDBACK + "/{}"),
    ("POST", FEEDBACK + "/{}/accept"),
    ("POST", FEEDBACK + "/{}/reject"),
)


def bent(value: Any, odd: str) -> Iterator[Any]:
    """The value with one of its texts, or of the names of its fields, replaced."""
    if isinstance(value, str):
        yield odd
    if isinstance(value, list):
        for place, one in enumerate(value):
            for other in bent(one, odd):
                yield [*value[:place], other, *value[place + 1 :]]
    if isinstance(value, dict):
        yield value | {odd: "more"}
        for name, one in value.items():
            for other in bent(one, odd):
                yield value | {name: other}


def tables(site: Site) -> dict[str, int]:
    """How many rows every table has; for conversations and feedback that odd texts may make, 0."""
    free = {"conversation", "message", "feedback", "request", "decision", "session"}
    with Sutdol.open(site.settings) as sutdol, sutdol.db.read() as tx:
        assert sutdol.db.revision() is not None
        counts = {
            name: tx.exec_driver_sql(f'SELECT count(*) FROM "{name}"').scalar_one()
            for name in metadata.tables
        }
    return {name: 0 if name in free else count for name, count in counts.items()}


def refused(site: Site, method: str, path: str, body: object = None) -> int:
    answer = site.ask(method, path, body)
    assert answer.status < 500, (method, path[:80], str(body)[:120], answer.body[:200])
    assert answer.json is not None
    return answer.status


def test_odd_texts_in_bodies(locked: Site) -> None:
    before = tables(locked)
    for method, path, body in BODIES:
        for odd in ODD:
            for other in bent(dict(body), odd):
                if path == USERS and other["password"] != "short":
                    continue  # or a user would be made
                refused(locked, method, path, other)
    assert tables(locked) == before


def test_odd_texts_in_questions(locked: Site) -> None:
    before = tables(locked)
    for method, path, body in QUESTIONS:
        for odd in ODD:
            for other in bent(dict(body), odd):
                refused(locked, method, path, other)
    assert tables(locked) == before


def test_odd_texts_in_addresses(locked: Site) -> None:
    before = tables(locked)
    for method, path in PATHS:
        for odd in ODD:
            written = quote(odd.encode("utf-8", "surrogatepass"), safe="")
            body: object = {} if method in ("PATCH", "POST") else None
            status = refused(locked, method, path.format(written), body)
            if "?" not in path and odd:
                assert status in (404, 405, 422), (method, path, odd)
    assert tables(locked) == before


def test_names_of_users_that_no_database_can_keep(locked: Site) -> None:
    for odd in ODD:
        status = refused(locked, "POST", USERS, {"name": odd})
        assert status == (201 if odd in NAMES else 422), odd
    assert sorted(one["name"] for one in locked.get(USERS).json["data"]) == sorted([*NAMES, "root"])


NAMES = (
    "'; DROP TABLE user; --",
    '"; DELETE FROM api_key; --',
    "%' OR '1'='1",
    "\\",
    "../../etc/passwd",
    "{{7*7}}",
)
"""Those that are odd but harmless: they are kept as they are."""


@on_sqlite
def test_bodies_that_are_no_object(locked: Site) -> None:
    kind = {"content-type": "application/json"}
    for raw in (b"", b"{", b"null", b"[]", b"\xff\xfe", b'"x"', b"{}x", b"NaN"):
        for method, path, _ in BODIES:
            status = locked.ask(method, path, raw, headers=kind).status
            assert status in (400, 422), (method, path, raw, status)
